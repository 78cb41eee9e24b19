"""Shares of a worker's slots: how many executions each tenant runs here, and how many it may while others wait.

A tenant that is alone has all slots. Where others come, it keeps what runs, and begins nothing new above its share; and
where it holds all of them, because its calls hang, the others get their shares beside it, up to as many slots again.
"""

import math
from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from automation.domain.limits import Limit

_WEIGHT: int = Limit.WEIGHT.value.default or 1


class Shares:
    """Counts what runs, by tenant.

    Args:
        slots: How many executions run here at once.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._running: Counter[UUID] = Counter()
        self._weights: dict[UUID, int] = {}

    @property
    def limit(self) -> int:
        """How many there may ever be, those included that run beside a tenant that holds more than its share."""
        return 2 * self._slots

    @property
    def crowded(self) -> bool:
        """Whether all slots are taken, so that only a tenant below its share may begin anything."""
        return self._running.total() >= self._slots

    @property
    def free(self) -> int:
        """How many slots nobody has taken."""
        return max(0, self._slots - self._running.total())

    @property
    def overcrowded(self) -> bool:
        """Whether more run than there are slots."""
        return self._running.total() > self._slots

    @property
    def exhausted(self) -> bool:
        """Whether nobody may begin anything."""
        return self._running.total() >= self.limit

    def enter(self, tenant: UUID) -> None:
        """Count one more."""
        self._running[tenant] += 1

    def leave(self, tenant: UUID) -> None:
        """Count one less, and forget a tenant of whom nothing runs."""
        self._running[tenant] -= 1
        if not self._running[tenant]:
            del self._running[tenant]
            self._weights.pop(tenant, None)

    def learn(self, tenant: UUID, weight: int) -> None:
        """Take a tenant's weight into account from now on."""
        self._weights[tenant] = weight

    def full(self, candidate: UUID | None = None) -> list[UUID]:
        """Return the tenants that hold their share, or more.

        Args:
            candidate: Who has begun one more execution just now; it may be the one that fills its share.
        """
        return [
            tenant for tenant, share in self._shares().items() if self._running[tenant] - (tenant == candidate) >= share
        ]

    def _shares(self) -> Mapping[UUID, int]:
        weights = {tenant: self._weights.get(tenant, _WEIGHT) for tenant in self._running}
        everybody = sum(weights.values()) + (_WEIGHT if len(weights) == 1 else 0)
        return {tenant: math.ceil(self._slots * weight / everybody) for tenant, weight in weights.items()}
