"""Reads an operation's path, query and header parameters from a request, strictly; reports every violation at once.

Connexion and Starlette let much pass here: repeated parameters (the last wins), bytes that are no UTF-8 (replaced),
unknown ones (ignored). Here each of these is a violation. The raw bytes are looked at where the decoded text has
already lost what was wrong with it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from automation.contract.compiled.parameters import OPTIONAL_SPACE, Parameter
from automation.contract.compiled.scalars import Undecodable
from automation.contract.compiled.violations import LIMIT
from automation.domain.errors import InvalidParameter, Violation

Scope = Mapping[str, Any]
Texts = Sequence[str | None]
"""The texts that a parameter was given as; None for one that is not UTF-8."""

LONGEST_NAME = 64
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class ParameterReader:
    """Reads the parameters of one operation.

    Args:
        parameters: The parameters.
        refused: Headers, in lower case, that say when to act and that the operation doesn't take: to ignore one would
            be to act although the client said not to.
    """

    def __init__(self, parameters: Sequence[Parameter], refused: Collection[str] = ()) -> None:
        self._refused = frozenset(name.encode() for name in refused)
        # Connexion gives path parameters to the router with underscores for hyphens.
        self._path = [(each.name.replace("-", "_"), each) for each in parameters if each.location == "path"]
        self._query = {each.name: each for each in parameters if each.location == "query" and not each.rest}
        self._rest = next((each.argument for each in parameters if each.rest), None)
        self._headers = {each.name.lower().encode(): each for each in parameters if each.location == "header"}
        self._defaults = {each.argument: each.default for each in parameters}
        self._lists = [each.argument for each in parameters if isinstance(each.default, list)]
        self._query_required = any(each.required for each in self._query.values())
        self._headers_required = any(each.required for each in self._headers.values())

    def read(self, scope: Scope) -> dict[str, Any]:
        """Return the arguments of a request, by the handler's names; absent ones are None or their default.

        Raises:
            InvalidParameter: With a violation for each parameter that is not as the contract says.
        """
        arguments = dict(self._defaults)
        for name in self._lists:
            arguments[name] = list(arguments[name])  # a handler may change what it is given
        violations: list[Violation] = []
        for key, parameter in self._path:
            _take(parameter, (_sound(scope, scope["path_params"][key]),), arguments, violations)
        if scope["query_string"] or self._query_required:
            self._read_query(scope["query_string"], arguments, violations)
        if self._headers or self._refused:
            self._read_headers(scope["headers"], arguments, violations)
        if violations:
            raise InvalidParameter(violations=violations[:LIMIT])
        return arguments

    def _read_query(self, query: bytes, arguments: dict[str, Any], violations: list[Violation]) -> None:
        given: dict[str | None, list[str | None]] = {}
        for name, text in _pairs(query):
            given.setdefault(name, []).append(text)
        unknown = {name: texts for name, texts in given.items() if name not in self._query}
        if self._rest is None:
            violations.extend(map(_unknown, unknown))
        elif unknown:
            arguments[self._rest] = _object(unknown, violations)
        for name, parameter in self._query.items():
            _take_optional(parameter, given.get(name), arguments, violations)

    def _read_headers(
        self, headers: Sequence[tuple[bytes, bytes]], arguments: dict[str, Any], violations: list[Violation]
    ) -> None:
        given: dict[bytes, list[str | None]] = {}
        for name, raw in headers:
            if name in self._headers:
                given.setdefault(name, []).append(_header_text(raw))
            elif name in self._refused:
                violations.append(Violation("is not a precondition of this operation", parameter=name.decode()))
        if given or self._headers_required:
            for name, parameter in self._headers.items():
                _take_optional(parameter, given.get(name), arguments, violations)


def _take_optional(
    parameter: Parameter, texts: Texts | None, arguments: dict[str, Any], violations: list[Violation]
) -> None:
    if texts is not None:
        _take(parameter, texts, arguments, violations)
    elif parameter.required:
        violations.append(Violation("is required", parameter=parameter.name))


def _take(parameter: Parameter, texts: Texts, arguments: dict[str, Any], violations: list[Violation]) -> None:
    decoded = [text for text in texts if text is not None]
    if len(decoded) < len(texts):
        violations.append(Violation("must be UTF-8", parameter=parameter.name))
        return
    try:
        arguments[parameter.argument] = parameter.value(decoded)
    except Undecodable as refusal:
        violations.append(Violation(str(refusal), parameter=parameter.name))


def _sound(scope: Scope, text: str) -> str | None:
    """Return a path parameter's text, or None where the server had to replace bytes of the path to decode it."""
    return None if REPLACEMENT in text and _utf8(unquote_to_bytes(scope.get("raw_path") or b"")) is None else text


def _pairs(query: bytes) -> Iterator[tuple[str | None, str | None]]:
    for part in query.split(b"&"):
        if part:
            name, _, text = part.replace(b"+", b" ").partition(b"=")
            yield _utf8(unquote_to_bytes(name)), _utf8(unquote_to_bytes(text))


def _object(given: Mapping[str | None, Sequence[str | None]], violations: list[Violation]) -> dict[str, Any]:
    """Return query parameters by their names, a list for one that is given more than once."""
    if None in given or any(None in texts for texts in given.values()):
        violations.append(Violation("the query must be UTF-8"))
    return {str(name): texts[0] if len(texts) == 1 else texts for name, texts in given.items()}


def _header_text(raw: bytes) -> str | None:
    text = _utf8(raw)
    return text.strip(OPTIONAL_SPACE) if text is not None else None


def _utf8(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _unknown(name: str | None) -> Violation:
    """Name an unknown query parameter only where it looks like a name: it is the client's text."""
    if name and len(name) <= LONGEST_NAME and name.isascii() and name.isprintable():
        return Violation("is not a parameter of this operation", parameter=name)
    return Violation("the query has a parameter that this operation doesn't have")
