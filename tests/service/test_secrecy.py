"""Settings as they are shown: what is secret is never there, of URLs where they lead is."""

from typing import Any

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from automation.service.secrecy import chosen, mask, shown


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://api:sesame@db.example/automation", "postgresql://api:***@db.example/automation"),
        ("postgresql://api:se:s@me@db.example/automation", "postgresql://api:***@db.example/automation"),
        ("POSTGRESQL://api:ses/a?m#e@db.example", "POSTGRESQL://api:***@db.example"),
        ("postgresql://:sesame@db.example", "postgresql://:***@db.example"),
        ("postgresql://api@db.example/automation", "postgresql://api@db.example/automation"),
        ("postgresql://db.example:5432/automation", "postgresql://db.example:5432/automation"),
        ("postgresql://db.example/a?password=sesame", "postgresql://db.example/a?password=***"),
        ("postgresql://db.example/a?sslmode=require&sslPassword=sesame&a=b", None),
        ("postgresql://db.example/a?client_secret=sesame", "postgresql://db.example/a?client_secret=***"),
        ("postgresql://db.example/a?p%61ssword=sesame", "postgresql://db.example/a?p%61ssword=***"),
        ("postgresql://api:sesame@db.example/a?password=sesame", "postgresql://api:***@db.example/a?password=***"),
        ("no URL", "no URL"),
    ],
)
def test_of_a_url_all_is_shown_but_its_passwords(url: str, masked: str | None) -> None:
    assert mask(url) == (masked or "postgresql://db.example/a?sslmode=require&sslPassword=***&a=b")
    assert "sesame" not in mask(url)


URL = SecretStr("postgresql://api:sesame@db.example")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("database_url", URL, "postgresql://api:***@db.example"),
        ("database_urls", URL, "***"),
        ("secrets_key", SecretStr("sesame"), "***"),
        ("secrets_key", SecretStr(""), "***"),
        ("anything", None, None),
        ("anything", True, True),
        ("anything", 7, 7),
        ("anything", 0.5, 0.5),
        ("anything", "text", "text"),
        ("anything", ("a", 1), "('a', 1)"),
    ],
)
def test_a_setting_is_shown_as_json_has_it_and_a_secret_one_without_its_secret(
    name: str, value: object, expected: object
) -> None:
    assert shown(name, value) == expected
    assert type(shown(name, value)) is type(expected)


def test_what_is_set_otherwise_than_by_default_is_shown() -> None:
    class Some(BaseSettings):
        port: int = 8080
        host: str | None = None
        database_url: SecretStr = URL
        keys: SecretStr | None = None

    def told(**values: Any) -> Any:
        return chosen(Some(**values))  # type: ignore[arg-type]

    assert told() == {}
    assert told(port=8080, host="a.example") == {"host": "a.example"}
    assert told(port=1, keys=SecretStr("sesame"), database_url=SecretStr("postgresql://b:sesame@c.example")) == {
        "port": 1,
        "keys": "***",
        "database_url": "postgresql://b:***@c.example",
    }
