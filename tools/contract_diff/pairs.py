"""Two versions of every schema of a part, side by side: what one says is sent, what the other says is expected."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from automation.contract.document.references import follow, lookup
from tools.contract_diff.changes import ELEMENT, Direction
from tools.contract_diff.contracts import PROSE, Contract, Json, Part, component_name


@dataclass(frozen=True, slots=True)
class Version:
    """A schema, its references followed, and the contract it is part of."""

    schema: Json
    contract: Contract

    def meaning(self, keyword: str) -> Any:
        """Return what a keyword says, without prose and, but for recursion, without references; None for nothing."""
        return _meaning(self.schema.get(keyword), self.contract.document)

    @property
    def whole(self) -> Any:
        """What all of the schema says, in the same form."""
        return _meaning(self.schema, self.contract.document)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two versions of a schema.

    Args:
        steps: The way to them from the part's own schema.
        lost_name: The component's name that clients knew the schema by, where no component has it any more.
    """

    old: Version
    new: Version
    direction: Direction
    steps: tuple[str, ...]
    lost_name: str | None

    @property
    def in_request(self) -> bool:
        """Whether clients write it."""
        return self.direction is Direction.REQUEST

    @property
    def sent(self) -> Version:
        """What the sender goes by: in requests an old client, in responses the new service."""
        return self.old if self.in_request else self.new

    @property
    def expected(self) -> Version:
        """What the receiver goes by; clients break where something else may be sent."""
        return self.new if self.in_request else self.old


def pairs(old: Part, new: Part, contracts: tuple[Contract, Contract]) -> Iterator[Pair]:
    """Yield a part's schemas that are in both contracts, outer ones first.

    Alternatives (``oneOf`` and the like) and the values of additional properties are not entered.
    """
    yield from _Walk(contracts, old.direction).pairs(old.schema, new.schema)


@dataclass(frozen=True, slots=True)
class _Walk:
    contracts: tuple[Contract, Contract]
    direction: Direction
    steps: tuple[str, ...] = ()
    above: frozenset[tuple[str | None, str | None]] = frozenset()

    def pairs(self, old: Json, new: Json) -> Iterator[Pair]:
        names = component_name(old), component_name(new)
        if names in self.above:
            return  # a recursive schema: this pair is being compared already
        versions = [
            Version(follow(contract.document, schema), contract)
            for contract, schema in zip(self.contracts, (old, new), strict=True)
        ]
        lost = None if names[0] in self.contracts[1].schemas else names[0]
        pair = Pair(versions[0], versions[1], self.direction, self.steps, lost)
        yield pair
        for step, inner_old, inner_new in _inner(pair.old.schema, pair.new.schema):
            yield from self._below(step, names).pairs(inner_old, inner_new)

    def _below(self, step: str, names: tuple[str | None, str | None]) -> "_Walk":
        above = self.above | {names} if any(names) else self.above
        return _Walk(self.contracts, self.direction, (*self.steps, step), above)


def _inner(old: Json, new: Json) -> Iterator[tuple[str, Json, Json]]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before:
        if name in after:
            yield name, before[name], after[name]
    if "items" in old and "items" in new:
        yield ELEMENT, old["items"], new["items"]


def _meaning(node: Any, document: Json, above: tuple[str, ...] = ()) -> Any:
    if isinstance(node, list):
        return [_meaning(each, document, above) for each in node]
    if not isinstance(node, dict):
        return node
    if (reference := node.get("$ref")) is not None:
        if reference in above:
            return reference
        return _meaning(lookup(document, reference), document, (*above, reference))
    named = {name: _meaning(each, document, above) for name, each in node.get("properties", {}).items()}
    rest = {key: _meaning(each, document, above) for key, each in node.items() if key not in PROSE | {"properties"}}
    return {**rest, "properties": named}
