"""Values that the contract leaves free: where a generated type may say ``Any``, ``any`` or ``unknown``."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.shipped_contract.shipped import SCHEMAS

ANNOTATIONS = {"description", "example", "title", "nullable"}


def values() -> set[tuple[str, str]]:
    """Return the members that may hold any JSON value, by schema: what a condition compares with, and nothing else."""
    return {(schema, name) for schema, name, member in _members() if not member.keys() - ANNOTATIONS}


def objects() -> set[tuple[str, str]]:
    """Return the members that are objects with any members, by schema: what tenants, triggers and actions make up."""
    return {
        (schema, name)
        for schema, name, member in _members()
        if member.get("type") == "object" and "properties" not in member and member["additionalProperties"] is True
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
    """Return the schemas that are another name for something: for a text, or for one of several others."""
    return {
        name
        for name, schema in SCHEMAS.items()
        if "oneOf" in schema or (schema.get("type") == "string" and "enum" not in schema)
    }


def unions() -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """Return the forms of the members that have several, by schema."""
    return {(schema, name): member["anyOf"] for schema, name, member in _members() if "anyOf" in member}


def _members() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for schema, node in SCHEMAS.items():
        for name, member in node.get("properties", {}).items():
            yield schema, name, member
