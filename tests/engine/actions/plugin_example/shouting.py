"""An action of another package: repeats a text in capitals."""

from collections.abc import Mapping
from typing import Any

from automation.engine.actions import Action, ActionCall, ActionFailed, ActionResult


async def shout(config: Mapping[str, Any], call: ActionCall) -> ActionResult:
    """Return the text in capitals, ``times`` times."""
    if not config["text"].strip():
        raise ActionFailed("there is nothing to shout", definite=True, retryable=False)
    call.log("shouting", metadata={"times": config.get("times", 1)})
    return ActionResult({"text": " ".join([config["text"].upper()] * config.get("times", 1))})


action = Action(
    name="shout",
    config_schema={
        "type": "object",
        "additionalProperties": False,
        "required": ["text"],
        "properties": {
            "text": {"type": "string", "maxLength": 100},
            "times": {"type": "integer", "minimum": 1, "maximum": 3},
        },
    },
    run=shout,
)
