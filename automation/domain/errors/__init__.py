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
    │   ├── PermissionDenied
    │   └── SignatureInvalid
    ├── NotFound (404)
    │   ├── PathNotFound
    │   ├── BulkOperationNotFound
    │   ├── ExecutionNotFound
    │   ├── RuleNotFound
    │   ├── RuleVersionNotFound
    │   └── SecretNotFound
    ├── MethodNotAllowed (405)
    ├── Conflict (409)
    │   ├── ActionsChanged
    │   ├── AttemptSuperseded
    │   ├── ExecutionFinished
    │   ├── ExecutionNotFinished
    │   ├── ExecutionNotRetriable
    │   ├── IdempotencyAnswerNotKept
    │   ├── IdempotencyInFlight
    │   ├── RetriesExhausted
    │   ├── RuleDeleted
    │   ├── RuleInUse
    │   ├── RuleNotActive
    │   ├── RuleWithoutHook
    │   ├── SecretInUse
    │   └── SecretsExhausted
    ├── PreconditionFailed (412)
    ├── ContentTooLarge (413)
    ├── UnsupportedMediaType (415)
    ├── IdempotencyKeyReused (422)
    ├── InvalidInput (422)
    ├── QuotaExceeded (422)
    ├── TooManyMatches (422)
    ├── TooManyRequests (429)
    │   ├── RateLimited
    │   ├── TooManyBulkOperations
    │   ├── TooManyChecks
    │   ├── TooManyExecutions
    │   ├── TooManyPending
    │   └── TooManyRefusedKeys
    ├── HeadersTooLarge (431)
    ├── InternalError (500)
    ├── NotImplementedHere (501)
    ├── OutcomeUnknown (503)
    ├── SecretsNotConfigured (503)
    ├── Unavailable (503)
    └── HttpVersionNotSupported (505)

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
    RateLimited,
    SignatureInvalid,
    TooManyRefusedKeys,
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
    HttpVersionNotSupported,
    IdempotencyAnswerNotKept,
    IdempotencyInFlight,
    IdempotencyKeyReused,
    InvalidBody,
    InvalidCursor,
    InvalidInput,
    InvalidParameter,
    MalformedRequest,
    MethodNotAllowed,
    NotImplementedHere,
    PathNotFound,
    PreconditionFailed,
    QuotaExceeded,
    TooManyBulkOperations,
    TooManyChecks,
    TooManyExecutions,
    TooManyMatches,
    TooManyPending,
    UnsupportedMediaType,
)
from automation.domain.errors.resources import (
    ActionsChanged,
    AttemptSuperseded,
    BulkOperationNotFound,
    ExecutionFinished,
    ExecutionNotFinished,
    ExecutionNotFound,
    ExecutionNotRetriable,
    RetriesExhausted,
    RuleDeleted,
    RuleInUse,
    RuleNotActive,
    RuleNotFound,
    RuleVersionNotFound,
    RuleWithoutHook,
    SecretInUse,
    SecretNotFound,
    SecretsExhausted,
)
from automation.domain.errors.service import InternalError, OutcomeUnknown, SecretsNotConfigured, Unavailable

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
    "BulkOperationNotFound",
    "Conflict",
    "ContentTooLarge",
    "ExecutionFinished",
    "ExecutionNotFinished",
    "ExecutionNotFound",
    "ExecutionNotRetriable",
    "Forbidden",
    "HeadersTooLarge",
    "HttpVersionNotSupported",
    "IdempotencyAnswerNotKept",
    "IdempotencyInFlight",
    "IdempotencyKeyReused",
    "InternalError",
    "Invalid",
    "InvalidBody",
    "InvalidCursor",
    "InvalidInput",
    "InvalidParameter",
    "MalformedRequest",
    "MethodNotAllowed",
    "NotFound",
    "NotImplementedHere",
    "OutcomeUnknown",
    "PathNotFound",
    "PermissionDenied",
    "PreconditionFailed",
    "QuotaExceeded",
    "RateLimited",
    "RetriesExhausted",
    "RuleDeleted",
    "RuleInUse",
    "RuleNotActive",
    "RuleNotFound",
    "RuleVersionNotFound",
    "RuleWithoutHook",
    "SecretInUse",
    "SecretNotFound",
    "SecretsExhausted",
    "SecretsNotConfigured",
    "SignatureInvalid",
    "TooManyBulkOperations",
    "TooManyChecks",
    "TooManyExecutions",
    "TooManyMatches",
    "TooManyPending",
    "TooManyRefusedKeys",
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
