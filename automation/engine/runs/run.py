"""Runs an execution that was claimed: conditions, then one action after the other, from the first that is not done."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from automation.domain.executions import ExecutionStatus, LogLevel
from automation.domain.rules import RuleAction
from automation.engine.actions import ActionFailed, Actions
from automation.engine.expressions.evaluation import MAX_SIZE, Budget, EvaluationError, ExpressionTooCostly
from automation.engine.expressions.pace import PacedBudget
from automation.engine.expressions.scope import execution_variable, rule_variable, scope
from automation.engine.rules.program import Program, Programs, Step, UnusableRule
from automation.engine.runs.journal import Journal, an_entry
from automation.engine.runs.ledger import Ledger
from automation.engine.runs.results import EVERYTHING, OMITTED, Results
from automation.engine.runs.tasks import whole
from automation.engine.runs.tries import ActionGivenUp, Tries, WorkerStops
from automation.engine.runs.vault import Vault
from automation.storage.runs import ActionDone, Ending, Finished, HandedBack, Resting

_Result = TypeVar("_Result")

FROM_FAILED_ACTION = "failed_action"


class Run:
    """One claimed execution; ``go`` is called once.

    Args:
        ledger: Where progress is stored, under the claim.
        journal: Where it is told.
        programs: The rules, compiled.
        actions: What can be done here.
        stopping: Set when the worker goes: no action begins then.
        most_bytes: How many bytes of results it keeps.
        vault: Where the values of secrets are had from, and taken out of what is stored.
    """

    def __init__(
        self,
        ledger: Ledger,
        journal: Journal,
        programs: Programs,
        actions: Actions,
        stopping: asyncio.Event,
        *,
        most_bytes: int,
        vault: Vault,
    ) -> None:
        self._vault = vault
        self._ledger = ledger
        self._journal = journal
        self._programs = programs
        self._actions = actions
        self._stopping = stopping
        state = ledger.claim.execution
        self._results = Results(state.results, actions=state.actions_total, most=most_bytes)

    async def go(self) -> Ending:
        """Run what is not done yet, and return how that ended; the caller stores it.

        Raises:
            BrokenOff: The run may not go on.
        """
        try:
            program = await self._programs.get(self._ledger.claim.rule)
        except UnusableRule as error:
            return await self._unusable(str(error))
        await self._vault.learn(program.plain)
        if self._stopping.is_set():
            return HandedBack()
        return await self._held_back(program) or await self._act(program)

    async def _unusable(self, reason: str) -> Ending:
        await self._ledger.mark_rule_error(reason)
        return self._failed(f"The rule can't be run: {reason}.")

    async def _held_back(self, program: Program) -> Finished | None:
        """Return how the execution ends where the rule's conditions don't let it run."""
        state = self._ledger.claim.execution
        if state.next_action > 0 or state.retry_from == FROM_FAILED_ACTION:
            return None  # they were met when it began
        if state.override_conditions:
            self._journal.write("The conditions were overridden.")
            return None
        try:
            evaluate = partial(program.conditions.evaluate, self._scope())
            outcome = await self._computed(evaluate, program.conditions.count)
        except ExpressionTooCostly as error:
            return self._failed(f"The conditions could not be evaluated: {error}.")
        for result in outcome.results:
            self._journal.write(f"Condition {'met' if result.met else 'not met'}: {result.reason}.")
        if outcome.met:
            return None
        last = an_entry("The execution was skipped: the conditions are not met.")
        return Finished(status=ExecutionStatus.SKIPPED, last=last)

    async def _act(self, program: Program) -> Ending:
        state = self._ledger.claim.execution
        for index in range(state.next_action, len(program.steps)):
            if self._stopping.is_set():
                return HandedBack()
            ending = await self._step(index, program.steps[index], program.secrets)
            if ending is not None:
                return ending
        return Finished(status=ExecutionStatus.COMPLETED, last=an_entry("The execution is completed."))

    async def _step(self, index: int, step: Step, secrets: Collection[str]) -> Ending | None:
        """Take one step; return None where the next one follows."""
        values = await self._vault.values(secrets)
        try:
            resolve = partial(step.template.resolve, self._scope(), secrets=values)
            config = await self._computed(resolve, step.template.expression_count)
            if self._actions.waits(step.action.type):
                return await self._wait(index, step.action, config)
            await self._run_action(index, step.action, config)
        except WorkerStops:
            return HandedBack()
        except EvaluationError as error:
            failure = ActionFailed(f"the config could not be resolved: {error}", definite=True, retryable=False)
            return await self._given_up(index, step.action, ActionGivenUp(failure, ""))
        except ActionFailed as failure:  # of a wait, which is never tried again
            return await self._given_up(index, step.action, ActionGivenUp(failure, ""))
        except ActionGivenUp as error:
            return await self._given_up(index, step.action, error)
        return None

    async def _wait(self, index: int, action: RuleAction, config: Mapping[str, Any]) -> Resting:
        resume_at = self._actions.resume_at(action.type, config, datetime.now(UTC))
        last = an_entry(f"Waiting until {resume_at.isoformat(timespec='milliseconds')}.", action_index=index)
        return Resting(action_index=index, resume_at=resume_at, last=last)

    async def _run_action(self, index: int, action: RuleAction, config: Mapping[str, Any]) -> None:
        state = self._ledger.claim.execution
        first = index == state.next_action
        result = await Tries(self._ledger, self._journal, self._actions, self._stopping).run(
            index,
            action,
            config,
            failed=state.tries if first else 0,
            call_key=state.call_key if first else None,
        )
        tell = partial(self._journal.write, f"{action.type} succeeded.", action_index=index, metadata=result.metadata)
        await self._record(index, result.output, tell, failed=False)

    async def _given_up(self, index: int, action: RuleAction, error: ActionGivenUp) -> Finished | None:
        message = f"{action.type} failed: {error.message}"
        tolerated = action.continue_on_error and not error.over
        level = LogLevel.WARN if tolerated else LogLevel.ERROR
        tell = partial(self._journal.write, f"{message}.", level=level, action_index=index, metadata=error.metadata)
        if tolerated:
            # What is known of the failure is there for later actions; where nothing is, they find nothing.
            await self._record(index, error.output, tell, failed=True)
            return None
        finished = Finished(
            status=ExecutionStatus.TIMEOUT if error.timed_out else ExecutionStatus.FAILED,
            error_message=await self._vault.text(f"Action {index}: {message}."),
            error_stack=await self._vault.text(error.stack or f"action {index} ({action.type}): {error.message}"),
            failed_action_index=index,
            outcome_unknown=error.outcome_unknown,
        )
        tell()
        return finished

    async def _record(self, index: int, output: Mapping[str, Any], tell: Callable[[], None], *, failed: bool) -> None:
        """Store that an action is over; of the last one that is left to the end, which is all that follows."""
        done = await whole(self._noted(index, output, tell, failed=failed))
        if index < self._ledger.claim.execution.actions_total - 1:
            await self._ledger.record(done)

    async def _noted(
        self, index: int, output: Mapping[str, Any], tell: Callable[[], None], *, failed: bool
    ) -> ActionDone:
        """Tell that an action is over and have it counted, both at once, however the run is broken off from here on.

        It keeps as much of its output as there is room for; a failed one may have none.
        """
        nothing = failed and not output
        told = None if nothing else await self._vault.value(output)
        tell()
        if told is None and not nothing:
            told = {OMITTED: [EVERYTHING]}
            self._journal.write(
                "The result was left out: it takes too long to search it for secrets.",
                level=LogLevel.WARN,
                action_index=index,
            )
        omitted = self._results.add(index, told) if told is not None else ()
        if omitted:
            self._journal.write(
                f"The result is too large, and was kept without {', '.join(omitted)}: the results of an execution have "
                f"{self._results.most} bytes at the most.",
                level=LogLevel.WARN,
                action_index=index,
            )
        done = ActionDone(index=index, result=None if told is None else self._results[index], failed=failed)
        self._ledger.keep(done)
        return done

    async def _computed(self, evaluate: Callable[[Budget], _Result], expressions: int) -> _Result:
        """Evaluate so many expressions, at a pace."""
        size = MAX_SIZE * max(1, expressions)
        tenant = self._ledger.claim.tenant
        return await self._programs.computing.done(tenant, lambda pace: evaluate(PacedBudget(pace, size=size)))

    def _failed(self, message: str) -> Finished:
        self._journal.write(message, level=LogLevel.ERROR)
        return Finished(status=ExecutionStatus.FAILED, error_message=message)

    def _scope(self) -> Mapping[str, Any]:
        claim = self._ledger.claim
        return scope(
            rule=rule_variable(claim.rule.rule_id, claim.rule.version, claim.rule.content),
            execution=execution_variable(claim.execution_id, claim.attempt),
            trigger_data=claim.execution.trigger_data or {},
            results=self._results.all(),
        )
