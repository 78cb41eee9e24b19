import asyncio
import re
import time
import traceback
from typing import Any

import pytest

from automation.engine.actions import (
    ActionFailed,
    ActionResources,
    Actions,
    ActionTimedOut,
    ActionWithheld,
    Egress,
    webhook_call,
)
from automation.engine.networks import networks
from tests.engine.actions.calls import KEY, a_call, lost_after
from tests.engine.actions.receiver import Answer, Receiver, response, writing

SECRETS = ("s3cret", "hush", "whisper")


async def failure(actions: Actions, config: dict[str, Any], *, seconds: float = 5.0) -> ActionFailed:
    with pytest.raises(ActionFailed) as raised:
        await actions.run("webhook_call", config, a_call(seconds=seconds))
    return raised.value


async def test_a_json_body_is_posted_with_the_key_of_the_call(actions: Actions, receiver: Receiver) -> None:
    config = {"url": f"{receiver.url}/hook?a=1", "json": {"n": 1}, "headers": {"X-Mine": "yes"}}

    await actions.run("webhook_call", config, a_call())

    [received] = receiver.received
    assert (received.method, received.target, received.body) == ("POST", "/hook?a=1", b'{"n":1}')
    assert received.headers["idempotency-key"] == KEY
    assert received.headers["x-execution-id"] == "0198c3a4-7a52-7c1e-9d55-000000000001"
    assert received.headers["x-rule-id"] == "0198c3a4-7a52-7c1e-9d55-000000000002"
    assert (received.headers["x-attempt"], received.headers["x-action-index"]) == ("1", "0")
    assert re.fullmatch("00-0198c3a47a527c1e9d55000000000001-[0-9a-f]{16}-01", received.headers["traceparent"])
    assert received.headers["content-type"] == "application/json"
    assert received.headers["x-mine"] == "yes"
    assert received.headers["user-agent"].startswith("automation-executions/")


async def test_a_text_body_is_sent_with_the_media_type_that_was_asked_for(actions: Actions, receiver: Receiver) -> None:
    config = {"method": "PUT", "url": receiver.url, "text": "<a>é</a>", "headers": {"content-type": "text/xml"}}

    await actions.run("webhook_call", config, a_call())

    [received] = receiver.received
    assert (received.method, received.body) == ("PUT", "<a>é</a>".encode())
    assert received.headers["content-type"] == "text/xml"


async def test_the_response_becomes_the_output(actions: Actions, receiver: Receiver) -> None:
    receiver.answer = writing(response(b'{"id": 7}', "Content-Type: application/json", "X-Other: 1"))

    result = await actions.run("webhook_call", {"url": receiver.url}, a_call())

    assert result.output == {
        "status": 200,
        "headers": {"content-type": "application/json"},
        "body": {"id": 7},
        "truncated": False,
    }
    assert result.metadata == {"host": f"127.0.0.1:{receiver.port}", "status": 200}


async def test_an_unexpected_status_is_a_definite_failure(actions: Actions, receiver: Receiver) -> None:
    receiver.answer = writing(response(b"no", status="503 Service Unavailable"))

    failed = await failure(actions, {"url": receiver.url})

    assert failed.definite
    assert failed.retryable
    assert "503" in failed.message
    assert failed.metadata["status"] == 503


async def test_the_reason_of_an_unexpected_status_is_kept(actions: Actions, receiver: Receiver) -> None:
    reason = b'{"error": "quantity must be positive"}'
    headers = ("Content-Type: application/json", "Retry-After: 3", "X-RateLimit-Remaining: 0", "Set-Cookie: a=b")
    receiver.answer = writing(response(reason, *headers, status="422 Unprocessable Content"))

    failed = await failure(actions, {"url": receiver.url})

    assert failed.output == {
        "status": 422,
        "headers": {"content-type": "application/json", "retry-after": "3", "x-ratelimit-remaining": "0"},
        "body": {"error": "quantity must be positive"},
        "truncated": False,
    }
    assert failed.metadata == {"host": f"127.0.0.1:{receiver.port}", **failed.output}
    assert failed.retry_after == 3
    assert failed.message.endswith(" answered with the unexpected status 422")


async def test_no_more_than_the_beginning_of_a_reason_is_kept(actions: Actions, receiver: Receiver) -> None:
    receiver.answer = writing(response(b"x" * 100_000, status="500 Internal Server Error"))

    failed = await failure(actions, {"url": receiver.url})

    assert (len(failed.output["body"]), failed.output["truncated"]) == (4096, True)


@pytest.mark.parametrize(
    "answer",
    [
        writing(response(b"", status="503 Service Unavailable").replace(b"th: 0", b"th: 9")),
        writing(response(b"", status="503 Service Unavailable").replace(b"th: 0", b"th: 9"), pause=30),
        writing(response(b"no gzip", "Content-Encoding: gzip", status="503 Service Unavailable")),
        writing(response(b"no br", "Content-Encoding: br", status="503 Service Unavailable")),
    ],
    ids=["cut off", "never ending", "not encoded as it says", "in a strange encoding"],
)
async def test_an_unexpected_status_is_told_whatever_becomes_of_its_body(
    actions: Actions, receiver: Receiver, answer: Answer
) -> None:
    receiver.answer = answer

    failed = await failure(actions, {"url": receiver.url}, seconds=1)

    assert failed.definite
    assert failed.message.endswith(" answered with the unexpected status 503")
    assert (failed.output["body"], failed.output["truncated"]) == (None, True)


async def test_the_statuses_that_mean_success_can_be_chosen(actions: Actions, receiver: Receiver) -> None:
    receiver.answer = writing(response(b"", status="409 Conflict"))

    result = await actions.run("webhook_call", {"url": receiver.url, "expected_statuses": [200, 409]}, a_call())

    assert result.output["status"] == 409


async def test_a_redirect_is_not_followed_and_the_failure_says_so(actions: Actions, receiver: Receiver) -> None:
    receiver.answer = writing(response(b"", f"Location: {receiver.url}/next", status="307 Temporary Redirect"))

    failed = await failure(actions, {"url": receiver.url})

    assert failed.definite
    assert "redirects are not followed" in failed.message
    assert len(receiver.received) == 1


async def test_a_connection_that_is_refused_is_definite_because_nothing_was_sent(
    actions: Actions, closed_port: int
) -> None:
    failed = await failure(actions, {"url": f"http://127.0.0.1:{closed_port}/"})

    assert failed.definite
    assert failed.retryable
    assert failed.message.endswith(" refused the connection")


async def test_a_refused_address_is_definite_and_not_worth_another_try(receiver: Receiver) -> None:
    guarded = Actions.of([webhook_call.action(ActionResources())])

    failed = await failure(guarded, {"url": receiver.url})

    assert failed.definite
    assert not failed.retryable
    assert "loopback" in failed.message
    assert receiver.received == []


async def test_a_name_without_addresses_is_definite() -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return []

    actions = Actions.of([webhook_call.action(ActionResources(egress=Egress(resolve=resolve)))])

    failed = await failure(actions, {"url": "http://nowhere.test/"})

    assert failed.definite
    assert failed.retryable
    assert "could not be resolved" in failed.message


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"HTTP/1.1 200 OK\r\nContent-Le"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"],
        [b"SSH-2.0-OpenSSH_9.9\r\n"],
    ],
    ids=["at once", "in the headers", "in the body", "in a chunk", "not HTTP"],
)
async def test_a_connection_lost_after_sending_leaves_the_outcome_unknown(
    actions: Actions, receiver: Receiver, pieces: list[bytes]
) -> None:
    receiver.answer = writing(*pieces)

    failed = await failure(actions, {"url": receiver.url})

    assert not failed.definite
    assert failed.retryable
    assert not isinstance(failed, ActionTimedOut)


async def test_a_receiver_that_never_answers_leaves_the_outcome_unknown(actions: Actions, receiver: Receiver) -> None:
    receiver.answer = writing(b"", pause=5)
    started = time.monotonic()

    failed = await failure(actions, {"url": receiver.url}, seconds=0.2)

    assert isinstance(failed, ActionTimedOut)
    assert not failed.definite
    assert time.monotonic() - started < 0.6


async def test_the_deadline_is_one_for_the_whole_call_however_often_a_byte_comes(
    actions: Actions, receiver: Receiver
) -> None:
    receiver.answer = writing(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b"."] * 1000, pause=0.02)
    started = time.monotonic()

    failed = await failure(actions, {"url": receiver.url}, seconds=0.3)

    assert isinstance(failed, ActionTimedOut)
    assert not failed.definite
    assert time.monotonic() - started < 0.7


async def test_a_name_that_takes_too_long_to_resolve_is_definite() -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        await asyncio.sleep(5)
        return []

    actions = Actions.of([webhook_call.action(ActionResources(egress=Egress(resolve=resolve)))])

    failed = await failure(actions, {"url": "http://slow.test/"}, seconds=0.1)

    assert isinstance(failed, ActionTimedOut)
    assert failed.definite


async def test_a_call_that_is_cancelled_closes_its_connection(actions: Actions, receiver: Receiver) -> None:
    started, closed = asyncio.Event(), asyncio.Event()

    async def answer(writer: asyncio.StreamWriter) -> None:
        started.set()
        try:
            while True:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            closed.set()

    receiver.answer = answer
    call = asyncio.create_task(actions.run("webhook_call", {"url": receiver.url}, a_call()))
    await started.wait()

    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.wait_for(closed.wait(), timeout=2)


@pytest.mark.parametrize("status", ["500 hush", "200 OK"])
async def test_no_error_shows_the_request_or_the_headers(actions: Actions, receiver: Receiver, status: str) -> None:
    receiver.answer = writing(response(b"", "X-Token: whisper", status=status).replace(b"th: 0", b"th: 9"))
    url = f"{receiver.url}/s3cret/path?token=s3cret"

    failed = await failure(actions, {"url": url, "headers": {"authorization": "Bearer hush"}, "text": "hush"})

    shown = f"{''.join(traceback.format_exception(failed))}{failed.metadata}"
    assert not any(secret in shown for secret in SECRETS)


async def test_cookies_of_one_call_are_not_sent_with_the_next(actions: Actions, receiver: Receiver) -> None:
    receiver.answer = writing(response(b"", "Set-Cookie: session=1"))

    await actions.run("webhook_call", {"url": receiver.url}, a_call())
    await actions.run("webhook_call", {"url": receiver.url}, a_call())

    assert "cookie" not in receiver.received[1].headers


async def test_a_body_that_grew_too_large_is_not_sent(actions: Actions, receiver: Receiver) -> None:
    failed = await failure(actions, {"url": receiver.url, "json": ["x" * 1024] * 1024})

    assert failed.definite
    assert not failed.retryable
    assert receiver.received == []


async def test_several_networks_can_be_allowed_at_once(receiver: Receiver) -> None:
    egress = Egress(networks(["10.0.0.0/8", " 127.0.0.1 ", "fd00::/8"]))
    actions = Actions.of([webhook_call.action(ActionResources(egress=egress))])

    result = await actions.run("webhook_call", {"url": receiver.url}, a_call())

    assert result.output["body"] == "ok"


async def test_nothing_is_sent_once_the_execution_may_be_another_worker_s(actions: Actions, receiver: Receiver) -> None:
    asked_before_it_connects = 1

    with pytest.raises(ActionWithheld) as withheld:
        await actions.run("webhook_call", {"url": receiver.url}, a_call(holds=lost_after(asked_before_it_connects)))

    assert receiver.received == []
    assert (withheld.value.definite, withheld.value.retryable) == (True, True)
