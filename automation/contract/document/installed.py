"""Fills in what only the installation knows: the union of variants that the document marks, each with its own schema.

A schema of the document that has the extension ``x-installed-variants`` is such a union: a ``oneOf`` told apart by the
member ``type``. The extension names the component that all variants have in common. Published is the union of what is
installed; requests and answers are held to what is common, since each variant's own part is judged, with better words,
by whom it belongs to.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from automation.contract.document.document import Document
from automation.contract.document.findings import ContractError, Finding
from automation.contract.document.references import pointer

MARK = "x-installed-variants"
OWN = "config"
"""The member whose schema is each variant's own."""

_SCHEMAS = "#/components/schemas"

Variants = Mapping[str, Mapping[str, Any]]
"""The schema of each variant's own part, by the variant's type."""


def filled(document: Document, variants: Variants) -> Document:
    """Return a copy of a document whose marked union is of these variants.

    Raises:
        ContractError: No schema is marked, or a mark is not as it should be.
    """
    name, shared = _marked(document)
    schemas = document["components"]["schemas"]
    kept = _without_variants(schemas[name], schemas)
    added, mapping = _components(variants, schemas[shared], kept)
    kept[name] = {
        **schemas[name],
        "oneOf": [{"$ref": reference} for reference in mapping.values()],
        "discriminator": {**schemas[name]["discriminator"], "mapping": mapping},
    }
    place = list(kept).index(name) + 1
    items = list(kept.items())
    return _with_schemas(document, dict([*items[:place], *added.items(), *items[place:]]))


def common(document: Document) -> Document:
    """Return a copy of a document that asks of the marked union only what all variants have in common."""
    name, component = _marked(document)
    schemas = document["components"]["schemas"]
    kept = _without_variants(schemas[name], schemas)
    return _with_schemas(document, {**kept, name: {"$ref": f"{_SCHEMAS}{pointer(component)}"}})


def faults(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with the marks of a document."""
    schemas = document.get("components", {}).get("schemas", {})
    for name, schema in schemas.items():
        if MARK in schema:
            yield from _of_mark(f"{_SCHEMAS}{pointer(name)}", schema, schemas)


def _of_mark(where: str, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Finding]:
    component = schemas.get(schema[MARK]) if isinstance(schema[MARK], str) else None
    if component is None:
        yield Finding(where, f"its {MARK} names no schema of the components")
    elif {"type", OWN} - component.get("properties", {}).keys():
        yield Finding(where, f"its {MARK} names {schema[MARK]}, which has not the members type and {OWN}")
    if "oneOf" not in schema or schema.get("discriminator", {}).get("propertyName") != "type":
        yield Finding(where, f"has {MARK}, but is no oneOf that is told apart by type")


def _marked(document: Mapping[str, Any]) -> tuple[str, str]:
    """Return the names of the marked schema and of what its variants have in common."""
    schemas = document.get("components", {}).get("schemas", {})
    marked = [name for name, schema in schemas.items() if MARK in schema]
    found = list(faults(document))
    if len(marked) != 1:
        found.append(Finding(_SCHEMAS, f"has {len(marked) or 'no'} schemas with {MARK}; there must be one"))
    if found:
        raise ContractError(found)
    (name,) = marked
    return name, schemas[name][MARK]


def _without_variants(union: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Return the components without those that stand for the variants in the document as it is."""
    variants = {each["$ref"].rpartition("/")[2] for each in union["oneOf"]}
    own = [schemas[name]["properties"][OWN].get("$ref", "") for name in variants if name in schemas]
    former = variants | {reference.rpartition("/")[2] for reference in own}
    return {name: schema for name, schema in schemas.items() if name not in former}


def _components(
    variants: Variants, shared: Mapping[str, Any], taken: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return two components for each variant, and which reference leads to the one of which type."""
    added: dict[str, Any] = {}
    mapping: dict[str, str] = {}
    for variant, own in variants.items():
        stem = "".join(word.capitalize() for word in variant.split("_"))
        action, config = (_free(f"{stem}{kind}", taken.keys() | added.keys()) for kind in ("Action", "Config"))
        members = {
            **shared["properties"],
            "type": {"description": "The action's type.", "type": "string", "enum": [variant]},
            OWN: {"$ref": f"{_SCHEMAS}/{config}"},
        }
        added[action] = {**shared, "description": f"An action of the type `{variant}`.", "properties": members}
        added[config] = {"description": f"The settings of `{variant}`.", **own}
        mapping[variant] = f"{_SCHEMAS}/{action}"
    return added, mapping


def _free(name: str, taken: Collection[str]) -> str:
    """Return a name that no component has: this one, or with the first number behind it that makes it one."""
    number = 1
    candidate = name
    while candidate in taken:
        number += 1
        candidate = f"{name}{number}"
    return candidate


def _with_schemas(document: Document, schemas: Mapping[str, Any]) -> Document:
    return {**document, "components": {**document["components"], "schemas": dict(schemas)}}
