"""Says in OpenAPI 3.0 what an action's config may be as it is written, so that the contract can publish it.

A config schema is JSON Schema 2020-12, and speaks of configs whose every ``${…}`` is in place; OpenAPI 3.0 has fewer
words, and a rule's author may write a template anywhere. Whatever is said is never stricter than ``ConfigSchema``,
which judges: what can't be said is left out.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from jsonschema_rs import Draft202012Validator, RegexOptions

from automation.contract.compiled.formats import FORMATS
from automation.contract.document.naming import FORM
from automation.contract.document.references import UnresolvedReference, lookup

Schema = dict[str, Any]

WHOLE_TEMPLATE = "#/components/schemas/WholeTemplate"
"""The component for a string that is one ``${…}``, which is taken for a value of any type."""
TEMPLATE = "#/components/schemas/Template"
"""The component for a string with a ``${…}`` in it, of which nothing but that is known yet."""

_ANYTHING: Mapping[str, Any] = MappingProxyType({})
_NOTES = ("title", "description", "deprecated")
_OF_TYPE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "string": ("format", "pattern", FORM, "minLength", "maxLength"),
        "number": ("minimum", "maximum", "multipleOf"),
        "integer": ("format", "minimum", "maximum", "multipleOf"),
        "array": ("minItems", "maxItems", "uniqueItems"),
        "object": ("required", "minProperties", "maxProperties"),
    }
)
_TYPES = frozenset({*_OF_TYPE, "boolean"})


def written_schema(schema: Mapping[str, Any]) -> Schema:
    """Return the OpenAPI 3.0 schema of a config as it is written.

    Args:
        schema: The action's own: JSON Schema 2020-12 of an object without additional properties.
    """
    return _Writer(schema).plain(schema, ())


class _Writer:
    """Rewrites the schemas of one document; what refers to itself is left open."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def written(self, schema: object, seen: tuple[str, ...]) -> Schema:
        """Return the schema of a value in whose place, or within which, a template may stand."""
        plain = self.plain(schema, seen)
        notes = {name: plain.pop(name) for name in _NOTES if name in plain}
        if not plain or plain == {"type": "string"}:
            return {**notes, **plain}
        alternatives = plain.get("anyOf", [plain])
        text = any(each["type"] == "string" for each in alternatives)
        return {**notes, "anyOf": [*alternatives, {"$ref": TEMPLATE if text else WHOLE_TEMPLATE}]}

    def plain(self, schema: object, seen: tuple[str, ...]) -> Schema:
        """Return the schema of a value that is no template itself."""
        if not isinstance(schema, Mapping):
            return dict(_ANYTHING)
        if isinstance(reference := schema.get("$ref"), str):
            return self._referred(reference, schema, seen)
        notes = {name: schema[name] for name in _NOTES if name in schema}
        return {**notes, **self._said(schema, seen)}

    def _referred(self, reference: str, schema: Mapping[str, Any], seen: tuple[str, ...]) -> Schema:
        notes = {name: schema[name] for name in _NOTES if name in schema}
        try:
            target = lookup(self._root, reference)
        except UnresolvedReference:
            return notes
        return notes if reference in seen else {**self.plain(target, (*seen, reference)), **notes}

    def _said(self, schema: Mapping[str, Any], seen: tuple[str, ...]) -> Schema:
        values = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if values is not None:
            return _enumeration(values)
        declared = schema.get("type")
        if isinstance(declared, str):
            return self._typed(declared, schema, seen)
        if isinstance(declared, list):
            return self._one_of_types(declared, schema, seen)
        return self._alternatives(schema, seen)

    def _typed(self, kind: str, schema: Mapping[str, Any], seen: tuple[str, ...]) -> Schema:
        if kind not in _TYPES:
            return dict(_ANYTHING)
        said: Schema = {"type": kind}
        said |= {name: schema[name] for name in _OF_TYPE.get(kind, ()) if name in schema and _sayable(name, schema)}
        for inclusive, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            # Without saying that it excludes: generators stumble over OpenAPI 3.0's boolean.
            if kind in {"number", "integer"} and exclusive in schema and inclusive not in schema:
                said[inclusive] = schema[exclusive]
        if kind == "array":
            said["items"] = dict(_ANYTHING) if "prefixItems" in schema else self.written(schema.get("items"), seen)
        if kind == "object":
            said |= self._members(schema, seen)
        return said

    def _members(self, schema: Mapping[str, Any], seen: tuple[str, ...]) -> Schema:
        said: Schema = {}
        if "properties" in schema:
            said["properties"] = {name: self.written(part, seen) for name, part in schema["properties"].items()}
        others = schema.get("additionalProperties", True)
        if "patternProperties" in schema or others is True:
            said["additionalProperties"] = True
        else:
            said["additionalProperties"] = others if others is False else self.written(others, seen)
        return said

    def _one_of_types(self, kinds: list[str], schema: Mapping[str, Any], seen: tuple[str, ...]) -> Schema:
        given = [kind for kind in kinds if kind != "null"]
        if len(given) != 1:
            return dict(_ANYTHING)
        return {**self._typed(given[0], schema, seen), **({"nullable": True} if "null" in kinds else {})}

    def _alternatives(self, schema: Mapping[str, Any], seen: tuple[str, ...]) -> Schema:
        """Return one of several forms; a template may fit all of them, so none is said to be the only one."""
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                forms = [self.plain(part, seen) for part in schema[keyword]]
                return {"anyOf": forms} if all("type" in form for form in forms) else dict(_ANYTHING)
        return dict(_ANYTHING)


def _sayable(keyword: str, schema: Mapping[str, Any]) -> bool:
    """Return whether the contract can hold to a keyword: it knows fewer formats, and patterns of linear time alone."""
    if keyword == "format":
        known = FORMATS.get(schema["format"])
        return known is not None and known.type == schema["type"]
    if keyword == "required":
        return set(schema["required"]).issubset(schema.get("properties", {}))
    if keyword == FORM:
        return any(name in schema and _sayable(name, schema) for name in ("pattern", "format"))
    return keyword != "pattern" or _is_linear(schema["pattern"])


def _is_linear(pattern: str) -> bool:
    try:
        Draft202012Validator({"pattern": pattern}, pattern_options=RegexOptions())
    except ValueError:
        return False
    return True


def _enumeration(values: list[Any]) -> Schema:
    kinds = {type(value) for value in values}
    if kinds == {str}:
        return {"type": "string", "enum": values}
    return dict(_ANYTHING)
