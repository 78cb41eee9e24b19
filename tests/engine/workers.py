"""Real worker processes, and a receiver for what they call."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

from tests.databases import DatabaseUrls
from tests.engine.actions.receiver import Answer, Receiver, response
from tests.secret_keys import SECRET_KEYS
from tests.system.processes import Process, running, wait_for_line

STARTED = "worker started"


def worker_settings(urls: DatabaseUrls) -> dict[str, str]:
    """Return the environment of a worker that may call loopback."""
    return {
        "AUTOMATION_WORKER_URL": urls.worker,
        "AUTOMATION_EGRESS_ALLOW": "127.0.0.0/8",
        "AUTOMATION_SECRET_KEYS": SECRET_KEYS,
        "AUTOMATION_POOL_MIN": "2",
        "AUTOMATION_POOL_MAX": "8",
        "AUTOMATION_LEASE": "4",
    }


@contextmanager
def a_worker(settings: Mapping[str, str], *, concurrency: int = 8) -> Iterator[Process]:
    """Run ``automation worker``, ready for executions."""
    with running(["worker", "--concurrency", str(concurrency)], settings) as process:
        wait_for_line(process, STARTED)
        yield process


def answering(status: str = "200 OK", body: bytes = b"{}") -> Answer:
    """Answer with a JSON body."""
    return _written(response(body, "Content-Type: application/json", "Connection: close", status=status))


def never() -> Answer:
    """Answer never, and hold the connection."""

    async def answer(_writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    return answer


def hanging_up() -> Answer:
    """Close the connection without an answer."""

    async def answer(_writer: asyncio.StreamWriter) -> None:
        """Say nothing."""

    return answer


def slowly(seconds: float, then: Answer | None = None) -> Answer:
    """Answer after a while."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await (then or answering())(writer)

    return answer


def in_turn(*answers: Answer) -> Answer:
    """Give one answer after the other, and the last one again and again."""
    left = list(answers)

    async def answer(writer: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(writer)

    return answer


def keys(receiver: Receiver) -> list[str]:
    """Return the key of each call that came."""
    return [call.headers["idempotency-key"] for call in receiver.received]


async def called(receiver: Receiver, times: int = 1, *, within: float = 10.0) -> None:
    """Wait until so many calls have come."""
    await eventually(lambda: len(receiver.received) >= times, within=within)


async def eventually(condition: Callable[[], bool], *, within: float = 10.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is watched is another process
            await asyncio.sleep(0.02)


def _written(data: bytes) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return answer
