"""Application of a contract and its handlers: either all of it can be served, or everything that can't is told."""

import pytest

from automation.contract.compiled.contract import Contract
from automation.contract.document.findings import ContractError, Finding
from automation.contract.serving.application import _lane
from automation.contract.serving.lanes import Lane
from tests.contract.tiny import Handlers, contract, operation, problem


async def get_thing() -> str:
    return "one"


def test_each_operation_without_a_handler_is_told(handlers: Handlers) -> None:
    names = ("getThing", "getOther", "getAnother")
    document = contract({f"/{name}": {"get": operation(name)} for name in names})

    with pytest.raises(ContractError) as refused:
        handlers.application(document, get_thing)

    assert refused.value.findings == (
        Finding("getOther", "there is no handler tiny_handlers.things.get_other"),
        Finding("getAnother", "there is no handler tiny_handlers.things.get_another"),
    )


def test_what_can_say_that_it_cannot_be_done_now_waits_in_the_lane_of_its_kind() -> None:
    busy = {"503": problem()}
    item = {
        "get": operation("getThing", responses=busy),
        "put": operation("putThing", responses=busy),
        "post": operation("postThing"),
    }
    operations = Contract(contract({"/thing": item})).operations

    lanes = {name: _lane(operation) for name, operation in operations.items()}

    assert lanes == {"getThing": Lane.READS, "putThing": Lane.WRITES, "postThing": None}
