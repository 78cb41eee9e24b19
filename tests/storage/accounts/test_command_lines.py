"""Lines of the audit log that operators' commands leave: each says what was done to whom, and its details."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from automation.domain.executions import ExecutionStatus
from automation.domain.limits import Limit
from automation.domain.permissions import Role
from automation.domain.retention import Kept
from automation.storage.accounts.pruning import Pruning
from automation.storage.accounts.refusals import Busy
from tests.databases import DatabaseUrls
from tests.storage.roles import Connection
from tests.storage.samples import CREATED_AT, Sample, a_rule, prefix_of

EXPIRES_AT = datetime(2031, 2, 3, tzinfo=UTC)
USER, TENANT, RULE = UUID(int=7), UUID(int=8), UUID(int=9)

Line = tuple[str, str, str, dict[str, Any] | None]


@pytest.fixture
def pruning(database_urls: DatabaseUrls) -> Pruning:
    return Pruning(database_urls.owner)


def lines(urls: DatabaseUrls, tenant: UUID) -> list[Line]:
    """Return what is said of a tenant, the oldest first, all of it done by an operator."""
    with psycopg.connect(urls.admin) as admin:
        found = admin.execute(
            "SELECT action, resource_type::text, resource_id, details FROM audit_events"
            " WHERE tenant = %s AND outcome = 'done' AND actor = 'operator' ORDER BY created_at",
            (tenant,),
        ).fetchall()
    return [(action, kind, identifier, details) for action, kind, identifier, details in found]


def worded(value: Any, words: dict[str, str]) -> Any:
    """Return what is said with words in the place of ids that no table of cases can know."""
    if isinstance(value, dict):
        return {name: worded(each, words) for name, each in value.items()}
    return words.get(value, value) if isinstance(value, str) else value


def _old_executions(ours: Sample, number: int) -> bool:
    """Store so many that completed, and as many that failed, months ago."""
    for status in (ExecutionStatus.COMPLETED, ExecutionStatus.FAILED):
        for _ in range(number):
            ours.add_execution(status=status, completed_at=CREATED_AT)
    return True


CASES: dict[str, tuple[Callable[[Pruning, Sample], object], Line]] = {
    "create a user": (
        lambda to, ours: to.create_user(ours.tenant, "new@example.com", Role.OPERATOR, user=USER),
        ("createUser", "user", str(USER), {"role": "operator"}),
    ),
    "deactivate a user": (
        lambda to, ours: to.deactivate_user(ours.tenant, "reader@example.com"),
        ("deactivateUser", "user", "the user", None),
    ),
    "delete a user": (
        lambda to, ours: to.delete_user(ours.tenant, "reader@example.com"),
        ("deleteUser", "user", "the user", None),
    ),
    "create a key": (
        lambda to, ours: to.create_key(ours.tenant, ours.user, digest=bytes(32), prefix="ak_bare"),
        ("createKey", "key", "ak_bare", {"user_id": "the user"}),
    ),
    "create a key with limits": (
        lambda to, ours: to.create_key(
            ours.tenant,
            ours.user,
            digest=b"k" * 32,
            prefix="ak_limited",
            name="a name",
            expires_at=EXPIRES_AT,
            usage_limit=5,
        ),
        (
            "createKey",
            "key",
            "ak_limited",
            {"user_id": "the user", "name": "a name", "expires_at": EXPIRES_AT.isoformat(), "usage_limit": 5},
        ),
    ),
    "add a rule": (
        lambda to, ours: to.add_rule(a_rule(ours.tenant, rule_id=RULE)),
        ("addRule", "rule", str(RULE), None),
    ),
    "set limits": (
        lambda to, ours: to.set_limits(ours.tenant, {Limit.MAX_PENDING: 7, Limit.MAX_RUNNING: None}),
        ("setTenantLimits", "tenant", "the tenant", {"max_pending": 7, "max_running": "default"}),
    ),
    "set the retention": (
        lambda to, ours: to.set_retention(ours.tenant, {Kept.COMPLETED: 7, Kept.FAILED: None}, [Kept.CANCELLED]),
        ("setTenantRetention", "tenant", "the tenant", {"completed": 7, "failed": None, "cancelled": "default"}),
    ),
    "prune": (
        lambda to, ours: _old_executions(ours, 2) and to.prune(ours.tenant, {Kept.COMPLETED: 1, Kept.SKIPPED: 1}),
        ("pruneExecutions", "tenant", "the tenant", {"completed": 2}),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_command_leaves_one_line_about_whom_it_concerns(
    pruning: Pruning, ours: Sample, database_urls: DatabaseUrls, case: str
) -> None:
    command, line = CASES[case]
    before = len(lines(database_urls, ours.tenant))

    command(pruning, ours)

    words = {str(ours.tenant): "the tenant", str(ours.user): "the user"}
    said = [tuple(worded(each, words) for each in new) for new in lines(database_urls, ours.tenant)[before:]]
    assert said == [line]


def test_the_first_line_of_a_tenant_says_that_it_was_created(pruning: Pruning, database_urls: DatabaseUrls) -> None:
    pruning.create_tenant("a tenant with a line", tenant=TENANT)

    line = ("createTenant", "tenant", str(TENANT), {"name": "a tenant with a line"})
    assert lines(database_urls, TENANT) == [line]


def test_a_key_that_is_revoked_is_named_in_its_line(
    pruning: Pruning, ours: Sample, database_urls: DatabaseUrls
) -> None:
    digest = ours.add_key()

    pruning.revoke_key(ours.tenant, prefix_of(digest))

    assert lines(database_urls, ours.tenant)[-1] == ("revokeKey", "key", prefix_of(digest), None)


def test_a_command_that_changes_limits_or_retention_returns_what_is_in_force(pruning: Pruning, ours: Sample) -> None:
    limits = [
        pruning.set_limits(ours.tenant, {Limit.MAX_PENDING: 7, Limit.WEIGHT: 3}),
        pruning.set_limits(ours.tenant, {Limit.MAX_PENDING: None}),
    ]
    retention = [
        pruning.set_retention(ours.tenant, {Kept.COMPLETED: 7, Kept.FAILED: None}),
        pruning.set_retention(ours.tenant, {Kept.FAILED: 5}, [Kept.COMPLETED]),
    ]

    assert limits == [{Limit.MAX_PENDING: 7, Limit.WEIGHT: 3}, {Limit.WEIGHT: 3}]
    assert pruning.limits(ours.tenant) == limits[-1]
    assert retention == [{Kept.COMPLETED: 7, Kept.FAILED: None}, {Kept.FAILED: 5}]
    assert pruning.retention(ours.tenant) == retention[-1]


@pytest.mark.parametrize("number", [1, 4, 5])
def test_batches_go_on_until_all_that_is_over_is_gone_and_no_other_is(
    pruning: Pruning, ours: Sample, theirs: Sample, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr("automation.storage.accounts.pruning.LIMIT", 2)
    for sample in (ours, theirs):
        _old_executions(sample, number)
    counted = [pruning.count_over(ours.tenant, kept, 1) for kept in (Kept.COMPLETED, Kept.FAILED, Kept.SKIPPED)]

    removed = pruning.prune(ours.tenant, {Kept.COMPLETED: 1})

    assert counted == [number, number, 0]
    assert removed == {Kept.COMPLETED: number}
    left = [pruning.count_over(of.tenant, kept, 1) for of in (ours, theirs) for kept in (Kept.COMPLETED, Kept.FAILED)]
    assert left == [0, number, number, number]


def test_what_ended_later_than_it_was_created_is_over_by_its_end(pruning: Pruning, ours: Sample) -> None:
    ours.add_execution(status=ExecutionStatus.COMPLETED, completed_at=datetime.now(UTC))

    assert pruning.count_over(ours.tenant, Kept.COMPLETED, 1) == 0
    assert pruning.prune(ours.tenant, {Kept.COMPLETED: 1}) == {Kept.COMPLETED: 0}


def test_old_lines_of_the_audit_log_go_in_batches_too_and_leave_one(
    pruning: Pruning, ours: Sample, theirs: Sample, database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("automation.storage.accounts.pruning.LIMIT", 2)
    with psycopg.connect(database_urls.admin) as admin:
        for tenant in (ours.tenant, theirs.tenant):
            admin.execute(
                "INSERT INTO audit_events (tenant, event_id, created_at, action, outcome, actor, resource_type)"
                " SELECT %s, gen_random_uuid(), now() - interval '50 days', 'old', 'done', 'user', 'rule'"
                " FROM generate_series(1, 5)",
                (tenant,),
            )
    counted = [pruning.count_over(ours.tenant, Kept.AUDIT_EVENTS, days) for days in (48, 52)]

    removed = pruning.prune(ours.tenant, {Kept.AUDIT_EVENTS: 40})

    assert counted == [5, 0]
    assert removed == {Kept.AUDIT_EVENTS: 5}
    assert [pruning.count_over(each.tenant, Kept.AUDIT_EVENTS, 40) for each in (ours, theirs)] == [0, 5]
    line = ("pruneExecutions", "tenant", str(ours.tenant), {"audit_events": 5})
    assert lines(database_urls, ours.tenant)[-1] == line


@pytest.fixture
def worker_at_it(database_urls: DatabaseUrls) -> Iterator[Connection]:
    """Whoever removes something at the moment."""
    with psycopg.connect(database_urls.admin) as worker:
        worker.execute("SELECT pg_advisory_lock(hashtextextended('automation retention', 0))")
        yield worker


@pytest.mark.usefixtures("worker_at_it")
@pytest.mark.parametrize(("rests", "times"), [(30.0, 2), (30.5, 1)])
def test_a_command_gives_up_after_half_a_minute(
    pruning: Pruning, ours: Sample, monkeypatch: pytest.MonkeyPatch, rests: float, times: int
) -> None:
    now = [100.0]

    def rest(_seconds: float) -> None:
        now.append(now[-1] + rests)

    clock = SimpleNamespace(monotonic=lambda: now[-1], sleep=rest)
    monkeypatch.setattr("automation.storage.accounts.pruning.time", clock)
    with pytest.raises(Busy, match="half a minute"):
        pruning.prune(ours.tenant, {Kept.COMPLETED: 1})

    assert len(now) == 1 + times


def test_a_command_waits_while_a_worker_is_at_a_batch(
    pruning: Pruning, ours: Sample, worker_at_it: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    _old_executions(ours, 1)
    asked: list[float] = []

    def rest(seconds: float) -> None:
        asked.append(seconds)
        worker_at_it.execute("SELECT pg_advisory_unlock_all()")

    monkeypatch.setattr("automation.storage.accounts.pruning.time.sleep", rest)
    removed = pruning.prune(ours.tenant, {Kept.COMPLETED: 1})

    assert removed == {Kept.COMPLETED: 1}
    assert len(asked) == 1
