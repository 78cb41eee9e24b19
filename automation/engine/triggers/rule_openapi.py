"""Makes the OpenAPI 3.1 document of a rule's trigger: the operation that starts it, with the data that the rule takes.

It is made of the contract, at start: what the operation refers to is taken along, in the words of 3.1. A rule then puts
in its name, its path and its input schema.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from automation.contract.document.nodes import nodes
from automation.contract.document.outline import rewrite
from automation.domain.rules import Rule, RuleContent, TriggerType
from automation.engine.triggers.input_schema import refused
from automation.engine.triggers.schema_outline import rebased

_PATH: Final = "/api/v1/automation/rules/{id}/execute"
_HOOKS: Final = "/api/v1/automation/hooks/{token}"
_EVENTS: Final = "/api/v1/automation/events"
_COMPONENTS: Final = "#/components/"
_BODY: Final = "RuleExecution"
_EVENT: Final = "CloudEvent"
_DATA: Final = "TriggerData"
_PLACE: Final = f"{_COMPONENTS}schemas/{_DATA}"


class RuleOpenApi:
    """Describes the triggers of rules to clients.

    Args:
        public: The contract as it is published, an OpenAPI 3.0 document.
    """

    def __init__(self, public: Mapping[str, Any]) -> None:
        self._documents = {path: _template(public, path) for path in (_PATH, _HOOKS, _EVENTS)}

    def of(self, rule: Rule) -> dict[str, Any]:
        """Return the document of a rule, as its last version; that of a deleted one says that it is not to be used."""
        path, describe = _DESCRIBED.get(rule.content.trigger_type, (_PATH, _execution))
        document = self._documents[path]
        operation, schemas = describe(rule.content, document["paths"][path]["post"], document["components"]["schemas"])
        if rule.deleted_at is not None:
            operation["deprecated"] = True
        data = {_DATA: _data(rule.content.input_schema)}
        return {
            **document,
            "info": _info(rule),
            "paths": {path.replace("{id}", str(rule.rule_id)): {"post": operation}},
            "components": {
                **document["components"],
                "schemas": {**document["components"]["schemas"], **schemas, **data},
            },
        }


def _template(public: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the document of an operation, as rules put themselves in."""
    item = public["paths"][path]
    operation = {name: value for name, value in item["post"].items() if name != "tags" and not name.startswith("x-")}
    shared = [each for each in item.get("parameters", []) if not each.get("$ref", "").endswith("/RuleId")]
    operation["parameters"] = [*shared, *operation.get("parameters", [])]
    components = _referred(public, operation)
    components["securitySchemes"] = public["components"]["securitySchemes"]
    made: dict[str, Any] = {
        "openapi": "3.1.0",
        "servers": public["servers"],
        "security": public["security"],
        "paths": {path: {"post": operation}},
        "components": components,
    }
    document: dict[str, Any] = rewrite("document", made, _modern)
    return document


_Described = tuple[dict[str, Any], dict[str, Any]]
"""An operation, and the schemas that are other ones for the rule."""


def _execution(content: RuleContent, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> _Described:
    must_be_sent = content.input_schema is not None and not _takes_nothing(content.input_schema)
    body = dict(schemas[_BODY])
    body["properties"] = {**body["properties"], "trigger_data": {"$ref": _PLACE}}
    if must_be_sent:
        body["required"] = ["trigger_data"]
    return {**operation, "requestBody": {**_request(content, operation), "required": must_be_sent}}, {_BODY: body}


def _request(content: RuleContent, operation: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is sent; without the contract's examples, of other rules, where the rule says what it takes."""
    request: dict[str, Any] = operation["requestBody"]
    if content.input_schema is None:
        return request
    types = {name: {"schema": each["schema"]} for name, each in request["content"].items()}
    return {**request, "content": types}


def _by_hand(content: RuleContent, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> _Described:
    described, made = _execution(content, operation, schemas)
    said = "The rule runs by the clock, which takes no request: this runs it beside that."
    return {**described, "description": f"{said} {operation['description']}"}, made


def _delivery(content: RuleContent, operation: Mapping[str, Any], _schemas: Mapping[str, Any]) -> _Described:
    part = _part(content.input_schema, "body")
    body = _request(content, operation)
    if part is None:
        return {**operation, "requestBody": body}, {}
    types = {name: {"schema": part} for name in body["content"]}
    required = _needs(content.input_schema or {}, "body")
    return {**operation, "requestBody": {**body, "content": types, "required": required}}, {}


def _publication(content: RuleContent, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> _Described:
    event = dict(schemas[_EVENT])
    types = {**event["properties"]["type"], **_of_types(content.trigger_config.get("types", ()))}
    part = _part(content.input_schema, "data")
    data = {} if part is None else {"data": part}
    event["properties"] = {**event["properties"], "type": types, **data}
    if part is not None and _needs(content.input_schema or {}, "data"):
        event["required"] = [*event["required"], "data"]
    structured = {"application/cloudevents+json": {"schema": {"$ref": f"{_COMPONENTS}schemas/{_EVENT}"}}}
    body = {**operation["requestBody"], "content": structured, "required": True}
    return {**operation, "requestBody": body}, {_EVENT: event}


_DESCRIBED: Mapping[TriggerType, tuple[str, Callable[..., _Described]]] = {
    TriggerType.WEBHOOK: (_HOOKS, _delivery),
    TriggerType.EVENT: (_EVENTS, _publication),
    TriggerType.RECURRING: (_PATH, _by_hand),
}
"""What rules are started by that are not run by a request of their own."""


def _part(schema: Mapping[str, Any] | None, name: str) -> dict[str, Any] | None:
    """Return a reference to what an input schema says of a member, None where it says nothing."""
    members = (schema or {}).get("properties")
    said = members.get(name) if isinstance(members, Mapping) else None
    return {"$ref": f"{_PLACE}/properties/{name}"} if isinstance(said, Mapping) else None


def _needs(schema: Mapping[str, Any], name: str) -> bool:
    """Say whether null is refused in the place of a member."""
    return any(f"{each}/".startswith(f"/{name}/") for each in refused(schema, {name: None}))


def _of_types(types: Sequence[str]) -> dict[str, Any]:
    """Return what a schema says of a type that is one of these, or begins like one up to its ``*``."""
    if "*" in types:
        return {}
    exact = [name for name in types if not name.endswith("*")]
    begun = [{"pattern": f"^{name[:-1].replace('.', '[.]')}"} for name in types if name.endswith("*")]
    return {"enum": exact} if not begun else {"anyOf": [*([{"enum": exact}] if exact else []), *begun]}


def _info(rule: Rule) -> dict[str, str]:
    described = {} if rule.content.description is None else {"description": rule.content.description}
    return {"title": rule.content.name, "version": str(rule.version), **described}


def _data(schema: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if schema is None:
        return {"description": "The payload that conditions and actions see as `trigger`.", "type": "object"}
    return rebased({name: value for name, value in schema.items() if name != "$schema"}, _PLACE)


def _takes_nothing(schema: Mapping[str, Any]) -> bool:
    return not refused(schema, {})


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


def _references(document: Mapping[str, Any]) -> Iterator[str]:
    for node in nodes(document):
        reference = node.get("$ref") if isinstance(node, Mapping) else None
        if isinstance(reference, str) and reference.startswith(_COMPONENTS):
            yield reference


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
