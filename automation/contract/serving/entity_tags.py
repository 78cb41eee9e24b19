"""Makes entity tags: strong ones, of a resource's revision and of the representation that this process gives it."""

import hashlib
import re
from collections.abc import Iterable

_SALT_CHARACTERS = 12
_one = re.compile(r'(?:W/)?"([\x21\x23-\x7e]+)"').fullmatch


class EntityTags:
    """Makes and reads the entity tags of one representation.

    A revision says when a resource changed, and nothing of what else decides about the bytes that are returned: which
    members this version of the service shows, where its links lead, which keys sign its cursors. Two processes that
    differ in these give the same revision different tags.

    Args:
        representation: All that the representation depends on and that doesn't change while the process runs.
    """

    def __init__(self, representation: Iterable[bytes]) -> None:
        digest = hashlib.sha256()
        for part in representation:
            digest.update(hashlib.sha256(part).digest())
        self._digest = digest.digest()
        self._end = f'.{digest.hexdigest()[:_SALT_CHARACTERS]}"'

    def variant(self, name: str) -> "EntityTags":
        """Return the tags of another representation, for those who are shown something else of the same revision."""
        return EntityTags([self._digest, name.encode()])

    def tag(self, revision: str) -> str:
        """Return the strong entity tag of a revision (RFC 9110, section 8.8.3), in its quotes."""
        return f'"{revision}{self._end}'

    def known(self, if_none_match: str | None) -> str | None:
        """Return the revision that a client knows, so that it need not be read once more; None for none.

        Where ``If-None-Match`` is a list or ``*``, it is held against the tag of what was read, as it is in any case.
        """
        named = None if if_none_match is None else _one(if_none_match)
        return named[1][: 1 - len(self._end)] if named is not None and f'{named[1]}"'.endswith(self._end) else None
