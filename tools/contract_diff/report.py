"""The verdict in words: what breaks clients first, what doesn't after it, and what to do."""

from collections.abc import Iterator
from datetime import date

from tools.contract_diff.history import CONTRACT, PAGE
from tools.contract_diff.verdict import Difference, Verdict

SHOWN = 3


def report(verdict: Verdict, today: date) -> Iterator[str]:
    """Yield the lines of a verdict."""
    yield f"{CONTRACT} from {verdict.old} to {verdict.new}"
    if not verdict.differences:
        yield "  nothing that clients could notice"
    yield from _group("Breaking", verdict.breaking)
    yield from _group("Compatible", verdict.compatible)
    for entry, flaw in verdict.discounted:
        yield f"This entry of {PAGE} doesn't count, {flaw}: {entry.text}"
    if verdict.unannounced:
        yield from _advice(verdict.unannounced, today)


def _group(title: str, differences: list[Difference]) -> Iterator[str]:
    if differences:
        yield f"{title} ({len(differences)})"
    for each in differences:
        note = "" if each.unannounced or not each.breaking else ", announced"
        where = f" {each.location.text}:" if each.location.text else ""
        yield f"  {_operations(each.operations)}:{where} {each.what} [{each.rule}{note}]"


def _operations(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"


def _advice(unannounced: list[Difference], today: date) -> Iterator[str]:
    """Yield how to announce what isn't: an entry for every component, and for every operation without one."""
    names = dict.fromkeys(name for each in unannounced for name in _names(each))
    yield ""
    yield f"{len(unannounced)} breaking, without a dated entry. If it can't be avoided, tell clients: under Changes in"
    yield f"{PAGE}, name each of these in backquotes and say what clients must do."
    yield ""
    yield f"### {today.isoformat()}"
    yield ""
    for name in names:
        yield f"- `{name}`: what changed, and what clients must do."


def _names(difference: Difference) -> tuple[str, ...]:
    component = difference.location.component
    return difference.unannounced if component is None else (component,)
