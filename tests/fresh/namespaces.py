"""Starts a story in namespaces of its own: mounts, processes, network, names and shared memory."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.fresh.network import WayOut
from tests.fresh.package_index import pip_settings

DEADLINE = 900.0
# Whatever ends this process ends the machine with all that runs on it.
_UNSHARE = ("setpriv", "--pdeathsig", "KILL", "unshare", "--fork", "--kill-child", "--mount-proc")
_NAMESPACES = ("--mount", "--pid", "--net", "--ipc", "--uts")
_HERE = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a story ended; ``said`` is a line on success, and all that is known of a failure."""

    well: bool
    said: str
    seconds: float


def tell(story: str, *, lower: Path, who: str, online: bool, checkout: Path, cache: Path) -> Ending:
    """Tell a story, and return how it ended.

    Args:
        story: Its name.
        lower: The file tree that the machine begins as.
        who: ``root``, or an ordinary user.
        online: Whether pip finds a way to its index.
        checkout: A clone, which is copied.
        cache: Where pip's downloads are kept for the stories after it.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fresh.", ignore_cleanup_errors=True) as scratch:
        result, workplace = Path(scratch, "result"), Path(scratch, "machine")
        workplace.mkdir()
        inner, outer = socket.socketpair()
        with inner, outer:
            WayOut(outer, pip_settings().proxy)
            assignment = {
                "story": story,
                "lower": str(lower),
                "who": who,
                "checkout": str(checkout),
                "cache": str(cache),
                "channel": str(inner.fileno()) if online else "",
                "workplace": str(workplace),
                "result": str(result),
            }
            file = Path(scratch, "assignment.json")
            file.write_text(json.dumps(assignment))
            code, output = _run(file, inner)
        said = result.read_text() if result.exists() else output
        return Ending(code == 0, said, time.monotonic() - began)


def _run(file: Path, channel: socket.socket) -> tuple[int, str]:
    process = subprocess.Popen(
        [*_UNSHARE, *_NAMESPACES, sys.executable, "-m", "tests.fresh.inside", file],
        cwd=_HERE,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        pass_fds=[channel.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    channel.close()
    try:
        output, _ = process.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        return 1, f"the story wasn't told within {DEADLINE:.0f} s"
    return process.returncode, output
