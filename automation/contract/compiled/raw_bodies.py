"""Bodies that are taken as they came: of several media types, with all their bytes, for whoever checks a signature."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from automation.contract.compiled.body_bytes import Receive, Turn, body_bytes
from automation.contract.compiled.media_types import is_compressed, media_type_in_utf8, refusal
from automation.contract.compiled.parameters import OPTIONAL_SPACE
from automation.domain.errors import UnsupportedMediaType


@dataclass(frozen=True, slots=True)
class RawBody:
    """A body as it came, which of the contract's media types it is said to have, and the headers that belong to it.

    There is no media type where there is no body. Headers are by their names in lower case.
    """

    content: bytes = field(repr=False)
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class RawBodyReader:
    """Reads the body of one operation as it comes.

    Args:
        required: Whether there must be one.
        max_bytes: How large it may be.
        media_types: What it may be called.
        headers: What the names of headers begin with that belong to it, which may stand without one; None for none.
    """

    def __init__(
        self, *, required: bool, max_bytes: int, media_types: Sequence[str], headers: str | None = None
    ) -> None:
        self._required = required
        self._max_bytes = max_bytes
        self._media_types = media_types
        self._headers = None if headers is None else headers.encode()

    async def read(self, headers: Mapping[bytes, bytes], receive: Receive, turn: Turn) -> RawBody | None:
        """Return the body; None for an optional one that isn't there.

        Args:
            headers: The request's, by their names in lower case.
            receive: Gives the parts of the body.
            turn: Waited for between the receiving of the whole body and its use.

        Raises:
            ContentTooLarge: It is larger than the operation takes; it was not read further than that.
            UnsupportedMediaType: It is called something else, is not in UTF-8, or is compressed.
            InvalidBody: It is missing.
        """
        content = await body_bytes(headers, receive, self._max_bytes, required=self._required)
        belonging = self._belonging(headers)
        if not content:
            return RawBody(b"", "", belonging) if belonging else None
        await turn()
        media_type = media_type_in_utf8(headers)
        if is_compressed(headers):
            raise self._unsupported(headers, {"Accept-Encoding": "identity"})
        if media_type is None or media_type not in self._media_types:
            raise self._unsupported(headers, {"Accept": ", ".join(self._media_types)})
        return RawBody(content, media_type, belonging)

    def _belonging(self, headers: Mapping[bytes, bytes]) -> Mapping[str, str]:
        if self._headers is None:
            return {}
        return {
            name.decode("latin-1"): value.decode("latin-1").strip(OPTIONAL_SPACE)
            for name, value in headers.items()
            if name.startswith(self._headers)
        }

    def _unsupported(self, given: Mapping[bytes, bytes], headers: Mapping[str, str]) -> UnsupportedMediaType:
        detail = f"The body must be in UTF-8 and not compressed: Content-Type {' or '.join(self._media_types)}."
        return UnsupportedMediaType(refusal(given, detail), headers=headers)
