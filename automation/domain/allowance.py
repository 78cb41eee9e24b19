"""Allowances of requests: what one process may let in by one limit on requests a minute, and what it tells of that.

A process leases a few requests of a minute at a time, and counts them down by itself; see ``security/rate_limits.py``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

MINUTE = 60
"""Seconds in which as many requests are let in as a limit says."""

_SHARE = 64
_LEAST = 8
_AHEAD_SECONDS = 10.0
_ALMOST_A_SECOND = 0.999

Fields = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Lease:
    """Requests that a process may let in: how many, how many more there are, and the seconds until all of them end."""

    granted: int
    remaining: int
    seconds: float


class Allowance:
    """Requests that are left of one limit; it is public to whoever counts them down, who does so for every request.

    Args:
        tenant: Whose requests they are.
        subject: What is limited: the tenant as a whole, or the prefix of a key.
        name: What the limit is called in ``RateLimit-Policy``.
        quota: How many requests it lets in a minute.

    ``left`` requests may be let in before ``until``, a time of the monotonic clock in seconds. There are ``remaining``
    more that no process had leased when this one did; it was refused any before ``refused_until``.
    """

    __slots__ = (
        *("_granted", "_leased_at", "left", "name", "policy", "quota", "refused_until", "remaining"),
        *("subject", "tenant", "until"),
    )

    def __init__(self, tenant: UUID, subject: str, name: str, quota: int) -> None:
        self.tenant = tenant
        self.subject = subject
        self.name = name.encode("ascii")
        self._granted = 0
        self._leased_at = 0.0
        self.change(quota)

    def change(self, quota: int) -> None:
        """Have another limit from now on; what was leased under the one before is left."""
        self.quota = quota
        self.policy = b'"%b";q=%d;w=%d' % (self.name, quota, MINUTE)
        self.left = self.remaining = 0
        self.until = self.refused_until = 0.0

    def wanted(self, now: float) -> int:
        """Return how many requests to lease: enough for some seconds, and a small share of all that there are.

        What a process leases and nobody asks it for is lost to the others, so it is never more than a 64th.
        """
        pace = (self._granted - self.left) / max(now - self._leased_at, _ALMOST_A_SECOND / 1000)
        return min(max(1, self.quota // _SHARE), max(_LEAST, int(pace * _AHEAD_SECONDS)))

    def receive(self, lease: Lease, sent: float) -> None:
        """Take a lease that was asked for at ``sent``, by the monotonic clock: it ends no later than it says."""
        self._granted = self.left = lease.granted
        self._leased_at = sent
        self.remaining = lease.remaining
        self.until = sent + lease.seconds
        # Once a second it is asked again: an operator may have raised the limit.
        self.refused_until = min(self.until, sent + 1.0) if lease.granted == 0 else 0.0


def rate_limit_fields(allowances: Sequence[Allowance], now: float) -> Fields:
    """Return the header fields that tell of allowances (draft-ietf-httpapi-ratelimit-headers-11); cheap, for every one.

    What is left is what this process knows: others may have let in some more by now.
    """
    policies = limits = b""
    for each in allowances:
        if now < each.until:
            limit = b'"%b";r=%d;t=%d' % (each.name, each.left + each.remaining, each.until - now + _ALMOST_A_SECOND)
        else:
            limit = b'"%b";r=%d;t=%d' % (each.name, each.quota, MINUTE)
        policies = b"%b, %b" % (policies, each.policy) if policies else each.policy
        limits = b"%b, %b" % (limits, limit) if limits else limit
    return [(b"ratelimit-policy", policies), (b"ratelimit", limits)]
