"""Refusals are written behind the answers: a bounded number of each tenant's, and none is given up for an outage."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from automation.domain.audit import AuditResource, Deed, Refusal
from automation.domain.errors import Unavailable
from automation.service import refusals
from automation.service.deeds import Deeds
from automation.service.http.client_addresses import ClientAddresses
from automation.service.refusals import MOST, MOST_OF_A_TENANT, Refusals

OURS, THEIRS = uuid4(), uuid4()


class Log:
    """Where refusals are written, unless it is away."""

    def __init__(self) -> None:
        self.away = False
        self.written: list[Refusal] = []

    async def record_refusals(self, refusals: Sequence[Refusal]) -> None:
        if self.away:
            raise Unavailable
        self.written += refusals

    @property
    def by_tenant(self) -> Counter[UUID]:
        return Counter(each.deed.tenant for each in self.written)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def waiting(log: Log) -> Refusals:
    """Nothing yet, and nothing is written but when the test says so."""
    deeds = Deeds([], ClientAddresses())
    return Refusals(log, deeds, period=3600)  # type: ignore[arg-type]  # as much of an audit log as is needed


def deed(tenant: UUID) -> Deed:
    """Return what somebody of a tenant did not do."""
    return Deed(
        tenant=tenant,
        user=uuid4(),
        key_prefix="ak_12345678",
        action="deleteAutomationRule",
        resource_type=AuditResource.RULE,
        resource_id=str(uuid4()),
        client_address=None,
        request_id=str(uuid4()),
    )


async def test_one_tenants_refusals_leave_room_for_anothers(
    log: Log, waiting: Refusals, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(MOST):
        waiting.note(deed(OURS), "permission_denied")
    waiting.note(deed(THEIRS), "rule_in_use")

    with caplog.at_level(logging.WARNING):
        for _ in range(2):  # it is told once
            await waiting.flush()

    assert log.by_tenant == {OURS: MOST_OF_A_TENANT, THEIRS: 1}
    assert [record.getMessage() for record in caplog.records] == [
        f"{MOST - MOST_OF_A_TENANT} refusals are not in the audit log: there were too many at a time"
    ]


async def test_too_many_are_told_each_time_there_are(
    waiting: Refusals, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(refusals, "MOST", 1)
    with caplog.at_level(logging.WARNING):
        for count in (2, 1, 4):
            for _ in range(count):
                waiting.note(deed(OURS), "permission_denied")
            await waiting.flush()

    assert [record.getMessage()[:2] for record in caplog.records] == ["1 ", "3 "]


async def test_all_tenants_together_have_a_bound(log: Log, waiting: Refusals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST", 3)
    for _ in range(5):
        waiting.note(deed(uuid4()), "permission_denied")

    await waiting.flush()

    assert len(log.written) == 3


async def test_what_was_written_makes_room(log: Log, waiting: Refusals) -> None:
    for _ in range(2):
        for _ in range(MOST_OF_A_TENANT):
            waiting.note(deed(OURS), "permission_denied")
        await waiting.flush()

    assert log.by_tenant == {OURS: 2 * MOST_OF_A_TENANT}


async def test_an_outage_is_waited_out_and_told_once(
    log: Log, waiting: Refusals, caplog: pytest.LogCaptureFixture
) -> None:
    log.away = True
    waiting.note(deed(OURS), "permission_denied")

    with caplog.at_level(logging.WARNING):
        await waiting.flush()
        await waiting.flush()
    log.away = False
    await waiting.flush()
    await waiting.flush()

    assert len(log.written) == 1
    assert [record.getMessage() for record in caplog.records] == ["1 refusals are not in the audit log yet"]


async def test_each_outage_is_told(log: Log, waiting: Refusals, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for away in (True, False, True):
            log.away = away
            waiting.note(deed(OURS), "permission_denied")
            await waiting.flush()

    assert [record.getMessage()[:2] for record in caplog.records] == ["1 ", "1 "]


async def test_nothing_is_written_and_nothing_told_where_nothing_was_refused(
    log: Log, waiting: Refusals, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def unasked(_refusals: Sequence[Refusal]) -> None:
        raise AssertionError

    monkeypatch.setattr(log, "record_refusals", unasked)

    await waiting.flush()

    assert caplog.records == []


async def test_what_comes_while_others_are_written_waits_for_its_own_turn(
    log: Log, waiting: Refusals, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = log.record_refusals

    async def meanwhile(refusals: Sequence[Refusal]) -> None:
        await write(refusals)
        if len(log.written) == 1:
            for tenant in (OURS, THEIRS):
                waiting.note(deed(tenant), "permission_denied")

    monkeypatch.setattr(log, "record_refusals", meanwhile)
    waiting.note(deed(OURS), "permission_denied")

    await waiting.flush()
    of_tenants = dict(waiting._of_tenants)
    await waiting.flush()

    assert log.by_tenant == {OURS: 2, THEIRS: 1}
    assert of_tenants == {OURS: 1, THEIRS: 1}
    assert waiting._of_tenants == {}, "nobody is remembered who has nothing that waits"


async def test_they_are_written_behind_the_answers(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    came = asyncio.Event()
    write = log.record_refusals

    async def told(refusals: Sequence[Refusal]) -> None:
        await write(refusals)
        came.set()

    monkeypatch.setattr(log, "record_refusals", told)
    at_once = Refusals(log, Deeds([], ClientAddresses()), period=0)  # type: ignore[arg-type]  # see above
    at_once.note(deed(OURS), "permission_denied")

    at_once.start()
    await asyncio.wait_for(came.wait(), 10)
    await at_once.stop()

    assert log.by_tenant == {OURS: 1}


def test_they_are_written_once_a_second(log: Log) -> None:
    of_each_second = Refusals(log, Deeds([], ClientAddresses()))  # type: ignore[arg-type]  # see above

    assert of_each_second._writing._period == 1.0


async def test_what_is_left_is_written_at_the_end(log: Log, waiting: Refusals) -> None:
    waiting.start()
    waiting.note(deed(OURS), "permission_denied")

    await waiting.stop()

    assert len(log.written) == 1
