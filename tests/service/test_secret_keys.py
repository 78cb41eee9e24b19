"""Keys for secrets: whose they are, and how a file of them is made beside an embedded database, once and whole."""

import os
from pathlib import Path

import pytest

from automation.service.secret_keys import FILE_NAME, keyring_of, provided
from automation.service.settings import Settings
from automation.storage.secrets.sealing import generated_key

EMBEDDED = "embedded"
ELSEWHERE = "postgresql://api@db.example/automation"


def settings(place: Path, url: str = EMBEDDED, keys: str | None = None) -> Settings:
    return Settings(database_url=url, data_dir=place, secret_keys=keys)


def names_in(place: Path) -> list[str]:
    return [each.name for each in place.iterdir()]


def kept(place: Path) -> str:
    return (place / FILE_NAME).read_text(encoding="ascii")


def test_an_embedded_database_has_a_key_in_a_file_that_nobody_else_reads(tmp_path: Path) -> None:
    place = tmp_path / "not" / "there"

    ring = keyring_of(provided(settings(place)))

    assert ring is not None
    assert ring.current == "k1"
    assert kept(place).endswith("\n")
    assert [(place / FILE_NAME).stat().st_mode & 0o777, place.stat().st_mode & 0o777] == [0o600, 0o700]
    assert names_in(place) == [FILE_NAME]


def test_the_key_stays_the_same_from_start_to_start(tmp_path: Path) -> None:
    first, again = (provided(settings(tmp_path)) for _ in range(2))

    assert first.secret_keys is not None
    assert again.secret_keys == first.secret_keys
    assert kept(tmp_path) == f"{first.secret_keys.get_secret_value()}\n"
    assert names_in(tmp_path) == [FILE_NAME]


def test_the_file_is_on_the_disk_as_a_whole_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[int, list[str]]] = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: synced.append((os.fstat(descriptor).st_size, names_in(tmp_path)))
    )

    provided(settings(tmp_path))

    assert synced == [(len(kept(tmp_path)), [f".{FILE_NAME}.{os.getpid()}"])]


def test_what_was_left_half_made_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / f".{FILE_NAME}.{os.getpid()}").write_text("k1:" + "x" * 200)

    ring = keyring_of(provided(settings(tmp_path)))

    assert ring is not None
    assert names_in(tmp_path) == [FILE_NAME]


@pytest.mark.parametrize("anyhow", [False, True])
@pytest.mark.parametrize("url", [EMBEDDED, ELSEWHERE])
def test_keys_of_the_operators_own_are_left_as_they_are(tmp_path: Path, url: str, *, anyhow: bool) -> None:
    own = settings(tmp_path, url, generated_key())

    assert provided(own, anyhow=anyhow) is own
    assert names_in(tmp_path) == []


def test_another_database_has_none_unless_it_is_to_have_some_anyhow(tmp_path: Path) -> None:
    without = provided(settings(tmp_path, ELSEWHERE))

    assert (without.secret_keys, keyring_of(without), names_in(tmp_path)) == (None, None, [])
    assert keyring_of(provided(settings(tmp_path, ELSEWHERE), anyhow=True)) is not None
