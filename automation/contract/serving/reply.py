"""The reply of a handler for which a plain value doesn't say enough: another status, headers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Reply:
    """A value with a status or headers of its own.

    ``value`` is encoded as the response's media type asks: ``bytes`` are sent as they are, ``str`` as UTF-8 where the
    media type is text, everything else as JSON. None is no body where the contract documents none. ``status`` may be
    left out while the operation documents only one 2xx.
    """

    value: Any
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
