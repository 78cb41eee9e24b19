"""Words of the contract: what generators write into the comments of clients, and what clients are told of forms."""

from collections.abc import Iterator
from typing import Any

import pytest

from automation.contract.compiled.contract import Contract
from automation.contract.compiled.scalars import Undecodable
from automation.contract.document.naming import FORM
from automation.contract.document.outline import sites
from automation.domain.rules import TriggerType
from automation.engine.triggers import Triggers
from tests.shipped_contract.shipped import DOCUMENT

OPERATIONS = Contract(DOCUMENT).operations
LIST = OPERATIONS["listAutomationExecutions"]
WRITE = OPERATIONS["executeAutomationRule"]


def test_no_description_ends_the_comment_that_it_is_written_into() -> None:
    assert [text for text in _texts(DOCUMENT) if "*/" in text] == []


def test_every_pattern_says_in_words_what_it_asks_for() -> None:
    patterns = [site for site in sites(DOCUMENT) if site.kind == "schema" and "pattern" in site.node]

    assert len(patterns) > 20
    assert [site.where for site in patterns if FORM not in site.node] == []


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("limit", "101", "must be at most 100"),
        ("limit", "0", "must be at least 1"),
        ("label", "env", "must be a label as key:value, its key of 1 to 63 of the characters"),
        ("sort", "name", 'must be one of: "created_at", "-created_at"'),
    ],
)
def test_a_parameter_that_is_wrong_is_told_what_it_must_be(name: str, text: str, words: str) -> None:
    (parameter,) = (each for each in LIST.parameters if each.name == name)

    with pytest.raises(Undecodable) as refused:
        parameter.value([text])

    assert str(refused.value).startswith(words)


def test_a_key_that_is_too_long_is_told_its_form() -> None:
    (key,) = (each for each in WRITE.parameters if each.name == "Idempotency-Key")

    with pytest.raises(Undecodable, match="must be 1 to 255 printable ASCII characters"):
        key.value(["k" * 300])


@pytest.mark.parametrize("kind", TriggerType)
def test_settings_of_triggers_are_told_their_forms(kind: TriggerType) -> None:
    assert [each.message for each in Triggers(DOCUMENT).check(kind, SETTINGS[kind])] == TOLD[kind]


SETTINGS: dict[TriggerType, dict[str, Any]] = {
    TriggerType.EVENT: {"types": ["a b"]},
    TriggerType.MANUAL: {"schedule": "daily"},
    TriggerType.RECURRING: {"every": "3 days"},
    TriggerType.WEBHOOK: {"verification": {"type": "github", "secret": "abc"}},
}
TOLD = {
    TriggerType.EVENT: ["must be a type without blanks, or its beginning up to a dot and then *, such as order.*"],
    TriggerType.MANUAL: ["is not a known member"],
    TriggerType.RECURRING: ["must be a duration (ISO 8601), such as P3D or PT1H30M"],
    TriggerType.WEBHOOK: ["must be a secret by its name, such as ${secrets.shop_key}"],
}


def _texts(node: Any) -> Iterator[str]:
    """Yield every description, summary and title at any depth."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in {"description", "summary", "title"} and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
