"""Prism, which no one here wrote: as the judge between clients and the service, and as a server of examples."""

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import httpx

from tests.outside.sdk.recorder import Exchange, Recording, recording
from tests.plain_http import PLAIN
from tests.ports import free_port
from tests.system.processes import REPOSITORY

PRISM = REPOSITORY / "node_modules" / ".bin" / "prism"
CONTRACT = REPOSITORY / "openapi.yaml"
VIOLATIONS = "sl-violations"
START_SECONDS = 120


@contextmanager
def judged(base_url: str) -> Iterator[Recording]:
    """Stand between clients and a service, and record what Prism says of each response.

    The traffic must be well-formed: Prism breaks down when it has to repeat certain characters.
    """
    service = base_url.rstrip("/")
    with _running("proxy", "--validate-request=false", CONTRACT, service) as prism, recording(prism) as recorded:
        yield recorded


@contextmanager
def mocked() -> Iterator[str]:
    """Serve the contract's examples as ``make mock`` does; give the address."""
    with _running("mock", CONTRACT) as url:
        yield url


def faults(exchanges: Sequence[Exchange]) -> list[str]:
    """Return what is wrong with the responses, a line for each thing."""
    return [
        f"{exchange.method} {exchange.path} {exchange.status}: {'/'.join(place)}: {message}"
        for exchange in exchanges
        for place, message in _violations(exchange)
        if place[0] == "response"
    ]


def _violations(exchange: Exchange) -> Iterator[tuple[list[str], str]]:
    """Yield where, and how, Prism finds a request or its response out of contract."""
    for violation in json.loads(exchange.answered.get(VIOLATIONS, "[]")):
        yield violation["location"], violation["message"]


@contextmanager
def _running(*arguments: object) -> Iterator[str]:
    port = free_port()
    where = ["--host", "127.0.0.1", "--port", str(port), "--verboseLevel", "silent"]
    with (
        tempfile.TemporaryFile("w+") as output,
        subprocess.Popen([PRISM, *map(str, arguments), *where], stdout=output, stderr=output) as process,
    ):
        try:
            _wait_until_it_answers(process, f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
            assert process.poll() is None, "Prism broke down"
        except BaseException:
            output.seek(0)
            print(output.read())  # noqa: T201 - pytest shows it where the test fails
            raise
        finally:
            process.terminate()


def _wait_until_it_answers(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            httpx.get(url, **PLAIN, timeout=START_SECONDS)
            return
        time.sleep(0.1)
    raise AssertionError("Prism did not start")
