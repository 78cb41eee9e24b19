"""Small Debian machines, made from Debian's packages: Python, make, and what Debian can't do without.

A root takes about a minute to make, so it is kept for a week; each run works on an overlay of it.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

PACKAGES = ("python3", "python3-venv", "make", "ca-certificates")
PLACE = Path("/var/cache/automation-executions-fresh")
KEPT_SECONDS = 7 * 24 * 3600


class NoRoot(Exception):
    """A Debian can't be made; the message says why."""


def provide_root(suite: str) -> Path:
    """Return the root of a Debian release, made first where there is none or it is old.

    Raises:
        NoRoot: mmdebstrap failed, or this machine's apt knows no archive of Debian.
    """
    PLACE.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (PLACE / f"{suite}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _provide(suite, PLACE / suite)


def _provide(suite: str, root: Path) -> Path:
    made = root / "etc" / "fresh-root"
    if made.exists() and made.read_text() == _description() and time.time() - made.stat().st_mtime < KEPT_SECONDS:
        return root
    with tempfile.TemporaryDirectory(dir=PLACE, prefix=f"{suite}.") as scratch:
        unfinished = Path(scratch, "root")
        _make(suite, unfinished, Path(scratch, "apt.conf"))
        Path(unfinished, "etc", "fresh-root").write_text(_description())
        shutil.rmtree(root, ignore_errors=True)
        unfinished.rename(root)
    return root


def _description() -> str:
    return " ".join(PACKAGES) + "\n"


def _make(suite: str, root: Path, settings: Path) -> None:
    """Run mmdebstrap with this machine's own archive, and with what its apt is told of the network."""
    settings.write_text(_output("apt-config", "dump", "Acquire"))
    archives = _output("apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN)", "Created-By: Packages")
    archive = next((line.split()[0] for line in archives.splitlines() if line.endswith(" Debian")), None)
    if archive is None:
        message = "apt-get knows no archive of Debian here: run 'apt-get update', or set one up"
        raise NoRoot(message)
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", f"--aptopt={settings}"]
    command += [f"--include={','.join(PACKAGES)}", suite, str(root), archive]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise NoRoot("\n".join(done.stdout.splitlines()[-10:]))


def _output(*command: str) -> str:
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C"})
    return done.stdout
