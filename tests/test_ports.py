"""A port that was given out is nobody else's: neither of who asks for one, nor of whoever connects."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ports

ASKED = "from tests import ports; print([ports.free_port() for _ in range(20)])"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> int:
    """How many ports there are, which others have given out none of."""
    first = ports.free_port()
    monkeypatch.setattr(ports, "_FIRST", first)
    monkeypatch.setattr(ports, "_first_ephemeral", lambda: first + 3 * ports._APART)
    monkeypatch.setattr(ports, "_PLACE", tmp_path / "ports")
    return 2


def test_no_port_is_given_out_twice(few: int) -> None:
    given = {ports.free_port() for _ in range(few)}

    assert len(given) == few
    with pytest.raises(RuntimeError, match="no free port"):
        ports.free_port()


def test_what_somebody_listens_on_is_not_given_out(few: int) -> None:
    taken = ports._FIRST
    with socket.create_server(("127.0.0.1", taken)):
        assert ports.free_port() != taken
        with pytest.raises(RuntimeError, match="no free port"):
            ports.free_port()


@pytest.mark.process
def test_processes_of_a_run_are_given_others_that_no_connection_has() -> None:
    own = {ports.free_port() for _ in range(20)}

    said = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True).stdout
    others = {int(each) for each in said.strip("[]\n").split(",")}

    assert len(own | others) == 40
    assert max(own | others) + ports._APART <= ports._first_ephemeral()
