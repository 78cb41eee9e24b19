"""Values that reads of a rule hide: found where they are written literally, long enough to be searched for."""

from typing import Any

import pytest

from automation.domain.rules import RuleAction
from automation.engine.rules.masking import masked
from automation.engine.rules.plain_secrets import MOST, plain_secrets


def found(config: dict[str, Any]) -> tuple[str, ...]:
    return plain_secrets([RuleAction(type="webhook_call", config=config)])


@pytest.mark.parametrize(
    ("config", "values"),
    [
        ({"headers": {"Authorization": "Bearer sesame-open"}}, ("Bearer sesame-open", "sesame-open")),
        ({"headers": {"X-Api-Key": "sesame-open", "X-Foo": "visible-text"}}, ("sesame-open",)),
        ({"headers": [{"name": "X-Functions-Key", "value": "sesame-open"}]}, ("sesame-open",)),
        ({"json": {"list": [{"password": "sesame-open"}], "tokens": ["sesame-one", {"a": "sesame-two"}]}}, None),
        ({"json": {"pin": 123456789, "otp": True}}, ("123456789",)),
        ({"url": "https://a.example/?token=sesame%2Fopen&x=visible-text"}, ("sesame%2Fopen", "sesame/open")),
        ({"url": "https://ada:sesame-open@a.example/"}, ("sesame-open",)),
        ({"text": "login with password=sesame-open please"}, ("sesame-open",)),
        ({"headers": {"Authorization": "Bearer ${secrets.SHOP_TOKEN}"}}, ()),
        ({"headers": {"Authorization": "sesame-open-${trigger.number}-for-ever"}}, ("sesame-open-", "-for-ever")),
        ({"url": "https://a.example/?token=${secrets.SHOP_TOKEN}&sig=${ trigger.long_name }"}, ()),
        ({"headers": {"Authorization": "sesame"}, "json": {"token": None}}, ()),
    ],
)
def test_literal_texts_under_names_of_secrets_are_found(config: dict[str, Any], values: tuple[str, ...] | None) -> None:
    assert found(config) == (("sesame-open", "sesame-one", "sesame-two") if values is None else values)


def test_whatever_is_found_is_hidden_by_reads() -> None:
    config = {
        "url": "https://ada:sesame-one@a.example/?token=sesame-two",
        "headers": {"Cookie": "sesame-three"},
        "json": {"credentials": {"a": ["sesame-four"]}},
    }

    assert len(found(config)) == 4
    assert not [value for value in found(config) if value in str(masked(config))]


def test_only_so_many_are_searched_for() -> None:
    config = {"json": {"tokens": [f"sesame-{number}" for number in range(1000)]}}

    assert found(config) == tuple(f"sesame-{number}" for number in range(MOST))
