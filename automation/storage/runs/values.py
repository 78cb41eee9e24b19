"""Values of a run as the database's functions take them: results, entries of its log."""

from collections.abc import Sequence
from typing import Any

from automation.domain.executions import LogEntry
from automation.storage.pool.encoding import encoded, storable


def encoded_result(result: Any | None) -> str | None:
    """Return a result as JSON; None for none."""
    return None if result is None else encoded(result)


def stored_entries(entries: Sequence[LogEntry]) -> str | None:
    """Return entries as a JSON array, None for none."""
    return encoded([_entry(entry) for entry in entries]) if entries else None


def _entry(entry: LogEntry) -> dict[str, Any]:
    return {
        "timestamp": entry.timestamp,
        "level": entry.level,
        "message": storable(entry.message),
        "action_index": entry.action_index,
        "metadata": entry.metadata,
    }
