"""A race of engines on one ground: a backlog, single jobs, jobs at a pace, and what a backlog is in statements."""

import argparse
import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import psycopg

from benchmarks import statement_log
from benchmarks.contenders import Contender, Ground
from benchmarks.engine_report import Paced, Turn
from benchmarks.load import InvalidRun
from benchmarks.statement_log import Count
from benchmarks.triggers import Trigger, fire_many
from benchmarks.usage import seconds_spent_since_now
from benchmarks.workers import Workers, working

WARM = 60
"""Jobs after which a worker is warm: some for each process of one that has many."""
PATIENCE = 60
"""Seconds after which jobs that are not done make the run invalid, and one more for each ten of them."""
LAG = 250
"""Milliseconds after which a job is late; where half of those that come last are, the pace isn't kept."""


class Race:
    """Lets engines do jobs on one ground.

    Args:
        ground: What they share.
        arguments: What was asked for.
    """

    def __init__(self, ground: Ground, arguments: argparse.Namespace) -> None:
        self._ground = ground
        self._arguments = arguments
        self._triggers: dict[str, Trigger] = {}

    async def prepare(self, contender: Contender, stack: AsyncExitStack) -> None:
        """Make ready what asks an engine for jobs; it stays until the end."""
        (self._ground.logs / contender.log).write_bytes(b"")
        if contender.asked_as not in self._triggers:
            trigger = await stack.enter_async_context(contender.trigger(self._ground))
            self._triggers[contender.asked_as] = trigger

    async def turn(self, contender: Contender) -> Turn:
        """Measure a backlog, and single jobs before it.

        Raises:
            InvalidRun: Jobs are not done.
        """
        jobs: int = self._arguments.executions
        async with _patience(contender, jobs):
            with working(contender, self._ground) as workers:
                await self._warm(contender, workers)
                latencies = await self._idle(contender)
                workers.freeze()
                await fire_many(self._triggers[contender.asked_as], jobs)
                spent = self._spent(workers.pids)
                by_database = self._spent([self._ground.database.postmaster, *contender.brokers(self._ground)])
                seconds = await self._work_off(contender, workers, jobs)
                return Turn(jobs / seconds, 1000 * spent() / jobs, 1000 * by_database() / jobs, latencies)

    async def count(self, contender: Contender) -> Count:
        """Return an engine's statements and commits for one job of a backlog."""
        jobs: int = self._arguments.executions
        admin = self._ground.database.urls.admin
        async with _patience(contender, jobs):
            with working(contender, self._ground) as workers:
                await self._warm(contender, workers)
                workers.freeze()
                await fire_many(self._triggers[contender.asked_as], jobs)
                with statement_log.counted(admin, self._ground.database.log, contender.role) as count:
                    await self._work_off(contender, workers, jobs)
        return count

    async def pace(self, contender: Contender, rate: float) -> Paced:
        """Let jobs come at a pace, however fast they are done, and measure after how long each one's call comes.

        That begins when a job is due, so that one that is asked for too late counts as late.
        """
        async with _patience(contender, rate * self._arguments.seconds):
            with working(contender, self._ground) as workers:
                await self._warm(contender, workers)
                return await self._keep(contender, rate)

    async def _keep(self, contender: Contender, rate: float) -> Paced:
        trigger, arrivals = self._triggers[contender.asked_as], self._ground.receiver.arrivals
        wall, began, known = time.time(), time.perf_counter(), len(arrivals)
        asked: list[tuple[float, asyncio.Task[tuple[str, float]]]] = []
        for number in range(round(rate * self._arguments.seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            asked.append((due, asyncio.create_task(trigger.fire())))
            if len(asked) - (len(arrivals) - known) > rate:
                break  # a second's jobs wait: it isn't kept
        names = [(due, (await task)[0]) for due, task in asked]
        await self._until_ended(contender, len(names), wall, known)
        latencies = [1000 * (arrivals[name] - due) for due, name in names]
        last_second = [latency for (due, _), latency in zip(names, latencies, strict=True) if due > names[-1][0] - 1]
        return Paced(rate, kept=statistics.median(last_second) < LAG, latencies=latencies)

    async def _warm(self, contender: Contender, workers: Workers) -> None:
        while not workers.have_said(contender.ready):  # noqa: ASYNC110 - they are other processes
            await asyncio.sleep(0.05)
        began, called = time.time(), len(self._ground.receiver.arrivals)
        jobs = WARM * contender.workers
        await fire_many(self._triggers[contender.asked_as], jobs)
        await self._until_ended(contender, jobs, began, called)

    async def _idle(self, contender: Contender) -> list[float]:
        """Return after how many milliseconds the call of a job that is alone comes, a few times."""
        if not contender.calls:
            return []
        arrivals, latencies = self._ground.receiver.arrivals, []
        for _ in range(-(-self._arguments.samples // self._arguments.rounds)):
            await asyncio.sleep(0.05)
            name, sent = await self._triggers[contender.asked_as].fire()
            while name not in arrivals:  # noqa: ASYNC110 - when it came is noted elsewhere
                await asyncio.sleep(0.001)
            latencies.append(1000 * (arrivals[name] - sent))
        return latencies

    async def _work_off(self, contender: Contender, workers: Workers, jobs: int) -> float:
        """Let frozen workers go on, and return after how many seconds the last job of a backlog was done."""
        began, called = time.time(), len(self._ground.receiver.arrivals)
        workers.go_on()
        return await self._until_ended(contender, jobs, began, called) - began

    async def _until_ended(self, contender: Contender, jobs: int, began: float, called: int) -> float:
        """Return when the last of so many jobs was done; the database isn't asked to count before it can be.

        Args:
            contender: Whose they are.
            jobs: How many.
            began: When they were begun.
            called: How many calls had come before.
        """
        arrivals = self._ground.receiver.arrivals
        url = self._ground.url(None, contender.database)
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            while contender.calls and len(arrivals) < called + jobs:  # noqa: ASYNC110 - watched as they come
                await asyncio.sleep(0.02)
            while True:
                if not contender.waiting or await _first(connection, contender.waiting) == (False,):
                    number, last = await _first(connection, contender.ended, began)
                    if number >= jobs:
                        return float(last)
                await asyncio.sleep(0.02)

    @staticmethod
    def _spent(processes: list[int]) -> Callable[[], float]:
        counts = [seconds_spent_since_now(each) for each in processes]
        return lambda: sum(each() for each in counts)


async def _first(connection: psycopg.AsyncConnection, query: str, *values: float) -> tuple[Any, ...]:
    """Return a query's only row."""
    return await (await connection.execute(query, values)).fetchone() or ()


@asynccontextmanager
async def _patience(contender: Contender, jobs: float) -> AsyncIterator[None]:
    """Give so many jobs a while to be done.

    Raises:
        InvalidRun: They are not.
    """
    seconds = PATIENCE + jobs / 10
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise InvalidRun(f"not done after {seconds:.0f} s; {contender.log} may say why") from error
