"""Checks configs against an action's schema: when a rule is written, templates and all, and before the action runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema_rs import Draft202012Validator, EmailOptions, ValidationError, ValidationErrorKind, meta

from automation.contract.compiled.excerpts import Excerpts
from automation.contract.compiled.integers import integer_converter
from automation.contract.compiled.violations import of_body
from automation.contract.document.nodes import nodes
from automation.engine.actions.action import ConfigFault

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Path = Sequence[str | int]

# What a string with a template in it can't be blamed for, since it isn't known yet.
_about_text = (
    ValidationErrorKind.Constant,
    ValidationErrorKind.Enum,
    ValidationErrorKind.Format,
    ValidationErrorKind.MaxLength,
    ValidationErrorKind.MinLength,
    ValidationErrorKind.Pattern,
)

# What an object or array can't be blamed for while there is a template somewhere in it.
_about_contents = (
    ValidationErrorKind.Contains,
    ValidationErrorKind.Not,
    ValidationErrorKind.OneOfMultipleValid,
    ValidationErrorKind.UnevaluatedItems,
    ValidationErrorKind.UnevaluatedProperties,
)


class UnusableSchema(Exception):
    """A schema that configs can't be checked against; the message says why."""


class ConfigSchema:
    """A schema, compiled once.

    Args:
        schema: JSON Schema 2020-12 of an object without additional properties. Remote references aren't followed.

    Raises:
        UnusableSchema: It isn't such a schema.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._validator = _compiled(schema)
        self._excerpts = Excerpts(schema)
        self._integers = integer_converter(schema)

    def converted(self, config: Any) -> Any:
        """Return a config with its integers as such, also where they were written as floats; it is changed in place."""
        return config if self._integers is None else self._integers(config)

    def faults(self, config: object, *, written: bool, counted: bool = True) -> list[ConfigFault]:
        """Return what is wrong with a config, with pointers into it; no message shows a value of it.

        Args:
            config: The config, a JSON value.
            counted: Whether to tell of a number of members that is wrong, too: a schema's way to say which of them go
                together, for which an action's own check has better words.
            written: Whether it is a config as it is written, whose strings may hold ``${…}``: a value that is a single
                ``${…}`` is then taken as valid for any type, and nothing but its type is asked of a string that holds
                one.
        """
        if self._validator.is_valid(config):
            return []
        part = self._excerpts.of(config)
        found = self._errors(part, written=written) or self._errors(config, written=written)
        told = of_body((error for error in found if counted or not _counts_members(error)), self._excerpts.schema)
        return [ConfigFault(each.pointer or "", each.message) for each in told]

    def _errors(self, config: object, *, written: bool) -> list[ValidationError]:
        errors = self._validator.iter_errors(config)
        return [error for error in errors if not (written and _excused(error, config))]


def hidden(config: object, place: str) -> bool:
    """Return whether the value that a JSON pointer leads to is, or lies within, a string that holds a template."""
    value = config
    for token in place.split("/")[1:]:
        value = _step(value, token.replace("~1", "/").replace("~0", "~"))
    return isinstance(value, str) and "${" in value


def _step(value: object, token: str) -> object:
    if isinstance(value, Mapping):
        return value.get(token)
    if isinstance(value, list):
        return value[int(token)] if token.isdecimal() and int(token) < len(value) else None
    return value


def _compiled(schema: Mapping[str, Any]) -> Draft202012Validator:
    if schema.get("$schema", DIALECT) != DIALECT:
        raise UnusableSchema(f"its config schema must be of {DIALECT}")
    if schema.get("type") != "object" or schema.get("additionalProperties") is not False:
        raise UnusableSchema('its config schema must have "type": "object" and "additionalProperties": false')
    document = {"$schema": DIALECT, **schema}
    try:
        meta.validate(document)
        return Draft202012Validator(
            document,
            validate_formats=True,
            ignore_unknown_formats=False,
            email_options=EmailOptions(allow_display_text=False, allow_domain_literal=False),
            offline=True,
        )
    except (ValidationError, ValueError, TypeError) as error:
        raise UnusableSchema(f"its config schema is invalid: {str(error).splitlines()[0]}") from None


def _excused(error: ValidationError, config: object) -> bool:
    value = _value(config, error.instance_path)
    kind = error.kind
    if isinstance(value, str):
        return _is_template(value) or ("${" in value and _spares_text(kind, config))
    if isinstance(kind, (ValidationErrorKind.AnyOf, ValidationErrorKind.OneOfNotValid)):
        return _spares_a_branch(kind.context, config)
    return isinstance(kind, _about_contents) and any(isinstance(each, str) and "${" in each for each in nodes(value))


def _counts_members(error: ValidationError) -> bool:
    kinds = (ValidationErrorKind.MinProperties, ValidationErrorKind.MaxProperties)
    return isinstance(error.kind, kinds) and not error.instance_path


def _spares_text(kind: ValidationErrorKind, config: object) -> bool:
    if isinstance(kind, (ValidationErrorKind.AnyOf, ValidationErrorKind.OneOfNotValid)):
        return _spares_a_branch(kind.context, config)
    return isinstance(kind, (*_about_text, *_about_contents))


def _spares_a_branch(branches: Sequence[Sequence[ValidationError]], config: object) -> bool:
    return any(all(_excused(error, config) for error in branch) for branch in branches)


def _is_template(text: str) -> bool:
    """Return whether a string is one ``${…}`` from its first character to its last."""
    return text.startswith("${") and text.endswith("}") and "${" not in text[2:]


def _value(config: object, path: Path) -> Any:
    value: Any = config
    for token in path:
        value = value[str(token) if isinstance(value, Mapping) else token]  # a member's name of digits comes as an int
    return value
