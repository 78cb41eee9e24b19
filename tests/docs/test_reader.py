"""A reader of a document stumbles over faults; a reader who never does proves nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil.example import SybilFailure

from tests.docs import shell
from tests.docs.reader import Reader
from tests.docs.shell import Shell, leave_all

pytestmark = pytest.mark.process

FENCE = "```"
NEW = "New file `a`:\n\n"


def block(info: str, source: str) -> str:
    return f"{FENCE}{info}\n{source}\n{FENCE}\n\n"


@pytest.fixture
def bash(tmp_path: Path) -> Iterator[Shell]:
    """A shell in a directory of its own."""
    for name in ("scratch", "terminals", "here"):
        (tmp_path / name).mkdir()
    opened = Shell(tmp_path / "here", {"PATH": "/usr/bin:/bin"}, tmp_path / "scratch", tmp_path / "terminals")
    yield opened
    opened.close()
    leave_all(tmp_path / "terminals")


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A document that is still to be written."""
    return tmp_path / "document.md"


def test_what_one_block_sets_and_writes_the_next_one_has(bash: Shell, document: Path, tmp_path: Path) -> None:
    document.write_text(
        "New file `names/first.txt`:\n\n"
        + block("text", "Ada")
        + "In `names/first.txt`, after `Ada`:\n\n"
        + block("text", "Grace")
        + block("sh", "greeting=hello\ngreet() { echo $greeting $1; }")
        + block("sh", 'for name in $(cat names/first.txt); do greet "$name"; done')
        + block("text", "hello Ada\nhello Grace")
    )
    reader = Reader(bash, tmp_path / "here")

    reader.read(document)

    assert [each.language for each in reader.done] == ["text", "text", "sh", "sh", "text"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (block("sh", "echo before; false; echo after"), "exit code 1\nbefore\n"),
        (block("sh", "false | true"), "exit code 1"),
        (block("sh", "echo $nowhere_to_be_found"), "unbound variable"),
        (block("sh fails", "true"), "exit code 0"),
        (block("sh", "echo one") + block("text", "two"), "what was printed is\none"),
        (block("sh", "echo '[1]'") + block("json", "[2]"), r"what was printed is\n\[1\]"),
        (block("json", "{}"), "nothing was printed before it"),
        (block("sh", "echo one") + block("text", "one") + block("text", "one"), "nothing was printed before it"),
        (block("ruby", "puts 1"), "nobody knows what to do"),
        (NEW + block("text", "A") + "In `a`, before `B`:\n\n" + block("text", "C"), "0 lines of a begin with 'B'"),
        (NEW + block("text", "A\nA") + "In `a`, before `A`:\n\n" + block("text", "C"), "2 lines of a begin with 'A'"),
    ],
)
def test_whatever_is_not_as_it_says_is_told(
    bash: Shell, document: Path, tmp_path: Path, text: str, complaint: str
) -> None:
    document.write_text(text)

    with pytest.raises(SybilFailure, match=complaint):
        Reader(bash, tmp_path / "here").read(document)


def test_a_block_that_never_ends_is_ended(bash: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "BLOCK_TIMEOUT", 0.5)

    outcome = bash.run("echo waiting; sleep 600")

    assert (outcome.code, outcome.output) == (-9, "waiting\n")
