"""Input schemas of rules: checked when a rule is written, and asked of whatever triggers it.

The contract's component ``InputSchema`` names the limits. They are there because the validator's time is everybody's:
what a schema can ask of one value is known when it is written, what it asks of many before they are asked, and patterns
take linear time.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

import jsonschema_rs
import orjson

from automation.contract.compiled.violations import bounded, of_body
from automation.contract.document.references import pointer
from automation.domain.bounded import Bounded
from automation.domain.errors import InvalidInput, Violation
from automation.domain.rules import RuleVersion
from automation.engine.expressions.pace import Long, Pace, Step, at_once, uncounted
from automation.engine.triggers import schema_weight
from automation.engine.triggers.schema_outline import Schema, outline
from automation.engine.triggers.schema_weight import Recursive, TooHeavy, Weight, target, weight

_Result = TypeVar("_Result")

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
LONGEST: Final = 32_768
"""How many bytes an input schema has at the most, as JSON."""
DEEPEST: Final = 32
"""How deep its objects and arrays may be nested."""
MOST_PATTERNS: Final = 50
LONGEST_PATTERNS: Final = 4_096
"""How many characters all patterns have together."""
MOST_CLASSES: Final = 20
r"""How many classes of Unicode characters (``\p``, ``\P``) they name together: each takes up to 0.2 ms."""
LARGEST_PATTERNS: Final = 1_048_576
"""How many bytes all regular expressions may take, compiled, each an equal part: 6 ms at the most."""
LARGEST_PATTERN: Final = 524_288
"""How many bytes one may take."""
MAX_COST: Final = 500_000
"""What asking may cost: at most 25 ms. One is a keyword on a value, or a pattern on a character."""
AT_ONCE: Final = 20_000
"""Up to which cost it is asked at once; beyond it in a thread, when its turn comes."""
MAX_LISTED_COST: Final = 2_000
"""Up to which cost everything that is wrong is listed; beyond it the first thing alone."""
_KEPT: Final = 128
_COST_OF_A_STEP: Final = 20
"""What asking costs in the time of a step of an evaluation."""
_BYTES_OF_A_STEP: Final = 4
"""How much of a schema is compiled in that time."""


class InThread(Protocol):
    """Has something done in a thread, at a pace."""

    async def __call__(self, work: Callable[[Step], _Result], /) -> _Result:
        """Return what it returned."""


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
# What ECMA-262 has not, and what costs time for each character there is, or that no size tells of.
_inline_flag = re.compile(r"\(\?[A-Za-z-]+[:)]").search
_repeats_nothing = re.compile(r"\{\s*(?:0+\s*(?:,\s*0+\s*)?|,\s*0+\s*)\}").search
_BYTES_COMPILED: Final = 10
"""How much of a schema, but for its patterns, is compiled in the time of a step."""
_OF_A_PATTERN: Final = 100
"""Steps that compiling a pattern takes, on the whole."""


class InputSchema:
    """A schema, compiled.

    Args:
        schema: One that ``schema_violations`` finds nothing wrong with.
        step: Counts what compiling it costs.
    """

    def __init__(self, schema: Schema, step: Step = uncounted) -> None:
        self._weight = weight(outline(schema, step), step)
        self._validator = _compiled(schema, step)

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
        step(cost // _COST_OF_A_STEP)
        instance = dict(trigger_data)
        if self._validator.is_valid(instance):
            return
        found = self._validator.iter_errors(instance) if cost <= MAX_LISTED_COST else iter([self._first(instance)])
        raise InvalidInput(violations=[*_violations(found)])

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

    async def require(
        self,
        tenant: UUID,
        rule_id: UUID,
        version: int,
        schema: Schema | None,
        trigger_data: Mapping[str, Any],
        *,
        in_thread: InThread,
        pay: Pay = for_nothing,
    ) -> None:
        """Return if a version of a rule takes what it is triggered with; one without a schema takes anything.

        Args:
            tenant: Whose rule it is.
            rule_id: Which rule.
            version: Which version.
            schema: Its input schema.
            trigger_data: What it is triggered with.
            in_thread: Does in a thread what takes longer than a stretch, by steps that it counts.
            pay: Pays for it.

        Raises:
            InvalidInput: It doesn't.
        """
        if schema is None:
            return
        key = (tenant, rule_id, version)
        compiled = self._kept.get(key)
        if compiled is None:
            pay(len(orjson.dumps(schema)) // _BYTES_OF_A_STEP)
            compiled = await self._compiled(key, schema, in_thread)
        self._kept.put(key, compiled)
        pay((cost := compiled.cost(trigger_data)) // _COST_OF_A_STEP)
        if cost <= AT_ONCE:
            compiled.require(trigger_data, cost)
        else:
            await in_thread(lambda step: compiled.require(trigger_data, cost, step))

    async def _compiled(self, key: tuple[UUID, UUID, int], schema: Schema, in_thread: InThread) -> InputSchema:
        try:
            return InputSchema(schema, Pace(at_once).step)
        except Long:
            # Others may have waited for the same one.
            return await in_thread(lambda step: self._kept.get(key) or InputSchema(schema, step))


class OwnInputSchemas:
    """A cache of compiled schemas of rules that run by the clock, for what the clock triggers them with alone.

    That is so little that whatever a schema asks of it costs little: nothing has to be weighed.
    """

    def __init__(self) -> None:
        self._kept: Bounded[tuple[UUID, UUID, int], jsonschema_rs.Draft202012Validator] = Bounded(_KEPT)

    async def require(self, rule: RuleVersion, trigger_data: Mapping[str, Any]) -> None:
        """Return if a version of a rule takes what the clock triggers it with.

        Raises:
            InvalidInput: It doesn't.
        """
        schema = rule.content.input_schema
        if schema is None:
            return
        key = (rule.tenant, rule.rule_id, rule.version)
        compiled = self._kept.get(key)
        if compiled is None:
            compiled = await asyncio.to_thread(_compiled, schema)
        self._kept.put(key, compiled)
        if not compiled.is_valid(dict(trigger_data)):
            raise InvalidInput(violations=[*_violations(compiled.iter_errors(dict(trigger_data)))])


def refused(schema: Schema, instance: Mapping[str, Any]) -> list[str]:
    """Return the pointers to what a schema refuses in an instance that is small, whatever the schema asks of it."""
    return [each.pointer or "" for each in of_body(_compiled(schema).iter_errors(dict(instance)), {})]


def schema_violations(schema: Schema, step: Step = uncounted) -> Iterator[Violation]:
    """Yield what is wrong with an input schema as it is written, with pointers into it; ``step`` counts the cost."""
    if len(orjson.dumps(schema)) > LONGEST:
        yield Violation(f"has more than {LONGEST} bytes", pointer="")
        return
    if _is_deeper(schema, DEEPEST):
        yield Violation(f"is nested deeper than {DEEPEST} levels", pointer="")
        return
    outlined = outline(schema, step)
    found = [*_of_keywords(outlined), *_of_patterns(outlined), *_of_references(outlined)]
    yield from found or _of_whole(schema, outlined, step)


def _violations(found: Iterable[jsonschema_rs.ValidationError]) -> Iterator[Violation]:
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


def _of_patterns(outlined: Mapping[str, Schema]) -> Iterator[Violation]:
    """Yield what is wrong with the patterns, before the first of them is compiled."""
    patterns = [*_patterns_of(outlined)]
    texts = [text for _, text in patterns]
    if len(patterns) > MOST_PATTERNS:
        yield Violation(f"has more than {MOST_PATTERNS} patterns", pointer="")
    if sum(map(len, texts)) > LONGEST_PATTERNS:
        yield Violation(f"has patterns of more than {LONGEST_PATTERNS:,} characters together", pointer="")
    if sum(text.count("\\p") + text.count("\\P") for text in texts) > MOST_CLASSES:
        yield Violation(f"names more than {MOST_CLASSES} classes of Unicode characters (\\p, \\P)", pointer="")
    for place, text in patterns:
        if _inline_flag(text):
            yield Violation("is a pattern with flags in it, such as (?i)", pointer=bounded(place))
        elif _repeats_nothing(text):
            yield Violation("is a pattern that repeats something no times, as {0} does", pointer=bounded(place))


def _patterns_of(outlined: Mapping[str, Schema]) -> Iterator[tuple[str, str]]:
    """Yield the patterns of a schema and its subschemas, each with its place."""
    for place, schema in outlined.items():
        if isinstance(text := schema.get("pattern"), str):
            yield f"{place}/pattern", text
        if isinstance(named := schema.get("patternProperties"), Mapping):
            yield from ((f"{place}{pointer('patternProperties', name)}", name) for name in named)


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
        _compiled(schema, step)
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


def _compiled(schema: Schema, step: Step = uncounted) -> jsonschema_rs.Draft202012Validator:
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
