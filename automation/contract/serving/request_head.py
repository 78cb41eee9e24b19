"""The head of a request, for handlers that pass on what others sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RequestHead:
    """The id and the method of a request, and its headers by their names in lower case, several of a name as a list."""

    request_id: str
    method: str
    headers: Mapping[str, str] = field(repr=False)
