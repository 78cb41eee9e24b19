"""Stories of a newcomer and what has to come of them: each is told on a machine of its own."""

import json
import os
import re
import shutil
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tests.fresh.machine import PROBES, SERVICE_DIRECTORY, SERVICE_USER, Machine, virtual_environments
from tests.fresh.person import Person, Session, Unexpected
from tests.fresh.readme import first_command, second_command
from tests.fresh.requirements import (
    modes,
    process_named,
    require_code,
    require_few_lines,
    require_no_fault,
    require_no_wider,
    require_quiet,
    require_same,
)

GREETING = r".*The service runs on http://127\.0\.0\.1:8080.*"
CURL = r" *(curl .*)"
README_ALONE = "tests/docs/test_snippets.py -k README"
FIRST_SECONDS = 600.0
AGAIN_SECONDS = 60.0
INTERRUPTED = (0, 130)
TERMINATED = (0, 143)
PORT = 8080
EXTRA_ROOM = "automation.demo"


@dataclass(frozen=True, slots=True)
class Scene:
    """Somebody on a machine, with a checkout that nothing was ever done in."""

    machine: Machine
    person: Person
    checkout: Path

    @property
    def seen_checkout(self) -> Path:
        """The checkout, for who looks from outside."""
        return self.person.seen(self.checkout)

    @property
    def command(self) -> str:
        """The README's first command, as it stands there."""
        return first_command(self.seen_checkout / "README.md")

    def session(self, line: str, *, terminal: bool) -> Session:
        """Type a line in the checkout."""
        return Session(self.person.command(line, self.checkout), terminal=terminal)

    def run(self, line: str, extra: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Type a line in the checkout, and wait for its end."""
        return self.person.run(line, self.checkout, extra, seconds=FIRST_SECONDS)

    def succeed(self, line: str) -> str:
        """Type a line in the checkout, and return all that it said.

        Raises:
            Unexpected: It failed.
        """
        code, output = self.run(line)
        if code != 0:
            raise Unexpected(f"{line!r} ended with {code} and said:\n{output}")
        return output


Story = Callable[[Scene], str]


def the_first_command(scene: Scene) -> str:
    """Run the README's first command twice, use what it offers, and end it in both ways."""
    require_bareness(scene)
    before = modes(scene.machine.root, scene.seen_checkout)
    began = time.monotonic()
    with told(scene, terminal=True) as first:
        first.await_line(GREETING, FIRST_SECONDS)
        first_time = time.monotonic() - began
        paste_the_call(scene, first.await_line(CURL, AGAIN_SECONDS))
        data = demo_data(scene)
        first.press_ctrl_c()
        require_code("Ctrl-C", first.end(), INTERRUPTED)
    require_quiet()
    began = time.monotonic()
    with told(scene, terminal=False) as second:
        second.await_line(GREETING, AGAIN_SECONDS)
        second_time = time.monotonic() - began
        paste_the_call(scene, second.await_line(CURL, AGAIN_SECONDS))
        require_same(data, demo_data(scene))
        os.kill(process_named("make"), signal.SIGTERM)
        require_code("SIGTERM", second.end(), TERMINATED)
    require_quiet()
    require_no_wider(before, modes(scene.machine.root, scene.seen_checkout))
    probe(scene, "modules.py", str(scene.checkout))
    return f"greeted after {first_time:.0f} s, the second time after {second_time:.1f} s"


def the_second_command(scene: Scene) -> str:
    """Run the README's second command for one test, which follows the README; all others would take too long here."""
    require_bareness(scene)
    code, output = scene.run(second_command(scene.seen_checkout / "README.md"), {"PYTEST_ADDOPTS": README_ALONE})
    require_code("the tests", code, (0,), output)
    require_no_fault(output)
    require_quiet()
    return output.splitlines()[-1].strip(" =")


def the_runtime_alone(scene: Scene) -> str:
    """Install what production needs and nothing else, broken off twice, and use all that is production's."""
    require_bareness(scene)
    line = "make .venv/runtime"
    for made in (".venv/bin/python*", ".venv/lib/python3*/site-packages/[!p_]*"):
        with scene.session(line, terminal=True) as session:
            session.await_file(made, scene.seen_checkout, FIRST_SECONDS)
            session.press_ctrl_c()
            require_code("Ctrl-C", session.end(), (2, 130))
    output = scene.succeed(line)
    require_few_lines(output, 2)
    said = probe(scene, "modules.py", str(scene.checkout), EXTRA_ROOM)
    code, output = scene.run(".venv/bin/automation demo")
    require_refusal(code, output, (1, 2), r"automation: .*`make run`.*automation-executions\[demo\].*")
    return f"broken off twice; {said.splitlines()[-1]}"


def without_venv(scene: Scene) -> str:
    """Debian's Python comes without what makes virtual environments."""
    for directory in scene.machine.root.glob("usr/lib/python3*/ensurepip"):
        shutil.rmtree(directory)
    return refused(scene, r".*apt install python3-venv.*")


def with_an_old_python(scene: Scene) -> str:
    """A Python that says it is 3.10."""
    place = scene.machine.root / "opt" / "old"
    place.mkdir(parents=True)
    (place / "sitecustomize.py").write_text(
        "import collections, sys\n"
        "Version = collections.namedtuple('Version', 'major minor micro releaselevel serial')\n"
        "sys.version_info = Version(3, 10, 13, 'final', 0)\n"
    )
    code, output = scene.run(scene.command, {"PYTHONPATH": "/opt/old"})
    return require_refusal(code, output, (2,), r"Python 3\.11 or later is needed, and python3 is 3\.10.*")


def without_network(scene: Scene) -> str:
    """Nothing answers but this machine itself."""
    said = refused(scene, r"The package index can't be reached.*")
    if (scene.seen_checkout / ".venv" / "runtime").exists():
        raise Unexpected("an installation that failed left its stamp")
    return said


def without_a_writable_checkout(scene: Scene) -> str:
    """The checkout is somebody else's."""
    os.chown(scene.seen_checkout, 0, 0)
    return refused(scene, r"newcomer can't write to .*")


def with_the_port_taken(scene: Scene) -> str:
    """Something else listens where the demo would."""
    with socket.create_server(("127.0.0.1", PORT)):
        said = refused(scene, r".* port 8080.*AUTOMATION_PORT.*")
    require_quiet()
    return said


STORIES: Mapping[str, Story] = MappingProxyType(
    {
        story.__name__: story
        for story in (
            the_first_command,
            the_second_command,
            the_runtime_alone,
            without_venv,
            with_an_old_python,
            without_network,
            without_a_writable_checkout,
            with_the_port_taken,
        )
    }
)


def refused(scene: Scene, line: str) -> str:
    """Type the README's first command, which is refused with a line."""
    code, output = scene.run(scene.command)
    return require_refusal(code, output, (2,), line)


def require_refusal(code: int, output: str, codes: tuple[int, ...], line: str) -> str:
    """Require an exit code, and one line that says what to do: beside it, at most what is being done and make's own."""
    require_no_fault(output)
    require_code("the refusal", code, codes, output)
    said = [each for each in output.splitlines() if each.strip() and not each.startswith(("make: ", "Installing "))]
    if len(said) != 1 or not re.fullmatch(line, said[0]):
        raise Unexpected(f"one line was expected, {line!r}; it said:\n{output}")
    return said[0]


class told:  # noqa: N801 - reads as a verb: with told(scene) as first
    """Type the README's first command; whatever goes wrong meanwhile is told with all that the command said."""

    def __init__(self, scene: Scene, *, terminal: bool) -> None:
        self._session = scene.session(scene.command, terminal=terminal)

    def __enter__(self) -> Session:
        """Return the session."""
        return self._session.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        """Hold the output to what holds for every output."""
        self._session.__exit__()
        if isinstance(error, Unexpected):
            raise Unexpected(f"{error}\nIt said:\n{self._session.output}") from error
        if kind is None:
            require_no_fault(self._session.output)


def paste_the_call(scene: Scene, call: str) -> None:
    """Type the greeting's curl as it stands, and hold the answer to the contract with what make run installed.

    Where the machine has no curl it is typed on this one, at the same network: a newcomer would take a browser.
    """
    answer = scene.seen_checkout / ".data"
    inside = scene.checkout / ".data"
    if (scene.machine.root / "usr/bin/curl").exists():
        scene.succeed(f"{call} --noproxy '*' --dump-header {inside}/headers --output {inside}/body")
    else:
        line = f"{call} --noproxy '*' --dump-header {answer}/headers --output {answer}/body"
        with Session(["/bin/sh", "-c", line], terminal=False) as session:
            if session.end() != 0:
                raise Unexpected(f"{call!r} failed: {session.output}")
        for name in ("headers", "body"):
            os.chown(answer / name, scene.person.uid, scene.person.uid)
    probe(scene, "answer.py", f"{inside}/headers", f"{inside}/body")


def probe(scene: Scene, name: str, *arguments: str) -> str:
    """Run one of the probes with the Python that make installed into, and return what it said."""
    return scene.succeed(" ".join((".venv/bin/python", f"{PROBES}/{name}", *arguments)))


def demo_data(scene: Scene) -> Mapping[str, object]:
    """Return what the demo wrote down for scripts."""
    document: Mapping[str, object] = json.loads((scene.seen_checkout / ".data" / "demo.json").read_text())
    return document


def require_bareness(scene: Scene) -> None:
    """Require that nothing is prepared, so that a machine which isn't bare proves nothing by accident."""
    root = scene.machine.root
    if SERVICE_USER in (root / "etc/passwd").read_text() or (root / SERVICE_DIRECTORY).exists():
        raise Unexpected("the service's user or its directory is there before anything was done")
    found = [str(path) for path in virtual_environments(root)]
    found += [name for name in (".venv", "node_modules", ".data") if (scene.seen_checkout / name).exists()]
    if found:
        raise Unexpected(f"something is prepared already: {found}")
