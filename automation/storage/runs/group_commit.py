"""Group commit of what runs have to store at the same time: one statement, one transaction, an answer for each.

A write with nothing before it is stored at once. Only while another statement is under way do writes wait for the next
one, for ``PATIENCE`` at the most. Each stays under its own claim, and one that fails, or would wait for a lock, is
stored by a statement of its own: every write of a run may be repeated.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import orjson
from psycopg.rows import scalar_row

from automation.storage.pool.batches import ALONE, Alone, Batches
from automation.storage.pool.database import Database

PATIENCE = 0.005
"""Seconds that a write waits for the statement under way to end."""
LARGE = 64 * 1024
"""Characters of a result, or of a part of the log, from which on a write is stored alone: nobody waits for it."""

# Writes of several runs, each with its answer.
_WRITE = b"SELECT write_runs_v1(p_writes => %(writes)s::jsonb)"
_LEFT = "alone"


class RunWrite(NamedTuple):
    """A write of a run.

    Args:
        kind: What ``write_runs_v1`` calls it.
        statement: Stores it alone.
        values: The statement's parameters, by name.
    """

    kind: str
    statement: bytes
    values: Mapping[str, object]

    @property
    def large(self) -> bool:
        """Whether it has so much to store that others shall not wait for it."""
        return any(isinstance(value, str) and len(value) > LARGE for value in self.values.values())


class GroupCommit:
    """Stores writes of runs, several at a time.

    Args:
        database: Where they are stored.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writes: Batches[RunWrite, str] = Batches(
            self._store_together, lambda write, _: self._store_alone(write), statements=1, patience=PATIENCE
        )

    async def store(self, write: RunWrite) -> str | None:
        """Store a write and return its answer, None where the claim is lost.

        Raises:
            Unavailable: where no database answers; whether it is stored is not known.
        """
        return await (self._store_alone(write) if write.large else self._writes.read(write))

    async def _store_together(self, writes: Sequence[RunWrite]) -> Sequence[str | Literal[Alone.ALONE] | None]:
        if len(writes) == 1:
            return [await self._store_alone(writes[0])]
        document = orjson.dumps([{"write": write.kind, **write.values} for write in writes]).decode()
        answers: Sequence[str | None] = await self._database.fetch_one(_WRITE, {"writes": document}, scalar_row) or ()
        return [ALONE if answer == _LEFT else answer for answer in answers]

    async def _store_alone(self, write: RunWrite) -> str | None:
        answer: Any = await self._database.fetch_one(write.statement, write.values, scalar_row)
        return None if answer is None else str(answer)
