"""OpenAPI 3.0's schemas as JSON Schema 2020-12, compiled into the validators that requests and responses meet.

OpenAPI 3.0 has a dialect of its own: ``nullable``, boolean ``exclusiveMinimum``, ``$ref`` that silences its siblings.
It is rewritten once at start, because the validator speaks JSON Schema only.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from automation.contract.compiled.formats import FORMATS
from automation.contract.document.naming import FORM
from automation.contract.document.nodes import nodes

Schema = Mapping[str, Any]

ASSERTIONS = frozenset(
    {
        *("type", "enum", "format", "pattern", "minLength", "maxLength"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("items", "minItems", "maxItems", "uniqueItems"),
        *("properties", "required", "additionalProperties", "minProperties", "maxProperties"),
        *("allOf", "anyOf", "oneOf", "not"),
    }
)
# Beside a oneOf whose forms tell themselves apart, a discriminator says nothing more than which is meant.
ANNOTATIONS = frozenset(
    {
        "title",
        "description",
        "default",
        "example",
        "deprecated",
        "externalDocs",
        "discriminator",
        "readOnly",
        "writeOnly",
    }
)
COMPONENTS = "#/components/schemas/"
KEYWORDS = ASSERTIONS | ANNOTATIONS | {"$ref", "nullable"}
"""Every keyword that this service enforces, or that has nothing to enforce; the start-up check refuses others."""


class Schemas:
    """Compiles schemas of one document, which may refer to its components."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        schemas = document.get("components", {}).get("schemas", {})
        self._components = {name: translated(schema) for name, schema in schemas.items()}
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}

    def validator(self, schema: Schema) -> jsonschema_rs.Draft202012Validator:
        """Return the compiled validator of an OpenAPI 3.0 schema: one for all that say the same.

        Raises:
            ValueError: The schema can't be compiled: a bad regular expression, a format nobody knows.
        """
        root = translated(schema)
        written = json.dumps(root)
        if written not in self._validators:
            self._validators[written] = self._compiled(root)
        return self._validators[written]

    def document(self, schema: Schema) -> dict[str, Any]:
        """Return an OpenAPI 3.0 schema as a JSON Schema 2020-12, with the components that it refers to."""
        return self._complete(translated(schema))

    def _compiled(self, root: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
        return jsonschema_rs.Draft202012Validator(
            self._complete(root),
            validate_formats=True,
            ignore_unknown_formats=False,
            # Linear time whatever the input: no look-around, no catastrophic backtracking.
            pattern_options=jsonschema_rs.RegexOptions(),
            offline=True,
        )

    def _complete(self, root: dict[str, Any]) -> dict[str, Any]:
        return {**root, "components": {"schemas": self._referred(root)}}

    def _referred(self, root: object) -> dict[str, Any]:
        """Return the components that a schema refers to, itself or by others."""
        found: dict[str, Any] = {}
        waiting = list(_references(root))
        while waiting:
            name = waiting.pop().removeprefix(COMPONENTS)
            if name in self._components and name not in found:
                found[name] = self._components[name]
                waiting.extend(_references(found[name]))
        return found


def _references(schema: object) -> Iterator[str]:
    """Return every reference in a translated schema."""
    return (node["$ref"] for node in nodes(schema) if isinstance(node, Mapping) and "$ref" in node)


def translated(schema: Schema) -> dict[str, Any]:
    """Return the JSON Schema 2020-12 that means what an OpenAPI 3.0 schema means."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    result = {key: _value(key, schema[key]) for key in schema if key in ASSERTIONS or key == FORM}
    _bound(result, "minimum", "exclusiveMinimum")
    _bound(result, "maximum", "exclusiveMaximum")
    if schema.get("nullable") and "type" in result:
        result["type"] = [result["type"], "null"]
    if (known := FORMATS.get(result.get("format", ""))) and known.keywords:
        del result["format"]
        result["allOf"] = [*result.get("allOf", ()), known.schema]
    return result


def _value(keyword: str, value: Any) -> Any:
    if keyword == "properties":
        return {name: translated(schema) for name, schema in value.items()}
    if keyword in {"allOf", "anyOf", "oneOf"}:
        return [translated(schema) for schema in value]
    if keyword == "not":
        # What is forbidden has words of its own, for clients.
        return translated(value) | {name: value[name] for name in ("description",) if name in value}
    if keyword in {"items", "additionalProperties"} and isinstance(value, Mapping):
        return translated(value)
    return value


def _bound(result: dict[str, Any], inclusive: str, exclusive: str) -> None:
    """Turn OpenAPI's boolean ``exclusiveMinimum`` into the number that JSON Schema wants there."""
    if result.pop(exclusive, False) and inclusive in result:
        result[exclusive] = result.pop(inclusive)
