"""Lists of executions: what is on a page, in which order, and what leads to the next one."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from automation.domain.executions import ExecutionDocument, ExecutionFilter, ExecutionStatus
from automation.domain.pages import LARGEST_TOTAL, Page, PageRequest, Total
from automation.domain.rules import Rule
from automation.storage import page_reading, walks
from automation.storage.execution_list import ExecutionList
from automation.storage.executions import Executions
from automation.storage.pool.database import Database
from tests.databases import DatabaseUrls
from tests.storage.samples import CREATED_AT, Sample, a_rule, an_execution
from tests.storage.stored_executions import Execution, add_execution

ANY = ExecutionFilter()
SECOND = timedelta(seconds=1)
STATUSES = list(ExecutionStatus)


@pytest.fixture
def listed(database: Database) -> ExecutionList:
    return ExecutionList(database)


@pytest.fixture
def stored(ours: Sample) -> list[Execution]:
    """The tenant's executions, the newest first: two of each time, of all statuses and two rules."""
    other = a_rule(ours.tenant)
    ours.administration.add_rule(other)
    made = [ours.execution, *(_execution(ours.rule if number % 3 else other, number) for number in range(1, 28))]
    add_execution(ours.administration, *made[1:])
    return sorted(made, key=_place, reverse=True)


def _execution(rule: Rule, number: int) -> Execution:
    created_at = CREATED_AT + number // 2 * SECOND
    status = STATUSES[number % len(STATUSES)]
    ended = status not in {"pending", "running"}
    return an_execution(
        rule,
        created_at=created_at,
        status=status,
        started_at=None if status == "pending" else created_at + SECOND / 2,
        completed_at=created_at + SECOND * number if ended else None,
        duration_ms=float(number) if ended else None,
        error_message=f"Action {number}: the Receiver answered 50% of _ STRASSE" if status == "failed" else None,
        attempt=1 + number % 3,
        labels={"env": "prod" if number % 2 else "test:a", "number": str(number % 4)},
    )


def _place(execution: Execution) -> tuple[datetime, int]:
    return execution.created_at, execution.execution_id.int


def ids(executions: Sequence[Execution] | Page[ExecutionDocument]) -> list[UUID]:
    items: Sequence[Any] = executions.items if isinstance(executions, Page) else executions
    return [each.execution_id for each in items]


async def walk(
    listed: ExecutionList, tenant: UUID, wanted: ExecutionFilter = ANY, *, limit: int = 4, ascending: bool = False
) -> list[Page[ExecutionDocument]]:
    """Return all pages, first to last."""
    pages = [await listed.page(tenant, wanted, PageRequest(limit, ascending))]
    while pages[-1].next is not None:
        pages.append(await listed.page(tenant, wanted, PageRequest(limit, ascending, pages[-1].next)))
    return pages


@pytest.mark.parametrize("ascending", [False, True])
@pytest.mark.parametrize("limit", [1, 4, 28, 100])
async def test_pages_together_are_the_list(
    ours: Sample, stored: list[Execution], listed: ExecutionList, limit: int, ascending: bool
) -> None:
    pages = await walk(listed, ours.tenant, limit=limit, ascending=ascending)

    expected = ids(stored)[::-1] if ascending else ids(stored)
    assert [each for page in pages for each in ids(page)] == expected
    assert {len(page.items) for page in pages[:-1]} <= {limit}


@pytest.mark.parametrize("ascending", [False, True])
async def test_the_way_back_has_the_same_pages(
    ours: Sample, stored: list[Execution], listed: ExecutionList, ascending: bool
) -> None:
    there = await walk(listed, ours.tenant, ascending=ascending)

    back = [there[-1]]
    while back[-1].previous is not None:
        back.append(await listed.page(ours.tenant, ANY, PageRequest(4, ascending, back[-1].previous)))

    assert [ids(page) for page in reversed(back)] == [ids(page) for page in there]
    assert [page.next is None for page in back] == [True, *[False] * (len(back) - 1)]


async def test_an_execution_is_shown_as_it_is_read(
    ours: Sample, stored: list[Execution], listed: ExecutionList, database: Database
) -> None:
    assert stored
    page = await listed.page(ours.tenant, ANY, PageRequest(100))

    read = Executions(database)
    for item in page.items:
        whole = json.loads((await read.read(ours.tenant, item.execution_id)).json)
        left_out = {"logs", "trigger_data", "execution_context", "error_stack"}
        assert json.loads(item.json) == {name: value for name, value in whole.items() if name not in left_out}


MATCHES: list[tuple[dict[str, Any], Any]] = [
    ({"status": ("failed",)}, lambda each: each.status == "failed"),
    ({"status": ("failed", "pending", "failed")}, lambda each: each.status in {"failed", "pending"}),
    ({"status": tuple(STATUSES)}, lambda each: True),
    ({"trigger_type": "manual"}, lambda each: True),
    ({"created_from": CREATED_AT + SECOND}, lambda each: each.created_at >= CREATED_AT + SECOND),
    ({"created_to": CREATED_AT + SECOND}, lambda each: each.created_at < CREATED_AT + SECOND),
    (
        {"created_from": CREATED_AT + SECOND, "created_to": CREATED_AT + 3 * SECOND},
        lambda each: SECOND <= each.created_at - CREATED_AT < 3 * SECOND,
    ),
    ({"started_from": CREATED_AT + 4 * SECOND}, lambda each: (each.started_at or CREATED_AT) > CREATED_AT + 4 * SECOND),
    (
        {"started_to": CREATED_AT + 4 * SECOND},
        lambda each: each.started_at and each.started_at < CREATED_AT + 4 * SECOND,
    ),
    (
        {"completed_from": CREATED_AT + 20 * SECOND},
        lambda each: each.completed_at and each.completed_at >= CREATED_AT + 20 * SECOND,
    ),
    (
        {"completed_to": CREATED_AT + 20 * SECOND},
        lambda each: each.completed_at and each.completed_at < CREATED_AT + 20 * SECOND,
    ),
    ({"duration_min_ms": 9.0}, lambda each: each.duration_ms is not None and each.duration_ms >= 9),
    ({"duration_max_ms": 9.0}, lambda each: each.duration_ms is not None and each.duration_ms <= 9),
    ({"error_contains": "receiver ANSWERED 50%"}, lambda each: each.status == "failed"),
    ({"error_contains": "of _ strasse"}, lambda each: each.status == "failed"),
    ({"error_contains": "the receİver"}, lambda each: each.status == "failed"),
    ({"error_contains": "of _ straße"}, lambda each: False),
    ({"error_contains": "%"}, lambda each: each.status == "failed"),
    ({"error_contains": "an_wered"}, lambda each: False),
    ({"attempt_min": 2}, lambda each: each.attempt >= 2),
    ({"status": ("pending",), "duration_min_ms": 0.0}, lambda each: False),
    ({"label": ("env:prod",)}, lambda each: each.labels.get("env") == "prod"),
    ({"label": ("env:test:a",)}, lambda each: each.labels.get("env") == "test:a"),
    ({"label": ("env:pro",)}, lambda each: False),
    ({"label": ("env:PROD",)}, lambda each: False),
    ({"label": ("nothing:prod",)}, lambda each: False),
    ({"label": ("env:prod", "number:3")}, lambda each: each.labels.get("number") == "3"),
    ({"label": ("number:3", "env:test:a")}, lambda each: False),
    (
        {"label": ("env:prod",), "status": ("failed", "timeout"), "created_to": CREATED_AT + 9 * SECOND},
        lambda each: (
            each.labels.get("env") == "prod"
            and each.status in {"failed", "timeout"}
            and each.created_at < CREATED_AT + 9 * SECOND
        ),
    ),
    (
        {"label": ("number:1", "env:prod"), "error_contains": "50%"},
        lambda each: each.labels.get("number") == "1" and each.status == "failed",
    ),
    ({"label": ("env:prod",), "status": ("pending",), "duration_min_ms": 0.0}, lambda each: False),
    (
        {
            "status": ("failed", "timeout"),
            "duration_min_ms": 9.0,
            "attempt_min": 2,
            "created_from": CREATED_AT + SECOND,
        },
        lambda each: each.status in {"failed", "timeout"} and each.duration_ms >= 9 and each.attempt >= 2,
    ),
]


@pytest.mark.parametrize(
    ("given", "matches"), MATCHES, ids=[f"{number}: {', '.join(given)}" for number, (given, _) in enumerate(MATCHES)]
)
async def test_a_filter_leaves_what_it_says(
    ours: Sample, stored: list[Execution], listed: ExecutionList, given: Any, matches: Any
) -> None:
    rule = ours.rule.rule_id

    of_all = await walk(listed, ours.tenant, ExecutionFilter(**given))
    of_one = await walk(listed, ours.tenant, ExecutionFilter(**given, automation_rule_id=(rule,)))

    left = [each for each in stored if matches(each)]
    assert [each for page in of_all for each in ids(page)] == ids(left)
    assert [each for page in of_one for each in ids(page)] == ids([e for e in left if e.automation_rule_id == rule])


async def test_several_rules_are_one_list(ours: Sample, stored: list[Execution], listed: ExecutionList) -> None:
    rules = tuple(dict.fromkeys(each.automation_rule_id for each in stored))

    pages = await walk(listed, ours.tenant, ExecutionFilter(automation_rule_id=(*rules, uuid4(), rules[0])))

    assert [each for page in pages for each in ids(page)] == ids(stored)


async def test_another_tenants_executions_are_on_no_page(
    ours: Sample, theirs: Sample, stored: list[Execution], listed: ExecutionList
) -> None:
    everything = await listed.page(theirs.tenant, ANY, PageRequest(100))
    of_their_rule = await listed.page(
        theirs.tenant, ExecutionFilter(automation_rule_id=(ours.rule.rule_id,)), PageRequest(100)
    )

    assert ids(everything) == [theirs.execution.execution_id]
    assert ids(of_their_rule) == []


async def test_what_is_created_meanwhile_repeats_nothing_and_hides_nothing(
    ours: Sample, stored: list[Execution], listed: ExecutionList
) -> None:
    page = await listed.page(ours.tenant, ANY, PageRequest(4))
    seen = ids(page)
    while page.next is not None:
        ours.add_execution(created_at=CREATED_AT + 60 * SECOND)
        page = await listed.page(ours.tenant, ANY, PageRequest(4, cursor=page.next))
        seen += ids(page)

    assert seen == ids(stored)


async def test_what_changes_its_status_meanwhile_stays_in_its_place(
    ours: Sample, stored: list[Execution], listed: ExecutionList, database: Database
) -> None:
    first = await listed.page(ours.tenant, ANY, PageRequest(14))
    assert first.next is not None
    for each in stored:
        if each.status == "failed":
            await Executions(database).retry(ours.tenant, each.execution_id, retry_from="start")

    second = await listed.page(ours.tenant, ANY, PageRequest(14, cursor=first.next))

    assert ids(first) + ids(second) == ids(stored)


async def test_the_page_before_has_what_came_meanwhile(
    ours: Sample, stored: list[Execution], listed: ExecutionList
) -> None:
    first, second, *_ = await walk(listed, ours.tenant, limit=14)
    new = ours.add_execution(created_at=CREATED_AT + 60 * SECOND)
    assert second.previous is not None

    before = await listed.page(ours.tenant, ANY, PageRequest(14, cursor=second.previous))
    assert before.previous is not None
    newest = await listed.page(ours.tenant, ANY, PageRequest(14, cursor=before.previous))

    assert ids(before) == ids(first)
    assert ids(newest) == [new.execution_id]
    assert newest.previous is None


async def test_beyond_the_last_page_is_a_way_back(ours: Sample, stored: list[Execution], listed: ExecutionList) -> None:
    first, _ = await walk(listed, ours.tenant, limit=20)
    assert first.next is not None
    nothing = replace(ANY, created_from=CREATED_AT + 50 * SECOND)

    empty = await listed.page(ours.tenant, nothing, PageRequest(20, cursor=first.next))
    assert (ids(empty), empty.next) == ([], None)
    assert empty.previous is not None
    back = await listed.page(ours.tenant, ANY, PageRequest(20, cursor=empty.previous))

    assert ids(back) == ids(first)


async def test_a_walk_ends_with_its_budget_and_the_next_page_goes_on(
    ours: Sample, stored: list[Execution], listed: ExecutionList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "BUDGET", 1)
    monkeypatch.setattr(walks, "SHORTEST", 2)
    wanted = ExecutionFilter(duration_min_ms=20.0)

    there = await walk(listed, ours.tenant, wanted, limit=3)
    back = [there[-1]]
    while back[-1].previous is not None:
        back.append(await listed.page(ours.tenant, wanted, PageRequest(3, cursor=back[-1].previous)))

    left = [each for each in stored if each.duration_ms is not None and each.duration_ms >= 20]
    assert [each for page in there for each in ids(page)] == ids(left)
    assert [each for page in reversed(back) for each in ids(page)] == ids(left)
    assert any(not page.items for page in there)


@pytest.mark.parametrize(
    ("wanted", "total"),
    [
        (ANY, Total(28, exact=True)),
        (ExecutionFilter(status=("failed",)), Total(4, exact=True)),
        (ExecutionFilter(duration_min_ms=5.0), Total(17, exact=True)),
        (ExecutionFilter(status=("pending",), duration_min_ms=5.0), Total(0, exact=True)),
    ],
)
@pytest.mark.usefixtures("stored")
async def test_a_total_counts_what_all_pages_have(
    ours: Sample, listed: ExecutionList, wanted: ExecutionFilter, total: Total
) -> None:
    page = await listed.page(ours.tenant, wanted, PageRequest(2, include_total=True))

    assert page.total == total


async def test_a_total_that_takes_too_long_is_not_exact(
    ours: Sample, stored: list[Execution], listed: ExecutionList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_reading, "PATIENCE", 0.001)
    made = walks.Statements(page=b"", stop=None, total=b"SELECT count(pg_sleep(5)) AS count")

    total = await page_reading.total_of(listed._database, made, {"tenant": ours.tenant}, at_least=3)

    assert total == Total(3, exact=False)
    assert len((await listed.page(ours.tenant, ANY, PageRequest(100))).items) == len(stored)


async def test_no_more_is_counted_than_has_a_use(
    ours: Sample, listed: ExecutionList, database_urls: DatabaseUrls
) -> None:

    with psycopg.connect(database_urls.admin) as admin:
        admin.execute(
            "INSERT INTO automation_executions (tenant, execution_id, automation_rule_id, status)"
            " SELECT %s, gen_random_uuid(), %s, 'completed' FROM generate_series(1, %s)",
            (ours.tenant, ours.rule.rule_id, LARGEST_TOTAL + 1),
        )

    page = await listed.page(ours.tenant, ANY, PageRequest(1, include_total=True))

    assert page.total == Total(LARGEST_TOTAL, exact=False)
