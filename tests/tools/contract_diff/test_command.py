"""The command, run in git repositories of its own: what it exits with, and what it says."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tools.contract_diff.__main__ import main
from tools.contract_diff.announcements import latest_date

pytestmark = pytest.mark.process

REPOSITORY = Path(__file__).parents[3]
BEFORE, AFTER = "operationId: getLiveness", "operationId: getAlive"
CONTRACT = """\
openapi: 3.0.3
info: { title: Tiny, version: 0.1.0 }
paths:
  /healthz:
    get:
      operationId: getLiveness
      responses:
        '200': { description: Alive., content: { application/json: { schema: { $ref: '#/components/schemas/Life' } } } }
  /readyz:
    get:
      operationId: getReadiness
      responses:
        '200': { description: Ready. }
components:
  schemas:
    Life: { type: object }
"""
ENTRY = "- `getLiveness` is called `getAlive` now: generate your client anew.\n"
PAGE = "# Changes of the contract\n\n## Changes\n"


def _entry(text: str = ENTRY, *, days: int = 0) -> str:
    """Return the page with one entry, of today or so many days later."""
    return f"{PAGE}\n### {latest_date() + timedelta(days=days)}\n\n{text}"


@dataclass(frozen=True)
class Checkout:
    """A git repository with nothing but a contract and the page of its changes."""

    root: Path
    environment: Mapping[str, str]

    def git(self, *arguments: str) -> str:
        """Run git, and return what it says."""
        command = ["git", *arguments]
        return subprocess.check_output(command, cwd=self.root, env=self.environment, text=True).strip()

    def write(self, *, page: str | None = None, replace: tuple[str, str] = ("", "")) -> None:
        """Write the page anew, and replace a text in the contract."""
        contract = self.root / "openapi.yaml"
        if not contract.exists():
            contract.write_text(CONTRACT, encoding="utf-8")
        contract.write_text(contract.read_text(encoding="utf-8").replace(*replace), encoding="utf-8")
        if page is not None:
            (self.root / "docs").mkdir(exist_ok=True)
            (self.root / "docs/contract-changes.md").write_text(page, encoding="utf-8")

    def commit(self, *, page: str | None = None, replace: tuple[str, str] = ("", "")) -> str:
        """Write, commit all there is, and return the commit."""
        self.write(page=page, replace=replace)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=anything")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """An empty repository, in which the command is run."""
    people = {f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    outside = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    root = tmp_path / "checkout"
    root.mkdir()
    made = Checkout(root, {**outside, **people, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"})
    made.git("init", "--quiet", "--initial-branch=main")
    monkeypatch.chdir(root)
    for name in os.environ.keys() - outside.keys():
        monkeypatch.delenv(name)
    return made


def test_nothing_changed_since_a_base(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.commit()

    code = main(["HEAD"])

    assert code == 0
    assert "nothing that clients could notice" in capsys.readouterr().out


def test_a_compatible_change_passes(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.commit(page=PAGE)
    checkout.write(replace=(BEFORE, f"{BEFORE}\n      deprecated: true"))

    code = main([])

    assert code == 0
    assert "Compatible (1)" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["HEAD"], ["main"]])
def test_a_breaking_change_in_the_work_tree_fails(checkout: Checkout, arguments: list[str]) -> None:
    checkout.commit(page=PAGE)
    checkout.write(replace=(BEFORE, AFTER))

    assert main(arguments) == 1


def test_a_breaking_change_with_an_entry_passes(checkout: Checkout) -> None:
    base = checkout.commit(page=PAGE)
    checkout.write(page=_entry(), replace=(BEFORE, AFTER))

    assert main([]) == 0
    assert main([base]) == 0


@pytest.mark.parametrize("page", [_entry(days=2), f"{PAGE}\n{ENTRY}", f"{PAGE}\n### Soon\n\n{ENTRY}"])
def test_an_entry_without_a_date_of_today_or_before_does_not_count(
    checkout: Checkout, page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.commit(page=PAGE)
    checkout.write(page=page, replace=(BEFORE, AFTER))

    code = main([])

    assert code == 1
    assert "doesn't count" in capsys.readouterr().out


def test_a_committed_breaking_change_fails_until_it_has_an_entry(checkout: Checkout) -> None:
    checkout.commit(page=PAGE)
    checkout.commit(replace=(BEFORE, AFTER))
    checkout.commit()
    silent = main([])
    checkout.commit(page=_entry())

    told = main([])

    assert (silent, told) == (1, 0)


def test_a_breaking_change_that_came_with_its_entry_is_history(checkout: Checkout) -> None:
    checkout.commit(page=PAGE)
    checkout.commit(page=_entry(), replace=(BEFORE, AFTER))
    checkout.commit(replace=("operationId: getReadiness", "operationId: getReadiness\n      deprecated: true"))

    assert main([]) == 0


def test_a_breaking_change_does_not_become_history_by_an_entry_about_something_else(checkout: Checkout) -> None:
    checkout.commit(page=PAGE)
    checkout.commit(replace=(BEFORE, AFTER))
    checkout.commit(page=_entry("- `getReadiness`: anything.\n"))

    assert main([]) == 1


def test_an_entry_announces_once(checkout: Checkout) -> None:
    checkout.commit(page=PAGE)
    checkout.commit(page=_entry(), replace=(BEFORE, AFTER))
    checkout.write(replace=(AFTER, "operationId: getLife"))

    assert main([]) == 1


def test_what_a_merge_brings_together_is_held_to_all_entries_that_come_with_it(checkout: Checkout) -> None:
    other = "- `getReadiness` is a POST now: send one.\n"
    checkout.commit(page=PAGE)
    checkout.git("switch", "--quiet", "--create=branch")
    checkout.commit(page=_entry(), replace=(BEFORE, AFTER))
    checkout.git("switch", "--quiet", "main")
    checkout.commit(page=_entry(other), replace=("/readyz:\n    get:", "/readyz:\n    post:"))
    checkout.git("merge", "--quiet", "--strategy=ours", "--no-commit", "branch")
    checkout.commit(page=_entry(other + ENTRY), replace=(BEFORE, AFTER))

    assert main([]) == 0


def test_what_a_merge_brings_without_an_entry_is_found(checkout: Checkout) -> None:
    checkout.commit(page=PAGE)
    checkout.git("switch", "--quiet", "--create=branch")
    checkout.commit(page=_entry(), replace=(BEFORE, AFTER))
    checkout.git("switch", "--quiet", "main")
    checkout.commit(replace=("/readyz:\n    get:", "/readyz:\n    post:"))
    checkout.git("merge", "--quiet", "--no-edit", "branch")

    assert main([]) == 1


def test_without_a_page_the_last_commit_is_the_base(checkout: Checkout) -> None:
    checkout.commit()
    unchanged = main([])
    checkout.write(replace=(BEFORE, AFTER))

    changed = main([])

    assert (unchanged, changed) == (0, 1)


@pytest.mark.parametrize("base", ["no-such-branch", "0123456789abcdef", "--all", ""])
def test_an_unknown_base_is_refused(checkout: Checkout, base: str, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.commit(page=PAGE)

    code = main(["--", base])

    assert code == 2
    assert f"git knows no commit {base}" in capsys.readouterr().err


def test_a_base_without_a_contract_is_refused(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.git("commit", "--quiet", "--allow-empty", "--message=empty")
    checkout.commit()

    code = main(["HEAD~1"])

    assert code == 2
    assert "there is no openapi.yaml at " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (("openapi: 3.0.3", "openapi: 3.0.3\nopenapi: 3.0.3"), "the key openapi is given twice"),
        (("openapi: 3.0.3", "swagger: '2.0'"), "#/openapi: must be 3.0.x"),
        (("    Life:", "    Death:"), "leads nowhere"),
    ],
)
def test_a_broken_contract_is_refused(
    checkout: Checkout, edit: tuple[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.commit(page=PAGE)
    checkout.write(replace=edit)

    code = main([])

    assert code == 2
    assert message in capsys.readouterr().err


def test_a_directory_without_git_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)

    code = main([])

    assert code == 2
    assert "not a git repository" in capsys.readouterr().err


def test_a_shallow_clone_is_refused_where_it_would_hide_changes(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    base = checkout.commit(page=PAGE)
    checkout.commit(replace=(BEFORE, AFTER))
    checkout.git("clone", "--quiet", "--depth=1", checkout.root.as_uri(), str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")

    without_base, with_base, with_head = main([]), main([base]), main(["HEAD"])

    assert (without_base, with_base, with_head) == (2, 2, 0)
    assert capsys.readouterr().err.count("git fetch --unshallow") == 2


def test_a_deep_enough_clone_is_not_refused(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.commit()
    checkout.commit(page=PAGE)
    checkout.commit(page=_entry(), replace=(BEFORE, AFTER))
    checkout.git("clone", "--quiet", "--depth=3", checkout.root.as_uri(), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")

    assert main([]) == 0


def test_the_command_exits_with_what_it_found(checkout: Checkout) -> None:
    shutil.copy(REPOSITORY / "openapi.yaml", checkout.root)
    checkout.commit(page=PAGE)
    checkout.write(replace=(BEFORE, AFTER))
    command = [sys.executable, "-m", "tools.contract_diff"]
    environment = {**checkout.environment, "PYTHONPATH": str(REPOSITORY)}

    done = subprocess.run(command, cwd=checkout.root, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 1, done.stderr
    assert "  getLiveness: the operationId is getAlive now [operation-renamed]" in done.stdout.splitlines()


def test_make_hands_the_base_over() -> None:
    command = ["make", "--dry-run", "contract-diff", "BASE=main"]

    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)

    assert "-m tools.contract_diff main\n" in done.stdout
