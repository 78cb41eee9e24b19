"""Minutes of limits in memory, a deliberate double: it counts leases and holds them, which no database does on cue."""

import asyncio
from dataclasses import dataclass, field

from automation.domain.allowance import Allowance, Lease
from automation.storage.rate_windows import RateWindows

QUOTA = 100
"""How many requests a minute the limit of the fixture ``rates`` lets in."""


@dataclass
class MemoryWindows(RateWindows):
    """Grants what is wanted until a minute's requests are used up; while ``open`` is cleared, leases wait."""

    used: dict[str, int] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    seconds: float = 60.0
    failure: Exception | None = None
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    async def lease(self, allowance: Allowance, wanted: int) -> Lease:
        self.asked.append(wanted)
        await self.open.wait()
        if self.failure is not None:
            raise self.failure
        used = self.used.get(allowance.subject, 0)
        granted = max(0, min(wanted, allowance.quota - used))
        self.used[allowance.subject] = used + granted
        return Lease(granted, max(0, allowance.quota - used - granted), self.seconds)
