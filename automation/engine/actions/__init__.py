"""Actions of rules: those of this package, and those that other packages bring along.

A package adds an action by an entry point in the group ``automation.actions``. Its name is the action's type, as rules
write it; it leads to an ``Action``::

    # pyproject.toml
    [project.entry-points."automation.actions"]
    shout = "shouting:action"

    # shouting.py
    async def shout(config: Mapping[str, Any], call: ActionCall) -> ActionResult:
        return ActionResult({"text": config["text"].upper()})

    action = Action(
        name="shout",
        config_schema={
            "type": "object",
            "additionalProperties": False,
            "required": ["text"],
            "properties": {"text": {"type": "string"}},
        },
        run=shout,
    )

or to a function that takes the operator's ``ActionResources`` (the guarded way to the network, the mail server) and
returns an ``Action``. Everything that an author needs is imported from here.
"""

from automation.engine.actions.action import (
    Action,
    ActionCall,
    ActionFailed,
    ActionLog,
    ActionResult,
    ActionTimedOut,
    ActionWithheld,
    ConfigFault,
    Syntax,
)
from automation.engine.actions.discovery import BrokenActions
from automation.engine.actions.egress import Egress
from automation.engine.actions.registry import Actions
from automation.engine.actions.resources import ActionResources, MailServer
from automation.engine.mail_tls import MailTls

__all__ = [
    "Action",
    "ActionCall",
    "ActionFailed",
    "ActionLog",
    "ActionResources",
    "ActionResult",
    "ActionTimedOut",
    "ActionWithheld",
    "Actions",
    "BrokenActions",
    "ConfigFault",
    "Egress",
    "MailServer",
    "MailTls",
    "Syntax",
]
