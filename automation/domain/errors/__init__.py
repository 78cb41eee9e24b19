"""The tree of errors: everything that can be wrong with a request or with serving it, as problems are made from it.

::

    AutomationError
    ├── Invalid (400)
    │   ├── InvalidParameter
    │   ├── InvalidBody
    │   ├── InvalidCursor
    │   └── MalformedRequest
    ├── Unauthenticated (401)
    │   ├── ApiKeyMissing
    │   ├── ApiKeyInvalid
    │   ├── ApiKeyExpired
    │   ├── ApiKeyOverLimit
    │   ├── ApiKeyUserNotFound
    │   └── ApiKeyTenantMismatch
    ├── Forbidden (403)
    │   └── PermissionDenied
    ├── NotFound (404)
    │   ├── PathNotFound
    │   ├── ExecutionNotFound
    │   ├── RuleNotFound
    │   └── RuleVersionNotFound
    ├── MethodNotAllowed (405)
    ├── Conflict (409)
    │   ├── ActionsChanged
    │   ├── AttemptSuperseded
    │   ├── ExecutionFinished
    │   ├── ExecutionNotRetriable
    │   ├── IdempotencyAnswerNotKept
    │   ├── IdempotencyInFlight
    │   ├── RetriesExhausted
    │   ├── RuleDeleted
    │   ├── RuleInUse
    │   └── RuleNotActive
    ├── PreconditionFailed (412)
    ├── ContentTooLarge (413)
    ├── UnsupportedMediaType (415)
    ├── IdempotencyKeyReused (422)
    ├── TooManyRequests (429)
    │   ├── TooManyChecks
    │   └── TooManyPending
    ├── HeadersTooLarge (431)
    ├── InternalError (500)
    ├── OutcomeUnknown (503)
    └── Unavailable (503)

The kinds in the first column of branches hold the HTTP status. The leaves hold a stable ``code``, a ``title`` that is
the same for every occurrence, the default ``detail`` and an ``advice`` on what to do; a message given when one is
raised becomes ``detail``.
"""

from collections.abc import Iterator

from automation.domain.errors.access import (
    ApiKeyExpired,
    ApiKeyInvalid,
    ApiKeyMissing,
    ApiKeyOverLimit,
    ApiKeyTenantMismatch,
    ApiKeyUserNotFound,
    PermissionDenied,
)
from automation.domain.errors.kinds import (
    AutomationError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooManyRequests,
    Unauthenticated,
    Violation,
)
from automation.domain.errors.requests import (
    ContentTooLarge,
    HeadersTooLarge,
    IdempotencyAnswerNotKept,
    IdempotencyInFlight,
    IdempotencyKeyReused,
    InvalidBody,
    InvalidCursor,
    InvalidParameter,
    MalformedRequest,
    MethodNotAllowed,
    PathNotFound,
    PreconditionFailed,
    TooManyChecks,
    TooManyPending,
    UnsupportedMediaType,
)
from automation.domain.errors.resources import (
    ActionsChanged,
    AttemptSuperseded,
    ExecutionFinished,
    ExecutionNotFound,
    ExecutionNotRetriable,
    RetriesExhausted,
    RuleDeleted,
    RuleInUse,
    RuleNotActive,
    RuleNotFound,
    RuleVersionNotFound,
)
from automation.domain.errors.service import InternalError, OutcomeUnknown, Unavailable

__all__ = [
    "ActionsChanged",
    "ApiKeyExpired",
    "ApiKeyInvalid",
    "ApiKeyMissing",
    "ApiKeyOverLimit",
    "ApiKeyTenantMismatch",
    "ApiKeyUserNotFound",
    "AttemptSuperseded",
    "AutomationError",
    "Conflict",
    "ContentTooLarge",
    "ExecutionFinished",
    "ExecutionNotFound",
    "ExecutionNotRetriable",
    "Forbidden",
    "HeadersTooLarge",
    "IdempotencyAnswerNotKept",
    "IdempotencyInFlight",
    "IdempotencyKeyReused",
    "InternalError",
    "Invalid",
    "InvalidBody",
    "InvalidCursor",
    "InvalidParameter",
    "MalformedRequest",
    "MethodNotAllowed",
    "NotFound",
    "OutcomeUnknown",
    "PathNotFound",
    "PermissionDenied",
    "PreconditionFailed",
    "RetriesExhausted",
    "RuleDeleted",
    "RuleInUse",
    "RuleNotActive",
    "RuleNotFound",
    "RuleVersionNotFound",
    "TooManyChecks",
    "TooManyPending",
    "TooManyRequests",
    "Unauthenticated",
    "Unavailable",
    "UnsupportedMediaType",
    "Violation",
    "all_errors",
]


def all_errors() -> tuple[type[AutomationError], ...]:
    """Return every concrete error, ordered by status and code."""
    return tuple(sorted(_leaves(AutomationError), key=lambda error: (error.status, error.code)))


def _leaves(error: type[AutomationError]) -> Iterator[type[AutomationError]]:
    subclasses = error.__subclasses__()
    if not subclasses:
        yield error
    for subclass in subclasses:
        yield from _leaves(subclass)
