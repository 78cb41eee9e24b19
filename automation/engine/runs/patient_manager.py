"""Fetches jobs and marks them as done, several in one statement, by Procrastinate's own functions in the database."""

import asyncio
import itertools
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

import structlog
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Notification, Status
from procrastinate.manager import JobManager, NotificationCallback, get_channel_for_queues
from psycopg import Error
from psycopg_pool import PoolTimeout

from automation.storage.jobs import QUEUE
from automation.storage.pool.batches import Batches

_log = structlog.get_logger()

Room = Callable[[], Awaitable[int]]

AWAY = (ConnectorException, Error, PoolTimeout, OSError)
"""What is raised where the database is away."""

MOST_FETCHED = 8
"""Tuned: jobs that one statement fetches at the most: what comes at once is spread over the workers."""

_JOB_INSERTED: Notification = {"type": "job_inserted", "job_id": 0}
_PAUSE = 1.0
"""Tuned: seconds of a pause while the database is away."""
_PATIENCE = 0.005
"""Tuned: seconds that a fetch waits for more jobs."""

# The first jobs that wait, this worker's from now on.
_FETCH = """
SELECT id, status, task_name, priority, lock, queueing_lock, args, scheduled_at, queue_name, attempts, worker_id
FROM public.fetch_jobs_v1(p_queues => %(queues)s::varchar[], p_worker => %(worker_id)s, p_most => %(most)s)
"""
# Jobs that are done, which deletes them.
_FINISH = "SELECT procrastinate_finish_job_v1(job, 'succeeded', true) FROM unnest(%(jobs)s::bigint[]) AS job"


class PatientManager(JobManager):
    """Procrastinate's manager, which neither a short outage nor a strange notification puts out of order.

    It fetches where there is room, as many jobs as there is room for in one statement, and marks those as done together
    that are done together. What it hears while it fetches is heard again afterwards: Procrastinate forgets it.

    Args:
        connector: The queue's connections.
        room: Says for how many jobs there is room.
    """

    def __init__(self, connector: BaseConnector, room: Room) -> None:
        super().__init__(connector)
        self._room = room
        self._wake: NotificationCallback | None = None
        self._stirred = False  # whether there may be jobs that came since a fetch began
        self._waking: set[asyncio.Task[None]] = set()
        self._fetched: deque[Job] = deque()
        self._finished: Batches[int, None] = Batches(
            self._finish_together, self._finish_left, statements=1, patience=_PATIENCE
        )

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Return the next job, None where there is none or no room for one."""
        if not self._fetched:
            self._stirred = False
            if (room := await self._room()) > 0:
                await self._fetch(queues, worker_id, min(room, MOST_FETCHED))
        if self._fetched:
            return self._fetched.popleft()
        if self._stirred:
            asyncio.get_running_loop().call_soon(self.stir)
        return None

    async def _fetch(self, queues: Iterable[str] | None, worker_id: int, most: int) -> None:
        rows = await self.connector.execute_query_all_async(
            _FETCH, queues=list(queues or ()), worker_id=worker_id, most=most
        )
        self._fetched.extend(Job.from_row(row) for row in rows)

    async def give_back(self) -> None:
        """Put what was fetched and not given out back into the queue."""
        while self._fetched:
            with suppress(*AWAY):  # or the sweep has given it another job meanwhile
                await self.retry_job(self._fetched.popleft())

    def stir(self) -> None:
        """Have jobs looked for again."""
        self._stirred = True
        if self._wake is not None:
            waking = asyncio.ensure_future(self._wake_up(self._wake))
            self._waking.add(waking)
            waking.add_done_callback(self._waking.discard)

    async def _wake_up(self, wake: NotificationCallback) -> None:
        await wake(channel=QUEUE, notification=_JOB_INSERTED)

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """Mark a job as done, also through a short outage: nobody would look at the failure of that.

        What could not be marked is left to whoever tidies up: a job is only a message, and its execution knows its
        state.
        """
        for last in (False, False, True):
            try:
                await self._finish(job, status, delete_job=delete_job)
            except ConnectorException as error:
                if last:
                    _log.warning("job not marked as done", job=job.id, error=type(error).__name__)
                else:
                    await asyncio.sleep(_PAUSE)
            else:
                return

    async def _finish(self, job: Job, status: Status, *, delete_job: bool) -> None:
        if delete_job and job.id is not None:
            await self._finished.read(job.id)
        else:
            await super().finish_job(job, status, delete_job)

    async def _finish_together(self, jobs: Sequence[int]) -> Sequence[None]:
        await self.connector.execute_query_async(_FINISH, jobs=list(jobs))
        return [None] * len(jobs)

    async def _finish_left(self, job: int, _since: float) -> None:
        await self.connector.execute_query_async(_FINISH, jobs=[job])

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        """Listen until cancelled, again and again: a worker that went deaf would only see jobs by polling.

        Any role that may connect can NOTIFY; PostgreSQL has no privilege for it. So nothing is believed but that there
        may be a job, and of what else comes only the first is told.
        """
        dropped = itertools.count()
        self._wake = on_notification

        async def hear(channel: str, payload: str) -> None:
            if _tells_of_a_job(payload):
                self._stirred = True
                await on_notification(channel=channel, notification=_JOB_INSERTED)
            elif next(dropped) == 0:
                _log.warning("strange notification dropped", channel=channel)

        while True:
            try:
                await self.connector.listen_notify(on_notification=hear, channels=get_channel_for_queues(queues))
            except AWAY as error:
                _log.warning("queue not heard", error=type(error).__name__)
            await asyncio.sleep(_PAUSE)


def _tells_of_a_job(payload: str) -> bool:
    try:
        notification = json.loads(payload)
    except ValueError:
        return False
    return isinstance(notification, dict) and notification.get("type") == "job_inserted"
