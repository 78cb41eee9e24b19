"""The root of the errors, and the kinds that hold an HTTP status."""

from collections.abc import Mapping, Sequence
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
        limit: The name of the tenant's limit that is reached, where the class doesn't say it.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    default: ClassVar[str]
    advice: ClassVar[str]
    limit: str | None = None

    def __init__(
        self,
        detail: str | None = None,
        *,
        violations: Sequence[Violation] = (),
        headers: Mapping[str, str] = MappingProxyType({}),
        limit: str | None = None,
    ) -> None:
        super().__init__(detail or self.default)
        self.detail = detail or self.default
        self.violations = tuple(violations)
        self.headers = headers
        if limit is not None:
            self.limit = limit


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


class TooManyRequests(AutomationError):
    """The tenant has more going on than it may have; the response's ``Retry-After`` is one second by default."""

    status = 429
