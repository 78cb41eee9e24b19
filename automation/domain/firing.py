"""Firing of a schedule: the time at which it is due, and when it is acted on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from automation.domain.rules import RuleContent


@dataclass(frozen=True, slots=True)
class Firing:
    """When a recurring rule is due next: by its schedule, and with the jitter that chance has added."""

    scheduled_at: datetime
    fire_at: datetime


FirstFiring = Callable[[RuleContent], Firing | None]
"""Says when a rule is due first from now on; None where the clock doesn't start it, or no more."""
