"""A refused body costs few errors, whatever is in it: the validator makes them all before it names one."""

from typing import Any

import pytest

from automation.contract.compiled.bodies import MAX_BYTES
from automation.contract.compiled.contract import Contract
from automation.contract.compiled.excerpts import WIDTH, Excerpts
from automation.contract.document.installed import common
from tests.shipped_contract.shipped import DOCUMENT

CONTRACT = Contract(common(dict(DOCUMENT)))
WITH_BODY = [
    operation for operation in CONTRACT.operations.values() if operation.body is not None and not operation.body.raw
]
MOST_ERRORS = 10 * WIDTH
"""Some 10 µs each."""

MISTAKES: dict[str, Any] = {"1": 1, "config": 1, "type": 1, "timeout_seconds": "", "retry_attempts": ""}
ITEMS = [[{}] * (MAX_BYTES // 3), [1] * (MAX_BYTES // 2), [MISTAKES] * (MAX_BYTES // 80)]


def hostile(items: list[Any]) -> list[Any]:
    """Return bodies of about 64 KiB that have the same thing wrong with them as often as it fits in."""
    return [
        items,
        {"actions": items},
        {"conditions": items},
        {"actions": items[: len(items) // 2], "conditions": items[: len(items) // 2]},
        {str(number): item for number, item in enumerate(items[: MAX_BYTES // 10])},
    ]


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.operation_id)
@pytest.mark.parametrize("items", ITEMS, ids=["objects", "numbers", "mistakes"])
def test_few_errors_are_made_of_a_body(operation: Any, items: list[Any]) -> None:
    schema = operation.body.schema
    excerpts = Excerpts(CONTRACT.schemas.document(schema))
    validator = CONTRACT.schemas.validator(schema)

    made = [len(list(excerpts.errors(validator, body))) for body in hostile(items)]

    assert all(made)
    assert max(made) <= MOST_ERRORS
