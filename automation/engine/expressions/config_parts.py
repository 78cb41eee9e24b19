"""Parts of a compiled config: each resolves itself with the values of a run, and pays for its size."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from automation.engine.expressions.evaluation import (
    Budget,
    EvaluationFailed,
    MisplacedValue,
    MissingSecret,
    MissingValue,
    TemplateTooLarge,
)
from automation.engine.expressions.expressions import Expression
from automation.engine.expressions.placement import Piece, Write
from automation.engine.expressions.secret_references import SecretReference
from automation.engine.expressions.splitting import shown
from automation.engine.expressions.values import text

MAX_RESOLVED_BYTES = 256 * 1024
"""Bytes of a resolved config's strings and values: what an action may send, and what a run may hold in memory."""

# What an author wrote into an expression may be a secret, and whoever reads an execution reads its errors.
_literal = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`", re.DOTALL)

AnyPiece = str | Expression | SecretReference
"""A part of a string: literal text, or what stands for a value."""


def _hidden(literal: re.Match[str]) -> str:
    return f"{literal[0][0]}…{literal[0][0]}"


class Resolution:
    """One resolving of a template: the scope, and what may still be spent."""

    __slots__ = ("_budget", "_bytes", "_scope", "_secrets")

    def __init__(self, scope: Mapping[str, Any], secrets: Mapping[str, str | None], budget: Budget) -> None:
        self._scope = scope
        self._secrets = secrets
        self._budget = budget
        self._bytes = MAX_RESOLVED_BYTES

    def value(self, expression: Expression | SecretReference, place: str) -> Any:
        """Return what stands in the place of an expression or a secret.

        Raises:
            EvaluationFailed: There is nothing, or the expression doesn't fit the values; ``place`` is told.
        """
        if isinstance(expression, SecretReference):
            return self._secret(expression.name, place)
        where = f"{shown(_literal.sub(_hidden, expression.text))} at {place}"
        try:
            value = expression.evaluate(self._scope, self._budget)
        except EvaluationFailed as error:
            raise error.at(where) from None
        if value is None:
            raise MissingValue(f"{where} has no value")
        return value

    def _secret(self, name: str, place: str) -> str:
        if name not in self._secrets:
            raise MissingSecret(f"{shown(f'secrets.{name}')} at {place} has no value: there is no secret {name}")
        value = self._secrets[name]
        if value is None:
            raise MissingSecret(f"{shown(f'secrets.{name}')} at {place}: the service can't read the secret")
        return value

    def piece(self, piece: AnyPiece, place: str) -> Piece:
        """Return a part of a string as text. Raises as ``value`` does."""
        if isinstance(piece, str):
            return Piece(piece, yielded=False)
        return Piece(text(self.value(piece, place)), yielded=True)

    def take(self, size: int, place: str) -> None:
        """Pay for bytes of the config.

        Raises:
            TemplateTooLarge: There are not that many left.
        """
        self._bytes -= size
        if self._bytes < 0:
            raise TemplateTooLarge(f"the config grows beyond {MAX_RESOLVED_BYTES} bytes at {place}")


Part = Callable[[Resolution], Any]
"""A compiled part of a config."""


def constant(value: Any, place: str) -> Part:
    """Return a part that is the same for every run."""
    size = len(orjson.dumps(value))

    def resolve(resolution: Resolution) -> Any:
        resolution.take(size, place)
        return value

    return resolve


def whole(expression: Expression | SecretReference, place: str) -> Part:
    """Return a string that is nothing but one ``${…}``: it becomes the value itself."""

    def resolve(resolution: Resolution) -> Any:
        value = resolution.value(expression, place)
        resolution.take(len(orjson.dumps(value)), place)
        return value

    return resolve


def mixed(pieces: list[AnyPiece], place: str, write: Write) -> Part:
    """Return a string with values and text in it, which ``write`` puts together."""

    def resolve(resolution: Resolution) -> str:
        known = []
        for piece in pieces:
            known.append(resolution.piece(piece, place))
            resolution.take(len(known[-1].text.encode()), place)
        try:
            written = write(known)
        except MisplacedValue as error:
            raise error.at(place) from None
        resolution.take(len(written.encode()) - sum(len(piece.text.encode()) for piece in known), place)
        return written

    return resolve


def members(parts: dict[str, Part], place: str) -> Part:
    """Return an object; its keys are as they were written."""
    size = len(orjson.dumps(dict.fromkeys(parts)))

    def resolve(resolution: Resolution) -> dict[str, Any]:
        resolution.take(size, place)
        return {key: part(resolution) for key, part in parts.items()}

    return resolve


def elements(parts: list[Part]) -> Part:
    """Return an array."""
    return lambda resolution: [part(resolution) for part in parts]
