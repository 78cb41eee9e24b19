"""Log entries of a run that are not yet stored: they fit into a tenant's log, whatever an action hands over."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from automation.domain.executions import LogEntry, LogLevel
from automation.engine.actions import ActionLog
from automation.engine.rules.masking import masked
from automation.engine.runs.redaction import STEPS_AT_ONCE, Redaction, TooLong, within
from automation.storage.pool.encoding import storable
from automation.storage.runs import LogPart

MAX_MESSAGE = 4000
MAX_METADATA_BYTES = 16 * 1024
MAX_WAITING = 1000
"""Tuned: as many as an execution keeps: a talkative action fills no memory before its entries are stored."""

_NOTHING = Redaction()


class Journal:
    """The log entries of one run in the order in which they were written, until they are known to be stored.

    Args:
        first: The place of the run's first entry in the log of its attempt.
        redaction: What must not be told; nothing when left out.
    """

    def __init__(self, first: int = 0, redaction: Redaction | None = None) -> None:
        self._first = first
        self._redaction = redaction
        self._entries: list[LogEntry] = []

    def write(
        self,
        message: str,
        *,
        level: LogLevel = LogLevel.INFO,
        action_index: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Add an entry; members of the metadata whose names sound like a secret's are masked."""
        self._entries.append(
            an_entry(message, level=level, action_index=action_index, metadata=metadata, redaction=self._redaction)
        )

    def of_action(self, index: int) -> ActionLog:
        """Return what an action writes its own entries with; while very many are waiting, none is added."""

        def log(message: str, *, level: LogLevel = LogLevel.INFO, metadata: Mapping[str, Any] | None = None) -> None:
            if len(self._entries) < MAX_WAITING:
                self.write(message, level=level, action_index=index, metadata=metadata)

        return log

    def waiting(self) -> LogPart:
        """Return the entries that are not known to be stored; the journal keeps them."""
        return LogPart(self._first, tuple(self._entries))

    def stored(self, part: LogPart) -> None:
        """Forget entries that are stored by now."""
        done = max(0, part.first + len(part.entries) - self._first)
        del self._entries[:done]
        self._first += done


def an_entry(
    message: str,
    *,
    level: LogLevel = LogLevel.INFO,
    action_index: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    redaction: Redaction | None = None,
) -> LogEntry:
    """Return an entry of now that can be stored, with its secrets masked, and what ``redaction`` knows replaced."""
    redaction = redaction or _NOTHING
    return LogEntry(
        timestamp=datetime.now(UTC),
        level=LogLevel(level),
        message=redaction.text(storable(str(message)))[:MAX_MESSAGE],
        action_index=action_index,
        metadata=_stored(metadata, redaction) if metadata else None,
    )


def _stored(metadata: Mapping[str, Any], redaction: Redaction) -> Mapping[str, Any]:
    pace = within(STEPS_AT_ONCE)
    try:
        encoded = orjson.dumps(masked(dict(metadata), pace.step), default=str).replace(b"\\u0000", b"\\ufffd")
        if len(encoded) > MAX_METADATA_BYTES:
            return {"omitted": f"it is larger than {MAX_METADATA_BYTES} bytes"}
        stored: dict[str, Any] = redaction.value(orjson.loads(encoded), pace)
    except (TypeError, RecursionError):
        return {"omitted": "it is not made of JSON values"}
    except TooLong:
        return {"omitted": "it takes too long to search it for secrets"}
    return stored
