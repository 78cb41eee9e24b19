"""Changes of one thing in a module: a comparison, a number, a statement that is gone.

The text is changed in place, so that everything else stays as it was written. What only people read is left alone: log
lines, messages of errors, docstrings; types, too, and the signatures of overloads, which mypy looks at. So are numbers
for which a near one would do as well: constants of a module whose docstring begins with ``Tuned:``.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_COMPARED: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.Lt: ("<=", ">="),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
}
_CALCULATED: dict[type[ast.operator], str] = {ast.Add: "-", ast.Sub: "+", ast.Mult: "//", ast.FloorDiv: "*"}
_LOGS = re.compile(r"\b_?log(ger)?(\(\))?\.|\blogging\.|\bwarnings\.|_say\(|_announce")
_SKIPPED = (ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal)


@dataclass(frozen=True, slots=True)
class Change:
    """Bytes of a file that become others.

    Args:
        first: The first line that it touches, from 1; ``last`` the last one.
        last: See ``first``.
        start: The place of the first byte; ``end`` the place after the last one.
        end: See ``start``.
        text: What stands there instead.
    """

    first: int
    last: int
    start: int
    end: int
    text: str

    def applied(self, source: str) -> str:
        """Return the changed file."""
        before = source.encode()
        return (before[: self.start] + self.text.encode() + before[self.end :]).decode()

    def told(self, source: str) -> str:
        """Return what becomes of what, in one line."""
        gone = source.encode()[self.start : self.end].decode()
        return f"{' '.join(gone.split())} -> {self.text}"


def changes(source: str) -> list[Change]:
    """Return every change of a Python module, in the order of its lines."""
    return sorted(set(_Changes(source).all()), key=lambda change: (change.start, change.end, change.text))


def tuned(source: str) -> list[Change]:
    """Return every change of the constants that are left alone because a near number would do as well."""
    within = _Changes(source)
    return [change for statement in within.tuned for change in within.within(statement)]


def _tuned(module: ast.Module) -> list[ast.stmt]:
    """Return the assignments at a module's top whose docstring says that they are tuned."""
    return [
        statement
        for statement, said in pairwise(module.body)
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        and isinstance(said, ast.Expr)
        and isinstance(said.value, ast.Constant)
        and str(said.value.value).startswith("Tuned: ")
    ]


def _below(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a node that run: no types, no decorators."""
    is_zip = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip"
    for name, value in ast.iter_fields(node):
        if is_zip and name == "keywords":  # whether it is strict: a check of lengths that are the same
            continue
        if name not in {"annotation", "returns", "decorator_list", "type_params"}:
            yield from (part for part in (value if isinstance(value, list) else [value]) if isinstance(part, ast.AST))


def _is_overload(node: ast.AST) -> bool:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ()
    return any(isinstance(each, ast.Name) and each.id == "overload" for each in decorators)


def _is_for_types(node: ast.AST) -> bool:
    """Say whether it is what only mypy runs."""
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=[]):
            return True
    return False


class _Changes:
    """The changes of one module.

    Args:
        source: Its text.
    """

    def __init__(self, source: str) -> None:
        self._source = source.encode()
        self._module = ast.parse(source)
        self.tuned = _tuned(self._module)
        lengths = [len(line.encode()) for line in source.splitlines(keepends=True)]
        self._begins = [sum(lengths[:at]) for at in range(len(lengths) + 1)]

    def all(self) -> Iterator[Change]:
        """Yield the changes of the module, but for what is tuned."""
        for statement in self._module.body:
            if statement not in self.tuned:
                yield from self.within(statement)

    def within(self, node: ast.AST) -> Iterator[Change]:
        """Yield the changes of a node and of all below it."""
        if isinstance(node, _SKIPPED) or self._is_for_people(node) or _is_overload(node) or _is_for_types(node):
            return
        if isinstance(node, ast.stmt):
            yield from self._of_statement(node)
        if isinstance(node, ast.expr):
            yield from self._of_expression(node)
        for child in _below(node):
            yield from self.within(child)

    def _of_statement(self, node: ast.stmt) -> Iterator[Change]:
        match node:
            case ast.Expr(value=ast.Call() | ast.Await()) | ast.AugAssign() | ast.Delete() | ast.Raise():
                yield self._replaced(node, "pass")
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
                yield self._replaced(node, "pass")
            case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
                yield self._replaced(value, "None")
            case ast.If(test=ast.Name() | ast.Attribute() | ast.Call() as test):
                yield self._replaced(test, f"not ({self._text(test)})")
            case ast.Continue():
                yield self._replaced(node, "break")
            case ast.Break():
                yield self._replaced(node, "continue")

    def _of_expression(self, node: ast.expr) -> Iterator[Change]:
        match node:
            case ast.Compare():
                yield from self._of_comparison(node)
            case ast.BoolOp(values=values):
                word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
                for left, right in pairwise(values):
                    yield from self._between(left, right, word, (other,))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield self._replaced(node, f"({self._text(operand)})")
            case ast.BinOp(op=operation, left=left, right=right) if type(operation) in _CALCULATED:
                word = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//"}[type(operation)]
                yield from self._between(left, right, word, (_CALCULATED[type(operation)],))
            case ast.IfExp(test=ast.Name() | ast.Attribute() | ast.Call() as test):
                yield self._replaced(test, f"not ({self._text(test)})")
            case ast.Constant(value=bool() | int() | float() as value):
                yield self._replaced(node, str(not value if isinstance(value, bool) else value + 1))

    def _of_comparison(self, node: ast.Compare) -> Iterator[Change]:
        words = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
        words |= {ast.Is: "is", ast.IsNot: r"is\s+not", ast.In: "in", ast.NotIn: r"not\s+in"}
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            yield from self._between(left, right, words[type(operator)], _COMPARED[type(operator)])
            left = right

    def _between(self, left: ast.expr, right: ast.expr, word: str, others: tuple[str, ...]) -> Iterator[Change]:
        start = self._at(left.end_lineno, left.end_col_offset)
        end = self._at(right.lineno, right.col_offset)
        pattern = word if word[0].isalpha() else re.escape(word)
        found = re.search(pattern.encode(), self._source[start:end])
        if found is not None:
            last = right.end_lineno or right.lineno
            for other in others:
                yield Change(left.lineno, last, start + found.start(), start + found.end(), other)

    def _replaced(self, node: ast.expr | ast.stmt, text: str) -> Change:
        start = self._at(node.lineno, node.col_offset)
        end = self._at(node.end_lineno, node.end_col_offset)
        return Change(node.lineno, node.end_lineno or node.lineno, start, end, text)

    def _at(self, line: int | None, column: int | None) -> int:
        return self._begins[(line or 1) - 1] + (column or 0)

    def _text(self, node: ast.expr) -> str:
        return self._source[
            self._at(node.lineno, node.col_offset) : self._at(node.end_lineno, node.end_col_offset)
        ].decode()

    def _is_for_people(self, node: ast.AST) -> bool:
        """Say whether it is a docstring or a line of a log."""
        if not isinstance(node, ast.Expr):
            return False
        value = node.value
        return isinstance(value, ast.Constant) or bool(_LOGS.search(self._text(value).split("\n")[0]))
