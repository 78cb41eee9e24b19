"""A checked contract, compiled once: what every other part of the service asks when it needs to know."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from automation.contract.compiled.links import Links
from automation.contract.compiled.operations import Operation, operation
from automation.contract.compiled.problem_rules import ProblemRules
from automation.contract.compiled.schemas import Schemas
from automation.contract.document.outline import entries


class Contract:
    """The contract as running code.

    Args:
        document: A document in which ``check`` found nothing.
        base_path: What stands before every path: empty, or ``/prefix``.
    """

    def __init__(self, document: Mapping[str, Any], *, base_path: str = "") -> None:
        self.document = document
        self.base_path = base_path
        self.schemas = Schemas(document)
        operations = (operation(entry, document, self.schemas) for entry in entries(document))
        self.operations: Mapping[str, Operation] = MappingProxyType({each.operation_id: each for each in operations})
        self.links = Links(self.operations, base_path)
        self.problems = ProblemRules(self.schemas)
