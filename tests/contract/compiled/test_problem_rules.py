"""Problems are sent where they are documented, and nowhere else."""

import pytest

from automation.contract.compiled.contract import Contract
from tests.contract.tiny import contract, operation, problem


@pytest.mark.parametrize(
    ("operation_id", "status", "document", "accepted"),
    [
        ("getThing", 404, {"code": "not_found"}, True),
        ("getThing", 409, {"code": "conflict"}, False),
        ("getThing", 200, {"code": "fine"}, False),
        ("getThing", 404, {"detail": "no code"}, False),
        ("getThing", 404, {"code": 1}, False),
        (None, 405, {"code": "method_not_allowed"}, True),
        (None, 405, {}, False),
    ],
)
def test_a_problem_must_be_documented_and_a_problem(
    operation_id: str | None, status: int, document: dict[str, object], accepted: bool
) -> None:
    tiny = Contract(contract({"/thing": {"get": operation(responses={"404": problem()})}}))
    routed = None if operation_id is None else tiny.operations[operation_id]

    assert tiny.problems.accepts(routed, status, document) is accepted
