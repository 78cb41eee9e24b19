"""The reply of a handler for which a plain value doesn't say enough: another status, an entity tag, headers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Reply(NamedTuple):
    """A value with a status, an entity tag or headers of its own. A tuple, because that is made in one step.

    ``value`` is encoded as the response's media type asks: ``bytes`` are sent as they are, ``str`` as UTF-8 where the
    media type is text, everything else as JSON. None is no body where the contract documents none. ``status`` may be
    left out while the operation documents only one 2xx. ``etag`` is the strong entity tag of what is returned, in its
    quotes: preconditions are held against it, so a handler that has found out that nothing changed may reply with it,
    the status 304 and no value.
    """

    value: Any
    status: int | None = None
    headers: Mapping[str, str] = NO_HEADERS
    etag: str | None = None
