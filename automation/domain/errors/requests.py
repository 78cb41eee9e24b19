"""Errors of a request itself, whatever it asks for: its form, its address, its size."""

from automation.domain.errors.kinds import AutomationError, Conflict, Invalid, NotFound, TooManyRequests


class InvalidParameter(Invalid):
    """A path, query or header parameter breaks the contract."""

    code = "invalid_parameter"
    title = "Invalid parameter"
    default = "A parameter of the request is not as the contract says."
    advice = (
        "Look at `errors`: it names each parameter and what is wrong with it. Correct the request and send it again."
    )


class InvalidCursor(Invalid):
    """The cursor is none that was made for this list, with these filters and for this tenant."""

    code = "invalid_cursor"
    title = "Invalid cursor"
    default = "The cursor was not made for this list with these filters and in this order, or is no longer accepted."
    advice = "Begin again with the first page, without `cursor`; change filters and `sort` only there."


class InvalidBody(Invalid):
    """The body is not the JSON that the contract asks for."""

    code = "invalid_body"
    title = "Invalid body"
    default = "The body of the request is not as the contract says."
    advice = "Look at `errors`: each `pointer` leads to a part of the body, an empty one to all of it. Correct that."


class MalformedRequest(Invalid):
    """The bytes on the connection are not an HTTP request."""

    code = "malformed_request"
    title = "Malformed request"
    default = "What was received is not an HTTP/1.1 request."
    advice = "Check the client, or what stands between it and this server."


class PathNotFound(NotFound):
    """No operation of the contract has this path."""

    code = "not_found"
    title = "Not found"
    default = "Nothing is at this address."
    advice = "Check the path against the contract. A slash at its end makes it another path."


class MethodNotAllowed(AutomationError):
    """The path exists, with other methods; the header ``Allow`` lists them all."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"
    default = "This address does not answer to that method."
    advice = "Use one of the methods in the header `Allow`."


class PreconditionFailed(AutomationError):
    """A precondition does not hold: ``If-Match`` or ``If-None-Match`` (RFC 9110, section 13.1)."""

    status = 412
    code = "precondition_failed"
    title = "Precondition failed"
    default = "The resource has changed since the version in If-Match."
    advice = "Read it again, apply your change to that, and send its `ETag` as `If-Match`."


class IdempotencyInFlight(Conflict):
    """A request with the same ``Idempotency-Key`` is being worked on.

    The response's ``Retry-After`` is one second unless ``headers`` say otherwise.
    """

    code = "idempotency_in_flight"
    title = "Request in flight"
    default = "A request with this Idempotency-Key is being worked on."
    advice = "Send the same request again after as many seconds as the header `Retry-After` says: it is done once."


class IdempotencyAnswerNotKept(Conflict):
    """The request was carried out before, and its answer was too large to be kept."""

    code = "idempotency_answer_not_kept"
    title = "Answer not kept"
    default = (
        "The request with this Idempotency-Key was carried out; its answer was too large to be kept, by itself or "
        "beside the tenant's others."
    )
    advice = "It was done, and is not done again. Read what the request was about."


class IdempotencyKeyReused(AutomationError):
    """Another request was sent with the same ``Idempotency-Key`` before."""

    status = 422
    code = "idempotency_key_reused"
    title = "Idempotency-Key reused"
    default = "Another request was sent with this Idempotency-Key before."
    advice = (
        "Take a new `Idempotency-Key` for each new request; repeat a request with the key and the body that it had."
    )


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
    advice = "Send the `Content-Type` that `detail` names, in UTF-8 and without `Content-Encoding`."


class TooManyChecks(TooManyRequests):
    """Another long rule of the tenant is checked or planned, or too many of its long publications are before one."""

    code = "too_many_checks"
    title = "Too many checks"
    default = "Another large rule of this tenant is being checked or planned."
    advice = (
        "Send large rules, dry runs of them, and events that many rules wait for, one after the other. `Retry-After` "
        "says when to try again."
    )


class TooManyBulkOperations(TooManyRequests):
    """The tenant has three bulk operations that are not over."""

    code = "too_many_bulk_operations"
    title = "Too many bulk operations"
    default = "The tenant has three bulk operations that are not over, as many as it may have."
    advice = "Wait until one of them is over: its `status` says so."


class TooManyPending(TooManyRequests):
    """The tenant has as many pending executions as its limit ``max_pending`` lets it have."""

    code = "too_many_pending"
    limit = "max_pending"
    title = "Too many pending executions"
    default = "The tenant has as many pending executions as its limit max_pending allows."
    advice = (
        "Wait until some of them have run, or cancel some; an operator can raise the tenant's `max_pending`. "
        "`Retry-After` says when to try again."
    )


class TooManyExecutions(TooManyRequests):
    """The tenant has asked for as many executions in a day as its limit ``executions_per_day`` lets it."""

    code = "too_many_executions"
    limit = "executions_per_day"
    title = "Too many executions"
    default = "The tenant has asked for as many executions today as its limit executions_per_day allows."
    advice = (
        "`Retry-After` says when the next day of UTC begins. An operator can raise the tenant's `executions_per_day`; "
        "`/api/v1/me` tells what is used of it."
    )


class InvalidInput(AutomationError):
    """What a rule is triggered with is not what the rule asks for."""

    status = 422
    code = "invalid_input"
    title = "Invalid input"
    default = "The trigger_data are not as the rule's input_schema says."
    advice = (
        "Look at `errors`: it names each part of what was sent that is wrong. "
        "`/api/v1/automation/rules/{id}/openapi.json` says what the rule takes. Correct the data."
    )


class QuotaExceeded(AutomationError):
    """The tenant keeps as much as one of its limits lets it; waiting does not help."""

    status = 422
    code = "quota_exceeded"
    title = "Quota exceeded"
    default = "The tenant keeps as much as one of its limits allows."
    advice = (
        "`limit` names the limit, and `/api/v1/me` tells what is used of it. Delete what is no longer needed, or have "
        "an operator raise it."
    )


class TooManyMatches(AutomationError):
    """Events would start more executions than one request may create, or have more looked at than one may."""

    status = 422
    code = "too_many_matches"
    title = "Too many matches"
    default = "More rules wait for the events than one request may start or have looked at."
    advice = (
        "Send fewer events at once, or have fewer rules wait for the same events: narrow their `types` or `source`, or "
        "write shorter `conditions`. `detail` says what was too much."
    )


class HeadersTooLarge(AutomationError):
    """The request line and the headers together are too long, or the headers are too many."""

    status = 431
    code = "headers_too_large"
    title = "Headers too large"
    default = "The request has more than 64 KiB of address and headers, or more than 100 headers."
    advice = "Send a shorter address, and fewer or shorter headers; look for cookies that nobody needs."


class NotImplementedHere(AutomationError):
    """The request's method, or the coding of its transfer, is none that this server knows anywhere."""

    status = 501
    code = "not_implemented"
    title = "Not implemented"
    default = "This server does not know what the request asks for."
    advice = "Use a method of the contract, in capitals, and send a body as it is or in chunks."


class HttpVersionNotSupported(AutomationError):
    """The request speaks another major version of HTTP than 1."""

    status = 505
    code = "http_version_not_supported"
    title = "HTTP version not supported"
    default = "This server speaks HTTP/1.1 and HTTP/1.0."
    advice = "Speak HTTP/1.1; for a later version put a proxy in front that translates."
