from typing import Any

import pytest

from automation.engine.rules.masking import hidden_texts, masked


@pytest.mark.parametrize(
    "name",
    [
        *("authorization", "Proxy-Authorization", "api_key", "x-api-key", "APIKEY", "token", "accessToken"),
        *("client_secret", "password", "smtp_password", "Cookie", "set-cookie", "passwd", "passphrase", "pwd"),
        *("private_key", "privateKey", "credentials", "X-Hub-Signature-256", "X-Signature", "X-Functions-Key", "sig"),
        *("Ocp-Apim-Subscription-Key", "subscription_key", "Account-Key", "x-functions-key", "Webhook-Secret"),
        *(
            "Stripe-Signature",
            "Private-Token",
            "signing_key",
            "X-Auth",
            "auth",
            "Authentication",
            "X-Session",
            "X-JWT",
            "bearer",
            "access_key",
            "clientKey",
            "pin",
            "otp",
        ),
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


@pytest.mark.parametrize("pair", [("name", "value"), ("key", "value"), ("Key", "Value"), ("NAME", "value")])
@pytest.mark.parametrize("name", ["X-Api-Key", "authorization", "token", " pin "])
def test_the_value_of_a_pair_is_masked_where_its_name_sounds_like_a_secrets(pair: tuple[str, str], name: str) -> None:
    named, value = pair

    shown = masked({"list": [{named: name, value: "sesame", "on": True}, {named: "accept", value: "*/*"}]})

    assert shown == {"list": [{named: name, value: "***", "on": True}, {named: "accept", value: "*/*"}]}
    assert masked({named: name, value: "${secrets.NAME}"}) == {named: name, value: "${secrets.NAME}"}


def test_the_value_itself_is_not_changed() -> None:
    value = {"headers": {"cookie": "a=b"}}

    masked(value)

    assert value == {"headers": {"cookie": "a=b"}}


def test_that_nothing_is_there_is_no_secret() -> None:
    assert masked({"token": None}) == {"token": None}


@pytest.mark.parametrize(
    "name",
    [
        "key",
        "monkey",
        "design",
        "keyboard",
        "author",
        "authority",
        "spinner",
        "path",
        "x-request-id",
        "code",
        "sort_key",
    ],
)
def test_a_name_that_only_looks_alike_is_no_secrets(name: str) -> None:
    assert masked({name: "value"}) == {name: "value"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://a.example/x?token=sesame&page=2", "https://a.example/x?token=***&page=2"),
        ("https://a.example/x?page=2&api_key=sesame#top", "https://a.example/x?page=2&api_key=***#top"),
        ("https://a.example/x?%74oken=sesame", "https://a.example/x?%74oken=***"),
        ("https://a.example/x?access+token=sesame", "https://a.example/x?access+token=***"),
        ("https://a.example/x?token=${trigger.token}", "https://a.example/x?token=***"),
        ("grant_type=password&client_secret=sesame", "grant_type=password&client_secret=***"),
        ("password=sesame", "password=***"),
        ("user=bob\npassword=sesame\ntoken=b", "user=bob\npassword=***\ntoken=***"),
        ("https://a.example/x#access_token=sesame", "https://a.example/x#access_token=***"),
        ("https://ada:sesame@a.example/", "https://***@a.example/"),
        ("postgresql://ada:sesame@db/x?sslmode=require", "postgresql://***@db/x?sslmode=require"),
        ("https://a.example/x?token=", "https://a.example/x?token="),
        ("a == b, token", "a == b, token"),
        ("https://a.example/@ada", "https://a.example/@ada"),
    ],
)
def test_a_secret_parameter_of_a_url_or_form_is_masked(text: str, shown: str) -> None:
    assert masked({"url": text, "more": [text]}) == {"url": shown, "more": [shown]}


def test_a_long_text_is_masked_to_its_end() -> None:
    text = "?a" * 100_000 + "=" * 100_000 + "a://" * 10_000 + "&token=x" * 10_000

    assert "token=x" not in masked(text)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("https://ada:sesame@example.com/", ["sesame"]),
        ("https://sesame@example.com/", ["sesame"]),
        ("https://example.com/?token=sesame&page=2&sig=open", ["sesame", "open"]),
        ("https://ada:first@example.com/?token=second", ["first", "second"]),
        ("token=sesame", ["sesame"]),
        ("page=2", []),
        ("no parameter", []),
        ("ada:sesame@example.com", []),
    ],
)
def test_what_a_mask_stands_for_in_a_text_is_found(text: str, hidden: list[str]) -> None:
    assert list(hidden_texts(text)) == hidden
    assert all(each not in str(masked({"text": text})) for each in hidden)
