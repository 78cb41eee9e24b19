"""A store of runs whose writes end when the test says so, and the conductor of a run that is stored there."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

from automation.engine.rules.program import Programs
from automation.engine.runs.conductor import Conductor
from automation.engine.runs.ledger import Answer
from automation.storage.runs import ActionDone, Claim, Ending, LogPart, Outcome, Renewal, Runs, Write
from tests.engine.runs.scripted import KnownSecrets, Script, a_claim, a_content, say

GOES_ON = Renewal(cancel_requested=False, deadline_passed=False)
CANCELLED = Renewal(cancel_requested=True, deadline_passed=False)
TURNS = 50


@dataclass
class Store:
    """A store whose writes end when the test says so, with the answers that it gives; notes when each begins and ends.

    Args:
        held: The names of the writes that wait for ``go``.
        answers: What the next writes of a name are answered; then it is stored.
        renewal: What is wanted of the run.
    """

    held: set[str] = field(default_factory=set)
    answers: dict[str, list[Answer | Exception | None]] = field(default_factory=dict)
    renewal: Renewal = GOES_ON
    go: asyncio.Event = field(default_factory=asyncio.Event)
    noted: list[str] = field(default_factory=list)
    begun: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    endings: list[Ending] = field(default_factory=list)
    done: list[ActionDone | None] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    async def renew(self, _claim: Claim, **_how: Any) -> Renewal | None:
        answer = await self._write("renew")
        return self.renewal if answer is Outcome.STORED else None

    async def write(self, _claim: Claim, write: Write, _logs: Any, **_how: Any) -> Answer | None:
        return await self._write(type(write).__name__)

    async def log(self, _claim: Claim, *_logs: Any) -> Answer | None:
        return await self._write("log")

    async def end(
        self, _claim: Claim, ending: Ending, logs: LogPart, *, done: ActionDone | None, **_how: Any
    ) -> Answer | None:
        self.told += [entry.message for entry in logs.entries]
        self.endings.append(ending)
        self.done.append(done)
        return await self._write("end")

    def count(self, note: str) -> int:
        return self.noted.count(note)

    async def _write(self, name: str) -> Answer | None:
        self.noted.append(f"{name} begins")
        self.begun[name].set()
        if name in self.held:
            await self.go.wait()
        self.noted.append(f"{name} ends")
        answer = self.answers[name].pop(0) if self.answers.get(name) else Outcome.STORED
        if isinstance(answer, Exception):
            raise answer
        return answer


def conducting(
    store: Store, script: Script | None = None, number: int = 1, *, most: int | None = None, **state: Any
) -> Conductor:
    """Return the conductor of a run of so many actions, of a tenant whose runs may take ``most`` seconds."""
    claim = replace(a_claim(a_content((say(),) * number, {}), state), max_run_seconds=most)
    actions = (script or Script()).actions()
    return Conductor(
        cast("Runs", store),
        claim,
        Programs(actions),
        actions,
        lease=15.0,
        most_result_bytes=65_536,
        most_lost=3,
        secrets=KnownSecrets({}),
        stopping=asyncio.Event(),
    )


async def turns() -> None:
    """Let everybody go on who can."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - of tasks beside this one
            await asyncio.sleep(0)
