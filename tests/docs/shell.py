"""A live bash, in which a document's commands are typed one block after the other, as its reader does.

A reader gives a command that stays in the foreground (``make run``, ``automation serve``, ``automation worker``) a
terminal of its own. Here that is a file: the command goes on in the background once it is ready. Whoever types it again
in the same shell has pressed Ctrl-C first; in another shell, who follows another document, finds it running. Everything
else is the command itself.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

BLOCK_TIMEOUT = 300.0

_PREAMBLE = r"""
set -euo pipefail

in_a_terminal() {
    local name="$1" ready="$2"; shift 2
    local terminal="$TERMINALS/$name"
    if [[ " ${typed:-} " != *" $name "* ]]; then
        typed="${typed:-} $name"
        [ ! -e "$terminal.pid" ] || return 0
    fi
    leave "$terminal"
    : >"$terminal.out" # or what was there before would be taken for what is awaited
    set -m
    "$@" >"$terminal.out" </dev/null &
    echo $! >"$terminal.pid"
    set +m
    until grep -q "$ready" "$terminal.out"; do
        kill -0 "$(cat "$terminal.pid")" || { cat "$terminal.out" >&2; return 1; }
        sleep 0.05
    done
}
leave() {
    [ -e "$1.pid" ] || return 0
    kill -TERM -- "-$(cat "$1.pid")"
    while kill -0 "$(cat "$1.pid")" 2>/dev/null; do sleep 0.05; done
    rm "$1.pid"
}
automation() {
    case "${1:-}" in
        serve) in_a_terminal serve "Serving on" command automation "$@" ;;
        worker) in_a_terminal worker "Running executions" command automation "$@" ;;
        *) command automation "$@" ;;
    esac
}
# What the virtual environment and node_modules hold is up to date: they are the tests' own.
make() {
    local stamps=(runtime demo development)
    local installed=(--no-print-directory "${stamps[@]/#/-o.venv/}" -o node_modules/.package-lock.json)
    case "${1:-}" in
        run) in_a_terminal run "The service runs on" command make "${installed[@]}" run ;;
        *) command make "${installed[@]}" "$@" ;;
    esac
}
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a block ended."""

    code: int
    output: str
    errors: str


class Shell:
    """One bash process.

    Args:
        directory: Where it starts.
        environment: All of its environment.
        scratch: Where it keeps files of its own; an existing directory.
        terminals: Where it keeps what is in the foreground; an existing directory.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str], scratch: Path, terminals: Path) -> None:
        self._scratch = scratch
        self._count = 0
        self._process = subprocess.Popen(
            ["/usr/bin/env", "bash", "--noprofile", "--norc"],
            cwd=directory,
            env={**environment, "TERMINALS": str(terminals)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        outcome = self.run(_PREAMBLE)
        assert outcome.code == 0, outcome.errors

    def run(self, source: str, *, fails: bool = False) -> Outcome:
        """Run a block to its end, or to the first command that fails; after that the shell is gone.

        Args:
            source: The commands.
            fails: Whether they are meant to fail: the code is the last one's, and the shell goes on.
        """
        self._count += 1
        block, output, errors = (self._scratch / f"{self._count}.{kind}" for kind in ("sh", "stdout", "stderr"))
        block.write_text(source)
        command = f'. "{block}" >"{output}" 2>"{errors}" </dev/null'
        self._type(f"set +e; {command}; code=$?; set -e; echo $code\n" if fails else f"{command}; echo 0\n")
        code = self._code()
        return Outcome(code, output.read_text(errors="replace"), errors.read_text(errors="replace"))

    def close(self) -> None:
        """Leave the shell; its terminals go on."""
        if self._process.poll() is None:
            self._type("exit\n")
        try:
            self._process.communicate(timeout=BLOCK_TIMEOUT)
        finally:
            _kill(self._process.pid)

    def _type(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def _code(self) -> int:
        """Wait for the end of what was typed, and return the exit code; a shell that ended says it by its own."""
        assert self._process.stdout is not None
        watch = threading.Timer(BLOCK_TIMEOUT, _kill, (self._process.pid,))
        watch.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watch.cancel()
        return int(line) if line else self._process.wait()


def leave_all(terminals: Path) -> None:
    """End everything that is in the foreground of a terminal, with everything that it started."""
    for file in terminals.glob("*.pid"):
        leader = int(file.read_text())
        with suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGTERM)
        _await_end(leader)


def _await_end(leader: int) -> None:
    """Wait for a process that may be nobody's child, and kill it where it doesn't end."""
    with suppress(psutil.NoSuchProcess):
        try:
            psutil.Process(leader).wait(BLOCK_TIMEOUT)
        except psutil.TimeoutExpired:
            _kill(leader)


def _kill(leader: int) -> None:
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(leader)
        for each in (process, *process.children(recursive=True)):  # so that it does not go on without them
            each.kill()
