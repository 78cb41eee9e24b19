"""``automation db prune --embedded``: what servers left on the machine, said in lines or as one document."""

import os
from pathlib import Path

import pytest

from automation.storage.embedded import leftovers
from automation.storage.embedded.leftovers import Leftover, Outcome
from tests.commands.terminal import assert_refused, call, document

KEPT = Leftover(Path("/somewhere/abcdefgh"), Outcome.KEPT, "a process uses it")
FAILED = Leftover(Path("/somewhere/hgfedcba"), Outcome.FAILED, "it is stuck")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What was asked for; one thing is found each time."""
    questions: dict[str, object] = {}

    def prune(**question: object) -> list[Leftover]:
        questions.update(question)
        return [KEPT]

    monkeypatch.setattr(leftovers, "prune", prune)
    return questions


def test_without_saying_what_to_prune_it_is_refused() -> None:
    assert_refused(call("db", "prune"), "--embedded")


def test_each_thing_that_was_found_is_a_line(asked: dict[str, object]) -> None:
    done = call("db", "prune", "--embedded")

    assert (done.code, done.errors) == (0, "")
    assert done.output == "/somewhere/abcdefgh: kept, a process uses it\n"
    assert (asked["dry_run"], asked["unclaimed"]) == (False, False)


def test_scripts_get_one_document(asked: dict[str, object]) -> None:
    listed = document("db", "prune", "--embedded", "--dry-run", "--unclaimed")

    assert listed == [{"path": "/somewhere/abcdefgh", "outcome": "kept", "reason": "a process uses it"}]
    assert (asked["dry_run"], asked["unclaimed"]) == (True, True)


def test_what_can_not_be_removed_makes_the_command_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "prune", lambda **_: [FAILED])

    done = call("db", "prune", "--embedded")

    assert done.code == 1
    assert done.output == "/somewhere/hgfedcba: can't be removed, it is stuck\n"


@pytest.mark.parametrize(
    ("user", "said"),
    [
        (0, "Nothing was left behind.\n"),
        (1000, "Nothing was left behind: an ordinary user's cluster lies in its data directory, and goes with it.\n"),
    ],
)
def test_that_nothing_was_left_is_said_too(monkeypatch: pytest.MonkeyPatch, user: int, said: str) -> None:
    monkeypatch.setattr(leftovers, "prune", lambda **_: [])
    monkeypatch.setattr(os, "geteuid", lambda: user)

    done = call("db", "prune", "--embedded")

    assert (done.code, done.output) == (0, said)
