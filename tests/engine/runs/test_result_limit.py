"""The results of a run have a limit in all: what is beyond it is left out, told, and not there for later actions."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.databases import DatabaseUrls
from tests.engine.actions.receiver import Receiver
from tests.engine.near import a_near_worker
from tests.engine.scenes import Scene, a_call, messages, scene_in
from tests.engine.workers import answering

LIMIT = 64 * 1024


@pytest.fixture
async def scene(database_urls: DatabaseUrls) -> AsyncIterator[Scene]:
    async with scene_in(database_urls) as made, a_near_worker(database_urls, most_result_bytes=LIMIT):
        yield made


async def test_what_does_not_fit_is_left_out_and_a_later_action_misses_it(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = answering(body=json.dumps({"id": 42, "text": "x" * 40_000}).encode())
    first, second = a_call(receiver.url), a_call(receiver.url)
    uses_both = a_call(
        receiver.url, json={"status": '${context.actions."1".status}', "id": '${context.actions."0".body.id}'}
    )
    misses = a_call(receiver.url, json={"id": '${context.actions."1".body.id}'})

    execution = await scene.run(first, second, uses_both, misses)

    results = execution["execution_context"]["actions"]
    assert results["0"]["body"]["id"] == 42
    assert (results["1"]["status"], results["1"]["_omitted"]) == (200, ["body"])
    assert "body" not in results["1"]
    assert len(json.dumps(results, separators=(",", ":"))) < LIMIT
    assert json.loads(receiver.received[2].body) == {"status": 200, "id": 42}
    assert (execution["status"], execution["failed_action_index"]) == ("failed", 3)
    assert '${context.actions."1".body.id} at /json/id has no value' in execution["error_message"]
    assert [text for text in messages(execution, "warn") if "kept without body" in text]


async def test_what_is_known_of_a_failure_is_held_to_the_limit_too(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = answering("500 Internal Server Error", body=b"r" * 4000)

    execution = await scene.run(*(a_call(receiver.url, go_on=True) for _ in range(20)))

    results = execution["execution_context"]["actions"]
    assert execution["actions_failed"] == 20
    assert len(json.dumps(results, separators=(",", ":"))) < LIMIT + 200
    assert results["19"]["_omitted"] == ["body"]
