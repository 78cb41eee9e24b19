"""Builds a machine on which nothing was prepared, inside namespaces that are its own already.

Everything here changes mounts, users and files: it must only ever run below ``unshare``, see ``inside``.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.fresh.checkout import give
from tests.fresh.package_index import PipSettings
from tests.fresh.person import Person, Unexpected

SERVICE_USER = "automation-postgres"
SERVICE_DIRECTORY = "var/lib/automation-executions"
NEWCOMER = "newcomer"
NEWCOMER_ID = 4242
CACHE = Path("/var/cache/pip-of-this-run")
PROBES = Path("/var/lib/probes")

_SYSTEM = frozenset(
    {"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "sbin", "sys", "usr", "var"}
)
"""What stays of this machine's top directories: whatever somebody keeps elsewhere is not the system's."""

_EMPTIED = ("run", "tmp", "usr/local", "var/cache", "var/tmp")
_COMMANDS = ("usr/sbin", "usr/bin", "sbin", "bin")
_USER_FILES = ("passwd", "group", "shadow", "gshadow")


class Machine:
    """A file tree that is an overlay: what happens in it stays in it.

    Args:
        workplace: An empty directory outside, on which a tmpfs is mounted.
        lower: The file tree that it begins as: ``/``, or the root of a Debian.
    """

    def __init__(self, workplace: Path, lower: Path) -> None:
        self._workplace = workplace
        self._lower = lower
        self.root = workplace / "root"
        self._mount("-t", "tmpfs", "-o", "mode=711", "tmpfs", workplace)
        for name in ("changes", "scratch", "root"):
            (workplace / name).mkdir()
        layers = f"lowerdir={lower},upperdir={workplace / 'changes'},workdir={workplace / 'scratch'}"
        self._mount("-t", "overlay", "-o", layers, "overlay", self.root)

    @property
    def is_this_one(self) -> bool:
        """Whether it is a copy of this very machine."""
        return self._lower == Path("/")

    def forget(self) -> None:
        """Remove everything that anybody may have prepared here."""
        hidden = [entry.name for entry in os.scandir(self.root) if entry.is_dir(follow_symlinks=False)]
        for name in (*(name for name in hidden if name not in _SYSTEM), *_EMPTIED):
            place = self.root / name
            if place.is_dir():
                self._mount("-t", "tmpfs", "-o", f"mode={place.stat().st_mode & 0o7777:o}", "tmpfs", place)
        for environment in virtual_environments(self.root):
            shutil.rmtree(environment)
        while (self.root / SERVICE_DIRECTORY).exists():  # tests beside this one make and remove clusters meanwhile
            shutil.rmtree(self.root / SERVICE_DIRECTORY, ignore_errors=True)
        for name in _USER_FILES:
            file = self.root / "etc" / name
            lines = file.read_text().splitlines(keepends=True)
            file.write_text("".join(line for line in lines if not line.startswith(f"{SERVICE_USER}:")))

    def plug_in(self) -> None:
        """Mount what the kernel shows, and a shared memory of the machine's own."""
        self._mount("-t", "proc", "proc", self.root / "proc")
        self._mount("--rbind", "/sys", self.root / "sys")
        self._mount("--rbind", "/dev", self.root / "dev")
        self._mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", self.root / "dev/shm")

    def bind(self, path: Path, target: Path, *, writable: bool = False) -> None:
        """Let a path of this machine be seen in the other one.

        Args:
            path: A file or directory here.
            target: Where it is there.
            writable: Whether it may be changed there.
        """
        place = self.root / target.relative_to("/")
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        self._mount("--bind", path, place)
        if not writable:
            self._mount("-o", "remount,bind,ro", place)

    def keep_python(self) -> str:
        """Keep this machine's Python, wherever it is installed, and return the PATH that finds it.

        Whatever else is in its directories stays behind: the programs and packages that were installed beside it.
        """
        path = ":".join(f"/{name}" for name in _COMMANDS)
        if not self.is_this_one:
            return path
        interpreter = Path(sys.executable).resolve()
        if interpreter.is_relative_to("/usr/bin"):
            return path
        self.bind(Path(sys.base_prefix), Path(sys.base_prefix))
        for packages in (self.root / sys.base_prefix[1:]).glob("lib/python3*/site-packages"):
            self._mount("-t", "tmpfs", "tmpfs", packages)
        commands = self.root / "opt" / "python"
        commands.mkdir(parents=True, exist_ok=True)
        (commands / "python3").write_text(f'#!/bin/sh\nexec {interpreter} "$@"\n')
        (commands / "python3").chmod(0o755)
        return f"/opt/python:{path}"

    def newcomer(self) -> tuple[str, int, Path]:
        """Create an ordinary user with a home that nobody else may enter."""
        home = Path("/home") / NEWCOMER
        lines = {
            "passwd": f"{NEWCOMER}:x:{NEWCOMER_ID}:{NEWCOMER_ID}::{home}:/bin/sh\n",
            "group": f"{NEWCOMER}:x:{NEWCOMER_ID}:\n",
            "shadow": f"{NEWCOMER}:!:20000:0:99999:7:::\n",
            "gshadow": f"{NEWCOMER}:!::\n",
        }
        for name, line in lines.items():
            with (self.root / "etc" / name).open("a") as file:
                file.write(line)
        return NEWCOMER, NEWCOMER_ID, home

    def login(self, *, ordinary: bool, pip: PipSettings, proxy: str | None) -> Person:
        """Return somebody who has just logged in for the first time.

        Args:
            ordinary: Whether it is an ordinary user; else root.
            pip: What pip is told here.
            proxy: Where the one way to the package index is; None where there is none.
        """
        name, uid, home = self.newcomer() if ordinary else ("root", 0, Path("/root"))
        self._furnish(home, uid, pip)
        path = self.keep_python()
        if ordinary:
            self._open_the_way(Path(sys.base_prefix))
        for each in pip.named:
            self.bind(each, each)
        variables = {"PATH": path, "LANG": "C.UTF-8", "TERM": "xterm", "PIP_CACHE_DIR": str(CACHE), **pip.variables}
        if proxy is not None:
            variables["PIP_PROXY"] = proxy
        return Person(self.root, name, uid, home, variables)

    def _furnish(self, home: Path, uid: int, pip: PipSettings) -> None:
        """Make a home that nobody else may enter, with nothing in it but what pip is told."""
        place = self.root / home.relative_to("/")
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o700)
        for file in () if self.is_this_one else pip.system:
            self._copy(file, file)
        for file in pip.personal:
            self._copy(Path.home() / file, home / file)
        give(place, uid, uid)

    def bring(self, clone: Path, target: Path, person: Person) -> None:
        """Give somebody a copy of a clone."""
        place = person.seen(target)
        shutil.copytree(clone, place, symlinks=True)
        give(place, person.uid, person.uid)

    def _open_the_way(self, directory: Path) -> None:
        """Let everybody pass through to the kept Python where it is installed in somebody's home."""
        if self.is_this_one:
            for parent in directory.parents:
                place = self.root / parent.relative_to("/")
                if not place.stat().st_mode & 0o001:
                    place.chmod(place.stat().st_mode | 0o011)

    def _copy(self, file: Path, target: Path) -> None:
        place = self.root / target.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)

    def _mount(self, *arguments: str | Path) -> None:
        done = subprocess.run(["mount", *arguments], check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise Unexpected(f"mount {' '.join(map(str, arguments))}: {done.stderr.strip()}")


def virtual_environments(root: Path) -> Iterator[Path]:
    """Find every virtual environment of a file tree's system directories."""
    for top in ("etc", "opt", "usr", "var"):
        for directory, directories, files in os.walk(root / top):
            if "pyvenv.cfg" in files:
                directories.clear()
                yield Path(directory)
