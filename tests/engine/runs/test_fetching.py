"""Fetches of jobs by a clock: when none is sent, when it is looked again, and how outages are sat out."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from structlog.testing import capture_logs

from automation.engine.runs import patient_manager
from automation.engine.runs.patient_manager import MOST_FETCHED, PatientManager
from automation.storage.jobs import QUEUE, TASK
from tests.turns import TurnLoop

CHANNEL = f"procrastinate_queue_v1#{QUEUE}"
OF_A_JOB = json.dumps({"type": "job_inserted", "job_id": 7})


def a_row(number: int) -> dict[str, Any]:
    unsaid = dict.fromkeys(("lock", "queueing_lock", "scheduled_at", "worker_id"))
    said = {"id": number, "status": "doing", "task_name": TASK, "queue_name": QUEUE, "priority": 0, "attempts": 0}
    return {**unsaid, **said, "args": {}}


class Connector:
    """Connections of a queue whose statements are answered at once, or fail as a test says; notes what it is asked.

    Args:
        loop: Its clock says when somebody listened.
        jobs: How many jobs wait.
    """

    def __init__(self, loop: TurnLoop, jobs: int = 0) -> None:
        self.loop = loop
        self.jobs = jobs
        self.fetched: list[int] = []
        self.done: list[list[int]] = []
        self.failing = 0
        self.hold: asyncio.Future[None] | None = None
        self.listened: list[float] = []
        self.hear: Any = None

    async def execute_query_all_async(self, _query: str, *, queues: Any, worker_id: int, most: int) -> Any:
        assert (queues, worker_id) == ([QUEUE], 1)
        self.fetched.append(most)
        count = min(most, self.jobs)
        self.jobs -= count
        return [a_row(number) for number in range(count)]

    async def execute_query_async(self, query: str, **asked: Any) -> None:
        assert "finish_job" in query
        if self.hold is not None:
            await self.hold
        if self.failing:
            self.failing -= 1
            raise ConnectorException
        self.done.append(asked["jobs"] if "unnest" in query else [-asked["job_id"]])

    async def listen_notify(self, *, on_notification: Any, channels: Any) -> None:
        assert CHANNEL in channels
        self.listened.append(self.loop.now)
        self.hear = on_notification
        if self.failing:
            self.failing -= 1
            raise ConnectorException


class Room:
    """Has as much room as a test says, and has the manager stirred meanwhile where it says so."""

    def __init__(self, free: int) -> None:
        self.free = free
        self.manager: PatientManager | None = None

    async def __call__(self) -> int:
        if self.manager is not None:
            self.manager._stirred = True
        return self.free


class Woken:
    """Notes how often it was woken, and with what."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    async def __call__(self, *, channel: str, notification: Any) -> None:
        self.told.append((channel, notification["type"]))


@pytest.fixture
def loop() -> Iterator[TurnLoop]:
    made = TurnLoop()
    yield made
    made.discard()


def managing(connector: Connector, room: Room | None = None) -> PatientManager:
    return PatientManager(cast("Any", connector), room or Room(8))


def listening(loop: TurnLoop, manager: PatientManager) -> Woken:
    """Have a manager listen, and return what it wakes."""
    woken = Woken()
    loop.begin(manager.listen_for_jobs(on_notification=woken, queues=[QUEUE]))
    loop.turn(3)
    return woken


def fetched(loop: TurnLoop, manager: PatientManager) -> int | None:
    """Fetch a job, and return its id."""
    fetching = loop.begin(manager.fetch_job([QUEUE], 1))
    loop.turn(4)
    job = fetching.result()
    return None if job is None else job.id


@pytest.mark.parametrize(("free", "asked"), [(0, []), (1, [1]), (3, [3]), (MOST_FETCHED + 1, [MOST_FETCHED])])
def test_it_is_asked_for_as_many_as_there_is_room_for_and_for_none_without_room(
    loop: TurnLoop, free: int, asked: list[int]
) -> None:
    connector = Connector(loop, jobs=20)

    job = fetched(loop, managing(connector, Room(free)))

    assert connector.fetched == asked
    assert job == (0 if asked else None)


def test_those_that_were_fetched_are_given_out_before_more_are_asked_for(loop: TurnLoop) -> None:
    connector = Connector(loop, jobs=3)
    manager = managing(connector)

    jobs = [fetched(loop, manager) for _ in range(4)]

    assert jobs == [0, 1, 2, None]
    assert connector.fetched == [8, 8]


def test_where_none_was_found_nobody_looks_again(loop: TurnLoop) -> None:
    manager = managing(Connector(loop))
    woken = listening(loop, manager)

    fetched(loop, manager)
    loop.turn(4)

    assert woken.told == []


def test_what_came_while_it_was_looked_is_looked_for_again(loop: TurnLoop) -> None:
    room = Room(8)
    manager = room.manager = managing(Connector(loop), room)
    woken = listening(loop, manager)

    fetched(loop, manager)
    loop.turn(4)

    assert woken.told == [(QUEUE, "job_inserted")]
    room.manager = None
    fetched(loop, manager)
    loop.turn(4)
    assert len(woken.told) == 1


def test_who_stirs_wakes_whoever_listens_and_leaves_nothing(loop: TurnLoop) -> None:
    manager = managing(Connector(loop))
    woken = listening(loop, manager)

    loop.call_soon(manager.stir)
    loop.turn()
    waking = len(manager._waking)
    loop.turn(4)

    assert (waking, len(manager._waking)) == (1, 0)
    assert woken.told == [(QUEUE, "job_inserted")]
    assert manager._stirred


def test_a_notification_of_a_job_wakes_and_is_heard_again_by_a_fetch_that_is_under_way(loop: TurnLoop) -> None:
    connector = Connector(loop)
    manager = managing(connector)
    woken = listening(loop, manager)

    loop.begin(connector.hear(CHANNEL, OF_A_JOB))
    loop.turn(2)

    assert woken.told == [(CHANNEL, "job_inserted")]
    assert manager._stirred


@pytest.mark.parametrize("payload", ["not json", "[]", '{"type": "abort_job_requested"}', '"job_inserted"'])
def test_of_strange_notifications_the_first_is_told_and_none_wakes(loop: TurnLoop, payload: str) -> None:
    connector = Connector(loop)
    manager = managing(connector)
    woken = listening(loop, manager)

    with capture_logs() as told:
        for _ in range(3):
            loop.begin(connector.hear(CHANNEL, payload))
            loop.turn(2)
            assert [line["event"] for line in told] == ["strange notification dropped"]

    assert (woken.told, manager._stirred) == ([], False)


def test_whoever_does_not_hear_listens_again_after_a_pause(loop: TurnLoop) -> None:
    connector = Connector(loop)
    connector.failing = 1

    with capture_logs() as told:
        listening(loop, managing(connector))
        for _ in range(4):
            loop.now += patient_manager._PAUSE / 2
            loop.turn(3)

    assert connector.listened == [0.0, patient_manager._PAUSE, 2 * patient_manager._PAUSE]
    assert [line["event"] for line in told] == ["queue not heard"]


@pytest.mark.parametrize(("failing", "done", "told"), [(0, 1, 0), (2, 1, 0), (3, 0, 1)])
def test_a_job_that_cannot_be_marked_is_tried_again_after_pauses_and_then_left(
    loop: TurnLoop, failing: int, done: int, told: int
) -> None:
    connector = Connector(loop)
    connector.failing = failing
    manager = managing(connector)
    job = Job.from_row(a_row(5))

    with capture_logs() as logs:
        finishing = loop.begin(manager.finish_job(job, Status.SUCCEEDED, delete_job=True))
        left = []
        for _ in range(3):
            loop.turn(12)
            left.append(connector.failing)
            loop.now += patient_manager._PAUSE

    assert finishing.done()
    assert left == [max(0, failing - tries) for tries in (1, 2, 3)]
    assert connector.done == [[5]] * done
    assert [line["event"] for line in logs] == ["job not marked as done"] * told


def test_a_job_that_shall_stay_is_marked_as_procrastinate_does_it(loop: TurnLoop) -> None:
    connector = Connector(loop)

    finishing = loop.begin(managing(connector).finish_job(Job.from_row(a_row(5)), Status.FAILED, delete_job=False))
    loop.turn(12)

    assert finishing.done()
    assert connector.done == [[-5]]  # by its own statement


def test_those_that_are_done_while_others_are_marked_are_marked_together_afterwards(loop: TurnLoop) -> None:
    connector = Connector(loop)
    connector.hold = loop.create_future()
    manager = managing(connector)

    for number in range(3):
        loop.begin(manager.finish_job(Job.from_row(a_row(number)), Status.SUCCEEDED, delete_job=True))
        loop.turn(12)
    connector.hold.set_result(None)
    loop.turn(12)

    assert connector.done == [[0], [1, 2]]


def test_those_that_could_not_be_marked_together_are_marked_alone(loop: TurnLoop) -> None:
    connector = Connector(loop)
    connector.failing = 1
    manager = managing(connector)

    for number in range(2):
        loop.begin(manager.finish_job(Job.from_row(a_row(number)), Status.SUCCEEDED, delete_job=True))
    loop.turn(12)

    assert connector.done == [[0], [1]]
