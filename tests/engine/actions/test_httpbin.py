"""Webhooks against a receiver that no one here wrote: httpbin, in a process and an environment of its own."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from automation.engine.actions import ActionFailed, Actions
from tests.engine.actions.calls import a_call
from tests.plain_http import PLAIN
from tests.system.processes import START_TIMEOUT

pytestmark = pytest.mark.process

PYTHON = Path(__file__).parents[3] / ".venv-httpbin" / "bin" / "python"
SERVER = """
import sys
from httpbin import app
from werkzeug.serving import make_server

make_server("127.0.0.1", 0, app, threaded=True, fd=int(sys.argv[1])).serve_forever()
"""


@pytest.fixture(scope="module")
def httpbin() -> Iterator[str]:
    """The base URL of a running httpbin, whose clients wait until it has started."""
    assert PYTHON.exists(), "httpbin is not installed: run the tests by `make test`, which installs it"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [str(PYTHON), "-c", SERVER, str(listener.fileno())]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[listener.fileno()]
        ) as process:
            try:
                url = f"http://127.0.0.1:{listener.getsockname()[1]}"
                httpx.get(f"{url}/status/200", **PLAIN, timeout=START_TIMEOUT)
                yield url
            finally:
                process.terminate()


async def test_what_is_sent_is_what_was_configured(actions: Actions, httpbin: str) -> None:
    config = {
        "method": "PUT",
        "url": f"{httpbin}/anything/orders?source=rule",
        "headers": {"X-Shop": "acme"},
        "json": {"order": 1042, "name": "Zoë"},
    }

    result = await actions.run("webhook_call", config, a_call(key="a-key"))

    echoed = result.output["body"]
    assert result.output["status"] == 200
    assert echoed["method"] == "PUT"
    assert echoed["args"] == {"source": "rule"}
    assert echoed["json"] == {"order": 1042, "name": "Zoë"}
    assert echoed["headers"]["X-Shop"] == "acme"
    assert echoed["headers"]["Idempotency-Key"] == "a-key"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_compressed_answers_are_read(actions: Actions, httpbin: str, encoding: str) -> None:
    result = await actions.run("webhook_call", {"method": "GET", "url": f"{httpbin}/{encoding}"}, a_call())

    assert result.output["status"] == 200


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_an_unexpected_status_is_a_definite_failure(actions: Actions, httpbin: str, status: int) -> None:
    with pytest.raises(ActionFailed) as caught:
        await actions.run("webhook_call", {"method": "POST", "url": f"{httpbin}/status/{status}"}, a_call())

    assert caught.value.definite
    assert str(status) in str(caught.value)


async def test_a_redirect_is_not_followed(actions: Actions, httpbin: str) -> None:
    config = {"method": "GET", "url": f"{httpbin}/redirect/1", "expected_statuses": [302]}

    result = await actions.run("webhook_call", config, a_call())

    assert result.output["status"] == 302


async def test_an_answer_that_is_late_leaves_the_outcome_unknown(actions: Actions, httpbin: str) -> None:
    with pytest.raises(ActionFailed) as caught:
        await actions.run("webhook_call", {"method": "POST", "url": f"{httpbin}/delay/5"}, a_call(seconds=0.5))

    assert not caught.value.definite


async def test_an_answer_in_chunks_is_cut_at_the_cap(actions: Actions, httpbin: str) -> None:
    config = {"method": "GET", "url": f"{httpbin}/stream-bytes/50000?seed=1", "max_response_bytes": 1000}

    result = await actions.run("webhook_call", config, a_call())

    assert result.output["truncated"]
