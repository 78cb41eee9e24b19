"""A checked contract, compiled once: what every other part of the service asks when it needs to know."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from automation.contract.compiled.bodies import BodyReader
from automation.contract.compiled.links import Links
from automation.contract.compiled.operations import Operation, operation
from automation.contract.compiled.parameter_reader import ParameterReader
from automation.contract.compiled.problem_rules import ProblemRules
from automation.contract.compiled.responses import ResponseRules
from automation.contract.compiled.schemas import Schemas
from automation.contract.document.outline import entries
from automation.contract.document.paths import ordered, pattern


class Contract:
    """The contract as running code.

    Args:
        document: A document in which ``check`` found nothing.
        base_path: What stands before every path: empty, or ``/prefix``.
    """

    def __init__(self, document: Mapping[str, Any], *, base_path: str = "") -> None:
        schemas = Schemas(document)
        found = [operation(entry, document, schemas) for entry in entries(document)]
        self.document = document
        self.base_path = base_path
        self.operations: Mapping[str, Operation] = MappingProxyType({each.operation_id: each for each in found})
        self.parameters = {each.operation_id: ParameterReader(each.parameters) for each in found}
        self.bodies = dict(_bodies(found, schemas))
        self.responses = {each.operation_id: ResponseRules(each, document, schemas) for each in found}
        self.links = Links(self.operations, base_path)
        self.problems = ProblemRules(schemas)
        self._methods = _methods(found)
        self._patterns = {path: pattern(base_path + path) for path in ordered(self._methods)}

    def allowed_methods(self, path: str) -> tuple[str, ...]:
        """Return every method that a request's path answers to, sorted, HEAD wherever GET is; none for an unknown one.

        Args:
            path: As ASGI has it: percent-decoded, without the query.
        """
        matching = (template for template, regex in self._patterns.items() if regex.match(path))
        return self._methods.get(next(matching, ""), ())


def _bodies(operations: list[Operation], schemas: Schemas) -> Iterator[tuple[str, BodyReader]]:
    for each in operations:
        if each.body is not None:
            validator = schemas.validator(each.body.schema)
            reader = BodyReader(required=each.body.required, max_bytes=each.body.max_bytes, validator=validator)
            yield each.operation_id, reader


def _methods(operations: list[Operation]) -> dict[str, tuple[str, ...]]:
    methods: dict[str, set[str]] = {}
    for each in operations:
        methods.setdefault(each.path, set()).update({each.method} | ({"HEAD"} if each.method == "GET" else set()))
    return {path: tuple(sorted(each)) for path, each in methods.items()}
