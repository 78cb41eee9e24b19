"""Judges which breaking changes clients were told of: each must be named by an entry that is new."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from tools.contract_diff.announcements import Announcement, announcements
from tools.contract_diff.changes import Change
from tools.contract_diff.comparison import compare
from tools.contract_diff.contracts import read
from tools.contract_diff.history import Snapshot
from tools.contract_diff.locations import Location, locate


@dataclass(frozen=True, slots=True)
class Difference:
    """One change, as people call it, with all operations that it is in.

    Args:
        unannounced: The operations that no entry names; none where the entry names the component.
    """

    location: Location
    what: str
    rule: str
    breaking: bool
    operations: tuple[str, ...]
    unannounced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of comparing two snapshots.

    Args:
        old: What the old one is called.
        new: What the new one is called.
        discounted: The new entries that don't count, with the reason.
    """

    old: str
    new: str
    differences: tuple[Difference, ...]
    discounted: tuple[tuple[Announcement, str], ...]

    @property
    def breaking(self) -> list[Difference]:
        """What breaks clients."""
        return [each for each in self.differences if each.breaking]

    @property
    def compatible(self) -> list[Difference]:
        """What doesn't."""
        return [each for each in self.differences if not each.breaking]

    @property
    def unannounced(self) -> list[Difference]:
        """What breaks clients that weren't told."""
        return [each for each in self.differences if each.unannounced]


def judge(old: Snapshot, new: Snapshot, *, today: date) -> Verdict:
    """Compare two snapshots, and hold what breaks clients to the entries that are new.

    Raises:
        ContractError: A contract can't be read.
    """
    known = announcements(old.page)
    entries = [entry for entry in announcements(new.page) if entry not in known]
    flaws = [(entry, flaw) for entry in entries if (flaw := entry.flaw(today)) is not None]
    sound = [entry for entry in entries if entry.flaw(today) is None]
    named = frozenset(name for entry in sound for name in entry.names)
    return Verdict(old.name, new.name, tuple(_differences(old, new, named)), tuple(flaws))


def _differences(old: Snapshot, new: Snapshot, named: Collection[str]) -> Iterable[Difference]:
    if old.contract == new.contract:
        return
    before, after = read(old.contract), read(new.contract)
    grouped: dict[tuple[Location, str, str, bool], dict[str, None]] = {}
    for change in compare(before, after):
        grouped.setdefault(_key(change, locate(change.place, before, after)), {})[change.place.operation] = None
    for (location, what, rule, breaking), operations in sorted(grouped.items(), key=lambda item: str(item[0])):
        unannounced = _unannounced(location, operations, named) if breaking else ()
        yield Difference(location, what, rule, breaking, tuple(operations), unannounced)


def _key(change: Change, location: Location) -> tuple[Location, str, str, bool]:
    return location, change.what, change.rule, change.breaking


def _unannounced(location: Location, operations: Iterable[str], named: Collection[str]) -> tuple[str, ...]:
    if location.component in named:
        return ()
    return tuple(operation for operation in operations if operation not in named)
