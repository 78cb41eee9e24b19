from typing import Any

import pytest

from automation.engine.rules.masking import masked


@pytest.mark.parametrize(
    "name",
    [
        *("authorization", "Proxy-Authorization", "api_key", "x-api-key", "APIKEY", "token", "accessToken"),
        *("client_secret", "password", "smtp_password", "Cookie", "set-cookie"),
    ],
)
def test_a_member_whose_name_sounds_like_a_secrets_is_masked(name: str) -> None:
    assert masked({name: "sesame"}) == {name: "***"}


@pytest.mark.parametrize("value", [7, True, ["sesame"], {"inner": "sesame"}, ""])
def test_whatever_stands_below_a_secrets_name_is_masked(value: Any) -> None:
    assert masked({"token": value}) == {"token": "***"}


def test_everything_else_is_as_it_was_at_any_depth() -> None:
    value = {"url": "https://example.com", "tries": [1, {"headers": {"Authorization": "Bearer x", "accept": "*/*"}}]}

    shown = masked(value)

    assert shown == {
        "url": "https://example.com",
        "tries": [1, {"headers": {"Authorization": "***", "accept": "*/*"}}],
    }


def test_the_value_itself_is_not_changed() -> None:
    value = {"headers": {"cookie": "a=b"}}

    masked(value)

    assert value == {"headers": {"cookie": "a=b"}}


def test_that_nothing_is_there_is_no_secret() -> None:
    assert masked({"token": None}) == {"token": None}
