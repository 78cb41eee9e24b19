"""Households for tests of a family: children that live as long as the test says, by a clock that it moves."""

import socket
from typing import Any

import uvicorn

from automation.service.connection_bounds import Bounds
from automation.service.http.child import Child
from automation.service.http.family import Family
from automation.service.watchdog import Limits

LIMITS = Limits(warn_seconds=1.0, kill_seconds=10.0)
BOUNDS = Bounds(first_byte_seconds=1, body_seconds=1, write_seconds=1, slowest_rate=1, most=1, most_per_address=1)
DRAIN_SECONDS, GRACE_SECONDS = 3.0, 2
FORKED = uvicorn.Config("nowhere:forked", log_config=None)


MOST_LOOKS = 10_000
"""How often a test's clock is looked at: whoever looks more often waits for ever."""


class Clock:
    """A clock that goes on by what is waited, and pauses that wait on it; what else happens then is told first."""

    def __init__(self, done: list[str]) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        self.done = done
        self.then: dict[int, Any] = {}
        self._looks = 0

    def monotonic(self) -> float:
        self._look()
        return self.now

    def _look(self) -> None:
        self._looks += 1
        assert self._looks < MOST_LOOKS

    def wait(self, seconds: float) -> bool:
        self._look()
        self.waits.append(seconds)
        self.now += seconds
        self.then.get(len(self.waits), lambda: None)()
        return False


class Grown(Child):
    """A child of which the test says whether it lives and serves."""

    def __init__(self, name: str, clock: Clock, *, serves: bool = True, exit_code: int | None = None) -> None:
        super().__init__(uvicorn.Config("nowhere:nothing", log_config=None), [], LIMITS, BOUNDS, 0)
        self.name, self._clock = name, clock
        self._begins_to_serve = serves
        self.lives = exit_code is None
        self.exit_code = exit_code
        self.obeys = True
        self.process = self  # type: ignore[assignment]  # as much of one as is asked for

    @property
    def pid(self) -> int:
        return 1

    @property
    def exitcode(self) -> int | None:
        return self.exit_code

    def is_alive(self, timeout: float = 0) -> bool:
        self._clock.monotonic()
        return self.lives

    def join(self, seconds: float = 0) -> None:
        self._clock.wait(seconds)

    def hear(self) -> None:
        self._silent_rounds += not self._begins_to_serve
        self._known = True
        self.serves = self._begins_to_serve

    def stop(self) -> None:
        self._do("stop")
        self.lives = self.lives and not self.obeys

    def release(self) -> None:
        self._do("release")

    def kill(self) -> None:
        self._do("kill")
        self.lives = False

    def _do(self, what: str) -> None:
        self._clock.done.append(f"{self.name} {what}")


class Told:
    """A lifecycle that notes what it is told."""

    def __init__(self, done: list[str]) -> None:
        self.done = done
        self.beats = 0

    def alive(self) -> None:
        self.beats += 1

    def __getattr__(self, name: str) -> Any:
        return lambda: self.done.append(name)


class Listener(socket.socket):
    """A socket that notes its end."""

    done: list[str]

    def close(self) -> None:
        self.done.append("listener closed")
        super().close()


class Household(Family):
    """A family with a clock of the test's, whose next children are laid out."""

    def __init__(self, workers: int, clock: Clock, listener: Listener) -> None:
        config = uvicorn.Config(
            "nowhere:nothing", workers=workers, log_config=None, timeout_graceful_shutdown=GRACE_SECONDS
        )
        self.told = Told(clock.done)
        super().__init__(
            config,
            [listener],
            limits=LIMITS,
            bounds=BOUNDS,
            drain_seconds=DRAIN_SECONDS,
            lifecycle=self.told,  # type: ignore[arg-type]  # it is told the same
            forked=FORKED,
        )
        self.clock = clock
        self.next = [Grown(name, clock) for name in "abcdef"]
        self.forks: list[object] = []

    def _start(self) -> Child:
        self.forks.append(self._forked)
        return self.next.pop(0)
