"""Makes the OpenAPI 3.1 document of one rule's trigger: the operation that runs it, with the data that the rule takes.

It is made of the contract, at start: what the operation refers to is taken along, in the words of 3.1. A rule then puts
in its name, its path and its input schema.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from automation.contract.document.outline import rewrite
from automation.domain.errors import InvalidInput
from automation.domain.rules import Rule
from automation.engine.triggers.input_schema import InputSchema
from automation.engine.triggers.schema_outline import rebased

_PATH: Final = "/api/v1/automation/rules/{id}/execute"
_COMPONENTS: Final = "#/components/"
_BODY: Final = "RuleExecution"
_DATA: Final = "TriggerData"
_PLACE: Final = f"{_COMPONENTS}schemas/{_DATA}"


class RuleOpenApi:
    """Describes the triggers of rules to clients.

    Args:
        public: The contract as it is published, an OpenAPI 3.0 document.
    """

    def __init__(self, public: Mapping[str, Any]) -> None:
        item = public["paths"][_PATH]
        own = {"tags", "x-required-permission"}
        operation = {name: value for name, value in item["post"].items() if name not in own}
        shared = [each for each in item.get("parameters", []) if not each.get("$ref", "").endswith("/RuleId")]
        operation["parameters"] = [*shared, *operation.get("parameters", [])]
        components = _referred(public, operation)
        components["securitySchemes"] = public["components"]["securitySchemes"]
        made = {
            "openapi": "3.1.0",
            "servers": public["servers"],
            "security": public["security"],
            "paths": {_PATH: {"post": operation}},
            "components": components,
        }
        self._document: dict[str, Any] = rewrite("document", made, _modern)

    def of(self, rule: Rule) -> dict[str, Any]:
        """Return the document of a rule, as its last version; that of a deleted one says that it is not to be used."""
        schema = rule.content.input_schema
        must_be_sent = schema is not None and not _takes_nothing(schema)
        operation = dict(self._document["paths"][_PATH]["post"])
        operation["requestBody"] = {**operation["requestBody"], "required": must_be_sent}
        if rule.deleted_at is not None:
            operation["deprecated"] = True
        schemas = self._document["components"]["schemas"]
        body = dict(schemas[_BODY])
        body["properties"] = {**body["properties"], "trigger_data": {"$ref": _PLACE}}
        if must_be_sent:
            body["required"] = ["trigger_data"]
        return {
            **self._document,
            "info": _info(rule),
            "paths": {_PATH.format(id=rule.rule_id): {"post": operation}},
            "components": {
                **self._document["components"],
                "schemas": {**schemas, _BODY: body, _DATA: _data(schema)},
            },
        }


def _info(rule: Rule) -> dict[str, str]:
    described = {} if rule.content.description is None else {"description": rule.content.description}
    return {"title": rule.content.name, "version": str(rule.version), **described}


def _data(schema: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if schema is None:
        return {"description": "The payload that conditions and actions see as `trigger`.", "type": "object"}
    return rebased({name: value for name, value in schema.items() if name != "$schema"}, _PLACE)


def _takes_nothing(schema: Mapping[str, Any]) -> bool:
    with suppress(InvalidInput):
        InputSchema(schema).require({})
        return True
    return False


def _referred(public: Mapping[str, Any], operation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the components that an operation refers to, itself or by others, without links to other operations."""
    found: dict[str, Any] = {}
    waiting = [_without_links("operation", operation)]
    while waiting:
        for reference in _references(waiting.pop()):
            room, name = reference.removeprefix(_COMPONENTS).split("/")
            if name not in found.setdefault(room, {}):
                found[room][name] = public["components"][room][name]
                waiting.append(_without_links("components", {room: {name: found[room][name]}}))
    return found


def _without_links(kind: str, node: Mapping[str, Any]) -> Mapping[str, Any]:
    made: Mapping[str, Any] = rewrite(kind, node, _modern)
    return made


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith(_COMPONENTS):
            yield reference
        for member in node.values():
            yield from _references(member)
    elif isinstance(node, list):
        for element in node:
            yield from _references(element)


def _modern(kind: str, node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a part of an OpenAPI 3.0 document as 3.1 has it."""
    if kind == "response":
        return {name: value for name, value in node.items() if name != "links"}
    if kind != "schema" or "$ref" in node:
        return node
    made = {name: value for name, value in node.items() if name not in {"nullable", "discriminator"}}
    if node.get("nullable") and "type" in node:
        made["type"] = [node["type"], "null"]
        if "enum" in node:
            made["enum"] = [*node["enum"], None]
    for inclusive, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if made.pop(exclusive, False):
            made[exclusive] = made.pop(inclusive)
    return made
