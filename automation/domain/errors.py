"""The tree of errors: everything that can be wrong with a request or with serving it, as problems are made from it.

::

    AutomationError
    ├── Invalid (400)
    │   ├── InvalidParameter
    │   ├── InvalidBody
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
    │   └── RuleNotFound
    ├── MethodNotAllowed (405)
    ├── Conflict (409)
    │   ├── ExecutionFinished
    │   ├── ExecutionNotFailed
    │   ├── RuleDeleted
    │   ├── RuleInUse
    │   └── RuleNotActive
    ├── PreconditionFailed (412)
    ├── ContentTooLarge (413)
    ├── UnsupportedMediaType (415)
    ├── HeadersTooLarge (431)
    ├── InternalError (500)
    └── Unavailable (503)

The kinds in the first column of branches hold the HTTP status. The leaves hold a stable ``code``, a ``title`` that is
the same for every occurrence, the default ``detail`` and an ``advice`` on what to do; a message given when one is
raised becomes ``detail``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong with a request, and where (contract component ``Violation``).

    ``parameter`` is the name of a parameter, ``pointer`` an RFC 6901 JSON pointer into the body; one of them is given.
    """

    message: str
    parameter: str | None = None
    pointer: str | None = None


class AutomationError(Exception):
    """The root of the tree; never raised itself.

    Args:
        detail: What went wrong this time, in the service's own words and without values from the request; at most 300
            characters are shown.
        violations: What is wrong with which part of the request.
        headers: Headers that the response carries, such as ``Allow``.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    default: ClassVar[str]
    advice: ClassVar[str]

    def __init__(
        self,
        detail: str | None = None,
        *,
        violations: Sequence[Violation] = (),
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(detail or self.default)
        self.detail = detail or self.default
        self.violations = tuple(violations)
        self.headers = headers


class Invalid(AutomationError):
    """The request is not as the contract says."""

    status = 400


class Unauthenticated(AutomationError):
    """The request's API key was not accepted."""

    status = 401


class Forbidden(AutomationError):
    """The caller is known and may not do this."""

    status = 403


class NotFound(AutomationError):
    """What the request names does not exist for this caller."""

    status = 404


class Conflict(AutomationError):
    """What the request asks for does not fit the state that its resource is in."""

    status = 409


class InvalidParameter(Invalid):
    """A path, query or header parameter breaks the contract."""

    code = "invalid_parameter"
    title = "Invalid parameter"
    default = "A parameter of the request is not as the contract says."
    advice = (
        "Look at `errors`: it names each parameter and what is wrong with it. Correct the request and send it again."
    )


class InvalidBody(Invalid):
    """The body is not the JSON that the contract asks for."""

    code = "invalid_body"
    title = "Invalid body"
    default = "The body of the request is not as the contract says."
    advice = "Look at `errors`: each `pointer` leads to a part of the body. Correct the body."


class MalformedRequest(Invalid):
    """The bytes on the connection are not an HTTP request."""

    code = "malformed_request"
    title = "Malformed request"
    default = "What was received is not an HTTP/1.1 request."
    advice = "Check the client, or what stands between it and this server."


class ApiKeyMissing(Unauthenticated):
    """No ``x-api-key`` header."""

    code = "api_key_missing"
    title = "API key missing"
    default = "The request carries no API key."
    advice = "Send your API key in the header `x-api-key`."


class ApiKeyInvalid(Unauthenticated):
    """Malformed, unknown, revoked or inactive key: which of these it was is not told."""

    code = "api_key_invalid"
    title = "API key invalid"
    default = "The API key is not valid."
    advice = "Check that the whole key was copied. If it was, it may have been revoked: ask for a new one."


class ApiKeyExpired(Unauthenticated):
    """The key is past its ``expires_at``."""

    code = "api_key_expired"
    title = "API key expired"
    default = "The API key has expired."
    advice = "Ask for a new key."


class ApiKeyOverLimit(Unauthenticated):
    """The key's ``usage_limit`` is used up."""

    code = "api_key_over_limit"
    title = "API key over its limit"
    default = "The API key has been used as often as it may be."
    advice = "The limit counts over the key's whole life, so waiting does not help: ask for a new key."


class ApiKeyUserNotFound(Unauthenticated):
    """The key's user is gone or inactive."""

    code = "api_key_user_not_found"
    title = "API key's user not found"
    default = "The user that the API key belongs to does not exist or is not active."
    advice = "Ask for a key of an active user."


class ApiKeyTenantMismatch(Unauthenticated):
    """``x-tenant-id`` names a tenant that is not the key's."""

    code = "api_key_tenant_mismatch"
    title = "API key of another tenant"
    default = "The API key does not belong to the tenant in x-tenant-id."
    advice = "Send the key of that tenant, or leave `x-tenant-id` out: the key alone decides the tenant."


class PermissionDenied(Forbidden):
    """The user lacks the permission that the operation requires; ``detail`` names it."""

    code = "permission_denied"
    title = "Permission denied"
    default = "This operation requires a permission that the user does not have."
    advice = "Have a role with the permission that `detail` names granted to the key's user."


class PathNotFound(NotFound):
    """No operation of the contract has this path."""

    code = "not_found"
    title = "Not found"
    default = "Nothing is at this address."
    advice = "Check the path against the contract. A slash at its end makes it another path."


class ExecutionNotFound(NotFound):
    """The tenant has no such execution, whether or not another tenant has."""

    code = "execution_not_found"
    title = "Execution not found"
    default = "This tenant has no execution of that id."
    advice = "Check the id, and that the API key is the right tenant's."


class RuleNotFound(NotFound):
    """The tenant has no such rule, whether or not another tenant has."""

    code = "rule_not_found"
    title = "Rule not found"
    default = "This tenant has no rule of that id."
    advice = "Check the id, and that the API key is the right tenant's."


class MethodNotAllowed(AutomationError):
    """The path exists, with other methods; the header ``Allow`` lists them all."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"
    default = "This address does not answer to that method."
    advice = "Use one of the methods in the header `Allow`."


class ExecutionFinished(Conflict):
    """An execution that has ended cannot be cancelled."""

    code = "execution_finished"
    title = "Execution finished"
    default = "The execution has finished already."
    advice = "Look at its `status`: there is nothing left to cancel."


class ExecutionNotFailed(Conflict):
    """Only a failed execution can be retried."""

    code = "execution_not_failed"
    title = "Execution not failed"
    default = "Only a failed execution can be retried."
    advice = "Look at its `status`. To run the rule once more, execute it."


class RuleDeleted(Conflict):
    """A deleted rule can be neither changed nor run, not even by a retry."""

    code = "rule_deleted"
    title = "Rule deleted"
    default = "The rule is deleted, so it can be neither changed nor run."
    advice = "Create a new rule."


class RuleInUse(Conflict):
    """A rule with pending or running executions cannot be deleted."""

    code = "rule_in_use"
    title = "Rule in use"
    default = "The rule has executions that are pending or running."
    advice = "Cancel its executions, or let them end, and delete it then."


class RuleNotActive(Conflict):
    """A rule that is a draft, inactive, in error or deleted cannot be run."""

    code = "rule_not_active"
    title = "Rule not active"
    default = "The rule is not active, so it cannot be run."
    advice = "Look at its `status`: give it the status `active` first. A deleted rule cannot be run any more."


class PreconditionFailed(AutomationError):
    """The resource is not the version that ``If-Match`` names (RFC 9110, section 13.1.1)."""

    status = 412
    code = "precondition_failed"
    title = "Precondition failed"
    default = "The resource has changed since the version in If-Match."
    advice = "Read it again, apply your change to that, and send its `ETag` as `If-Match`."


class ContentTooLarge(AutomationError):
    """The body is larger than the operation takes."""

    status = 413
    code = "content_too_large"
    title = "Content too large"
    default = "The body of the request is larger than this operation takes."
    advice = "Send a smaller body; `detail` says how large it may be."


class UnsupportedMediaType(AutomationError):
    """The body is not UTF-8 JSON, by its ``Content-Type`` or ``Content-Encoding``."""

    status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"
    default = "The body must be JSON in UTF-8: Content-Type application/json, not compressed."
    advice = "Send `Content-Type: application/json`, in UTF-8 and without `Content-Encoding`."


class HeadersTooLarge(AutomationError):
    """The request line and the headers together are too long, or the headers are too many."""

    status = 431
    code = "headers_too_large"
    title = "Headers too large"
    default = "The request has more than 64 KiB of address and headers, or more than 100 headers."
    advice = "Send a shorter address, and fewer or shorter headers; look for cookies that nobody needs."


class InternalError(AutomationError):
    """Anything unforeseen, a response that breaks the contract included."""

    status = 500
    code = "internal_error"
    title = "Internal error"
    default = "The server could not complete the request. Quote the request id when you report it."
    advice = "It was logged. Report it with the `request_id`."


class Unavailable(AutomationError):
    """The database cannot be reached, or no connection to it is free in time.

    The response's ``Retry-After`` is one second unless ``headers`` say otherwise.
    """

    status = 503
    code = "unavailable"
    title = "Service unavailable"
    default = "The service is not available right now."
    advice = "Try again after as many seconds as the header `Retry-After` says."


def all_errors() -> tuple[type[AutomationError], ...]:
    """Return every concrete error, ordered by status and code."""
    return tuple(sorted(_leaves(AutomationError), key=lambda error: (error.status, error.code)))


def _leaves(error: type[AutomationError]) -> Iterator[type[AutomationError]]:
    subclasses = error.__subclasses__()
    if not subclasses:
        yield error
    for subclass in subclasses:
        yield from _leaves(subclass)
