"""Release that runs: told by its version and, of a checkout, its commit, however git keeps that."""

import subprocess
from pathlib import Path

import pytest

from automation.service.release import checked_out, release

GIT = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com")


def git(directory: Path, *arguments: str) -> str:
    return subprocess.run(
        [*GIT, *arguments], cwd=directory, check=True, capture_output=True, text=True, timeout=20
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one commit."""
    directory = tmp_path / "checkout"
    directory.mkdir()
    git(directory, "init", "--quiet")
    git(directory, "commit", "--quiet", "--allow-empty", "--message", "Begin")
    return directory


@pytest.mark.process
@pytest.mark.parametrize("kept", [("status",), ("pack-refs", "--all"), ("checkout", "--quiet", "--detach")])
def test_a_checkout_is_told_by_its_commit(checkout: Path, kept: tuple[str, ...]) -> None:
    git(checkout, *kept)

    assert checked_out(checkout) == git(checkout, "rev-parse", "HEAD")


@pytest.mark.process
def test_so_is_a_worktree(checkout: Path) -> None:
    git(checkout, "worktree", "add", "--quiet", "../other")

    assert checked_out(checkout.parent / "other") == git(checkout, "rev-parse", "HEAD")


def test_what_is_no_checkout_has_no_commit(tmp_path: Path) -> None:
    assert checked_out(tmp_path) is None


def test_the_version_is_that_of_the_package() -> None:
    assert release()["version"].count(".") == 2
