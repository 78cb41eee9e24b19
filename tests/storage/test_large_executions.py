"""Large executions: each part of a document has a bound, and no small read waits for somebody else's large one."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from automation.contract.compiled.bodies import MAX_BYTES as LARGEST_BODY
from automation.contract.compiled.responses import LARGEST_RESPONSE
from automation.domain.errors import ContentTooLarge
from automation.domain.executions import ExecutionStatus
from automation.engine.runs.journal import MAX_METADATA_BYTES
from automation.service.settings import Settings
from automation.storage.executions import MOST_ALONE, MOST_BESIDE_OTHERS, Executions
from automation.storage.pool.database import Database
from automation.storage.runs import ActionDone, LogPart
from automation.storage.runs.runs import LONGEST_MESSAGE, LONGEST_STACK
from automation.storage.trigger_data import LARGEST as LARGEST_TRIGGER
from tests.storage.runner import Runner, entry

LARGEST_LOG = 256 * 1024
LARGEST_RESULTS = 2 * 1024 * 1024


class Statements:
    """The executions that each statement of a pool asked for, how large they could be, and whose share it is of."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[set[UUID], int]] = []
        self.shares: list[UUID | None] = []
        self._fetch_rows = database.fetch_rows
        monkeypatch.setattr(database, "fetch_rows", self._note)

    async def _note(self, query: bytes, parameters: Sequence[Any], **options: Any) -> Any:
        if b"get_execution_v1" in query:
            _, identifiers, _, most = parameters
            self.asked.append(({UUID(each) for each in identifiers.strip("{}").split(",")}, most))
            self.shares.append(options["tenant"])
        return await self._fetch_rows(query, parameters, **options)


@pytest.fixture
def statements(database: Database, monkeypatch: pytest.MonkeyPatch) -> Statements:
    return Statements(database, monkeypatch)


async def with_result(runner: Runner, size: int) -> UUID:
    """Return an execution with a result of so many bytes."""
    claim = await runner.claimed()
    result = "x" * (size - 2)
    await runner.runs.write(claim, ActionDone(index=0, result=result, failed=False))
    return claim.execution_id


async def test_a_large_one_is_left_out_of_a_statement_for_several_and_read_alone(
    runner: Runner, statements: Statements
) -> None:
    small, large = (
        await with_result(runner, MOST_BESIDE_OTHERS - 1000),
        await with_result(runner, MOST_BESIDE_OTHERS + 1000),
    )

    documents = await asyncio.gather(*(runner.document(each) for each in (small, large)))

    assert [document["execution_id"] for document in documents] == [str(small), str(large)]
    assert statements.asked == [({small, large}, MOST_BESIDE_OTHERS), ({large}, MOST_ALONE)]
    assert statements.shares == [None, runner.tenant]


async def test_a_large_one_that_nobody_else_is_read_with_costs_one_round_trip(
    runner: Runner, statements: Statements
) -> None:
    large = await with_result(runner, MOST_BESIDE_OTHERS * 2)

    document = await runner.document(large)

    assert len(document["execution_context"]["actions"]["0"]) == MOST_BESIDE_OTHERS * 2 - 2
    assert statements.asked == [({large}, MOST_ALONE)]


async def test_a_large_log_counts_as_well(runner: Runner, statements: Statements) -> None:
    claim = await runner.claimed()
    entries = tuple(entry("x" * 4000) for _ in range(50))
    await runner.runs.log(claim, LogPart(1, entries))
    other = await runner.execute()

    await asyncio.gather(*(runner.document(each) for each in (claim.execution_id, other)))

    assert statements.asked[1:] == [({claim.execution_id}, MOST_ALONE)]


async def test_another_tenants_large_execution_is_not_found_beside_ones_own(
    runner: Runner, executions: Executions, theirs: Any
) -> None:
    large, own = await with_result(runner, MOST_BESIDE_OTHERS * 2), theirs.execution.execution_id

    found, missing = await asyncio.gather(
        executions.read(theirs.tenant, own), executions.read(theirs.tenant, large), return_exceptions=True
    )

    assert not isinstance(found, BaseException)
    assert type(missing).__name__ == "ExecutionNotFound"


async def test_bytes_of_results_are_counted_and_of_those_that_a_retry_drops_no_more(runner: Runner) -> None:
    execution = await runner.failed(2)
    counted = runner.row(execution)["results_bytes"]
    await runner.executions.retry(runner.tenant, execution, retry_from="failed_action")
    kept = runner.row(execution)["results_bytes"]
    await runner.failed(2, execution=None)

    assert counted == kept == len('{"action":0}') * 2


async def test_bytes_of_results_are_none_after_a_retry_from_the_start(runner: Runner) -> None:
    execution = await runner.failed(2)

    await runner.executions.retry(runner.tenant, execution, retry_from="start")

    assert runner.row(execution)["results_bytes"] == 0


async def test_what_a_wait_leaves_is_counted_too(runner: Runner) -> None:
    claim = await runner.claimed()

    await runner.runs.wait(claim, next_action=1, resume_at=claim.execution.deadline_at, result={"until": "then"})

    assert runner.row(claim.execution_id)["results_bytes"] == len('{"until":"then"}')


async def test_an_error_and_its_stack_keep_their_beginning_and_their_end(runner: Runner) -> None:
    claim = await runner.claimed()
    message, stack = ("first " + "x" * 100_000 + " last" for _ in range(2))

    await runner.runs.finish(claim, ExecutionStatus.FAILED, error_message=message, error_stack=stack)

    document = await runner.document(claim.execution_id)
    for name, longest in (("error_message", LONGEST_MESSAGE), ("error_stack", LONGEST_STACK)):
        assert len(document[name]) <= longest
        assert document[name].startswith("first ")
        assert " […] " in document[name]
        assert document[name].endswith(" last")


async def test_the_largest_document_that_there_can_be_is_within_the_limit_of_an_answer(runner: Runner) -> None:
    trigger = "\u0001" * ((LARGEST_TRIGGER - 100) // len("\\u0001"))
    claim = await runner.claimed(await runner.execute(payload=trigger))
    await runner.runs.write(claim, ActionDone(index=0, result="x" * LARGEST_RESULTS, failed=False))
    entries = tuple(entry("m", metadata={"text": "x" * (MAX_METADATA_BYTES - 20)}) for _ in range(20))
    await runner.runs.log(claim, LogPart(1, entries))
    awkward = "\u0001" * 100_000
    await runner.runs.finish(claim, ExecutionStatus.FAILED, error_message=awkward, error_stack=awkward)

    size = len((await runner.executions.read(runner.tenant, claim.execution_id)).json)

    assert runner.row(claim.execution_id)["logs_cut"]
    assert LARGEST_RESULTS + LARGEST_LOG + LARGEST_TRIGGER < size < LARGEST_RESPONSE


async def test_no_execution_is_stored_whose_data_would_be_larger_as_json(runner: Runner) -> None:
    execution = await runner.failed()
    awkward = "\u0001" * (LARGEST_TRIGGER // len("\\u0001"))

    with pytest.raises(ContentTooLarge):
        await runner.execute(payload=awkward)
    with pytest.raises(ContentTooLarge):
        await runner.executions.retry(runner.tenant, execution, retry_from="start", trigger_data={"a": awkward})


def test_no_setting_lets_results_be_larger() -> None:
    with pytest.raises(ValueError, match="max_result_bytes"):
        Settings(max_result_bytes=LARGEST_RESULTS + 1)


async def test_a_document_beside_others_has_256_kib_at_the_most(runner: Runner) -> None:
    trigger = "x" * (LARGEST_BODY - 100)
    claim = await runner.claimed(await runner.execute(payload=trigger))
    result = "x" * (MOST_BESIDE_OTHERS - 2000)
    await runner.runs.write(claim, ActionDone(index=0, result=result, failed=False))
    await runner.runs.finish(claim, ExecutionStatus.FAILED, error_message="x" * 5000, error_stack="x" * 9000)

    document = json.dumps(await runner.document(claim.execution_id))

    assert runner.row(claim.execution_id)["results_bytes"] <= MOST_BESIDE_OTHERS
    assert len(document) < 256 * 1024
