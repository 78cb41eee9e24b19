"""Places of turns in the queue: a job's priority, by what waits already and by who asks at the same moment."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.databases import DatabaseUrls
from tests.storage.roles import Connection
from tests.storage.samples import Sample

ENQUEUE = "SELECT enqueue_execution_v1(%s, %s, 1, 0, 0)"
JOB = """
INSERT INTO procrastinate.procrastinate_jobs (queue_name, task_name, priority, status, args)
VALUES ('executions', 'run_execution', %s, %s, jsonb_build_object('tenant', %s::uuid))
"""
PRIORITIES = "SELECT priority FROM procrastinate.procrastinate_jobs WHERE queueing_lock = %s"
WEIGHT = "INSERT INTO tenant_limits (tenant, name, value) VALUES (%s, 'weight', %s)"

Jobs = list[tuple[str, int]]

PLACES: dict[str, tuple[Jobs, int, int | None, int]] = {
    "the first of all begins at zero": ([], 0, None, 0),
    "the second at the same moment comes a step later": ([], 1, None, -100),
    "the third two steps": ([], 2, None, -200),
    "of very many the last share a place": ([], 70, None, -6300),
    "a heavier tenant's steps are shorter": ([], 1, 50, -20),
    "who waits for nothing comes before the second of anybody": ([("theirs", -300)], 0, None, -399),
    "and counts from the first": ([("theirs", -900), ("theirs", -300), ("theirs", -500)], 0, None, -399),
    "and at the same moment a step later": ([("theirs", -300)], 1, None, -499),
    "with its own steps": ([("theirs", -300)], 0, 5, -499),
    "who waits for some comes a step after the last": ([("ours", -300), ("ours", -700), ("ours", -500)], 0, None, -800),
    "whatever others wait for": ([("ours", -300), ("theirs", -700)], 0, None, -400),
    "two steps at the same moment": ([("ours", -300)], 1, None, -500),
    "as far as numbers go": ([("ours", -2147483600)], 0, None, -2147483648),
}
"""Turns that wait, how many ask at the same moment, the tenant's weight, and the priority."""


@pytest.fixture
def queue(database_urls: DatabaseUrls) -> Iterator[Connection]:
    """A transaction in which nothing waits, and of which nothing stays."""
    with psycopg.connect(database_urls.admin) as connection:
        connection.execute("DELETE FROM procrastinate.procrastinate_jobs")
        yield connection
        connection.rollback()


@pytest.mark.parametrize("name", PLACES)
def test_a_turn_has_its_place(
    ours: Sample, theirs: Sample, queue: Connection, database_urls: DatabaseUrls, name: str
) -> None:
    jobs, held, weight, priority = PLACES[name]
    for whose, at in jobs:
        queue.execute(JOB, (at, "todo", {"ours": ours, "theirs": theirs}[whose].tenant))
    if weight is not None:
        queue.execute(WEIGHT, (ours.tenant, weight))
    execution = uuid4()

    with psycopg.connect(database_urls.admin) as others:
        query = "SELECT pg_advisory_xact_lock(uuid_hash_extended(%s, n)) FROM generate_series(1, %s) n"
        others.execute(query, (ours.tenant, held))
        queue.execute(ENQUEUE, (ours.tenant, execution))

    assert queue.execute(PRIORITIES, (f"{execution}:1",)).fetchall() == [(priority,)]


@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_a_turn_that_has_begun_is_none_that_waits(ours: Sample, theirs: Sample, queue: Connection, whose: str) -> None:
    queue.execute(JOB, (-300, "doing", {"ours": ours, "theirs": theirs}[whose].tenant))
    execution = uuid4()

    queue.execute(ENQUEUE, (ours.tenant, execution))

    assert queue.execute(PRIORITIES, (f"{execution}:1",)).fetchall() == [(0,)]


def test_an_execution_waits_for_one_turn_at_a_time(ours: Sample, queue: Connection) -> None:
    execution = uuid4()

    for _ in range(2):
        queue.execute(ENQUEUE, (ours.tenant, execution))

    assert queue.execute(PRIORITIES, (f"{execution}:1",)).fetchall() == [(0,)]


TURN = """
INSERT INTO procrastinate.procrastinate_jobs (queue_name, task_name, status, args)
VALUES ('executions', 'run_execution', %s, jsonb_build_object(
    'tenant', %s::uuid, 'execution_id', %s::uuid, 'attempt', 3, 'rank', %s, 'since', %s))
"""
FIRST = "SELECT execution, attempt FROM first_turn_v1(%s, %s, %s)"
ONE, OTHER = uuid4(), uuid4()


@pytest.mark.parametrize(
    ("jobs", "before", "first"),
    [
        ([], (0, 100), None),
        ([(ONE, 0, 50)], (0, 100), ONE),
        ([(ONE, 0, 100)], (0, 100), None),
        ([(ONE, 1, 50)], (0, 100), None),
        ([(ONE, -1, 500)], (0, 100), ONE),
        ([(OTHER, 0, 60), (ONE, 0, 50)], (0, 100), ONE),
        ([(OTHER, 0, 50), (ONE, -2, 60)], (0, 100), ONE),
    ],
)
def test_the_first_turn_of_a_tenant_before_another_is_held_alone(
    ours: Sample,
    theirs: Sample,
    database_urls: DatabaseUrls,
    *,
    jobs: list[tuple[UUID, int, int]],
    before: tuple[int, int],
    first: UUID | None,
) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("DELETE FROM procrastinate.procrastinate_jobs")
        admin.execute(TURN, ("todo", theirs.tenant, OTHER, -9, 1))
        admin.execute(TURN, ("doing", ours.tenant, OTHER, -9, 1))
        for execution, rank, since in jobs:
            admin.execute(TURN, ("todo", ours.tenant, execution, rank, since))

    with psycopg.connect(database_urls.admin) as admin, psycopg.connect(database_urls.admin) as second:
        found = admin.execute(FIRST, (ours.tenant, *before)).fetchall()
        held = "SELECT count(*) FROM (SELECT FROM procrastinate.procrastinate_jobs FOR UPDATE SKIP LOCKED) free"
        free = second.execute(held).fetchone()
        beside = second.execute(FIRST, (ours.tenant, 9, 0)).fetchall()
        second.rollback()

    assert found == ([] if first is None else [(first, 3)])
    assert free == (2 + len(jobs) - len(found),)
    assert len(beside) == min(1, len(jobs) - len(found))


@pytest.mark.parametrize(
    ("waiting", "these", "others"),
    [
        ([], ["ours"], False),
        (["ours"], ["ours"], False),
        (["ours", "theirs"], ["ours", "theirs"], False),
        (["theirs"], ["ours"], True),
        (["ours", "theirs"], ["ours"], True),
        (["ours", "theirs"], ["theirs"], True),
        (["ours"], [], True),
    ],
)
def test_others_wait_where_a_turn_is_of_none_of_these(
    ours: Sample, theirs: Sample, queue: Connection, *, waiting: list[str], these: list[str], others: bool
) -> None:
    tenants = {"ours": ours.tenant, "theirs": theirs.tenant}
    queue.execute(TURN, ("doing", uuid4(), OTHER, 0, 1))
    for each in waiting:
        queue.execute(TURN, ("todo", tenants[each], ONE, 0, 1))

    found = queue.execute("SELECT others_wait_v1(%s)", ([tenants[each] for each in these],)).fetchone()

    assert found == (others,)
