"""Judges the Host header of a request: its form (RFC 9112, 3.2), and whether the service is called so."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from automation.domain.errors import MalformedRequest

Header = tuple[bytes, bytes]

_LONGEST = 300
_REMEMBERED = 1024
"""Tuned: hosts that are remembered as good."""

# uri-host of RFC 3986 with an optional port: an IPv6 address in brackets, or an IPv4 address or name.
_valid = re.compile(
    rb"(?P<host>\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]{0,5})?"
).fullmatch


class Hosts:
    """The hosts that the service answers for.

    Args:
        allowed: Their names, in lower case, without ports; one that begins with a dot stands for every name below it.
            All where there are none.
    """

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._allowed = tuple(allowed)
        self._admits = lru_cache(_REMEMBERED)(self._judge)

    def __reduce__(self) -> tuple[type["Hosts"], tuple[tuple[str, ...]]]:
        """Leave behind what is remembered where it goes to another process."""
        return Hosts, (self._allowed,)

    def require(self, headers: Iterable[Header], version: str) -> None:
        """Return where a request names its host as it must.

        Args:
            headers: The request's, names in lower case.
            version: The version of HTTP that it speaks, such as ``1.1``.

        Raises:
            MalformedRequest: There is no Host although HTTP/1.1 wants one, or more than one, or one that isn't valid,
                or the service isn't called so.
        """
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) > 1:
            raise MalformedRequest("The request has more than one Host header.")
        if not hosts:
            if version != "1.0":
                raise MalformedRequest("The request has no Host header.")
            return
        if len(hosts[0]) > _LONGEST or not self._admits(hosts[0]):
            raise MalformedRequest("The request's Host header is not valid here.")

    def _judge(self, host: bytes) -> bool:
        found = _valid(host)
        return found is not None and (not self._allowed or self._serves(found["host"].decode().lower()))

    def _serves(self, name: str) -> bool:
        return any(name.endswith(each) if each.startswith(".") else name == each for each in self._allowed)
