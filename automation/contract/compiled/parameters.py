"""One parameter of an operation, compiled: how its text is decoded, and what is wrong with it where it can't be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jsonschema_rs

from automation.contract.compiled.excerpts import first_error
from automation.contract.compiled.scalars import FORMATTED, Decoder, Undecodable, decoder, string
from automation.contract.compiled.schemas import ANNOTATIONS, Schemas
from automation.contract.compiled.violations import words
from automation.contract.document.naming import snake_case
from automation.contract.document.references import follow

# What decoding alone guarantees; a schema that says more needs the validator as well.
DECODED = ANNOTATIONS | {"type", "nullable"}
OPTIONAL_SPACE = " \t"


class UnsupportedParameter(ValueError):
    """A parameter's schema is none of those that are decoded: scalars, and arrays of them."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A path, query or header parameter, ready to decode.

    ``name`` is the contract's, ``argument`` the handler's; ``many`` says that it is an array: repeated in a query,
    separated by commas in a header. ``rest`` says that it is an object of all that no other is. ``default`` is what an
    absent one counts as; ``schema`` is what the validator was made of.
    """

    name: str
    argument: str
    location: str
    required: bool
    many: bool
    default: Any
    item: Decoder
    validator: jsonschema_rs.Draft202012Validator | None
    rest: bool = False
    schema: Mapping[str, Any] | None = None

    def value(self, texts: Sequence[str]) -> Any:
        """Return the value of a parameter that is there.

        Raises:
            Undecodable: It is not what the contract asks for.
        """
        if self.many:
            value: Any = [self.item(text) for text in self._items(texts)]
        elif len(texts) == 1:
            value = self.item(texts[0])
        else:
            raise Undecodable("is given more than once")
        if self.validator is not None and not self.validator.is_valid(_json(value)):
            raise Undecodable(words(first_error(self.validator, _json(value)), self.schema))
        return value

    @property
    def constrained(self) -> bool:
        """Whether it refuses any text."""
        return self.many or self.item is not string or self.validator is not None

    def _items(self, texts: Sequence[str]) -> Sequence[str]:
        if self.location != "header":
            return texts
        if len(texts) != 1:
            raise Undecodable("is given more than once")
        return [text.strip(OPTIONAL_SPACE) for text in texts[0].split(",")]


def compiled(definition: Mapping[str, Any], document: Mapping[str, Any], schemas: Schemas) -> Parameter:
    """Return the parameter that a Parameter Object (or a Header Object with ``name`` and ``in``) defines.

    Raises:
        UnsupportedParameter: Nothing here decodes it; the start-up check says so beforehand.
    """
    schema = follow(document, definition.get("schema", {}))
    parameter = Parameter(
        name=definition["name"],
        argument=snake_case(definition["name"]),
        location=definition["in"],
        required=definition.get("required", False),
        many=schema.get("type") == "array",
        default=None,
        item=string,
        validator=None,
    )
    if schema.get("type") == "object" and parameter.location == "query":
        return replace(parameter, default={}, rest=True)
    item = follow(document, schema["items"]) if parameter.many else schema
    parameter = replace(parameter, item=_decoder(item))
    if _says_more(schema, item):
        parameter = replace(parameter, validator=schemas.validator(schema), schema=schemas.document(schema))
    return parameter if schema.get("default") is None else _with_default(parameter, schema["default"])


def _decoder(schema: Mapping[str, Any]) -> Decoder:
    try:
        return decoder(schema["type"], schema.get("format"))
    except KeyError as error:
        raise UnsupportedParameter("its schema's type must be string, integer, number, boolean or an array") from error


def _says_more(schema: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    decoded = DECODED | ({"format"} if (item.get("type"), item.get("format")) in FORMATTED else set())
    beyond = {key for key in schema if not key.startswith("x-")} - decoded
    if schema is item:
        return bool(beyond)
    return bool(beyond - {"items"}) or _says_more(item, item)


def _with_default(parameter: Parameter, default: Any) -> Parameter:
    texts = [written(value) for value in default] if parameter.many else [written(default)]
    joined = [",".join(texts)] if parameter.many and parameter.location == "header" else texts
    return replace(parameter, default=parameter.value(joined))


def written(value: Any) -> str:
    """Return the text of a value, in the form that its parameter takes: of a time, RFC 3339 in UTC, with ``Z``."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _json(value: Any) -> Any:
    if isinstance(value, list):
        return [_json(item) for item in value]
    return written(value) if isinstance(value, UUID | datetime) else value
