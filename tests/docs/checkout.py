"""A checkout of one's own to follow the guides in, and the environment of somebody who has just made it."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from automation.storage.embedded import EmbeddedServer
from automation.storage.embedded.cluster import is_present
from tests.docs.blocks import REPOSITORY
from tests.docs.shell import Shell, leave_all
from tests.ports import free_port

INSTALLED = (".venv", "node_modules")
"""What ``make`` would install: taken from here."""

_MADE_AGAIN = shutil.ignore_patterns(
    ".git", *INSTALLED, ".venv-*", "dist", "build", "*.egg-info", ".*_cache", ".hypothesis"
)


@dataclass(frozen=True, slots=True)
class Checkout:
    """A copy of the repository as it is, committed or not.

    ``directory`` is the copy, ``terminals`` where its shells keep what is in the foreground.
    """

    directory: Path
    terminals: Path

    @contextmanager
    def shell(self, settings: Mapping[str, str]) -> Iterator[Shell]:
        """Open a shell in the checkout, with ``settings`` in its environment."""
        scratch = Path(tempfile.mkdtemp(dir=self.terminals.parent))
        shell = Shell(self.directory, {**self._environment(), **settings}, scratch, self.terminals)
        try:
            yield shell
        finally:
            shell.close()

    def _environment(self) -> Mapping[str, str]:
        """Return this process's environment, as if the packages of the copy were those that are installed."""
        left_out = ("AUTOMATION_", "PG", "PYTHON", "VIRTUAL_ENV")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        return inherited | {
            "AUTOMATION_PORT": str(free_port()),
            "NO_COLOR": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "PYTHONPATH": str(self.directory),
            "no_proxy": "127.0.0.1,localhost",
        }


def left_out(directory: str, names: list[str]) -> set[str]:
    """Return what is not copied: what is made again, and data, for a copy would lead to the very same cluster."""
    return _MADE_AGAIN(directory, names) | {name for name in names if is_present(Path(directory, name))}


@contextmanager
def checkout(place: Path) -> Iterator[Checkout]:
    """Copy the repository below ``place``; in the end everything that runs in the copy is stopped."""
    copy = Checkout(place / "automation-executions", place / "terminals")
    copy.terminals.mkdir()
    shutil.copytree(REPOSITORY, copy.directory, ignore=left_out, symlinks=True)
    for name in INSTALLED:
        if (REPOSITORY / name).exists():
            (copy.directory / name).symlink_to(REPOSITORY / name)
    try:
        yield copy
    finally:
        leave_all(copy.terminals)
        for entrance in copy.directory.glob("*/postgres"):
            EmbeddedServer(entrance.parent).discard()
