"""The interface of an action: its config, what it is given when it runs, and what it answers. Plug-ins implement it."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol
from uuid import UUID

from automation.domain.executions import LogLevel

NOTHING: Mapping[str, Any] = MappingProxyType({})


class ActionLog(Protocol):
    """Adds an entry to the execution's log, which the tenant reads."""

    def __call__(self, message: str, *, level: LogLevel = LogLevel.INFO, metadata: Mapping[str, Any] = NOTHING) -> None:
        """Add one entry; ``metadata`` is a JSON object. Neither may hold a secret."""


def discard(message: str, *, level: LogLevel = LogLevel.INFO, metadata: Mapping[str, Any] = NOTHING) -> None:
    """Keep no log: what an action logs to outside a run."""


async def uncounted(_mails: int) -> None:
    """Return None: outside a run, no tenant's mails are counted."""
    return


def always() -> bool:
    """Return True: outside a run, nobody can take over what an action does."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionCall:
    """One try of one action of one execution.

    Args:
        execution_id: The execution that the action belongs to.
        rule_id: Its rule.
        attempt: The execution's attempt, from 1.
        action_index: The action's place in its rule, from 0.
        idempotency_key: The same for every try whose predecessor's outcome is unknown, another one after a definite
            answer. Give it to the other side, so that it can drop duplicates.
        deadline: A reading of ``time.monotonic()`` by which the action must have ended.
        holds: Returns whether the execution is certainly still this worker's, which a process that was stopped for a
            while may find untrue. Ask at the last moment before something leaves, and raise ``ActionWithheld`` where
            it is not so.
        log: Adds an entry to the execution's log.
        count_mails: Counts mails that are about to leave, one for each recipient. Where the tenant may not send so many
            today, none is counted, and its limit is returned; else None.
    """

    execution_id: UUID
    rule_id: UUID
    attempt: int
    action_index: int
    idempotency_key: str
    deadline: float
    holds: Callable[[], bool] = field(default=always, repr=False, compare=False)
    log: ActionLog = field(default=discard, repr=False, compare=False)
    count_mails: Callable[[int], Awaitable[int | None]] = field(default=uncounted, repr=False, compare=False)

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline, never less than 0."""
        return max(0.0, self.deadline - time.monotonic())


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What a successful action gives back.

    Args:
        output: A JSON object that later actions of the rule can read, at most 2 MiB when encoded.
        metadata: A JSON object for the log entry that tells of the success; no secrets.
    """

    output: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


class ActionFailed(Exception):
    """One try of an action failed.

    Args:
        message: What went wrong, for the tenant to read; without secrets.
        definite: Whether it is known what happened: the other side answered, or nothing was sent to it. False where
            it may have done what it was asked to (a timeout, a lost connection): the next try then carries the same
            idempotency key.
        retryable: Whether another try can have another outcome.
        metadata: A JSON object for the log entry that tells of the failure; no secrets.
        output: A JSON object that later actions of the rule can read where the rule goes on after the failure.
        retry_after: Seconds that the other side asks to let pass before the next try.
    """

    def __init__(
        self,
        message: str,
        *,
        definite: bool,
        retryable: bool,
        metadata: Mapping[str, Any] = NOTHING,
        output: Mapping[str, Any] = NOTHING,
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.definite = definite
        self.retryable = retryable
        self.metadata = metadata
        self.output = output
        self.retry_after = retry_after


class ActionTimedOut(ActionFailed):
    """One try of an action didn't end before its deadline; another one may."""

    def __init__(self, message: str, *, definite: bool, metadata: Mapping[str, Any] = NOTHING) -> None:
        super().__init__(message, definite=definite, retryable=True, metadata=metadata)


class ActionWithheld(ActionFailed):
    """One try of an action sent nothing: it was no longer certain that its execution is this worker's.

    It is no try then. Where the execution still is this worker's, the action is called once more.
    """

    def __init__(self) -> None:
        super().__init__("nothing was sent: the execution may be another worker's", definite=True, retryable=True)


@dataclass(frozen=True, slots=True, order=True)
class ConfigFault:
    """One thing that is wrong with a rule's action; ``pointer`` is an RFC 6901 JSON pointer to it, never a value."""

    pointer: str
    message: str


class Syntax(StrEnum):
    """The syntax of a string in a config: what an expression yields is encoded for its place in it."""

    HTML = "html"
    URL = "url"


Run = Callable[[Mapping[str, Any], ActionCall], Awaitable[ActionResult]]
Check = Callable[[Mapping[str, Any]], Iterable[ConfigFault]]
ResumeAt = Callable[[Mapping[str, Any], datetime], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A kind of action that rules can use: either ``run`` or ``resume_at`` is given.

    Args:
        name: The type that rules name it by: lower-case letters, digits and underscores, at most 64.
        config_schema: The JSON Schema (2020-12) of a config: an object without additional properties. Formats are
            asserted. A config whose strings hold ``${…}`` is checked against it when a rule is written, as far as it
            is known then, and again with all values in place before the action runs.
        run: Does it. Called with a valid config, raises ``ActionFailed``. It may be called again with the same
            idempotency key, and be cancelled at any await.
        resume_at: For an action that only waits: the time, with a time zone, until which the execution rests without
            holding a worker; called with a valid config and the time it begins.
        check: What a schema can't say: the faults of a config that is valid by the schema, with pointers into the
            config. When a rule is written, any value may still be a string with ``${…}``: a fault that points to
            one is dropped.
        syntaxes: The strings of a config that are URLs or HTML, by their pointers (RFC 6901): what an expression yields
            within one is encoded for its place.
        example: A config that clients are shown (``listActionTypes``), valid as a rule would write it.
    """

    name: str
    config_schema: Mapping[str, Any]
    run: Run | None = None
    resume_at: ResumeAt | None = None
    check: Check | None = None
    syntaxes: Mapping[str, Syntax] = field(default_factory=dict)
    example: Mapping[str, Any] | None = None
