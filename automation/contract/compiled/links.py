"""Addresses of operations, made from their operationIds, so that no link leads where the contract has nothing."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID, uuid4

import orjson

from automation.contract.compiled.operations import Operation
from automation.contract.compiled.parameters import written
from automation.contract.document.paths import literals, parameter_names

Relations = tuple[tuple[str, str, str], ...]
"""Relations, each with the operation that it leads to, and which identifier is that operation's ``id``."""


class Links:
    """Makes links to the operations of a contract.

    Args:
        operations: The operations, by operationId.
        base_path: What stands before every path: empty, or ``/prefix``.
    """

    def __init__(self, operations: Mapping[str, Operation], base_path: str = "") -> None:
        self._targets = {name: _Target(operation, base_path) for name, operation in operations.items()}
        self._templates: dict[Relations, str] = {}

    def href(self, operation_id: str, **parameters: Any) -> str:
        """Return the path of an operation, with its query where query parameters are given.

        Args:
            operation_id: As in the contract.
            parameters: Its path and query parameters, by the names that its handler has for them; a query parameter
                that is None is left out.

        Raises:
            KeyError: The contract has no such operation.
            TypeError: A path parameter is missing, or one that it doesn't have is given.
        """
        return self._targets[operation_id].href(parameters)

    def link(self, operation_id: str, **parameters: Any) -> dict[str, str] | None:
        """Return the link object to an operation, or None where the contract has no such operation.

        Raises:
            TypeError: As in ``href``.
        """
        target = self._targets.get(operation_id)
        if target is None:
            return None
        href = target.href(parameters)
        return {"href": href} if target.method == "GET" else {"href": href, "method": target.method}

    def written(self, relations: Relations, **identifiers: UUID) -> bytes:
        """Return the link objects of relations as a JSON object, without those that the contract has no operation for.

        Args:
            relations: A constant: what can be made of it beforehand is made once.
            identifiers: The identifiers, by the names that the relations have for them.
        """
        template = self._templates.get(relations)
        if template is None:
            template = self._templates[relations] = self._template(relations)
        return (template % {name: str(each) for name, each in identifiers.items()}).encode()

    def _template(self, relations: Relations) -> str:
        stands_for = {identifier: uuid4() for _, _, identifier in relations}
        linked = {name: self.link(operation, id=stands_for[identifier]) for name, operation, identifier in relations}
        existing = {name: link for name, link in linked.items() if link is not None}
        template = orjson.dumps(existing).decode().replace("%", "%%")
        for identifier, placeholder in stands_for.items():
            template = template.replace(str(placeholder), f"%({identifier})s")
        return template


class _Target:
    """One operation, as links see it: its path in pieces, ready to be put together."""

    def __init__(self, operation: Operation, base_path: str) -> None:
        self.method = operation.method
        self._path = {each.name: each.argument for each in operation.parameters if each.location == "path"}
        self._query = {each.argument: each.name for each in operation.parameters if each.location == "query"}
        self._required = frozenset(self._path.values())
        self._head, *tails = literals(base_path + operation.path)
        arguments = [self._path[name] for name in parameter_names(operation.path)]
        self._tails = tuple(zip(arguments, tails, strict=True))

    def href(self, parameters: Mapping[str, Any]) -> str:
        given = parameters.keys()
        if given != self._required and not self._required <= given <= self._required | self._query.keys():
            raise TypeError(f"{self._head}… takes other parameters than {', '.join(sorted(given)) or 'none'}")
        path = self._head
        for name, tail in self._tails:
            path += _segment(parameters[name]) + tail
        return path if len(parameters) == len(self._tails) else path + self._written_query(parameters)

    def _written_query(self, parameters: Mapping[str, Any]) -> str:
        query = [(self._query[name], value) for name, value in parameters.items() if name in self._query]
        encoded = urlencode([(name, _texts(value)) for name, value in query if value is not None], doseq=True)
        return f"?{encoded}" if encoded else ""


def _segment(value: object) -> str:
    return str(value) if isinstance(value, UUID) else quote(str(value), safe="")


def _texts(value: Any) -> list[str]:
    return [written(item) for item in value] if isinstance(value, list | tuple) else [written(value)]
