"""Runs a claimed execution beside its heartbeat, and stores how it ended: whichever of the two has the last word."""

import asyncio

import structlog

from automation.domain.executions import ExecutionStatus, LogLevel
from automation.engine.actions import Actions
from automation.engine.rules.program import Programs
from automation.engine.runs.heartbeat import Heartbeat
from automation.engine.runs.journal import Journal, an_entry
from automation.engine.runs.ledger import Answer, BrokenOff, Cause, Ledger
from automation.engine.runs.run import Run
from automation.engine.runs.tasks import leave
from automation.engine.runs.vault import Vault
from automation.storage.runs import Claim, Ending, Finished, HandedBack, Resting, Runs
from automation.storage.secrets.sealed_secrets import SealedSecrets

_log = structlog.get_logger()

PATIENCE = 0.5
"""Tuned: seconds that an action gets to end when it is broken off; then it is left alone, and can write nothing."""


class Conductor:
    """Conducts one claimed execution, from its claim to its last write.

    Args:
        runs: Where it is stored.
        claim: Whose it is.
        programs: The rules, compiled.
        actions: What can be done here.
        lease: Seconds after which another worker may take over where the claim is not renewed.
        most_result_bytes: How many bytes of results the execution keeps.
        most_lost: How many workers may be lost at one action, one after the other.
        stopping: Set when the worker goes: no action begins then.
        secrets: Where the values of secrets are read.
    """

    def __init__(
        self,
        runs: Runs,
        claim: Claim,
        programs: Programs,
        actions: Actions,
        *,
        lease: float,
        most_result_bytes: int,
        most_lost: int,
        stopping: asyncio.Event,
        secrets: SealedSecrets,
    ) -> None:
        self._claim = claim
        self._most_lost = most_lost
        self._vault = vault = Vault(secrets, claim.tenant, programs.computing)
        journal = Journal(claim.execution.log_entries, vault.redaction)
        self._ledger = Ledger(runs, claim, journal, lease)
        self._heartbeat = Heartbeat(self._ledger)
        self._run = Run(self._ledger, journal, programs, actions, stopping, most_bytes=most_result_bytes, vault=vault)

    def break_off(self) -> None:
        """Hand the execution back without waiting for the action in flight."""
        self._heartbeat.stop()

    async def conduct(self) -> None:
        """Run the execution until it is over, rests, is handed back, or lost to another worker."""
        try:
            await self._conduct()
        finally:
            await self._vault.close()

    async def _conduct(self) -> None:
        ending = self._given_up() or await self._outcome()
        while ending is not None:
            try:
                answer = await self._ledger.end(ending)
            except BrokenOff as broken_off:
                ending = self._broken_off(broken_off.cause)
            else:
                self._say(answer, ending)
                return
        _log.warning("run lost", **self._names())

    def _given_up(self) -> Finished | None:
        """Return that it failed, where it seems to be what its workers die of: it must not take one after the other."""
        state = self._claim.execution
        if state.lost_workers < self._most_lost:
            return None
        _log.error("run given up", lost_workers=state.lost_workers, action_index=state.next_action, **self._names())
        left = state.next_action < state.actions_total
        place = f"at action {state.next_action}" if left else "after the last action"
        message = f"The execution was given up: its worker was lost {state.lost_workers} times in a row {place}."
        index = state.next_action if left else None
        return Finished(
            status=ExecutionStatus.FAILED,
            error_message=message,
            failed_action_index=index,
            outcome_unknown=True,
            last=an_entry(message, level=LogLevel.ERROR, action_index=index),
        )

    async def _outcome(self) -> Ending | None:
        """Return what the run, or else the heartbeat, says; None where somebody else has the execution."""
        run = asyncio.create_task(self._run.go())
        heartbeat = asyncio.create_task(self._heartbeat.listen(at_once=self._claim.execution.taken_over))
        try:
            await asyncio.wait({run, heartbeat}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._end(run, heartbeat)
        # One that came to its end all the same has told of it.
        return self._said_by(run) if run.done() and not run.cancelled() else self._broken_off(heartbeat.result())

    async def _end(self, run: "asyncio.Task[Ending]", heartbeat: "asyncio.Task[Cause]") -> None:
        """End both. The heartbeat must be gone before the last word: what that gives up may not be renewed."""
        if not run.done():
            leave(run, BrokenOff)
        if not heartbeat.done():
            leave(heartbeat)
        run.cancel()
        self._heartbeat.stop()
        await asyncio.wait({heartbeat})
        await asyncio.wait({run}, timeout=PATIENCE)

    def _said_by(self, run: "asyncio.Task[Ending]") -> Ending | None:
        try:
            return run.result()
        except BrokenOff as broken_off:
            return self._broken_off(broken_off.cause)
        except Exception:  # noqa: BLE001 - told in the log and to the tenant
            # A defect of the engine: the execution must not go round among the workers for ever.
            _log.exception("run failed", **self._names())
            message = "The execution could not be run: an internal error."
            last = an_entry(message, level=LogLevel.ERROR)
            return Finished(status=ExecutionStatus.FAILED, error_message=message, outcome_unknown=True, last=last)

    def _broken_off(self, cause: Cause) -> Ending | None:
        match cause:
            case Cause.LOST:
                return None
            case Cause.STOPPING:
                return HandedBack()
            case Cause.CANCELLED:
                # The database knows by whom, and says so.
                return Finished(status=ExecutionStatus.CANCELLED, outcome_unknown=True)
            case Cause.OUT_OF_TIME:
                message = f"The execution's time of {self._seconds()} was over."
                last = an_entry(message, level=LogLevel.WARN)
                return Finished(status=ExecutionStatus.TIMEOUT, error_message=message, outcome_unknown=True, last=last)

    def _seconds(self) -> str:
        """Return how long the execution might take, and whose limit that is where it isn't its rule's."""
        seconds, most = self._claim.rule.content.execution_timeout_seconds, self._claim.max_run_seconds
        if most is None or most >= seconds:
            return f"{seconds} s"
        return f"{most} s, the tenant's limit max_run_seconds,"

    def _say(self, answer: Answer, ending: Ending) -> None:
        match ending:
            case Finished():
                _log.info("run finished", status=answer, **self._names())
            case HandedBack():
                _log.info("run handed back", **self._names())
            case Resting():
                _log.debug("run rests", **self._names())

    def _names(self) -> dict[str, object]:
        claim = self._claim
        return {
            "tenant": str(claim.tenant),
            "execution_id": str(claim.execution_id),
            "attempt": claim.attempt,
            "claim": claim.fence,
        }
