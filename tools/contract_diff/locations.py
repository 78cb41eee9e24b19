"""Names places: by the innermost component they are in, whose change is one change wherever it is used."""

from dataclasses import dataclass

from automation.contract.document.references import follow
from tools.contract_diff.changes import ELEMENT, Place
from tools.contract_diff.contracts import Contract, Json, Part, PartKind, component_name
from tools.contract_diff.operations import SECURITY_SCHEME


@dataclass(frozen=True, slots=True)
class Location:
    """A place's text, and the component it is in, where it is in one."""

    text: str
    component: str | None = None


def locate(place: Place, old: Contract, new: Contract) -> Location:
    """Return what a place is called, by the old contract, or by the new one where the old doesn't have it."""
    if place.part.startswith(SECURITY_SCHEME):
        return Location(place.part, place.part.rpartition(" ")[2])
    for contract in (old, new):
        if part := contract.parts.get(place.operation, {}).get(place.part):
            return _in_part(place, part, contract)
    return Location(place.part)


def _in_part(place: Place, part: Part, contract: Contract) -> Location:
    if part.kind is PartKind.HEADER and part.component:
        return Location(f"header {place.part.rpartition(' ')[2]}", part.component)
    if place.steps is None:
        return Location(place.part, part.component)
    component, trail = _innermost(part.schema, place.steps, contract)
    if component is None:
        return Location(place.part + _path(trail), part.component)
    return Location(f"{component}{_path(trail)} in {place.direction}s", component)


def _innermost(schema: Json, steps: tuple[str, ...], contract: Contract) -> tuple[str | None, tuple[str, ...]]:
    """Return the last named schema on the way, None if there is none, and the steps from there."""
    component, start = component_name(schema), 0
    for number, step in enumerate(steps, start=1):
        schema = _step(schema, step, contract)
        if "$ref" in schema:
            component, start = component_name(schema), number
    return component, steps[start:]


def _step(schema: Json, step: str, contract: Contract) -> Json:
    """Return the schema one step further, an empty one where this contract doesn't have it."""
    outer = follow(contract.document, schema)
    inner: Json = outer.get("items", {}) if step == ELEMENT else outer.get("properties", {}).get(step, {})
    return inner


def _path(steps: tuple[str, ...]) -> str:
    return "".join(step if step == ELEMENT else f".{step}" for step in steps)
