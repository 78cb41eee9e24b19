"""Children of ``serve --workers`` are forks of their parent: they load nothing anew, and share nothing."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.plain_http import PLAIN
from tests.system import forked
from tests.system.children import PATIENCE, children_of, lines_of, wait_until_it_serves
from tests.system.processes import Process, environment, port_of, serving, wait_for_line, wait_until_alive


@pytest.fixture(scope="module")
def family(session_settings: dict[str, str]) -> Iterator[Process]:
    """A parent with two children that serve."""
    with serving(session_settings, workers=2) as process:
        wait_for_line(process, "service started")
        yield process


def replaced(process: Process, old: psutil.Process) -> psutil.Process:
    """Kill a child, and return the one that serves in its place."""
    old.kill()
    wait_for_line(process, "process replaced")
    (line,) = lines_of(process, "process replaced")
    wait_until_it_serves(process, line["by"])
    return psutil.Process(line["by"])


def ends(pid: int) -> set[str]:
    """Return what the descriptors of a process lead to, where it is something that two could share."""
    links = {str(each.readlink()) for each in Path("/proc", str(pid), "fd").iterdir()}
    return {link for link in links if not link.startswith(("anon_inode:", "/dev/"))}


def listeners(process: Process) -> set[str]:
    """Return what the parent listens on, as its descriptors lead to it."""
    found = set()
    for connection in psutil.Process(process.popen.pid).net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN:
            found.add(str(Path("/proc", str(process.popen.pid), "fd", str(connection.fd)).readlink()))
    return found


def test_a_child_loads_nothing_anew_and_nothing_besides(settings: dict[str, str]) -> None:
    with serving(settings | {"PYTHONPROFILEIMPORTTIME": "1"}, workers=2) as process:
        wait_for_line(process, "service started")
        replaced(process, children_of(process)[0])
        lines = process.errors.read_text().splitlines()

    first = min(number for number, line in enumerate(lines) if "process started" in line)
    before, since = (
        [line for line in part if line.startswith("import time:")] for part in (lines[:first], lines[first:])
    )
    assert len(before) > 1000
    assert since == []


def test_a_parent_is_alone_with_its_main_thread_and_its_children_are_forks(family: Process) -> None:
    parent = psutil.Process(family.popen.pid)
    deadline = time.monotonic() + PATIENCE
    while parent.num_threads() > 1:  # one that has written a log line ends
        assert time.monotonic() < deadline
        time.sleep(0.05)

    commands = [child.cmdline() for child in children_of(family)]

    assert commands == [parent.cmdline()] * 2


def test_a_child_has_nothing_of_another_ones(family: Process) -> None:
    first, second = children_of(family)

    third = replaced(family, first)
    shared = ends(second.pid) & ends(third.pid)

    standard = {str(Path("/proc", str(third.pid), "fd", str(number)).readlink()) for number in range(3)}
    assert len(listeners(family)) == 1
    assert shared - standard == listeners(family)


def test_lines_of_children_leave_by_their_parents_pipe(settings: dict[str, str]) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as errors, Path(os.devnull).open("w") as nothing:
        arguments = ["serve", "--port", "0", "--workers", "2"]
        popen = forked.start(arguments, environment(settings), (0, nothing.fileno(), errors.fileno()))
    process = Process(popen, Path(os.devnull), Path(os.devnull))
    with os.fdopen(reading) as written:
        try:
            process.base_url = f"http://127.0.0.1:{port_of(process)}"
            wait_until_alive(process)
            for number in range(10):
                httpx.get(f"{process.base_url}/readyz", headers={"x-request-id": f"asked-{number}"}, **PLAIN)
            code = process.stop()
        finally:
            popen.kill()
        lines = [json.loads(line) for line in written]

    asked = [line["request_id"] for line in lines if line["event"] == "request" and line["request_id"][:6] == "asked-"]
    assert code == 0
    assert sorted(asked) == [f"asked-{number}" for number in range(10)]
