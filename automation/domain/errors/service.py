"""Errors of the service itself: it fails, or its database is away."""

from automation.domain.errors.kinds import AutomationError


class InternalError(AutomationError):
    """Anything unforeseen, a response that breaks the contract included."""

    status = 500
    code = "internal_error"
    title = "Internal error"
    default = "The server could not complete the request. Quote the request id when you report it."
    advice = "It was logged. Report it with the `request_id`."


class Unavailable(AutomationError):
    """The database cannot be reached, does not do its work, or no connection to it is free in time.

    It is raised as well where what a change is about is changed by others all the while.
    The response's ``Retry-After`` is one second unless ``headers`` say otherwise. ``timed_out`` is set where a
    statement took too long, which says nothing of others; ``outcome_open`` where a change was sent and its answer never
    came.
    """

    timed_out = False
    outcome_open = False

    status = 503
    code = "unavailable"
    title = "Service unavailable"
    default = "The service is not available right now."
    advice = "Try again after as many seconds as the header `Retry-After` says."


class OutcomeUnknown(AutomationError):
    """A change was sent to the database, and nobody knows whether it was made.

    The response's ``Retry-After`` is one second unless ``headers`` say otherwise.
    """

    status = 503
    code = "outcome_unknown"
    title = "Outcome unknown"
    default = "The database gave no answer, so it is not known whether this was done."
    advice = (
        "Send the same request again with the same `Idempotency-Key`: it is done once. Where you sent none, look at "
        "what it was to change before you send it again."
    )


class SecretsNotConfigured(AutomationError):
    """There is no key to encrypt a secret with.

    The response's ``Retry-After`` is what ``headers`` say: an operator has to set one.
    """

    status = 503
    code = "secrets_not_configured"
    title = "Secrets not configured"
    default = "No keys for secrets are set here."
    advice = "Ask the operator to set keys for secrets (`AUTOMATION_SECRET_KEYS`)."
