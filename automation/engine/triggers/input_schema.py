"""Input schemas of rules: checked when a rule is written, and asked of whatever triggers it.

The contract's component ``InputSchema`` names the limits. They are there because the validator's time is everybody's:
what a schema can ask of one value is known when it is written, what it asks of many before they are asked, and patterns
take linear time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import jsonschema_rs
import orjson

from automation.contract.compiled.violations import bounded, of_body
from automation.domain.errors import InvalidInput, Violation
from automation.engine.expressions.pace import Step, uncounted
from automation.engine.triggers import schema_weight
from automation.engine.triggers.schema_outline import Schema, outline
from automation.engine.triggers.schema_patterns import (
    LARGEST_PATTERN,
    LARGEST_PATTERNS,
    MOST_PATTERNS,
    pattern_violations,
)
from automation.engine.triggers.schema_weight import Recursive, TooHeavy, Weight, target, weight

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
LONGEST: Final = 32_768
"""How many bytes an input schema has at the most, as JSON."""
DEEPEST: Final = 32
"""How deep its objects and arrays may be nested."""
MAX_COST: Final = 500_000
"""What asking may cost: at most 25 ms. One is a keyword on a value, or a pattern on a character."""
AT_ONCE: Final = 20_000
"""Tuned: up to which cost it is asked at once; beyond it in a thread, when its turn comes."""
MAX_LISTED_COST: Final = 2_000
"""Up to which cost everything that is wrong is listed; beyond it the first thing alone."""
COST_OF_A_STEP: Final = 20
"""Tuned: what asking costs in the time of a step of an evaluation."""

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
_BYTES_COMPILED: Final = 10
"""Tuned: how much of a schema, but for its patterns, is compiled in the time of a step."""
_OF_A_PATTERN: Final = 100
"""Tuned: steps that compiling a pattern takes, on the whole."""


class InputSchema:
    """A schema, compiled.

    Args:
        schema: One that ``schema_violations`` finds nothing wrong with.
        step: Counts what compiling it costs.
    """

    def __init__(self, schema: Schema, step: Step = uncounted) -> None:
        self._weight = weight(outline(schema, step), step)
        self._validator = compiled(schema, step)

    def cost(self, trigger_data: Mapping[str, Any]) -> int:
        """Return what it costs at the most to ask whether the schema takes what a rule is triggered with.

        Raises:
            InvalidInput: It is more than asking may cost.
        """
        cost = _cost(self._weight, trigger_data)
        if cost > MAX_COST:
            violation = Violation("is too large to be checked by the rule's input_schema", pointer=_MEMBER)
            raise InvalidInput(violations=[violation])
        return cost

    def require(self, trigger_data: Mapping[str, Any], cost: int | None = None, step: Step = uncounted) -> None:
        """Return if the schema takes what a rule is triggered with.

        Args:
            trigger_data: What that is.
            cost: What asking costs, where that is known.
            step: Counts it.

        Raises:
            InvalidInput: It doesn't; each violation leads to its place below ``/trigger_data``.
        """
        cost = self.cost(trigger_data) if cost is None else cost
        step(cost // COST_OF_A_STEP)
        instance = dict(trigger_data)
        if self._validator.is_valid(instance):
            return
        found = self._validator.iter_errors(instance) if cost <= MAX_LISTED_COST else iter([self._first(instance)])
        raise InvalidInput(violations=[*violations(found)])

    def _first(self, instance: Mapping[str, Any]) -> jsonschema_rs.ValidationError:
        try:
            self._validator.validate(instance)
        except jsonschema_rs.ValidationError as error:
            return error
        raise AssertionError("what is not valid has no error")


def refused(schema: Schema, instance: Mapping[str, Any]) -> list[str]:
    """Return the pointers to what a schema refuses in an instance that is small, whatever the schema asks of it."""
    return [each.pointer or "" for each in of_body(compiled(schema).iter_errors(dict(instance)), {})]


def schema_violations(schema: Schema, step: Step = uncounted) -> Iterator[Violation]:
    """Yield what is wrong with an input schema as it is written, with pointers into it; ``step`` counts the cost."""
    if len(orjson.dumps(schema)) > LONGEST:
        yield Violation(f"has more than {LONGEST} bytes", pointer="")
        return
    if _is_deeper(schema, DEEPEST):
        yield Violation(f"is nested deeper than {DEEPEST} levels", pointer="")
        return
    outlined = outline(schema, step)
    found = [*_of_keywords(outlined), *pattern_violations(outlined), *_of_references(outlined)]
    yield from found or _of_whole(schema, outlined, step)


def violations(found: Iterable[jsonschema_rs.ValidationError]) -> Iterator[Violation]:
    """Yield what is wrong with what a rule is triggered with, each with its place below ``/trigger_data``."""
    for each in of_body(found, {}):
        yield Violation(each.message, pointer=bounded(f"{_MEMBER}{each.pointer or ''}"))


def _of_keywords(outlined: Mapping[str, Schema]) -> Iterator[Violation]:
    if outlined[""].get("$schema", DIALECT) != DIALECT:
        yield Violation(f"is another dialect than {DIALECT}", pointer="/$schema")
    for place, schema in outlined.items():
        for keyword in sorted(_FORBIDDEN & schema.keys()):
            yield Violation("is not supported here", pointer=bounded(f"{place}/{keyword}"))
        if place and "$schema" in schema:
            yield Violation("stands at the top of a schema alone", pointer=bounded(f"{place}/$schema"))


def _of_references(outlined: Mapping[str, Schema]) -> Iterator[Violation]:
    for place, schema in outlined.items():
        if "$ref" not in schema:
            continue
        reference = schema["$ref"]
        if not isinstance(reference, str) or not reference.startswith("#") or target(reference) not in outlined:
            message = "refers to no schema within this one, as #/$defs/NAME does"
            yield Violation(message, pointer=bounded(f"{place}/$ref"))


def _of_whole(schema: Schema, outlined: Mapping[str, Schema], step: Step) -> Iterator[Violation]:
    try:
        weight(outlined, step)
        compiled(schema, step)
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


def compiled(schema: Schema, step: Step = uncounted) -> jsonschema_rs.Draft202012Validator:
    """Return the validator of a schema that nothing is wrong with; ``step`` counts the cost."""
    # Wherever the word stands, it may be a pattern: none is forgotten, and a schema has as many each time.
    number = (written := orjson.dumps(schema)).count(b'"pattern')
    step(len(written) // _BYTES_COMPILED + number * _OF_A_PATTERN)
    size = min(LARGEST_PATTERN, LARGEST_PATTERNS // min(MOST_PATTERNS, max(1, number)))
    patterns = jsonschema_rs.RegexOptions(size_limit=size, dfa_size_limit=2 * size)
    return jsonschema_rs.Draft202012Validator(
        dict(schema), validate_formats=True, ignore_unknown_formats=True, pattern_options=patterns, offline=True
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
