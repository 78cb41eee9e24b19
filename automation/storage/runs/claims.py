"""Claims of executions: several turns that workers' slots take at the same time are served by one statement."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple
from uuid import UUID

import orjson
from psycopg.rows import dict_row

from automation.storage.pool.batches import ALONE, Alone, Batches
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import uuid_array
from automation.storage.runs.claim import Claim, Turn, read_claim
from automation.storage.runs.group_commit import PATIENCE

SIZE = 16
"""How many turns one statement serves at the most."""

# An execution and how far it had come, for the worker whose it is from now on.
_CLAIM = b"""
SELECT execution_id, attempt, fence, rule_id, rule_version, rule, created_at, trigger_data, results, next_action, tries,
    call_key, started_at, deadline_at, override_conditions, retry_from, actions_total, actions_successful,
    actions_failed, waited, taken_over, lost_workers, log_entries, weight, max_run_seconds, max_actions_seconds,
    actions_seconds, request_id, triggered_by
FROM serve_turn_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_attempt => %(attempt)s, p_rank => %(rank)s,
    p_since => %(since)s, p_lease => %(lease)s, p_full => %(full)s::uuid[], p_pass => %(passes)s,
    p_max_running => %(max_running)s, p_max_run_seconds => %(max_run_seconds)s,
    p_max_actions_seconds => %(max_actions_seconds)s)
"""
# The same for several turns, each by its place among them.
_CLAIM_SEVERAL = b"""
SELECT place, alone, execution_id, attempt, fence, rule_id, rule_version, rule, created_at, trigger_data, results,
    next_action, tries, call_key, started_at, deadline_at, override_conditions, retry_from, actions_total,
    actions_successful, actions_failed, waited, taken_over, lost_workers, log_entries, weight, max_run_seconds,
    max_actions_seconds, actions_seconds, request_id, triggered_by
FROM serve_turns_v1(
    p_turns => %(turns)s::jsonb, p_lease => %(lease)s, p_max_running => %(max_running)s,
    p_max_run_seconds => %(max_run_seconds)s, p_max_actions_seconds => %(max_actions_seconds)s)
"""


class AskedTurn(NamedTuple):
    """A turn that a slot takes: for how long its execution is claimed, and whether it is passed."""

    turn: Turn
    lease: float
    full: tuple[UUID, ...]
    passes: bool

    def values(self) -> dict[str, object]:
        """Return what a statement is told of it, beside the lease."""
        return {**self.turn._asdict(), "full": uuid_array(self.full), "passes": self.passes}


class Claims:
    """Claims executions, several at a time where they are asked for at the same time.

    Args:
        database: Where they are.
        limits: What tenants may use that have no limits of their own, by the statements' parameters.
    """

    def __init__(self, database: Database, limits: Mapping[str, int | None]) -> None:
        self._database = database
        self._limits = limits
        self._turns: Batches[AskedTurn, Claim] = Batches(
            self._serve_together, lambda asked, _: self._serve(asked), statements=1, size=SIZE, patience=PATIENCE
        )

    async def claim(self, asked: AskedTurn) -> Claim | None:
        """Serve a turn, and return the claim of what it gives to run; None for nothing."""
        return await self._turns.read(asked)

    async def _serve_together(self, turns: Sequence[AskedTurn]) -> Sequence[Claim | Literal[Alone.ALONE] | None]:
        if len(turns) == 1:
            return [await self._serve(turns[0])]
        document = orjson.dumps([asked.values() for asked in turns]).decode()
        named = {"turns": document, "lease": min(asked.lease for asked in turns), **self._limits}
        found: list[Claim | Literal[Alone.ALONE] | None] = [None] * len(turns)
        for row in await self._database.fetch_rows(_CLAIM_SEVERAL, named, rows=dict_row):
            found[row["place"] - 1] = ALONE if row["alone"] else read_claim(turns[row["place"] - 1].turn.tenant, row)
        return found

    async def _serve(self, asked: AskedTurn) -> Claim | None:
        named = {**asked.values(), "lease": asked.lease, **self._limits}
        row = await self._database.fetch_one(_CLAIM, named, dict_row)
        return None if row is None else read_claim(asked.turn.tenant, row)
