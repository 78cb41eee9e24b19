"""Changes of operations that specshift misses: their names, who may call them, how parameters are written.

Each rule looks at two versions of an operation and yields the part it is about, empty for the operation itself, and
what changed in it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from automation.contract.document.naming import PERMISSION
from automation.contract.document.outline import Entry
from tools.contract_diff.contracts import Contract, Json, parameter_part

Found = Iterator[tuple[str, str]]
SECURITY_SCHEME = "security scheme"


def renamed(old: Entry, new: Entry) -> Found:
    """Yield a lost operationId: generated clients call the operation by it."""
    if old.name != new.name:
        yield "", f"the operationId is {new.name} now"


def moved(old: Entry, new: Entry) -> Found:
    """Yield a changed first tag: generated clients make a module or a class of it."""
    before, after = (next(iter(entry.node.get("tags", ())), "none") for entry in (old, new))
    if before != after:
        yield "", f"tag {before}, now {after}"


def permission(old: Entry, new: Entry) -> Found:
    """Yield a permission that is required now: a key that was good for the operation may be no more."""
    before, after = old.node.get(PERMISSION), new.node.get(PERMISSION)
    if after is not None and before != after:
        yield "", f"permission {before or 'none'}, now {after}"


def parameter_form(old: Entry, new: Entry) -> Found:
    """Yield parameters that are written otherwise: another style, or a media type instead of a schema."""
    after = {(each["in"], each["name"]): each for each in new.parameters}
    for each in old.parameters:
        other = after.get((each["in"], each["name"]))
        if other is not None and _form(each) != _form(other):
            yield parameter_part(each), "it is written in another style now"


RULES: Mapping[str, Callable[[Entry, Entry], Found]] = {
    "operation-renamed": renamed,
    "operation-moved": moved,
    "permission": permission,
    "parameter-form": parameter_form,
}


def requirements(old: tuple[Contract, Entry], new: tuple[Contract, Entry]) -> Found:
    """Yield what an old client's credentials don't satisfy any more; specshift sees only what had none to satisfy."""
    before, after = _alternatives(*old), _alternatives(*new)
    if before and not all(any(_satisfies(given, wanted) for wanted in after or [{}]) for given in before):
        yield "", f"security {_said(before)}, now {_said(after)}"
    for scheme in sorted({name for each in before for name in each} & {name for each in after for name in each}):
        if _scheme(old[0], scheme) != _scheme(new[0], scheme):
            yield f"{SECURITY_SCHEME} {scheme}", "credentials are sent otherwise now"


def _form(parameter: Json) -> tuple[Any, ...]:
    style = parameter.get("style", "form" if parameter["in"] in {"query", "cookie"} else "simple")
    explode = parameter.get("explode", style == "form")
    media_types = sorted(parameter.get("content", ()))
    return style, explode, bool(parameter.get("allowReserved")), media_types


def _alternatives(contract: Contract, entry: Entry) -> list[dict[str, list[str]]]:
    required: list[dict[str, list[str]]] = entry.node.get("security", contract.document.get("security", []))
    return required


def _satisfies(given: Mapping[str, list[str]], wanted: Mapping[str, list[str]]) -> bool:
    return all(name in given and set(scopes) <= set(given[name]) for name, scopes in wanted.items())


def _scheme(contract: Contract, name: str) -> Json:
    """Return how credentials of a scheme are sent: all of its definition but prose and wiring."""
    scheme: Json = contract.document.get("components", {}).get("securitySchemes", {}).get(name, {})
    return {key: value for key, value in scheme.items() if key != "description" and not key.startswith("x-")}


def _said(alternatives: list[dict[str, list[str]]]) -> str:
    return (
        " or ".join(" and ".join(_scheme_said(*each) for each in one.items()) or "none" for one in alternatives)
        or "none"
    )


def _scheme_said(name: str, scopes: list[str]) -> str:
    return f"{name} ({', '.join(scopes)})" if scopes else name
