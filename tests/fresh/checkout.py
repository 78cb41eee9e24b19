"""Copies a checkout as a clone would have it: the files that git tracks, as they are in the working tree."""

import os
import shutil
import subprocess
from pathlib import Path


def tracked_files(repository: Path) -> list[str]:
    """Return the tracked files that are there, from the repository's root."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={repository}", "ls-files", "-z"],
        cwd=repository,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return [name for name in listed.stdout.split("\0") if name and os.path.lexists(repository / name)]


def copy_checkout(repository: Path, place: Path) -> None:
    """Copy the tracked files to a directory that doesn't exist yet."""
    for name in tracked_files(repository):
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(repository / name, target, follow_symlinks=False)


def give(place: Path, uid: int, gid: int) -> None:
    """Make somebody the owner of a directory and of everything in it."""
    os.chown(place, uid, gid)
    for directory, directories, files in os.walk(place):
        for name in (*directories, *files):
            os.chown(Path(directory, name), uid, gid, follow_symlinks=False)
