"""Describes an error's origin for tenants: the tries, and for the unforeseen the way through the code, no values.

The messages of foreign exceptions may quote anything, a token in a URL too. So of those only types and places are told.
"""

import traceback
from collections.abc import Iterator
from pathlib import PurePath

from automation.engine.actions import ActionFailed
from automation.storage.pool.encoding import storable

_FRAMES = 20


def describe(failure: ActionFailed, *, index: int, action: str, number: int) -> str:
    """Return what became of one try of an action.

    Args:
        failure: Why it failed; its message is for tenants already.
        index: The action's place in its rule.
        action: The action's type.
        number: Which try it was, from 1.
    """
    lines = [f"action {index} ({action}), try {number}: {type(failure).__name__}: {failure.message}"]
    cause = failure.__cause__
    while cause is not None:
        lines.extend(_places(cause))
        cause = cause.__cause__
    return storable("\n".join(lines))


def _places(error: BaseException) -> Iterator[str]:
    yield f"  caused by {type(error).__module__}.{type(error).__qualname__}"
    for frame in traceback.extract_tb(error.__traceback__)[-_FRAMES:]:
        yield f"    at {frame.name} ({PurePath(frame.filename).name}:{frame.lineno})"
