"""Release that runs: its version, and the commit that it was made from, where that is known."""

import json
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path

import automation
from automation import DISTRIBUTION

_CHECKOUT = Path(automation.__file__).parents[1]


def release() -> Mapping[str, str]:
    """Return the version, and the commit where an installer noted it (PEP 610) or what runs is a checkout."""
    installed = distribution(DISTRIBUTION)
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    commit = origin.get("vcs_info", {}).get("commit_id") or checked_out(_CHECKOUT)
    return {"version": installed.version} | ({"commit": commit} if commit else {})


def checked_out(directory: Path) -> str | None:
    """Return the commit that a directory of git's has checked out, None for any other directory."""
    try:
        git = _git_directory(directory / ".git")
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        return _commit_of(head.removeprefix("ref: "), git)
    except (OSError, UnicodeError):
        return None


def _git_directory(path: Path) -> Path:
    """Return what ``.git`` is, or names: of a worktree it is a file."""
    return path if path.is_dir() else path.parent / path.read_text().removeprefix("gitdir: ").strip()


def _commit_of(reference: str, git: Path) -> str | None:
    shared = git / "commondir"
    common = git / shared.read_text().strip() if shared.exists() else git
    loose = common / reference
    if loose.exists():
        return loose.read_text().strip()
    packed = (common / "packed-refs").read_text().splitlines()
    return next((line.partition(" ")[0] for line in packed if line.endswith(f" {reference}")), None)
