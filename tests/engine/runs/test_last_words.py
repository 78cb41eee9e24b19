"""The last word of a run comes alone: after the write in flight and the beat, and never of a run that is another's."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from automation.domain.errors import Unavailable
from automation.domain.executions import ExecutionStatus
from automation.engine.rules.program import Programs
from automation.engine.runs import conductor, heartbeat, outages
from automation.engine.runs.conductor import Conductor
from automation.engine.runs.ledger import Answer
from automation.storage.runs import ActionDone, Claim, Ending, Finished, HandedBack, Outcome, Renewal, Runs, Write
from tests.databases import DatabaseUrls
from tests.engine.actions.receiver import Receiver
from tests.engine.near import Held, a_near_worker
from tests.engine.runs.scripted import KnownSecrets, Script, a_claim, a_content, say
from tests.engine.scenes import Scene, a_call, scene_in
from tests.engine.workers import called

GOES_ON = Renewal(cancel_requested=False, deadline_passed=False)
CANCELLED = Renewal(cancel_requested=True, deadline_passed=False)
TURNS = 50


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT", 0.0)
    monkeypatch.setattr(conductor, "PATIENCE", 0.0)
    monkeypatch.setattr(outages, "_FIRST_PAUSE", 0.0)


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

    async def renew(self, _claim: Claim, **_how: Any) -> Renewal | None:
        answer = await self._write("renew")
        return self.renewal if answer is Outcome.STORED else None

    async def write(self, _claim: Claim, write: Write, _logs: Any, **_how: Any) -> Answer | None:
        return await self._write(type(write).__name__)

    async def log(self, _claim: Claim, *_logs: Any) -> Answer | None:
        return await self._write("log")

    async def end(
        self, _claim: Claim, ending: Ending, _logs: Any, *, done: ActionDone | None, **_how: Any
    ) -> Answer | None:
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


def conducting(store: Store, script: Script | None = None, number: int = 1, **state: Any) -> Conductor:
    """Return the conductor of a run of so many actions."""
    claim = a_claim(a_content((say(),) * number, {}), state)
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


async def test_it_waits_for_the_write_in_flight_of_a_run_that_is_broken_off() -> None:
    store = Store(held={"ActionDone"})
    conducted = asyncio.create_task(conducting(store, number=2).conduct())
    await store.begun["ActionDone"].wait()
    store.renewal = CANCELLED
    await until(lambda: store.noted[-1] == "renew ends")
    await turns()
    before = list(store.noted)

    store.go.set()
    await conducted

    assert before.count("ActionDone begins") == 1
    assert "end begins" not in before
    assert store.noted.index("ActionDone ends") < store.noted.index("end begins")
    assert [type(ending) for ending in store.endings] == [Finished]


async def test_it_waits_for_the_beat_in_flight() -> None:
    store = Store(held={"renew"})
    conducted = asyncio.create_task(conducting(store, number=2, taken_over=True).conduct())
    await store.begun["renew"].wait()
    await until(lambda: "ActionDone ends" in store.noted)
    await turns()
    before = list(store.noted)

    store.go.set()
    await conducted

    assert "end begins" not in before
    assert store.count("renew begins") == 1
    assert store.noted[-2:] == ["end begins", "end ends"]


@pytest.mark.parametrize("name", ["CallBegins", "ActionDone", "renew"])
async def test_a_run_that_is_anothers_has_none(name: str) -> None:
    store = Store(answers={name: [None]}, held={"CallBegins"} if name == "renew" else set())

    with capture_logs() as lines:
        conducted = asyncio.create_task(conducting(store, number=2, taken_over=True).conduct())
        await store.begun[name].wait()
        await turns()
        store.go.set()
        await conducted

    assert store.endings == []
    assert [line["event"] for line in lines] == ["run lost"]


async def test_a_run_whose_last_write_finds_it_anothers_is_lost_and_not_finished() -> None:
    store = Store(answers={"end": [None]})

    with capture_logs() as lines:
        await conducting(store).conduct()

    assert len(store.endings) == 1
    assert [line["event"] for line in lines] == ["run lost"]


async def test_what_was_not_recorded_and_finds_the_run_anothers_is_no_end_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outages, "_FIRST_PAUSE", 3600.0)
    store = Store(answers={"ActionDone": [Unavailable(), None]})

    with capture_logs() as lines:
        conducts = conducting(store, number=2)
        conducted = asyncio.create_task(conducts.conduct())
        await until(lambda: "ActionDone ends" in store.noted)
        conducts.break_off()
        await conducted

    assert store.count("ActionDone begins") == 2
    assert store.endings == []
    assert [line["event"] for line in lines] == ["run lost"]


async def test_what_the_last_action_came_to_is_stored_with_the_end() -> None:
    store = Store()

    await conducting(store, number=2).conduct()

    assert [note for note in store.noted if note.endswith("begins") and not note.startswith(("renew", "log"))] == [
        "CallBegins begins",
        "ActionDone begins",
        "CallBegins begins",
        "end begins",
    ]
    assert [done and (done.index, done.failed) for done in store.done] == [(1, False)]


async def test_what_was_not_recorded_when_a_run_was_cancelled_is_stored_with_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outages, "_FIRST_PAUSE", 3600.0)
    store = Store(answers={"ActionDone": [Unavailable()]})
    conducted = asyncio.create_task(conducting(store, number=2).conduct())
    await until(lambda: "ActionDone ends" in store.noted)

    store.renewal = CANCELLED
    await conducted

    assert store.count("ActionDone begins") == 1
    assert [done and done.index for done in store.done] == [0]
    assert [type(ending) for ending in store.endings] == [Finished]


async def test_a_run_that_was_to_be_handed_back_and_was_cancelled_meanwhile_ends_so() -> None:
    store = Store(held={"CallBegins"}, answers={"end": [Outcome.CANCELLED, ExecutionStatus.CANCELLED]})
    conducts = conducting(store)
    conducted = asyncio.create_task(conducts.conduct())
    await store.begun["CallBegins"].wait()

    conducts.break_off()
    await turns()
    store.go.set()
    await conducted

    handed_back, finished = store.endings
    assert isinstance(handed_back, HandedBack)
    assert isinstance(finished, Finished)
    assert finished.status is ExecutionStatus.CANCELLED


async def test_an_end_that_cannot_be_stored_at_first_is_stored_later_and_once() -> None:
    store = Store(answers={"end": [Unavailable(), Unavailable(), ExecutionStatus.COMPLETED]})

    with capture_logs() as lines:
        await conducting(store).conduct()

    assert store.count("end begins") == 3
    assert len({id(ending) for ending in store.endings}) == 1
    assert [(line["event"], line["status"]) for line in lines] == [("run finished", ExecutionStatus.COMPLETED)]


@pytest.fixture
async def scene(database_urls: DatabaseUrls) -> AsyncIterator[Scene]:
    async with scene_in(database_urls) as made:
        yield made


async def test_a_worker_that_stops_waits_until_what_it_hands_back_is_handed_back(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver
) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    class Slow(Runs):
        """Hands back when the test says so."""

        async def end(self, *what: Any, **how: Any) -> Any:
            asked.set()
            await go.wait()
            return await super().end(*what, **how)

    receiver.answer = Held()
    with capture_logs() as lines:
        async with a_near_worker(database_urls, runs=Slow, drain=0.0) as worker:
            execution = await scene.execute(await scene.rule(a_call(receiver.url, timeout=60)))
            await called(receiver)
            worker.stop.set()
            await asked.wait()
            await turns()
            early = worker.ended.done()
            go.set()
            await worker.ended

    assert early is False
    assert (await scene.read(execution))["status"] == "running"  # another worker's, from now on
    assert [line["event"] for line in lines if line["event"].startswith(("run ", "stopped"))] == ["run handed back"]
