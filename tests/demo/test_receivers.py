"""The demo's receivers: what a caller gets, and how they end."""

import logging
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from automation.demo.receivers import receiving
from tests.plain_http import PLAIN


def test_a_receiver_that_is_out_of_order_can_be_repaired() -> None:
    with receiving() as receivers, httpx.Client(base_url=receivers.http_url, **PLAIN) as client:
        before = client.post("/broken", json={})
        client.post("/repair")
        after = client.post("/broken", json={"order": 7})

    assert (before.status_code, after.status_code) == (502, 200)
    assert after.json()["received"] == {"order": 7}


def test_a_call_that_waits_for_the_slow_receiver_ends_with_it_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    taken = threading.Event()
    answers: list[int] = []

    def call(url: str) -> None:
        with httpx.stream("POST", url, content=_told(taken), **PLAIN, timeout=30) as answer:
            answers.append(answer.status_code)

    with caplog.at_level(logging.DEBUG):
        with receiving() as receivers:
            caller = threading.Thread(target=call, args=(f"{receivers.http_url}/slow",))
            caller.start()
            assert taken.wait(10)
            time.sleep(0.2)
            began = time.monotonic()
        ended = time.monotonic() - began
        caller.join(10)

    assert answers == [200]
    assert ended < 5
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def _told(taken: threading.Event) -> Iterator[bytes]:
    yield b"{}"
    taken.set()


def test_a_caller_that_gives_up_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        with receiving() as receivers:
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"{receivers.http_url}/slow", json={}, **PLAIN, timeout=0.2)
            began = time.monotonic()
        ended = time.monotonic() - began

    assert ended < 5
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
