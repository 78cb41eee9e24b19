"""Runs a claimed execution beside its heartbeat, and stores how it ended: whichever of the two has the last word."""

import asyncio

import structlog

from automation.domain.executions import ExecutionStatus, LogLevel
from automation.engine.actions import Actions
from automation.engine.rules.program import Programs
from automation.engine.runs.endings import Ending, Finished, HandedBack
from automation.engine.runs.heartbeat import Cause, Heartbeat, Interruption
from automation.engine.runs.journal import Journal
from automation.engine.runs.ledger import ClaimLost, Ledger
from automation.engine.runs.run import Run
from automation.storage.runs import Claim, Runs

_log = structlog.get_logger()

PATIENCE = 0.5
"""Seconds that an action gets to end when it is broken off; then it is left alone, and can write nothing."""


class Conductor:
    """Conducts one claimed execution, from its claim to its last write.

    Args:
        runs: Where it is stored.
        claim: Whose it is.
        programs: The rules, compiled.
        actions: What can be done here.
        lease: Seconds after which another worker may take over where the claim is not renewed.
        stopping: Set when the worker goes: no action begins then.
    """

    def __init__(
        self,
        runs: Runs,
        claim: Claim,
        programs: Programs,
        actions: Actions,
        *,
        lease: float,
        stopping: asyncio.Event,
    ) -> None:
        self._claim = claim
        self._journal = Journal()
        self._ledger = Ledger(runs, claim, lease)
        self._heartbeat = Heartbeat(self._ledger, self._journal)
        self._run = Run(self._ledger, self._journal, programs, actions, stopping)

    def break_off(self) -> None:
        """Hand the execution back without waiting for the action in flight."""
        self._heartbeat.stop()

    async def conduct(self) -> None:
        """Run the execution until it is over, rests, is handed back, or lost to another worker."""
        try:
            ending = await self._outcome()
            if ending is not None:
                await self._ledger.end(ending.write(self._journal.take()))
        except ClaimLost:
            ending = None
        self._say(ending)

    async def _outcome(self) -> Ending | None:
        """Return what the run, or else the heartbeat, says; None where somebody else has the execution."""
        run = asyncio.create_task(self._run.go())
        heartbeat = asyncio.create_task(self._heartbeat.listen(at_once=self._claim.execution.taken_over))
        try:
            done, _ = await asyncio.wait({run, heartbeat}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._end(run, heartbeat)
        return self._said_by(run) if run in done else self._interrupted(heartbeat.result())

    async def _end(self, run: "asyncio.Task[Ending]", heartbeat: "asyncio.Task[Interruption]") -> None:
        """End both. The heartbeat must be gone before the last word: what that gives up may not be renewed."""
        run.cancel()
        self._heartbeat.stop()
        await asyncio.wait({heartbeat})
        await asyncio.wait({run}, timeout=PATIENCE)
        if run.done() and not run.cancelled():
            run.exception()  # looked at, so that asyncio doesn't complain of one that came too late

    def _said_by(self, run: "asyncio.Task[Ending]") -> Ending:
        try:
            return run.result()
        except ClaimLost:
            raise
        except Exception:  # noqa: BLE001 - told in the log and to the tenant
            # A defect of the engine: the execution must not go round among the workers for ever.
            _log.exception("run failed", **self._names())
            message = "The execution could not be run: an internal error."
            self._journal.write(message, level=LogLevel.ERROR)
            return Finished(status=ExecutionStatus.FAILED, error_message=message)

    def _interrupted(self, interruption: Interruption) -> Ending | None:
        match interruption.cause:
            case Cause.LOST:
                return None
            case Cause.STOPPING:
                return HandedBack()
            case Cause.CANCELLED:
                return self._over(ExecutionStatus.CANCELLED, interruption.reason or "The execution was cancelled.")
            case Cause.OUT_OF_TIME:
                seconds = self._claim.rule.content.execution_timeout_seconds
                return self._over(ExecutionStatus.TIMEOUT, f"The execution's time of {seconds} s was over.")

    def _over(self, status: ExecutionStatus, message: str) -> Finished:
        self._journal.write(message, level=LogLevel.WARN)
        return Finished(status=status, error_message=message)

    def _say(self, ending: Ending | None) -> None:
        match ending:
            case None:
                _log.warning("run lost", **self._names())
            case Finished():
                _log.info("run finished", status=ending.status, **self._names())
            case HandedBack():
                _log.info("run handed back", **self._names())
            case _:
                _log.debug("run rests", **self._names())

    def _names(self) -> dict[str, object]:
        claim = self._claim
        return {
            "tenant": str(claim.tenant),
            "execution_id": str(claim.execution_id),
            "attempt": claim.attempt,
            "claim": claim.fence,
        }
