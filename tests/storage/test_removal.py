"""Removals of one execution: only of one that has ended, and only as it was read, where that is asked."""

import pytest

from automation.domain.errors import AutomationError, ExecutionNotFinished
from automation.domain.executions import ExecutionStatus
from tests.storage.locks import somebody_else, waiting
from tests.storage.runner import Runner
from tests.storage.samples import Sample


async def removed(runner: Runner, sample: Sample, status: ExecutionStatus, revision: str | None) -> str:
    """Remove an execution of a sample as a runner's tenant, and return why not, or whether it is still there."""
    execution = sample.add_execution(status=status).execution_id
    read = await runner.executions.read(sample.tenant, execution)
    assert read.revision
    try:
        await runner.executions.delete(
            runner.tenant, execution, revision=read.revision if revision == "its own" else revision
        )
    except AutomationError as error:
        assert await runner.executions.read(sample.tenant, execution)
        return error.code
    with pytest.raises(AutomationError, match="no execution"):
        await runner.executions.read(sample.tenant, execution)
    return "removed"


@pytest.mark.parametrize("status", sorted(ExecutionStatus))
@pytest.mark.parametrize("revision", [None, "its own", "another"])
async def test_one_is_removed_that_has_ended_and_is_as_it_was_read(
    runner: Runner, status: ExecutionStatus, revision: str | None
) -> None:
    open_yet = status in {ExecutionStatus.PENDING, ExecutionStatus.RUNNING}
    expected = "execution_not_finished" if open_yet else "removed"

    found = await removed(runner, runner.sample, status, revision)

    assert found == ("precondition_failed" if revision == "another" else expected)


async def test_one_of_another_tenant_is_none(runner: Runner, theirs: Sample) -> None:
    assert await removed(runner, theirs, ExecutionStatus.COMPLETED, None) == "execution_not_found"


async def test_one_that_is_being_made_pending_again_is_waited_for_and_stays(runner: Runner) -> None:
    execution = runner.sample.add_execution(status=ExecutionStatus.FAILED).execution_id
    async with somebody_else(runner) as other:
        retried = "UPDATE automation_executions SET status = 'pending' WHERE execution_id = %s"
        await other.execute(retried, (execution,))
        removing = await waiting(runner, other, runner.executions.delete(runner.tenant, execution))
        await other.commit()

    with pytest.raises(ExecutionNotFinished):
        await removing

    assert await runner.status(execution) is ExecutionStatus.PENDING
