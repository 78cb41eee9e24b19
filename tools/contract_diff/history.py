"""The history that git has of the contract and of the page of changes, and where a comparison begins by default."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

CONTRACT = "openapi.yaml"
PAGE = "docs/contract-changes.md"
WORK_TREE = "the work tree"


class HistoryError(Exception):
    """Git doesn't know what was asked for; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The contract and the page of changes at one time, called by a commit's short id or ``the work tree``."""

    name: str
    contract: str
    page: str


@dataclass(frozen=True, slots=True)
class Repository:
    """A checkout, by the directory that the contract is in."""

    root: Path

    def snapshots(self, base: str | None) -> list[Snapshot]:
        """Return what is to be compared, each with the next: from the base to the work tree.

        Without a base that is since the last entry: from the last commit that changed the page. The commits between the
        entry before and that one are looked at too: what they broke is what the last entry must be about.

        Raises:
            HistoryError: The base isn't known here, or has no contract.
        """
        commits = self._commits_of_entries() if base is None else [base]
        return [*(self._at(self._resolved(commit)) for commit in commits), self._work_tree()]

    def _commits_of_entries(self) -> list[str]:
        """Return the last commits that changed the page, older first; HEAD if none did.

        Merged branches count as the merge: of two branches neither is older than the other.
        """
        found = self._git("log", "-2", "--first-parent", "--format=%H", "HEAD", "--", f"./{PAGE}").split()
        if self._cut_off().intersection(found):
            raise HistoryError(
                f"this clone is shallow: it doesn't go back to where {PAGE} was last changed. Fetch all of the history "
                "(git fetch --unshallow), or name a BASE"
            )
        return found[::-1] or ["HEAD"]

    def _cut_off(self) -> set[str]:
        """Return the commits that a shallow clone begins with: they seem to have changed every file."""
        file = self.root / self._git("rev-parse", "--git-path", "shallow").strip()
        return set(file.read_text().split()) if file.exists() else set()

    def _resolved(self, reference: str) -> str:
        try:
            return self._git("rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}").strip()
        except HistoryError as error:
            advice = ": this clone is shallow, fetch it first (git fetch --unshallow)" if self._cut_off() else ""
            raise HistoryError(f"git knows no commit {reference}{advice}") from error

    def _at(self, commit: str) -> Snapshot:
        name = self._git("rev-parse", "--short", commit).strip()
        contract = self._file(commit, CONTRACT)
        if contract is None:
            raise HistoryError(f"there is no {CONTRACT} at {name}")
        return Snapshot(name, contract, self._file(commit, PAGE) or "")

    def _file(self, commit: str, path: str) -> str | None:
        if not self._git("ls-tree", "--name-only", commit, "--", f"./{path}"):
            return None
        return self._git("show", f"{commit}:./{path}")

    def _work_tree(self) -> Snapshot:
        contract, page = self.root / CONTRACT, self.root / PAGE
        if not contract.exists():
            raise HistoryError(f"there is no {CONTRACT} in {self.root}")
        return Snapshot(
            WORK_TREE, contract.read_text(encoding="utf-8"), page.read_text(encoding="utf-8") if page.exists() else ""
        )

    def _git(self, *arguments: str) -> str:
        try:
            done = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, check=True)  # noqa: S607
        except FileNotFoundError as error:
            raise HistoryError("git is not installed") from error
        except subprocess.CalledProcessError as error:
            raise HistoryError(f"git says: {error.stderr.decode(errors='replace').strip()}") from error
        return done.stdout.decode("utf-8")
