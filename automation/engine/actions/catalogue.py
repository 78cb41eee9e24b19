"""Catalogue of the action types that are installed here, as clients are told of them: made once, at start."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from automation.engine.actions.registry import Actions
from automation.storage.pool.encoding import plain


class Catalogue:
    """The contract's ``ActionTypesResponse``, as JSON, and its revision.

    Args:
        actions: What is installed.
    """

    def __init__(self, actions: Actions) -> None:
        types = [
            {
                "type": name,
                "waits": actions.waits(name),
                "config_schema": actions.definition(name).config_schema,
                **_example(name, actions.definition(name).example),
            }
            for name in actions.names
        ]
        self.json = orjson.dumps({"data": types}, default=plain)
        self.revision = hashlib.sha256(self.json).hexdigest()[:16]


def _example(name: str, config: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return {} if config is None else {"example": {"type": name, "config": config}}
