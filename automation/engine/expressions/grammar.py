"""The grammar of expressions: JMESPath, with everything refused at once that could only fail later.

JMESPath's parser takes calls of functions that do not exist, literals that are not JSON, and depths that Python cannot
recurse into. This module reaches into its private parts: ``_expression``, ``_parse`` and the shape of its tree.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

from jmespath import exceptions, parser

from automation.engine.expressions.evaluation import Budget, EvaluationError, InvalidExpression
from automation.engine.expressions.interpreter import FUNCTIONS
from automation.engine.expressions.values import plain

MAX_LENGTH = 512
"""Characters in an expression."""

MAX_DEPTH = 50
"""Levels of nesting, and links in a chain of ``|``, ``||``, ``&&`` or projections: at most half of Python's stack."""

VARIABLES = ("trigger", "context", "rule", "execution")
"""What an expression can start from."""

SECRETS = "secrets"
"""What stands before the name of a secret, which no expression can read: ``secret_references.py``."""

QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`"""
"""A regular expression for a string, a quoted name or a literal: the parts that may hold any character."""

_quoted = re.compile(rf"{QUOTED}|['\"`]", re.DOTALL)

_TAKING_FIRST = frozenset(
    {"filter_projection", "flatten", "index_expression", "pipe", "projection", "subexpression", "value_projection"}
)
"""Nodes whose first child is given what they are given, and the other children what came out of it."""

_WHOLE = frozenset({"current", "identity"})
"""Nodes that return all that they are given."""


def parse(text: str) -> Any:
    """Return the expression's tree, for the interpreter; it is shared with nothing.

    Raises:
        InvalidExpression: It cannot be run, whatever the values.
    """
    _check_text(text)
    _check_quoted(text)
    try:
        tree = _Parser().tree(text)
    except exceptions.JMESPathError as error:
        raise InvalidExpression(_explanation(error)) from None
    for node in _nodes(tree):
        _check_node(node)
    return tree


def variables(tree: Any) -> frozenset[str]:
    """Return the variables that an expression may read: all of them where it takes the whole scope (``@``, ``*``)."""
    rooted = [node for node in _nodes(tree) if node.rooted]
    if any(node.type in _WHOLE for node in rooted):
        return frozenset(VARIABLES)
    return frozenset(node.value for node in rooted if node.type == "field")


class _Parser(parser.Parser):
    """JMESPath's parser without its cache, which would share trees between tenants, and with a limit to its depth."""

    _depth = 0

    def tree(self, text: str) -> Any:
        return super()._parse(text).parsed  # type: ignore[misc]

    def _expression(self, binding_power: int = 0) -> Any:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            _refuse_depth()
        node = super()._expression(binding_power)  # type: ignore[misc]
        self._depth -= 1
        return node


class _Node(NamedTuple):
    """A node of the tree, with what is known of its place."""

    type: str
    value: Any
    children: list[Any]
    rooted: bool
    argument: bool


def _nodes(tree: Any) -> Iterator[_Node]:
    """Walk the tree without recursion, parents first, keeping to ``MAX_DEPTH``."""
    pending: list[tuple[Any, int, bool, bool]] = [(tree, 1, True, False)]
    while pending:
        raw, depth, rooted, argument = pending.pop()
        if depth > MAX_DEPTH:
            _refuse_depth()
        node = _Node(raw["type"], raw.get("value"), raw["children"], rooted, argument)
        yield node
        if node.type == "literal":
            raw["value"] = _literal(node.value)
        if node.type != "slice":
            pending += [
                (child, depth + 1, _is_rooted(node, at), _is_argument(node, at))
                for at, child in enumerate(node.children)
            ]


def _is_rooted(parent: _Node, position: int) -> bool:
    """Tell whether a child is given the variables themselves."""
    return parent.rooted and parent.type != "expref" and (position == 0 or parent.type not in _TAKING_FIRST)


def _is_argument(parent: _Node, position: int) -> bool:
    """Tell whether a child is where a function takes an expression (``&…``)."""
    if parent.type != "function_expression" or parent.value not in FUNCTIONS:
        return False
    signature = FUNCTIONS[parent.value]["signature"]
    return position < len(signature) and signature[position]["types"] == ["expref"]


def _check_text(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise InvalidExpression(f"an expression has at most {MAX_LENGTH} characters")
    if not text.strip():
        raise InvalidExpression("the expression is empty")
    _check_unicode(text)


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidExpression("the expression holds half of a surrogate pair") from None


def _check_quoted(text: str) -> None:
    for match in _quoted.finditer(text):
        quoted, column = match.group(), match.start() + 1
        if len(quoted) == 1:
            raise InvalidExpression(f"the {quoted} at column {column} is not closed")
        if quoted.startswith("`"):
            _check_literal(quoted[1:-1].replace("\\`", "`"), column)


def _check_literal(literal: str, column: int) -> None:
    """Refuse what JMESPath would take for a string with a warning: that hides typing errors."""
    try:
        json.loads(literal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise InvalidExpression(f"the literal at column {column} is not JSON; text is written 'text'") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _literal(value: Any) -> Any:
    """Return the literal as JSON readers here would have read it."""
    try:
        value = plain(value, Budget())
    except EvaluationError as error:
        raise InvalidExpression(f"a literal cannot be used: {error}") from None
    _check_unicode(json.dumps(value, ensure_ascii=False))
    return value


def _check_node(node: _Node) -> None:
    match node.type:
        case "field" | "key_val_pair":
            _check_unicode(node.value)
        case "expref" if not node.argument:
            raise InvalidExpression("& may only stand before an argument of a function that takes an expression")
        case "slice" if node.children[2] == 0:
            raise InvalidExpression("a slice cannot have a step of 0")
        case "function_expression":
            _check_call(node.value, len(node.children))
    if node.type == "field" and node.rooted and node.value == SECRETS:
        raise InvalidExpression(
            "a secret is put in as it is: in a string of a config, ${secrets.NAME} with nothing else between the braces"
        )
    if node.type == "field" and node.rooted and node.value not in VARIABLES:
        raise InvalidExpression(f"there is no variable {_short(node.value)}; there are {', '.join(VARIABLES)}")


def _check_call(name: str, given: int) -> None:
    if name not in FUNCTIONS:
        raise InvalidExpression(f"there is no function {_short(name)}")
    signature = FUNCTIONS[name]["signature"]
    wanted = len(signature)
    if signature[-1].get("variadic"):
        if given < wanted:
            raise InvalidExpression(f"{name}() takes {wanted} or more arguments, not {given}")
    elif given != wanted:
        raise InvalidExpression(f"{name}() takes {wanted} {'argument' if wanted == 1 else 'arguments'}, not {given}")


def _explanation(error: exceptions.JMESPathError) -> str:
    if not isinstance(error, exceptions.ParseError):
        return "syntax error"
    if error.token_type == "EOF":  # noqa: S105 - a token of the grammar
        return "the expression ends too early"
    return f"syntax error at column {error.lex_position + 1}"


def _refuse_depth() -> NoReturn:
    raise InvalidExpression(f"the expression nests or chains deeper than {MAX_DEPTH} levels")


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:40]}…"  # noqa: PLR2004 - enough to recognise it
