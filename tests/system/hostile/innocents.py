"""Innocent clients of one tenant, who read and execute at an even pace and know what they are entitled to.

They do what the service's documentation advises: a write has an Idempotency-Key and is sent again with it until it is
known to be done.
"""

import asyncio
import itertools
import json
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import uuid4

from tests.system.tenancy import EXECUTIONS, RULES
from tests.system.wire import Answer, Wire

READS, EXECUTES = 30.0, 3.0
"""A second; enough that a hang of a moment is met, and little for one of two cores."""

GIVEN_UP = 30.0
"""Seconds after which a request is given up; an answer that late is a fault anyway."""

OPEN = 60.0
"""Seconds after which a write that is still not known to be done is left open."""


class Phase(StrEnum):
    """Where in a round a request was sent."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


@dataclass(frozen=True)
class Outcome:
    """What came of a request.

    Args:
        status: None is a connection that was refused or lost.
        seconds: From when the request was due.
        told: Whether the answer said when to come again.
        refused: Whether the connection was refused, so that nothing was asked.
    """

    operation: str
    phase: Phase
    status: int | None
    seconds: float
    told: bool
    refused: bool = False


@dataclass
class Innocents:
    """The clients; ``number`` counts what they have executed, and is in each run's call."""

    wire: Wire
    key: str
    rule: str
    execution: str
    phase: Phase = Phase.BEFORE
    outcomes: list[Outcome] = field(default_factory=list)
    acknowledged: dict[int, tuple[str, float]] = field(default_factory=dict)
    """The execution of each number, and when it was acknowledged."""
    calm: deque[float] = field(default_factory=lambda: deque(maxlen=20))
    """The p99 of the reads of each of the last calm phases, in seconds."""
    calm_starts: deque[float] = field(default_factory=lambda: deque(maxlen=100))
    """The seconds from the last acknowledgements of calm phases to the runs' first calls."""
    lag: float = 0.0
    """The most seconds by which this process was late since they were last set to zero."""
    sent: int = 0
    under_way: dict[int, float] = field(default_factory=dict)
    """When each request was due that has no answer yet: nothing else tells of one that hangs."""
    _asked: int = 0

    @asynccontextmanager
    async def present(self) -> AsyncIterator[None]:
        """Have them ask for the length of the block."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in (self._read(), self._execute(), self._notice_lag())]
            yield
            for task in tasks:
                task.cancel()
        self.wire.close()

    async def ask(self, operation: str, method: str, path: str, due: float, **more: str) -> Answer | None:
        """Ask once, and keep what came of it; None is no answer."""
        phase, body = self.phase, more.pop("body", "").encode()
        answer, refused = None, False
        self._asked = number = self._asked + 1
        self.under_way[number] = due
        try:
            async with asyncio.timeout(GIVEN_UP):
                answer = await self.wire.ask(method, path, {"x-api-key": self.key, **more}, body)
        except ConnectionRefusedError:
            refused = True
        except (OSError, EOFError):  # a TimeoutError is an OSError
            pass
        finally:
            del self.under_way[number]
        status = None if answer is None else answer.status
        told = answer is not None and answer.headers.get("retry-after", "").isdecimal()
        self.outcomes.append(Outcome(operation, phase, status, time.monotonic() - due, told, refused))
        return answer

    async def _read(self) -> None:
        async with asyncio.TaskGroup() as group:
            async for number, due in _paced(READS):
                path = EXECUTIONS if number % 8 == 0 else self.execution
                group.create_task(self.ask("read", "GET", path, due))

    async def _execute(self) -> None:
        async with asyncio.TaskGroup() as group:
            async for _, due in _paced(EXECUTES):
                self.sent += 1
                group.create_task(self._execute_once(self.sent, due))

    async def _execute_once(self, number: int, due: float) -> None:
        """Execute until it is known to be done."""
        named = {"idempotency-key": f'"{uuid4()}"', "body": json.dumps({"trigger_data": {"number": number}})}
        path, until = f"{RULES}/{self.rule}/execute", time.monotonic() + OPEN
        while time.monotonic() < until:
            answer = await self.ask("execute", "POST", path, due, **named)
            if answer is not None and answer.status == 202:
                self._acknowledge(number, answer)
                return
            await asyncio.sleep(1.0)
            due = time.monotonic()

    def _acknowledge(self, number: int, answer: Answer) -> None:
        self.acknowledged[number] = json.loads(answer.body)["data"]["execution_id"], time.monotonic()

    async def _notice_lag(self) -> None:
        async for _, due in _paced(50.0):
            self.lag = max(self.lag, time.monotonic() - due)


async def _paced(rate: float) -> AsyncIterator[tuple[int, float]]:
    """Yield numbers at a rate, each with when it was due."""
    began = time.monotonic()
    for number in itertools.count():
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        yield number, due
