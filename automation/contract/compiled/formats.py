"""Every string and number ``format`` that is enforced, with samples that prove it at start.

A format that is not here would be a promise that nobody keeps, so the start-up check refuses it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Format:
    """One format: how it is enforced, and samples of what it takes and what it refuses.

    ``keywords`` are the JSON Schema keywords that stand for it; without them the validator knows the format itself.
    """

    name: str
    words: str
    good: tuple[object, ...]
    bad: tuple[object, ...]
    type: str = "string"
    keywords: Mapping[str, Any] = field(default_factory=dict)

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema keywords that enforce it."""
        return dict(self.keywords) or {"format": self.name}


def _integer(bits: int) -> Format:
    limit = 2 ** (bits - 1)
    return Format(
        f"int{bits}",
        f"must be an integer of {bits} bits",
        good=(-limit, limit - 1),
        bad=(-limit - 1, limit),
        type="integer",
        keywords={"minimum": -limit, "maximum": limit - 1},
    )


FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        Format("date", "must be a date (RFC 3339)", good=("2026-02-28",), bad=("2026-02-30", "28.02.2026", "20260228")),
        Format(
            "date-time",
            "must be a date and time with a time zone (RFC 3339)",
            good=("2026-02-28T08:15:30Z", "2026-02-28T08:15:30.123456+01:00"),
            bad=("2026-02-30T08:15:30Z", "2026-02-28T08:15:30", "2026-02-28 08:15:30Z", "2026-02-28T08:15:30+0100"),
        ),
        Format("email", "must be an email address", good=("ada@example.com",), bad=("ada", "ada@", "@example.com")),
        Format("hostname", "must be a host name", good=("api.example.com",), bad=("-example.com", "a b", "")),
        Format("ipv4", "must be an IPv4 address", good=("192.0.2.1",), bad=("192.0.2", "192.0.2.256", "::1")),
        Format("ipv6", "must be an IPv6 address", good=("2001:db8::1",), bad=("2001:db8::g", "192.0.2.1")),
        _integer(32),
        _integer(64),
        Format("json-pointer", "must be a JSON pointer (RFC 6901)", good=("", "/a/0"), bad=("a", "/~2")),
        Format("regex", "must be a regular expression", good=("^a+$",), bad=("(", "[")),
        Format("uri", "must be an absolute URI (RFC 3986)", good=("https://example.com/a",), bad=("/a", "a b", "")),
        Format(
            "uri-reference",
            "must be a URI reference (RFC 3986)",
            good=("/a/b?c=d", "urn:request:1"),
            bad=("a b", "\\\\a", "%zz"),
        ),
        Format(
            "uuid",
            "must be a UUID in its canonical form",
            good=("7c9e6679-7425-40de-944b-e07fc1f90ae7", "7C9E6679-7425-40DE-944B-E07FC1F90AE7"),
            bad=(
                "7c9e6679742540de944be07fc1f90ae7",
                "{7c9e6679-7425-40de-944b-e07fc1f90ae7}",
                "urn:uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7",
                "7c9e6679-7425-40de-944b-e07fc1f90ae7\n",
                "7c9e667-97425-40de-944b-e07fc1f90ae7",
            ),
        ),
    )
}
