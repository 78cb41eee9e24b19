"""Asking, as attackers do who want an answer whatever else is attacked at the same time."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from tests.system.hostile.arena import Arena, Greedy
from tests.system.wire import Answer, Wire

BRIEF = 30.0
"""Seconds after which an attacker gives up."""
FLOOD = 4.0
"""Seconds for which a flood comes."""


async def answered(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask until there is an answer: another attack may end the process that was asked."""
    async with asyncio.timeout(BRIEF):
        while True:
            with suppress(OSError, EOFError):
                return await ask()
            await asyncio.sleep(0.1)


async def done(greedy: Greedy, wire: Wire, path: str, body: bytes = b"{}") -> Answer:
    """Ask until the answer is no 503."""
    async with asyncio.timeout(BRIEF):
        while (answer := await answered(lambda: post(greedy, wire, path, body))).status == 503:  # noqa: ASYNC110
            await asyncio.sleep(1.0)
        return answer


async def post(
    greedy: Greedy, wire: Wire, path: str, body: bytes = b"{}", headers: Mapping[str, str] | None = None
) -> Answer:
    return await wire.ask("POST", path, {"x-api-key": greedy.tenant.key, **(headers or {})}, body)


async def flood(arena: Arena, clients: int, ask: Callable[[Wire], Awaitable[Answer]]) -> Counter[int]:
    """Have clients ask, each again after its answer; return how often each status was seen.

    They go on until one of them was answered: another attack may have taken the whole service away meanwhile.
    """
    answers = Counter[int]()
    begun = time.monotonic()

    async def be_one() -> None:
        wire = Wire(arena.base_url)
        while time.monotonic() < begun + (FLOOD if answers else BRIEF):
            try:
                async with asyncio.timeout(BRIEF):
                    answers[(await ask(wire)).status] += 1
            except (OSError, EOFError):  # another attack has ended the process that was asked
                await asyncio.sleep(0.1)
        wire.close()

    await asyncio.gather(*(be_one() for _ in range(clients)))
    return answers


def only(answers: Counter[int], expected: set[int], *, needed: set[int]) -> Sequence[str]:
    """Return a line where other statuses were answered than expected, and where no attack came about."""
    strange = {status: times for status, times in answers.items() if status not in expected}
    return [
        *([f"the attacker was answered {strange}"] if strange else []),
        *([] if needed & answers.keys() or 503 in answers else [f"no attack came about: {dict(answers)}"]),
    ]
