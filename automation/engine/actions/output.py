"""Validates the result of an action: plain JSON objects that can be stored and read back."""

from collections.abc import Mapping
from typing import Any

import orjson

from automation.engine.actions.action import ActionFailed, ActionResult

MAX_BYTES = 2 * 1024 * 1024

_NUL = b"\\u0000"


def plain_result(result: object) -> ActionResult:
    """Return the result of an action as plain JSON objects.

    NUL characters, which PostgreSQL can't store, become U+FFFD.

    Raises:
        ActionFailed: It is no ``ActionResult``, not made of JSON values, or larger than 2 MiB. A definite failure that
            isn't worth another try: the action itself has run.
    """
    if not isinstance(result, ActionResult):
        raise _unusable("the action returned something that is no ActionResult")
    return ActionResult(_stored(result.output), _stored(result.metadata))


def _stored(value: object) -> dict[str, Any]:
    try:
        encoded = orjson.dumps(dict(value) if isinstance(value, Mapping) else value)
    except TypeError:
        raise _unusable("the action's result is not made of JSON values") from None
    if len(encoded) > MAX_BYTES:
        raise _unusable(f"the action's result is larger than {MAX_BYTES} bytes")
    decoded = orjson.loads(encoded)
    if not isinstance(decoded, dict):
        raise _unusable("the action's result is not a JSON object")
    return _without_nul(decoded) if _NUL in encoded else decoded


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [_without_nul(child) for child in value]
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(child) for key, child in value.items()}
    return value


def _unusable(message: str) -> ActionFailed:
    return ActionFailed(message, definite=True, retryable=False)
