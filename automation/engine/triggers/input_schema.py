"""Input schemas of rules: checked when a rule is written, and asked of whatever triggers it.

The contract's component ``InputSchema`` names the limits. They are there because the validator's time is everybody's:
what a schema can ask of one value is known when it is written, what it asks of many before they are asked, and patterns
take linear time.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from uuid import UUID

import jsonschema_rs
import orjson

from automation.contract.compiled.violations import bounded, of_body
from automation.domain.bounded import Bounded
from automation.domain.errors import InvalidInput, Violation
from automation.engine.triggers import schema_weight
from automation.engine.triggers.schema_outline import Schema, outline
from automation.engine.triggers.schema_weight import Recursive, TooHeavy, Weight, target, weight

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
LONGEST: Final = 32_768
"""How many bytes an input schema has at the most, as JSON."""
DEEPEST: Final = 32
"""How deep its objects and arrays may be nested."""
MOST_PATTERNS: Final = 50
LARGEST_PATTERN: Final = 524_288
"""How many bytes a regular expression may take, compiled."""
MAX_COST: Final = 2_000_000
"""What asking may cost: at most 0.1 s. One is a keyword on a value, or a pattern on a character."""
MAX_LISTED_COST: Final = 2_000
"""Up to which cost everything that is wrong is listed; beyond it the first thing alone."""
_KEPT: Final = 128
_COST_OF_A_STEP: Final = 20
"""What asking costs in the time of a step of an evaluation."""
_BYTES_OF_A_STEP: Final = 4
"""How much of a schema is compiled in that time."""

Pay = Callable[[int], None]
"""Is told of steps before they are taken, and raises where there are not that many left."""


def for_nothing(_steps: int) -> None:
    """Take nothing for what is bounded by itself."""


_FORBIDDEN: Final = frozenset(
    {
        *("$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"),
        "$vocabulary",
    }
)
_MEMBER: Final = "/trigger_data"
_patterns = jsonschema_rs.RegexOptions(size_limit=LARGEST_PATTERN, dfa_size_limit=2 * LARGEST_PATTERN)


class InputSchema:
    """A schema, compiled.

    Args:
        schema: One that ``schema_violations`` finds nothing wrong with.
    """

    def __init__(self, schema: Schema) -> None:
        self._validator = _compiled(schema)
        self._weight = weight(outline(schema))

    def require(self, trigger_data: Mapping[str, Any], pay: Pay = for_nothing) -> None:
        """Return if the schema takes what a rule is triggered with, which is paid for beforehand.

        Raises:
            InvalidInput: It doesn't; each violation leads to its place below ``/trigger_data``.
        """
        cost = _cost(self._weight, trigger_data)
        if cost > MAX_COST:
            violation = Violation("is too large to be checked by the rule's input_schema", pointer=_MEMBER)
            raise InvalidInput(violations=[violation])
        pay(cost // _COST_OF_A_STEP)
        instance = dict(trigger_data)
        if self._validator.is_valid(instance):
            return
        found = self._validator.iter_errors(instance) if cost <= MAX_LISTED_COST else iter([self._first(instance)])
        violations = [
            Violation(each.message, pointer=bounded(f"{_MEMBER}{each.pointer or ''}")) for each in of_body(found, {})
        ]
        raise InvalidInput(violations=violations)

    def _first(self, instance: Mapping[str, Any]) -> jsonschema_rs.ValidationError:
        try:
            self._validator.validate(instance)
        except jsonschema_rs.ValidationError as error:
            return error
        raise AssertionError("what is not valid has no error")


class InputSchemas:
    """A cache of the compiled input schemas of rule versions, which never change."""

    def __init__(self) -> None:
        self._kept: Bounded[tuple[UUID, UUID, int], InputSchema] = Bounded(_KEPT)

    def require(
        self,
        tenant: UUID,
        rule_id: UUID,
        version: int,
        schema: Schema | None,
        trigger_data: Mapping[str, Any],
        *,
        pay: Pay = for_nothing,
    ) -> None:
        """Return if a version of a rule takes what it is triggered with; one without a schema takes anything.

        Raises:
            InvalidInput: It doesn't.
        """
        if schema is None:
            return
        key = (tenant, rule_id, version)
        compiled = self._kept.get(key)
        if compiled is None:
            pay(len(orjson.dumps(schema)) // _BYTES_OF_A_STEP)
            compiled = InputSchema(schema)
        self._kept.put(key, compiled)
        compiled.require(trigger_data, pay)


def schema_violations(schema: Schema) -> Iterator[Violation]:
    """Yield what is wrong with an input schema as it is written, with pointers into it."""
    if len(orjson.dumps(schema)) > LONGEST:
        yield Violation(f"has more than {LONGEST} bytes", pointer="")
        return
    if _is_deeper(schema, DEEPEST):
        yield Violation(f"is nested deeper than {DEEPEST} levels", pointer="")
        return
    outlined = outline(schema)
    found = [*_of_keywords(outlined), *_of_references(outlined)]
    yield from found or _of_whole(schema, outlined)


def _of_keywords(outlined: Mapping[str, Schema]) -> Iterator[Violation]:
    if outlined[""].get("$schema", DIALECT) != DIALECT:
        yield Violation(f"is another dialect than {DIALECT}", pointer="/$schema")
    for place, schema in outlined.items():
        for keyword in sorted(_FORBIDDEN & schema.keys()):
            yield Violation("is not supported here", pointer=bounded(f"{place}/{keyword}"))
        if place and "$schema" in schema:
            yield Violation("stands at the top of a schema alone", pointer=bounded(f"{place}/$schema"))
    patterns = sum(("pattern" in schema) + _length(schema.get("patternProperties")) for schema in outlined.values())
    if patterns > MOST_PATTERNS:
        yield Violation(f"has more than {MOST_PATTERNS} patterns", pointer="")


def _length(value: Any) -> int:
    return len(value) if isinstance(value, Mapping) else 0


def _of_references(outlined: Mapping[str, Schema]) -> Iterator[Violation]:
    for place, schema in outlined.items():
        if "$ref" not in schema:
            continue
        reference = schema["$ref"]
        if not isinstance(reference, str) or not reference.startswith("#") or target(reference) not in outlined:
            message = "refers to no schema within this one, as #/$defs/NAME does"
            yield Violation(message, pointer=bounded(f"{place}/$ref"))


def _of_whole(schema: Schema, outlined: Mapping[str, Schema]) -> Iterator[Violation]:
    try:
        weight(outlined)
        _compiled(schema)
    except Recursive as error:
        yield Violation("refers to itself", pointer=bounded(str(error)))
    except TooHeavy as error:
        message = f"asks more than {schema_weight.MOST} things of one value, with what it refers to"
        yield Violation(message, pointer=bounded(str(error)))
    except jsonschema_rs.ValidationError as error:
        yield Violation(_words(error), pointer=bounded(of_body([error], {})[0].pointer or ""))
    except (ValueError, jsonschema_rs.ReferencingError):
        yield Violation("is no schema of JSON Schema 2020-12", pointer="")


def _words(error: jsonschema_rs.ValidationError) -> str:
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Format) and error.kind.format == "regex":
        return "is no regular expression without look-around and back-references, or is too large"
    return "is not what JSON Schema 2020-12 has here"


def _compiled(schema: Schema) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        dict(schema), validate_formats=True, ignore_unknown_formats=True, pattern_options=_patterns, offline=True
    )


def _cost(weight: Weight, trigger_data: Mapping[str, Any]) -> int:
    """Return what it costs at the most to ask a schema of this weight of all that is in a value."""
    text = orjson.dumps(trigger_data)
    values = text.count(b",") + text.count(b"{") + text.count(b"[") + 1  # what stands in strings counts, too
    return weight.asked * values + weight.read * len(text)


def _is_deeper(value: Any, levels: int) -> bool:
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if not isinstance(one, Mapping | list):
            continue
        if depth == levels:
            return True
        waiting.extend((each, depth + 1) for each in (one.values() if isinstance(one, Mapping) else one))
    return False
