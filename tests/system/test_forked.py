"""A start that is forked is a real one to whoever looks at it from outside."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import psutil
import pytest

from tests.signals import deaf
from tests.system import forked
from tests.system.forked import STARTS, Forked, How, Started
from tests.system.processes import copy_service, environment, plant, running, serving, wait_for_line

Seen = Mapping[str, object]

TELLS_SIGNALS = """
import signal
ignored = (number.name for number in sorted(signal.Signals) if signal.getsignal(number) is signal.SIG_IGN)
blocked = (number.name for number in sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
print("ignored", *(name for name in ignored if name not in {"SIGPIPE", "SIGXFSZ"}), "blocked", *blocked)
"""


def seen_of(process: Started) -> Seen:
    """Return what the system knows of a process: its signals, its descriptors without the database's, its family.

    Of its descriptors it is those that stay: beside its start it opens files for a moment.
    """
    place = Path("/proc", str(process.pid))
    status = dict(re.findall(r"(\w+):\t(.*)", (place / "status").read_text()))
    opened = _opened(place)
    time.sleep(0.1)
    links = [link for number, link in _opened(place).items() if opened.get(number) == link]
    return {
        "descriptors": sorted(_kind(link) for link in links if not link.startswith("socket:")),
        "group": os.getpgid(process.pid),
        "session": os.getsid(process.pid),
        "directory": str((place / "cwd").readlink()),
        **{name: status[name] for name in ("SigBlk", "SigCgt", "SigIgn", "Umask", "Uid")},
    }


def _opened(place: Path) -> dict[str, str]:
    """Return what each descriptor of a process leads to."""
    found = {}
    for each in (place / "fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            found[each.name] = str(each.readlink())
    return found


def _kind(link: str) -> str:
    """Return a file's ending or name, and what else there is without its number."""
    return link.partition(":")[0] if link[0] != "/" else Path(link).suffix or Path(link).name


def run(
    arguments: Sequence[str],
    settings: Mapping[str, str],
    directory: Path,
    copy: Path | None = None,
    signals: Mapping[signal.Signals, How] = MappingProxyType({}),
) -> tuple[Started, str, str]:
    """Run the command, or a copy's, to its end; give also what it wrote."""
    output, errors = directory / "output", directory / "errors"
    with output.open("wb") as stdout, errors.open("wb") as stderr:
        streams = (0, stdout.fileno(), stderr.fileno())
        process = forked.start(arguments, environment(settings), streams, copy=copy, signals=signals)
        process.wait(60)
    return process, output.read_text(), errors.read_text()


def test_a_forked_server_is_what_a_started_one_is(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(settings) as process:
        kind, seen = type(process.popen), seen_of(process.popen)
    monkeypatch.setenv(STARTS, "real")
    with serving(settings) as process:
        real_kind, real = type(process.popen), seen_of(process.popen)

    assert (kind, real_kind) == (Forked, subprocess.Popen)
    assert seen == real


def test_a_fork_has_signals_as_they_are_left_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left: dict[signal.Signals, How] = {
        signal.SIGHUP: "ignored",
        signal.SIGINT: "ignored",
        signal.SIGQUIT: "heard",
        signal.SIGTERM: "blocked",
        signal.SIGUSR1: "blocked",
    }
    copy = copy_service(tmp_path / "copy")
    plant(copy, "automation/commands/__init__.py", "INTERRUPTED = 130\n", f"INTERRUPTED = 130\n{TELLS_SIGNALS}")

    process, *said = run(["--version"], {}, tmp_path, copy, left)
    monkeypatch.setenv(STARTS, "real")
    real, *really_said = run(["--version"], {}, tmp_path, copy, left)

    assert (type(process), type(real)) == (Forked, subprocess.Popen)
    assert said == really_said
    assert said[0].startswith("ignored SIGHUP SIGINT blocked SIGUSR1 SIGTERM\n")


def test_a_forked_worker_is_what_a_started_one_is(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with running(["worker"], settings) as process:
        wait_for_line(process, "worker started")
        kind, seen = type(process.popen), seen_of(process.popen)
    monkeypatch.setenv(STARTS, "real")
    with running(["worker"], settings) as process:
        wait_for_line(process, "worker started")
        real_kind, real = type(process.popen), seen_of(process.popen)

    assert (kind, real_kind) == (Forked, subprocess.Popen)
    assert seen == real


def test_a_forked_server_of_a_copy_is_what_a_started_one_is(
    settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = copy_service(tmp_path / "copy")
    with serving(settings, copy=copy) as process:
        kind, seen = type(process.popen), seen_of(process.popen)
    monkeypatch.setenv(STARTS, "real")
    with serving(settings, copy=copy) as process:
        real_kind, real = type(process.popen), seen_of(process.popen)

    assert (kind, real_kind) == (Forked, subprocess.Popen)
    assert seen == real


def test_a_fault_in_a_copy_is_in_its_forks_alone(tmp_path: Path) -> None:
    copy = copy_service(tmp_path / "copy")
    plant(copy, "automation/commands/__init__.py", "INTERRUPTED = 130\n", 'sys.exit("the copy")\n')

    process, output, errors = run(["--version"], {}, tmp_path, copy)
    installed, *_ = run(["--version"], {}, tmp_path)
    several, *_ = run(["serve", "--workers", "2"], {}, tmp_path, copy)

    assert (type(process), type(installed), type(several)) == (Forked, Forked, subprocess.Popen)
    assert (process.returncode, output, errors) == (1, "", "the copy\n")
    assert (installed.returncode, several.returncode) == (0, 1)


def test_how_it_ends_is_told_once_and_for_all(settings: dict[str, str]) -> None:
    with serving(settings) as process:
        running_on = process.popen.poll()
        with pytest.raises(subprocess.TimeoutExpired):
            process.popen.wait(0)
        process.popen.kill()
        code = process.popen.wait(60)
        process.popen.send_signal(signal.SIGKILL)

        assert (running_on, code, process.popen.poll()) == (None, -signal.SIGKILL, -signal.SIGKILL)
        assert not psutil.pid_exists(process.popen.pid)


def test_it_stops_in_order(settings: dict[str, str]) -> None:
    with serving(settings) as process:
        code = process.stop()

    assert code == 0


def test_it_has_the_environment_and_the_arguments_that_it_is_given(tmp_path: Path) -> None:
    process, output, errors = run(["settings", "--json"], {"AUTOMATION_PORT": "4711"}, tmp_path)

    assert isinstance(process, Forked)
    assert (process.returncode, errors) == (0, "")
    assert "4711" in output


def test_a_command_that_is_refused_says_so_as_always(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process, *said = run(["serve"], {}, tmp_path)
    monkeypatch.setenv(STARTS, "real")
    real, *really_said = run(["serve"], {}, tmp_path)

    assert (type(process), type(real)) == (Forked, subprocess.Popen)
    assert (process.returncode, said) == (real.returncode, really_said)


def test_what_a_running_interpreter_cannot_take_over_is_really_started(tmp_path: Path) -> None:
    with deaf():
        ignoring, *_ = run(["--version"], {}, tmp_path)
    otherwise, *_ = run(["--version"], {"PYTHONUTF8": "1"}, tmp_path)

    assert [type(process) for process in (ignoring, otherwise)] == [subprocess.Popen, subprocess.Popen]
