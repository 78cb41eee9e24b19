"""Validates the result of an action: plain JSON objects that can be stored and read back."""

from collections.abc import Mapping

import orjson

from automation.domain.opaque import Opaque
from automation.engine.actions.action import ActionFailed, ActionResult
from automation.storage.pool.encoding import without_nul

MAX_BYTES = 2 * 1024 * 1024


def plain_result(result: object) -> ActionResult:
    """Return the result of an action as plain JSON objects; what it has as a text of JSON stays as it is in the output.

    NUL characters become U+FFFD.

    Raises:
        ActionFailed: It is no ``ActionResult``, not made of JSON values, or larger than 2 MiB. A definite failure that
            isn't worth another try: the action itself has run.
    """
    if not isinstance(result, ActionResult):
        raise _unusable("the action returned something that is no ActionResult")
    return ActionResult(_stored(result.output), _stored(result.metadata))


def _stored(value: object) -> Opaque:
    try:
        encoded = orjson.dumps(dict(value) if isinstance(value, Mapping) else value)
    except TypeError:
        raise _unusable("the action's result is not made of JSON values") from None
    if len(encoded) > MAX_BYTES:
        raise _unusable(f"the action's result is larger than {MAX_BYTES} bytes")
    text = without_nul(encoded)
    decoded = orjson.loads(text)
    if not isinstance(decoded, dict):
        raise _unusable("the action's result is not a JSON object")
    return Opaque(decoded, text.decode())


def _unusable(message: str) -> ActionFailed:
    return ActionFailed(message, definite=True, retryable=False)
