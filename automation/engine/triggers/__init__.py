"""Triggers of rules: what starts a run of one, and what each type of trigger can be set to.

The contract's ``TriggerType`` names the schema of each type's settings. What no schema can say of them is said by the
type's own module here, which the registry names.
"""

from automation.engine.triggers.event import EventReader
from automation.engine.triggers.registry import Triggers

__all__ = ["EventReader", "Triggers"]
