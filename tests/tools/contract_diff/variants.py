"""Variants of the shipped contract: what a change to it is made of, and what is found when it is made."""

import copy
import json
import re
from collections.abc import Callable
from typing import Any

from automation.contract.document.document import default_path, load
from tools.contract_diff.changes import Change
from tools.contract_diff.comparison import compare, own_changes
from tools.contract_diff.contracts import Contract, laid_out
from tools.contract_diff.pinned_tool import changes as pinned_changes

Json = dict[str, Any]
Edit = Callable[[Json], Any]


def with_one_kind_of_action(document: Json) -> Json:
    """Return a contract in which rules are written and read with the same actions, for changes of what is both."""
    schemas = dict(document["components"]["schemas"])
    action = schemas.pop("AnyRuleAction")
    for name in ("AutomationRule", "AutomationRuleVersion"):
        schemas[name] = copy.deepcopy(schemas[name])
        schemas[name]["properties"]["actions"]["items"] = {"$ref": "#/components/schemas/RuleAction"}
    return {**document, "components": {**document["components"], "schemas": {**schemas, "RuleAction": action}}}


def with_few_operations(document: Json) -> Json:
    """Return a contract with the operations whose parts tests change, and the schemas that these use.

    A comparison takes a fifth of the time. A test that changes what is not there fails, and doesn't compare nothing.
    """
    paths = {path: item for path, item in document["paths"].items() if _CHANGED & {*_operations(item)}}
    components = document["components"]
    used, waiting = set[str](), _schemas_in([paths, {**components, "schemas": {}}])
    while waiting:
        used |= waiting
        waiting = _schemas_in([components["schemas"][name] for name in waiting]) - used
    schemas = {name: schema for name, schema in components["schemas"].items() if name in used}
    return {**document, "paths": paths, "components": {**components, "schemas": schemas}}


def written_with_few_operations(text: str) -> str:
    """Return the text of a contract with these operations, as it is written; all schemas stay."""
    before, paths, after = re.split(r"^(?=paths:|components:)", text, flags=re.MULTILINE)
    name, *items = re.split(r"^(?=  /)", paths, flags=re.MULTILINE)
    kept = (item for item in items if _CHANGED & {*re.findall(r"^ {6}operationId: (\w+)", item, re.MULTILINE)})
    return "".join([before, name, *kept, after])


def _operations(item: Json) -> list[str]:
    return [operation["operationId"] for operation in item.values() if "operationId" in operation]


def _schemas_in(parts: list[Json]) -> set[str]:
    return set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(parts)))


_CHANGED = {
    "createAutomationRule",
    "getAutomationRule",
    "listAutomationExecutions",
    "getAutomationExecution",
    "executeAutomationRule",
    "cancelAutomationExecution",
    "retryAutomationExecution",
    "publishAutomationEvent",
    "getContractJson",
    "getReadiness",
    "getLiveness",
}

SHIPPED: Json = with_few_operations(with_one_kind_of_action(load(default_path())))
SHIPPED_CONTRACT = laid_out(SHIPPED)
_WRITTEN = json.dumps(SHIPPED)


def variant(edit: Edit, document: Json = SHIPPED) -> Contract:
    """Return the contract with an edit made to a copy of it."""
    return laid_out(edited(edit, document))


def edited(edit: Edit, document: Json = SHIPPED) -> Json:
    """Return a copy of the document with an edit made to it."""
    changed: Json = json.loads(_WRITTEN if document is SHIPPED else json.dumps(document))
    edit(changed)
    return changed


def found(edit: Edit, *, after: Edit | None = None) -> list[Change]:
    """Return what breaks clients when the contract is edited, ``after`` another edit that was always there."""
    return [change for change in compare(*_versions(edit, after)) if change.breaking]


def found_by_us(edit: Edit, *, after: Edit | None = None) -> list[Change]:
    """Return what our own rules find."""
    return list(own_changes(*_versions(edit, after)))


def found_by_specshift(edit: Edit, *, after: Edit | None = None) -> list[Change]:
    """Return what specshift finds, as the policy weighs it, that breaks clients."""
    return [change for change in pinned_changes(*_versions(edit, after)) if change.breaking]


def _versions(edit: Edit, after: Edit | None) -> tuple[Contract, Contract]:
    if after is None:
        return SHIPPED_CONTRACT, variant(edit)
    before = edited(after)
    return laid_out(before), variant(edit, before)


def operation(document: Json, name: str) -> Json:
    """Return an operation by its operationId."""
    items = [item for path in document["paths"].values() for item in path.values() if isinstance(item, dict)]
    described: Json = next(item for item in items if item.get("operationId") == name)
    return described


def response(document: Json, name: str, status: str) -> Json:
    """Return an operation's response, as it stands there."""
    described: Json = operation(document, name)["responses"][status]
    return described


def schema(document: Json, name: str) -> Json:
    """Return a named schema."""
    described: Json = document["components"]["schemas"][name]
    return described


def member(document: Json, name: str, of: str) -> Json:
    """Return a property of a named schema."""
    described: Json = schema(document, of)["properties"][name]
    return described


def component(document: Json, section: str, name: str) -> Json:
    """Return a component that is no schema."""
    described: Json = document["components"][section][name]
    return described
