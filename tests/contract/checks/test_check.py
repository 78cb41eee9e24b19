"""The check tells everything that is wrong with a contract at once, a line for each thing."""

import pytest

from automation.contract.checks.check import require
from automation.contract.document.findings import ContractError
from tests.contract.sample import found, get, put, thing
from tests.contract.tiny import PACKAGE, Json


def test_nothing_is_found_where_nothing_is_wrong(sound: Json) -> None:
    assert found(sound) == []


def test_an_operation_id_that_is_there_twice_is_found_at_both_places(sound: Json) -> None:
    put(sound)["operationId"] = "getThing"

    assert {
        f"{each} /things/{{id}}: has the operationId getThing, which another operation has too"
        for each in ("GET", "PUT")
    } <= set(found(sound))


def test_everything_that_is_wrong_is_found_at_once(sound: Json) -> None:
    get(sound).update(summary="", description="", tags=["Other"], **{"x-required-permission": "a:b"})
    thing(sound)["properties"]["x"] = {"type": "string", "format": "byte", "pattern": "("}

    assert len(found(sound)) == 6


def test_a_finding_is_one_line(sound: Json) -> None:
    get(sound)["operationId"] = "a\nb"

    assert all("\n" not in line for line in found(sound))


def test_a_contract_in_which_something_is_wrong_can_be_refused(sound: Json) -> None:
    get(sound).pop("summary")

    with pytest.raises(ContractError) as caught:
        require(sound, handlers=PACKAGE)

    assert [each.message for each in caught.value.findings] == ["has no summary"]
