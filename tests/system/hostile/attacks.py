"""Attack: what is done to the service in a round, and what that may cost the innocent."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import StrEnum
from random import Random
from typing import ClassVar

from tests.system.hostile.arena import Arena
from tests.system.hostile.bounds import Concession


class Target(StrEnum):
    """What is attacked; a round attacks each once at the most."""

    DATABASE = "database"
    SERVICE = "service"
    WORKERS = "workers"
    REQUESTS = "requests"


class Attack(ABC):
    """One attack; the docstring of each is its sentence."""

    target: ClassVar[Target]
    concession: ClassVar[Concession] = Concession()
    replaces: ClassVar[bool] = False
    """Whether processes of the service end by it, which the log may tell."""

    @property
    def name(self) -> str:
        """The name of its class, as words."""
        return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type(self).__name__).strip()

    @abstractmethod
    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        """Attack, and return a line for each promise that the attacker itself saw broken."""
