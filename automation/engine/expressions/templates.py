"""Configs with ``${expression}`` in their strings, which become what a run needs when an action starts.

Syntax, in any string of a config but never in a key:

- ``${`` begins an expression. It ends at the first ``}`` that is not inside a string, a quoted name or a literal, and
  does not close a ``{`` of the expression itself: ``${trigger.{id: id}}`` and ``${trigger."}"}`` are whole.
- ``$${`` is a literal ``${``, whatever stands before it. A value after a dollar sign is ``${'$'}${trigger.amount}``.
- A string that is nothing but one ``${…}`` becomes the value itself, with its type. Elsewhere a string is put in as it
  is, and any other value as compact JSON.
- ``${secrets.NAME}`` is no expression but the value of a secret, as it is.
- In a URL and in HTML, which the caller names by their pointers, what is put in is encoded for its place. A string that
  is nothing but one ``${…}`` is the author's choice of all of it, and stays as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

from automation.contract.document.references import pointer
from automation.domain.errors import Violation
from automation.engine.expressions.config_parts import (
    AnyPiece,
    Part,
    Resolution,
    constant,
    elements,
    members,
    mixed,
    whole,
)
from automation.engine.expressions.evaluation import (
    MAX_SIZE,
    Budget,
    EvaluationFailed,
    InvalidExpression,
    InvalidTemplate,
    MisplacedValue,
)
from automation.engine.expressions.expressions import Expression
from automation.engine.expressions.grammar import MAX_LENGTH
from automation.engine.expressions.placement import Piece, Write, plain_text
from automation.engine.expressions.secret_references import SecretReference, referenced
from automation.engine.expressions.splitting import shown, split
from automation.engine.expressions.values import MAX_DEPTH, plain

MAX_EXPRESSIONS = 200
"""Expressions in a config: compiling that many takes some 20 ms of the request that writes the rule."""

_PART_STEPS = 8
"""Steps that compiling a member or an element takes, beside its expressions: 1 for each of their characters."""

_PLAIN: Mapping[str, Write] = MappingProxyType({})
_NO_SECRETS: Mapping[str, str | None] = MappingProxyType({})
_ANY = Piece("x", yielded=True)


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled config; made by ``compile``, immutable, usable from several threads.

    ``variables`` are those that its expressions may read, ``secrets`` those that it names, each with the pointers of
    the strings that do.
    """

    expression_count: int
    variables: frozenset[str]
    secrets: Mapping[str, tuple[str, ...]]
    _resolve: Part = field(repr=False)

    @classmethod
    def compile(cls, config: Any, writing: Mapping[str, Write] = _PLAIN, budget: Budget | None = None) -> Self:
        """Compile a config: an object as a rule, any JSON all the same.

        Args:
            config: The config as it is written.
            writing: How pieces are put together where they don't just follow each other, by the string's pointer.
            budget: What compiling may cost; anything when left out.

        Raises:
            ExpressionTooCostly: Compiling went over the budget.
            InvalidTemplate: Expressions cannot be compiled, there are more than 200 of them, or the config nests too
                deeply; every string that is wrong is named by its pointer within the config.
        """
        compiler = _Compiler(writing, budget or Budget.boundless())
        part = compiler.part(config, ())
        if compiler.violations:
            raise InvalidTemplate(compiler.violations)
        secrets = {name: tuple(dict.fromkeys(places)) for name, places in compiler.secrets.items()}
        return cls(compiler.expression_count, frozenset(compiler.variables), secrets, part)

    def resolve(
        self,
        scope: Mapping[str, Any],
        budget: Budget | None = None,
        *,
        secrets: Mapping[str, str | None] = _NO_SECRETS,
    ) -> Any:
        """Return the config with every expression replaced; nothing in it is shared with the template or the scope.

        All its expressions share one budget of steps.

        Args:
            scope: The variables' values, plain JSON.
            budget: What it may cost, to be shared by templates that belong together; a fresh one when left out.
            secrets: The values of the secrets that it names; None for one that can't be read.

        Raises:
            MisplacedValue: A value doesn't fit its place in a URL.
            MissingSecret: A secret isn't there, or can't be read.
            MissingValue: An expression's value is null or missing.
            ExpressionFailed: The values do not fit an expression.
            ExpressionTooCostly: The expressions went over their budget.
            TemplateTooLarge: The result is larger than 256 KiB.
        """
        budget = budget or Budget(size=MAX_SIZE * max(1, self.expression_count))
        return self._resolve(Resolution(scope, secrets, budget))


class _Compiler:
    """Turns a config into parts, and remembers all that is wrong with it."""

    def __init__(self, writing: Mapping[str, Write], budget: Budget) -> None:
        self._writing = writing
        self._budget = budget
        self.expression_count = 0
        self.variables: set[str] = set()
        self.secrets: dict[str, list[str]] = {}
        self.violations: list[Violation] = []

    def part(self, config: Any, path: tuple[str | int, ...]) -> Part:
        self._budget.step(_PART_STEPS)
        if len(path) > MAX_DEPTH:
            return self._refuse(f"the config nests deeper than {MAX_DEPTH} levels", path)
        if isinstance(config, dict):
            return members({key: self.part(member, (*path, key)) for key, member in config.items()}, _place(path))
        if isinstance(config, list):
            return elements([self.part(element, (*path, index)) for index, element in enumerate(config)])
        try:
            return self._string(config, path) if isinstance(config, str) else constant(_scalar(config), _place(path))
        except InvalidExpression as error:
            return self._refuse(str(error), path)

    def _string(self, string: str, path: tuple[str | int, ...]) -> Part:
        pieces = self._compiled(string, path)
        match pieces:
            case [Expression() | SecretReference() as value]:
                return whole(value, _place(path))
            case _ if not all(isinstance(piece, str) for piece in pieces):
                return mixed(pieces, _place(path), self._checked(pieces, path))
        return constant("".join(map(str, pieces)), _place(path))

    def _compiled(self, string: str, path: tuple[str | int, ...]) -> list[AnyPiece]:
        """Return the parts of a string; literal text between two expressions is one part."""
        if "${" in string:
            self._budget.step(min(len(string), MAX_LENGTH))  # to find where the expressions end
        pieces: list[AnyPiece] = []
        for piece, is_expression in split(string):
            self._budget.step(len(piece) if is_expression else 1)
            if is_expression:
                pieces.append(self._expression(piece, path))
            elif pieces and isinstance(pieces[-1], str):
                pieces[-1] += piece
            else:
                pieces.append(piece)
        return pieces

    def _checked(self, pieces: list[AnyPiece], path: tuple[str | int, ...]) -> Write:
        """Return how the pieces are put together, tried with a value that fits everywhere."""
        write = self._writing.get(pointer(*path), plain_text)
        try:
            write([Piece(piece, yielded=False) if isinstance(piece, str) else _ANY for piece in pieces])
        except MisplacedValue as error:
            raise InvalidExpression(str(error)) from None
        return write

    def _expression(self, text: str, path: tuple[str | int, ...]) -> Expression | SecretReference:
        self.expression_count += 1
        if self.expression_count > MAX_EXPRESSIONS:
            message = f"a config has at most {MAX_EXPRESSIONS} expressions; this is one more"
            raise InvalidTemplate([Violation(message, pointer=pointer(*path))])
        secret = referenced(text)
        if secret is not None:
            self.secrets.setdefault(secret.name, []).append(pointer(*path))
            return secret
        try:
            expression = Expression.compile(text)
        except InvalidExpression as error:
            raise InvalidExpression(f"{shown(text)}: {error}") from None
        self.variables |= expression.variables
        return expression

    def _refuse(self, message: str, path: tuple[str | int, ...]) -> Part:
        self.violations.append(Violation(message, pointer=pointer(*path)))
        return constant(None, "")


def _scalar(value: Any) -> Any:
    try:
        return plain(value, Budget())
    except EvaluationFailed as error:
        raise InvalidExpression(str(error)) from None


def _place(path: tuple[str | int, ...]) -> str:
    return pointer(*path) or "the top"
