"""Keys have a form, and all else is refused without asking anyone."""

from hashlib import sha256
from zlib import crc32

import pytest

from automation.domain.errors import ApiKeyInvalid
from security import key_format

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
GARBAGE = [
    "",
    "ak_",
    "ak_" + "a" * 49,
    "ak_" + "0" * 50,
    "AK_" + "0" * 49,
    "sk_" + "0" * 49,
    "ak_" + "0" * 48 + "é",
    "ak_" + "0" * 48 + "٣",  # a digit, and not an ASCII one
    "x" * 8192,
]


def is_key(text: str) -> bool:
    try:
        key_format.digest_of(text)
    except ApiKeyInvalid:
        return False
    return True


def test_a_key_is_52_characters_that_scanners_recognise() -> None:
    key = key_format.generate()

    assert len(key.plaintext) == 52
    assert key.plaintext.startswith("ak_")
    assert set(key.plaintext[3:]) <= set(BASE62)


def test_of_a_key_its_digest_and_a_display_prefix_are_kept() -> None:
    key = key_format.generate()

    assert key.digest == sha256(key.plaintext.encode()).digest()
    assert key.prefix == key.plaintext[:11]
    assert key.plaintext not in repr(key)


def test_a_key_is_found_by_the_digest_it_was_stored_with() -> None:
    key = key_format.generate()

    assert key_format.digest_of(key.plaintext) == key.digest


def test_a_key_says_all_that_was_drawn_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def draw(size: int) -> bytes:
        drawn.append(bytes(range(size)))
        return drawn[-1]

    monkeypatch.setattr("security.key_format.secrets.token_bytes", draw)

    key = key_format.generate().plaintext

    body, checksum = key[3:46], key[46:]
    assert _number(body) == int.from_bytes(drawn[0])
    assert _number(checksum) == crc32(body.encode())
    assert [len(each) for each in drawn] == [32]


def _number(base62: str) -> int:
    number = 0
    for digit in base62:
        number = number * 62 + BASE62.index(digit)
    return number


def test_no_two_keys_are_alike() -> None:
    keys = {key_format.generate().plaintext for _ in range(2000)}

    assert len(keys) == 2000


def test_every_wrong_character_is_noticed() -> None:
    key = key_format.generate().plaintext

    mistakes = [
        key[:position] + wrong + key[position + 1 :]
        for position in range(len(key))
        for wrong in BASE62
        if wrong != key[position]
    ]

    assert not any(is_key(mistake) for mistake in mistakes)


def test_two_characters_in_the_wrong_order_are_noticed() -> None:
    key = key_format.generate().plaintext

    swapped = [key[:i] + key[i + 1] + key[i] + key[i + 2 :] for i in range(3, 51) if key[i] != key[i + 1]]

    assert not any(is_key(mistake) for mistake in swapped)


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_refused(garbage: str) -> None:
    assert not is_key(garbage)


def test_of_what_is_no_key_nothing_is_shown() -> None:
    shaped = "ak_" + "a" * 49

    assert {garbage for garbage in GARBAGE if key_format.display_prefix(garbage)} == {shaped}


def test_of_a_key_with_a_mistake_its_prefix_is_shown() -> None:
    key = key_format.generate()
    mistaken = key.plaintext[:-1] + ("0" if key.plaintext[-1] != "0" else "1")

    assert not is_key(mistaken)
    assert key_format.display_prefix(mistaken) == key.prefix


def test_a_key_with_a_line_feed_behind_it_is_refused() -> None:
    assert not is_key(key_format.generate().plaintext + "\n")
