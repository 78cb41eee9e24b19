"""Retention: what is over goes, the oldest first and a bounded number at a time, and nothing else does."""

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from automation.domain.executions import FINISHED, ExecutionStatus, LogEntry, LogLevel
from automation.domain.pages import NO_ID
from automation.domain.retention import DEFAULTS, Kept
from automation.storage import retention
from automation.storage.accounts import pruning
from automation.storage.accounts.pruning import Pruning
from automation.storage.accounts.refusals import Busy
from automation.storage.pool.database import Database
from automation.storage.retention import Place, RetentionStore
from tests.databases import DatabaseUrls
from tests.storage.roles import Connection, enter
from tests.storage.samples import CREATED_AT, Sample

DAY = timedelta(days=1)
COMPLETED = ExecutionStatus.COMPLETED
LOGS = tuple(LogEntry(timestamp=CREATED_AT, level=LogLevel.INFO, message=f"{n}") for n in range(3))
ADVISORY = "SELECT pg_advisory_lock(hashtextextended('automation retention', 0))"


@pytest.fixture
def store(workers_database: Database) -> RetentionStore:
    return RetentionStore(workers_database)


def add(sample: Sample, number: int, **fields: object) -> list[UUID]:
    """Store completed executions with logs, each created and ended a second after the one before, months ago."""
    made = []
    for n in range(number):
        at = CREATED_AT + timedelta(seconds=n)
        told = {"status": COMPLETED, "created_at": at, "completed_at": at, "logs": LOGS, **fields}
        made.append(sample.add_execution(**told).execution_id)
    return made


def left(sample: Sample, urls: DatabaseUrls, table: str = "automation_executions") -> list[UUID]:
    """Return the executions of a tenant that there are something of in a table, but for the sample's own."""
    with psycopg.connect(urls.admin) as admin:
        rows = admin.execute(
            f"SELECT DISTINCT execution_id FROM {table} WHERE tenant = %s AND execution_id <> %s",
            (sample.tenant, sample.execution.execution_id),
        ).fetchall()
    return [row[0] for row in rows]


async def test_the_oldest_go_first_and_a_bounded_number_at_a_time(
    store: RetentionStore, ours: Sample, database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LIMIT", 2)
    made = add(ours, 3)

    first = await store.prune(ours.tenant, Kept.COMPLETED, 1, Place())
    after_the_first = left(ours, database_urls)
    assert first
    assert first.further
    second = await store.prune(ours.tenant, Kept.COMPLETED, 1, first.further)
    assert second
    assert second.further
    third = await store.prune(ours.tenant, Kept.COMPLETED, 1, second.further)

    assert (first.removed, after_the_first, second.removed) == (2, made[2:], 1)
    assert third == retention.Batch(0, None)
    assert left(ours, database_urls) == left(ours, database_urls, "automation_execution_logs") == []


async def test_much_to_remove_of_few_ends_a_batch_early(
    store: RetentionStore, ours: Sample, database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MOST_ROWS", 2 * len(LOGS))
    made = add(ours, 4)

    batch = await store.prune(ours.tenant, Kept.COMPLETED, 1, Place())

    assert batch is not None
    assert batch.removed == 2
    assert sorted(left(ours, database_urls)) == sorted(made[2:])


async def test_what_ended_of_late_stays_and_does_not_stop_what_lies_behind_it(
    store: RetentionStore, ours: Sample, database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LIMIT", 1)
    with psycopg.connect(database_urls.admin) as admin:
        (now,) = admin.execute("SELECT now()").fetchone() or ()
    (late,) = add(ours, 1, completed_at=now - DAY)
    add(ours, 2)

    place, removed = Place(), 0
    for _ in range(3):
        batch = await store.prune(ours.tenant, Kept.COMPLETED, 2, place)
        assert batch
        assert batch.further
        place, removed = batch.further, removed + batch.removed

    assert (removed, left(ours, database_urls)) == (2, [late])


@pytest.mark.parametrize("status", [each for each in ExecutionStatus if each is not COMPLETED])
async def test_executions_in_another_status_stay(
    store: RetentionStore, ours: Sample, database_urls: DatabaseUrls, status: ExecutionStatus
) -> None:
    made = add(ours, 1, status=status)

    batch = await store.prune(ours.tenant, Kept.COMPLETED, 1, Place())

    assert batch == retention.Batch(0, None)
    assert left(ours, database_urls) == made


async def test_another_tenants_stay(
    store: RetentionStore, ours: Sample, theirs: Sample, database_urls: DatabaseUrls
) -> None:
    made = add(theirs, 1)

    await store.prune(ours.tenant, Kept.COMPLETED, 1, Place())

    assert left(theirs, database_urls) == made


@pytest.mark.parametrize("status", sorted(set(ExecutionStatus) - set(FINISHED)))
@pytest.mark.parametrize("role", ["api", "worker", "owner"])
def test_nobody_removes_what_has_not_ended(
    ours: Sample, database_urls: DatabaseUrls, role: str, status: ExecutionStatus
) -> None:
    made = add(ours, 1, status=status)
    with psycopg.connect(getattr(database_urls, role)) as connection:
        enter(connection, ours)

        removed = connection.execute("DELETE FROM automation_executions").rowcount

    assert (removed, left(ours, database_urls)) == (0, made)


async def test_who_is_being_retried_is_passed_over(
    store: RetentionStore, ours: Sample, database_urls: DatabaseUrls
) -> None:
    held, _ = add(ours, 2)
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("SELECT FROM automation_executions WHERE execution_id = %s FOR NO KEY UPDATE", (held,))

        batch = await store.prune(ours.tenant, Kept.COMPLETED, 1, Place())

    assert batch is not None
    assert (batch.removed, left(ours, database_urls)) == (1, [held])


@pytest.mark.parametrize("kept", [Kept.COMPLETED, Kept.AUDIT_EVENTS])
async def test_one_at_a_time_removes_something(
    store: RetentionStore, ours: Sample, database_urls: DatabaseUrls, kept: Kept
) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute(ADVISORY)

        assert await store.prune(ours.tenant, kept, 1, Place()) is None


async def test_lines_of_the_audit_log_go_when_they_are_old_and_never_before_30_days(
    store: RetentionStore, ours: Sample, database_urls: DatabaseUrls
) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute(
            "UPDATE audit_events SET created_at = now() - interval '29 days' WHERE tenant = %s", (ours.tenant,)
        )
        admin.execute(
            "INSERT INTO audit_events (tenant, event_id, created_at, action, outcome, actor, resource_type)"
            " SELECT %s, gen_random_uuid(), now() - make_interval(days => days), days::text, 'done', 'user', 'rule'"
            " FROM unnest(ARRAY[31, 40, 50]) AS days",
            (ours.tenant,),
        )

    removed = [await store.prune(ours.tenant, Kept.AUDIT_EVENTS, days, Place()) for days in (45, 1)]

    assert [batch and batch.removed for batch in removed] == [1, 2]
    with psycopg.connect(database_urls.admin) as admin:
        rest = admin.execute("SELECT DISTINCT actor FROM audit_events WHERE tenant = %s", (ours.tenant,)).fetchall()
    assert rest == [("operator",)]


def test_workers_read_no_more_of_the_audit_log_than_how_old_it_is(ours: Sample, worker: Connection) -> None:
    enter(worker, ours)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        worker.execute("SELECT action FROM audit_events")


async def test_each_tenant_has_its_own_retention_and_the_defaults_beside(
    store: RetentionStore, ours: Sample, theirs: Sample, database_urls: DatabaseUrls
) -> None:
    records = Pruning(database_urls.owner)
    records.set_retention(ours.tenant, {Kept.COMPLETED: 30, Kept.AUDIT_EVENTS: None})
    records.set_retention(ours.tenant, {Kept.FAILED: 7}, [Kept.COMPLETED])

    found = {each.tenant: each.days(DEFAULTS) for each in await store.tenants(NO_ID, 100_000)}

    assert found[ours.tenant] == {Kept.FAILED: 7}
    assert found[theirs.tenant] == {Kept.AUDIT_EVENTS: 365}


async def test_tenants_come_a_bounded_number_at_a_time(store: RetentionStore, ours: Sample, theirs: Sample) -> None:
    first, second = sorted((ours.tenant, theirs.tenant))
    before = UUID(int=first.int - 1)

    (found,) = await store.tenants(before, 1)
    later = await store.tenants(first, 100_000)

    assert found.tenant == first
    assert second in {each.tenant for each in later}
    assert first not in {each.tenant for each in later}


@pytest.mark.parametrize("after", ["-infinity", "2026-03-01T12:40:00Z"])
def test_a_batch_reads_no_more_than_it_looks_at(ours: Sample, database_urls: DatabaseUrls, after: str) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute(
            "INSERT INTO automation_executions"
            " (tenant, execution_id, automation_rule_id, status, created_at, completed_at)"
            " SELECT tenant, gen_random_uuid(), automation_rule_id, 'completed',"
            " created_at + n * interval '1 s', created_at"
            " FROM automation_executions, generate_series(1, 5000) n WHERE execution_id = %s",
            (ours.execution.execution_id,),
        )
        admin.execute("ANALYZE automation_executions")
    with psycopg.connect(database_urls.worker) as worker:
        enter(worker, ours)
        removed = [
            worker.execute(
                "SELECT removed FROM prune_executions_v1(%s, 'completed', 1, %s::timestamptz, %s, 20, 1000)",
                (ours.tenant, after, NO_ID),
            ).fetchone()
            for _ in range(7)  # from the sixth on, the plan is made for any values
        ]
        read = worker.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'automation_executions'"
        ).fetchone()

    assert removed == [(20,)] * 7
    assert read is not None
    assert int(str(read[0])) <= 7 * 20 * 3


def test_a_command_gives_up_where_another_does_not_come_to_an_end(
    ours: Sample, database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "_LONGEST_WAIT_SECONDS", 0.2)
    add(ours, 1)
    command = Pruning(database_urls.owner)

    with psycopg.connect(database_urls.admin) as other:
        other.execute(ADVISORY)
        with pytest.raises(Busy, match="try again later"):
            command.prune(ours.tenant, {Kept.COMPLETED: 1})

    assert command.prune(ours.tenant, {Kept.COMPLETED: 1}) == {Kept.COMPLETED: 1}
