"""Makes integers of floats without a fraction where a JSON Schema declares integers: ``5.0`` and ``1e3`` are some.

JSON has one kind of number, and JSON Schema calls ``5.0`` an integer (2020-12, section 6.1.1), but Python's ``range``,
``str`` and PostgreSQL's ``integer`` tell it from ``5``. So what is valid is brought into one form before it is used.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from automation.contract.document.references import lookup

Converter = Callable[[Any], Any]
"""Returns a valid value with its integers as ``int``; objects and arrays are changed in place."""


_LARGEST = float(2**63 - 1024)
"""The largest double that is an integer of 64 bits; a larger one stays what it was written as."""


def integer_converter(schema: Mapping[str, Any]) -> Converter | None:
    """Return what converts valid values of a JSON Schema 2020-12, None where it declares no integers.

    Args:
        schema: A whole document: its references (``#/…``) are followed within it.
    """
    return _Compiler(schema).converter(schema)


class _Compiler:
    """Compiles the schemas of one document; what refers to itself is compiled once."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._referred: dict[str, Converter | None] = {}

    def converter(self, schema: object) -> Converter | None:
        if not isinstance(schema, Mapping):
            return None
        steps = [
            _integral if "integer" in _types(schema) else None,
            self._of_reference(schema.get("$ref")),
            self._of_members(schema),
            self._of_elements(schema),
            *(self.converter(part) for keyword in ("allOf", "anyOf", "oneOf") for part in schema.get(keyword, ())),
            *(self.converter(schema.get(keyword)) for keyword in ("if", "then", "else")),
        ]
        return _chained([step for step in steps if step is not None])

    def _of_reference(self, reference: object) -> Converter | None:
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return None
        if reference not in self._referred:
            # Whatever refers to itself meets this one, which finds the compiled one when it is called.
            self._referred[reference] = self._calling(reference)
            self._referred[reference] = self.converter(lookup(self._root, reference))
        return self._referred[reference]

    def _calling(self, reference: str) -> Converter:
        def convert(value: Any) -> Any:
            return (self._referred[reference] or _unchanged)(value)

        return convert

    def _of_members(self, schema: Mapping[str, Any]) -> Converter | None:
        named = {
            name: converter
            for name, part in schema.get("properties", {}).items()
            if (converter := self.converter(part)) is not None
        }
        others = self.converter(schema.get("additionalProperties"))
        declared = frozenset(schema.get("properties", {}))
        if not named and others is None:
            return None

        def convert(value: Any) -> Any:
            if isinstance(value, dict):
                for name, member in value.items():
                    converter = named.get(name) if name in declared else others
                    if converter is not None:
                        value[name] = converter(member)
            return value

        return convert

    def _of_elements(self, schema: Mapping[str, Any]) -> Converter | None:
        first = [self.converter(part) or _unchanged for part in schema.get("prefixItems", ())]
        others = self.converter(schema.get("items"))
        if others is None and all(converter is _unchanged for converter in first):
            return None

        def convert(value: Any) -> Any:
            if isinstance(value, list):
                for at, element in enumerate(value):
                    value[at] = (first[at] if at < len(first) else others or _unchanged)(element)
            return value

        return convert


def _types(schema: Mapping[str, Any]) -> Sequence[str]:
    declared = schema.get("type", ())
    return [declared] if isinstance(declared, str) else declared


def _integral(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= _LARGEST else value


def _unchanged(value: Any) -> Any:
    return value


def _chained(steps: Sequence[Converter]) -> Converter | None:
    if len(steps) <= 1:
        return steps[0] if steps else None

    def convert(value: Any) -> Any:
        for step in steps:
            value = step(value)
        return value

    return convert
