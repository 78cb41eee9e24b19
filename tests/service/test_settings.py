"""Settings are what an operator may set, and all else is refused."""

import pytest
from pydantic import SecretStr, ValidationError

from automation.service.settings import Settings


@pytest.mark.parametrize("prefix", ["", "/automation", "/a/b", "/v1.2/a-b_c~d", "/...", "/.well-known"])
def test_a_path_prefix_is_made_of_plain_segments(prefix: str) -> None:
    settings = Settings(path_prefix=prefix)

    assert settings.path_prefix == prefix


@pytest.mark.parametrize(
    "prefix",
    [
        *("/", "automation", "/automation/", "//automation", "/a//b", "/a/", "/automation\n"),
        *("/a b", "/a%20b", "/a?b", "/a#b", "/{a}", "/ä", "/.", "/..", "/a/../b", "/a/.", "https://example.com/a"),
    ],
)
def test_another_path_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(ValidationError, match="must begin with a slash, not end with one"):
        Settings(path_prefix=prefix)


@pytest.mark.parametrize(
    ("chosen", "refused"),
    [({"pool_min": 21}, "pool_max"), ({"pool_timeout": 3.0}, "query_timeout"), ({"smtp_host": "mail"}, "smtp_sender")],
)
def test_a_default_is_held_to_what_else_is_set_as_a_chosen_value_is(chosen: dict[str, int | str], refused: str) -> None:
    with pytest.raises(ValidationError, match=refused):
        Settings(**chosen)  # type: ignore[arg-type]  # what an operator may write in the environment


@pytest.mark.parametrize("keys", [f"k1:{'s' * 32}", f"k2:{'!' * 40}, K1:{'~' * 32}"])
def test_keys_of_cursors_are_ids_with_secrets(keys: str) -> None:
    assert Settings(cursor_keys=SecretStr(keys)).cursor_keys is not None


@pytest.mark.parametrize(
    "keys",
    [
        *("", ",", "k1", "s" * 32, f"k1:{'s' * 31}", f":{'s' * 32}", f"{'k' * 17}:{'s' * 32}", f"k-1:{'s' * 32}"),
        *(f"k1:{'s' * 31} s", f"k1:{'ä' * 32}", f"k1:{'s' * 32},k1:{'t' * 32}", f"k1:{'s' * 32},,k2"),
    ],
)
def test_other_keys_of_cursors_are_refused_and_not_repeated(keys: str) -> None:
    with pytest.raises(ValidationError, match=r"must (be keys such as|not give two keys the same id)") as caught:
        Settings(cursor_keys=SecretStr(keys))

    assert "sss" not in str(caught.value)
