"""Tells one story, inside namespaces of its own: builds the machine, logs in, and writes down what came of it.

Usage, below ``unshare`` only: python3 -m tests.fresh.inside ASSIGNMENT, a file that ``namespaces`` wrote.
"""

import json
import os
import socket
import sys
import traceback
from pathlib import Path

from tests.fresh.checkout import give
from tests.fresh.machine import CACHE, PROBES, Machine
from tests.fresh.network import hand_out, raise_loopback
from tests.fresh.package_index import pip_settings
from tests.fresh.person import Unexpected
from tests.fresh.stories import STORIES, Scene

CHECKOUT = "automation-executions"


def main(file: Path) -> int:
    """Tell the story in a child: the first process of a machine waits for orphans, as every machine's does."""
    teller = os.fork()
    if teller == 0:
        os._exit(_tell(json.loads(file.read_text())))
    while True:
        pid, status = os.wait()
        if pid == teller:
            return os.waitstatus_to_exitcode(status)


def _tell(assignment: dict[str, str]) -> int:
    result = Path(assignment["result"])
    try:
        said = STORIES[assignment["story"]](_scene(assignment))
    except Unexpected as error:
        result.write_text(str(error))
        return 1
    except BaseException:
        result.write_text(traceback.format_exc())
        return 1
    result.write_text(said)
    return 0


def _scene(assignment: dict[str, str]) -> Scene:
    raise_loopback()
    pip = pip_settings()
    proxy = None
    if assignment["channel"]:
        with socket.socket(fileno=int(assignment["channel"])) as channel:
            proxy = f"http://127.0.0.1:{hand_out(channel)}"
            channel.detach()  # open as long as this process is: the way out is closed with it
    machine = Machine(Path(assignment["workplace"]), Path(assignment["lower"]))
    machine.forget()
    machine.plug_in()
    person = machine.login(ordinary=assignment["who"] != "root", pip=pip, proxy=proxy)
    cache = Path(assignment["cache"])
    give(cache, person.uid, person.uid)
    machine.bind(cache, CACHE, writable=True)
    machine.bind(Path(__file__).parent / "probes", PROBES)
    checkout = person.home / CHECKOUT
    machine.bring(Path(assignment["checkout"]), checkout, person)
    return Scene(machine, person, checkout)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
