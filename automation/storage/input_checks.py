"""Checks of what a rule is triggered with, on the way between the database and whoever makes them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from automation.storage.pool.encoding import decoded

RequireInput = Callable[[UUID, UUID, int, Mapping[str, Any] | None, Mapping[str, Any]], Awaitable[None]]
"""Raises ``InvalidInput`` where a version of a tenant's rule, with this input schema, doesn't take what it is given."""


async def no_schema(
    _tenant: UUID, _rule: UUID, _version: int, input_schema: Mapping[str, Any] | None, _trigger_data: Mapping[str, Any]
) -> None:
    """Take whatever a rule without a schema takes."""
    if input_schema is not None:
        raise AssertionError("nobody is there to check the input")


async def input_checked(tenant: UUID, wanted: str, require: RequireInput) -> dict[str, object]:
    """Check the data of an attempt, and return what the retry is asked with once more.

    Args:
        tenant: Whose execution it is.
        wanted: What is to be checked, as ``retry_execution_v1`` has it.
        require: Checks it.

    Raises:
        InvalidInput: as ``require`` says.
    """
    asked = decoded(wanted)
    await require(tenant, UUID(asked["rule_id"]), asked["version"], asked["input_schema"], asked["trigger_data"] or {})
    return {"attempt": asked["attempt"], "checked": asked["version"]}
