"""Values that the contract leaves free: where a generated type may say ``Any``, ``any`` or ``unknown``."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.shipped_contract.shipped import ENTRIES, SCHEMAS

ANNOTATIONS = {"description", "example", "title", "nullable"}


def values() -> set[tuple[str, str]]:
    """Return the members that may hold any JSON value, by schema: what a condition compares with, and nothing else."""
    return {(schema, name) for schema, name, member in _members() if not member.keys() - ANNOTATIONS}


def objects() -> set[tuple[str, str]]:
    """Return the members that are objects with any members, by schema: what tenants, triggers and actions make up."""
    return {(schema, name) for schema, name, member in _members() if _is_free(member)}


def lists() -> set[tuple[str, str]]:
    """Return the members that are lists of such objects, by schema."""
    return {(schema, name) for schema, name, member in _members() if _is_free(member.get("items", {}))}


def named() -> set[str]:
    """Return the schemas that are such objects themselves."""
    return {name for name, schema in SCHEMAS.items() if _is_free(schema)}


def references() -> set[tuple[str, str]]:
    """Return the members that refer to one of those, by schema."""
    free = {f"#/components/schemas/{name}" for name in named()}
    return {(schema, name) for schema, name, member in _members() if member.get("$ref") in free}


def bodies() -> set[str]:
    """Return the operations that take any JSON value as their body."""
    return {
        entry.name
        for entry in ENTRIES
        for media_type in entry.node.get("requestBody", {}).get("content", {}).values()
        if not media_type["schema"].keys() - ANNOTATIONS
    }


def queries() -> set[tuple[str, str]]:
    """Return the parameters that are objects of any names, by operation."""
    return {
        (entry.name, parameter["name"])
        for entry in ENTRIES
        for parameter in entry.parameters
        if parameter["schema"].get("type") == "object"
    }


def enumerations() -> set[tuple[str, str]]:
    """Return the members that have an enumeration of their own, by schema."""
    return {(schema, name) for schema, name, member in _members() if "enum" in member}


def nullables() -> set[tuple[str, str]]:
    """Return the members that may be null, by schema."""
    return {(schema, name) for schema, name, member in _members() if member.get("nullable", False)}


def closed() -> set[str]:
    """Return the schemas that take no member but their own."""
    return {name for name, schema in SCHEMAS.items() if schema.get("additionalProperties") is False}


def open_by_name() -> set[str]:
    """Return the schemas that have members of their own and say that there may be any others."""
    return {
        name
        for name, schema in SCHEMAS.items()
        if "properties" in schema and schema.get("additionalProperties") is True
    }


def aliases() -> set[str]:
    """Return the schemas that are another name for something: for a text, a number, or for one of several others."""
    return {
        name
        for name, schema in SCHEMAS.items()
        if "oneOf" in schema or (schema.get("type") in {"string", "number", "integer"} and "enum" not in schema)
    }


def maps() -> set[str]:
    """Return the schemas of objects with any names, whose values are of one kind or any."""
    values = {name for name, schema in SCHEMAS.items() if isinstance(schema.get("additionalProperties"), dict)}
    return values | named()


def nullable_maps() -> set[str]:
    """Return those of them that may be null."""
    return {name for name in maps() if SCHEMAS[name].get("nullable", False)}


def unions() -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """Return the forms of the members that have several, by schema."""
    return {(schema, name): member["anyOf"] for schema, name, member in _members() if "anyOf" in member}


def _is_free(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "object" and "properties" not in schema and schema["additionalProperties"] is True


def _members() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for schema, node in SCHEMAS.items():
        for name, member in node.get("properties", {}).items():
            yield schema, name, member
