"""Secrets of very many lines are found as others are, and what is searched for them holds nobody up."""

import base64
import json
import random
import string
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.domain.opaque import Opaque
from automation.domain.secrets import LARGEST_VALUE
from automation.engine.actions import ActionResult
from automation.engine.expressions.pace import STRETCH, Long, Pace, at_once
from automation.engine.rules.computing import Computing
from automation.engine.runs import vault
from automation.engine.runs.journal import an_entry
from automation.engine.runs.redaction import MOST_STEPS, STEPS_AT_ONCE, WITHHELD, Redaction, TooLong, within
from automation.engine.runs.vault import Vault
from tests.engine.runs.counting import Counting
from tests.engine.runs.scripted import KnownSecrets, Rehearsal, Script, say

MUCH = 10**9
ANSWER = 256 * 1024
LINES = st.lists(
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=16, max_size=40), min_size=2, max_size=40
)
FORMS: list[Callable[[str], str]] = [
    str,
    str.lower,
    lambda line: quote(line, safe=""),
    quote_plus,
    lambda line: quote(quote(line)),
    lambda line: json.dumps(line)[1:-1],
    lambda line: json.dumps(json.dumps(line))[1:-1],
    escape,
    lambda line: line.encode().hex(),
    lambda line: line.encode().hex().upper(),
    lambda line: base64.b64encode(b"a" + line.encode() + b"zz").decode(),
    lambda line: base64.urlsafe_b64encode(b"ab" + line.encode()).decode(),
]


def largest(seed: int) -> str:
    """Return a secret of as many lines as a secret can have that are long enough to be secret."""
    chosen = random.Random(seed)  # noqa: S311 - no secret of anybody
    line = 17
    return "\n".join("".join(chosen.choices(string.ascii_letters, k=16)) for _ in range(LARGEST_VALUE // line))


@pytest.fixture(scope="module")
def knowing() -> Redaction:
    redaction = Redaction()
    redaction.learn([largest(seed) for seed in range(2)], within(MUCH))
    return redaction


@given(lines=LINES, data=st.data(), form=st.sampled_from(FORMS))
def test_each_line_of_a_value_is_found_in_each_form(lines: list[str], data: st.DataObject, form: Any) -> None:
    redaction = Redaction()
    redaction.learn(["\n".join(lines)], within(MUCH))
    line = form(data.draw(st.sampled_from(lines)))

    told = redaction.text(f"before {line} behind", within(MUCH))
    told_in_json = redaction.value({"a": [f"before {line} behind", "clean"], line: 1}, within(MUCH))

    assert "***" in told
    assert line not in told
    assert line not in json.dumps(told_in_json, ensure_ascii=False)


def test_all_lines_of_the_largest_secrets_are_found(knowing: Redaction) -> None:
    lines = [line for seed in range(2) for line in largest(seed).splitlines()]

    told = knowing.value({"lines": lines[::-1], "text": " ".join(lines[::-1])}, within(MOST_STEPS))

    assert told == {"lines": ["***"] * len(lines), "text": " ".join(["***"] * len(lines))}


@pytest.mark.parametrize("value", [largest(0), 'a"% ü' * (LARGEST_VALUE // 6), "x" * LARGEST_VALUE])
def test_the_largest_secret_is_not_learned_at_once(value: str) -> None:
    pace = within(MUCH)

    Redaction().learn([value], pace)

    assert MUCH - pace.allotment.left < MOST_STEPS
    with pytest.raises(Long):
        Redaction().learn([value], Pace(at_once))


@pytest.mark.parametrize(
    "piece",
    ["x", "%41", "%252541", "\\", "\\u0041", "&lt;", "&#0", "&notit;", f"&{'a' * 31}", "a b ", "0"],
)
def test_the_largest_answer_is_searched_within_the_bound_and_not_at_once(knowing: Redaction, piece: str) -> None:
    answer = {"body": piece * (ANSWER // len(piece))}
    opaque = Opaque(answer, json.dumps(answer))

    assert knowing.value(opaque, within(MOST_STEPS)) is opaque
    with pytest.raises(Long):
        knowing.value(opaque, Pace(at_once))


@pytest.mark.parametrize("element", [1, "a", {"": 0}, []])
def test_an_answer_of_very_many_values_is_searched_within_the_bound_and_not_at_once(
    knowing: Redaction, element: Any
) -> None:
    answer = {"body": [element] * (ANSWER // (len(json.dumps(element)) + 1))}
    opaque = Opaque(answer, json.dumps(answer))

    assert knowing.value(opaque, within(MOST_STEPS)) is opaque
    with pytest.raises(Long):
        knowing.value(opaque, Pace(at_once))


def test_a_stretch_is_no_more_than_it_says(knowing: Redaction) -> None:
    """Nothing that is counted as one is so long that the pace would be looked at too late."""
    pace = Counting()

    knowing.value({"body": "a%41\\n&lt;" * 20_000, "list": [f"{number:09}" for number in range(1000)]}, pace)

    assert max(pace.counted) <= STRETCH


def test_a_text_that_cannot_be_searched_at_once_is_withheld(knowing: Redaction) -> None:
    text = "%41" * 2 * STEPS_AT_ONCE

    assert knowing.text(text) == WITHHELD
    assert knowing.text(text, within(MOST_STEPS)) == text
    assert an_entry(text, redaction=knowing).message == WITHHELD
    with pytest.raises(TooLong):
        knowing.value({"a": text})


def test_an_entry_says_that_its_metadata_were_left_out(knowing: Redaction) -> None:
    entry = an_entry("a message", metadata={"a": "%41" * 5_000}, redaction=knowing)

    assert entry.message == "a message"
    assert entry.metadata == {"omitted": "it takes too long to search it for secrets"}


async def test_a_result_that_cannot_be_searched_is_left_out_and_the_run_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vault, "MOST_STEPS", 50_000)  # so that the thread rests for a tenth of a second, not two
    value = "\n".join("a" * length for length in range(16, 350))
    rehearsal = Rehearsal(
        Script([ActionResult({"body": "a" * ANSWER})]), (say(new="${secrets.A}"),), secrets={"A": value}
    )

    _, ledger, messages = await rehearsal.go()

    assert ("action", 0, {"_omitted": ["*"]}, False) in ledger.written
    assert "The result was left out: it takes too long to search it for secrets." in messages


async def test_a_run_that_names_the_largest_secret_tells_no_line_of_it() -> None:
    value = largest(0)
    echo = ActionResult({"body": value.splitlines()[::-1]})
    rehearsal = Rehearsal(Script([echo]), (say(new="${secrets.A}"),), secrets={"A": value})

    _, ledger, _ = await rehearsal.go()

    assert ("action", 0, {"body": ["***"] * len(value.splitlines())}, False) in ledger.written


def test_what_is_forgotten_at_a_pace_is_told_by_nobody_after_that() -> None:
    redaction = Redaction()
    redaction.learn([largest(0)], within(MUCH))

    with pytest.raises(Long):
        redaction.close(Pace(at_once))
    redaction.close(within(MUCH))

    assert redaction.text(largest(0)) == WITHHELD
    with pytest.raises(TooLong):
        redaction.value({"a": largest(0)})


async def test_the_end_of_a_run_forgets_what_was_known() -> None:
    secrets = KnownSecrets({"A": "a secret of mine", "B": "another one of mine"})
    closed = Vault(secrets, UUID(int=1), Computing())
    await closed.values(["A"])

    await closed.close()
    await closed.values(["B"])

    assert closed.redaction.text("a text") == WITHHELD


def test_what_knew_nothing_tells_everything_when_it_is_closed() -> None:
    redaction = Redaction()
    redaction.close(within(MUCH))

    assert redaction.text("a text") == "a text"
    assert redaction.value({"a": 1}) == {"a": 1}
