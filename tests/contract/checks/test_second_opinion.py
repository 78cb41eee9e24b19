"""openapi-spec-validator is asked about a contract, too, but by no start."""

from automation.contract.checks.second_opinion import second_opinion
from tests.contract.sample import sound


def test_it_finds_nothing_in_a_contract_that_is_right() -> None:
    assert list(second_opinion(sound())) == []


def test_what_it_finds_has_its_place_and_its_words() -> None:
    document = sound()
    document["paths"]["/things/{id}"]["get"]["responses"] = {}

    (finding,) = second_opinion(document)

    assert str(finding).startswith("#/paths/~1things~1{id}/get/responses: {} has less than 1 property")
