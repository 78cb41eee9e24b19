"""A connection takes what HTTP allows, and the rest is answered byte by byte."""

import contextlib
import json
import re
import socket
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.system.conftest import Service
from tests.system.log_lines import lines_of

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n"
BROKEN = b"\x16\x03\x01 / nothing\r\n\r\n"
UNFINISHED = [GET, b"\r\n", GET + b"\r\n" + GET]
LIMIT = 64 * 1024
ADDRESSES = [
    *(b"GET /healthz", b"HEAD /readyz", b"GET /", b"GET /docs", b"GET /docs/", b"GET /problems", b"GET /nothing"),
    *(b"PUT /docs", b"OPTIONS /healthz", b"GET /api/v1/openapi.json", b"GET /api/v1/automation/rules"),
]
"""One of each layer that answers."""


@contextlib.contextmanager
def connected(service: Service) -> Iterator[socket.socket]:
    url = httpx.URL(service.base_url)
    with socket.create_connection((url.host, url.port or 0), timeout=15) as connection:
        yield connection


def exchange(service: Service, *pieces: bytes) -> bytes:
    """Send the pieces, apart from each other, and return all that comes until the server closes."""
    with connected(service) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.1)
        return connection.makefile("rb").read()


def only_problem_in(answer: bytes) -> dict[str, Any]:
    """Return the problem document of the only response in ``answer``."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json\r\n" in head
    assert b"connection: close" in head
    assert head.lower().count(b"x-content-type-options: nosniff") == 1
    problem: dict[str, Any] = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % problem["status"])
    assert f"x-request-id: {problem['request_id']}".encode() in head
    return problem


def padded(size: int) -> bytes:
    """Return a request with a head of exactly ``size`` bytes, after which it closes."""
    start = GET + b"Connection: close\r\nX-Padding: "
    return start + b"a" * (size - len(start) - 4) + b"\r\n\r\n"


TOO_LARGE = {
    "one long header": [padded(LIMIT + 1)],
    "a header without an end": [GET + b"X-Padding: ", b"a" * LIMIT],
    "a megabyte in one go": [padded(2**20)],
    "a long address": [b"GET /" + b"a" * LIMIT + b" HTTP/1.1\r\nHost: x\r\n\r\n"],
    "101 headers": [b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 100 + b"\r\n"],
    "empty lines before a request": [b"\r\n" * LIMIT],
    "after another request's answer": [GET + b"\r\n", padded(LIMIT + 1)],
}


@pytest.mark.parametrize("pieces", TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_headers_beyond_the_limits_are_refused(service: Service, pieces: list[bytes]) -> None:
    answer = exchange(service, *pieces)

    problem = only_problem_in(answer[answer.rindex(b"HTTP/1.1 ") :])
    assert (problem["status"], problem["code"]) == (431, "headers_too_large")
    (line,) = lines_of(service, problem["request_id"])
    assert (line["level"], line["event"], line["status"]) == ("info", "request", 431)


LAYERS = {
    "the contract": b"GET /healthz HTTP/1.1\r\nHost: x\r\n",
    "security": b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\n",
    "the router": b"GET /nothing HTTP/1.1\r\nHost: x\r\n",
    "methods": b"DELETE /healthz HTTP/1.1\r\nHost: x\r\n",
    "pages": b"GET /docs HTTP/1.1\r\nHost: x\r\n",
    "the first page": b"GET / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n",
    "hosts": b"GET /healthz HTTP/1.1\r\n",
    "the parser": BROKEN,
}


@pytest.mark.parametrize("request_head", LAYERS.values(), ids=LAYERS.keys())
def test_every_layer_forbids_browsers_to_guess(service: Service, request_head: bytes) -> None:
    answer = exchange(service, request_head + b"Connection: close\r\n\r\n")

    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert head.count(b"\r\nx-content-type-options: nosniff") == 1


def test_headers_within_the_limits_are_accepted(service: Service) -> None:
    many = GET + b"Connection: close\r\n" + b"A: b\r\n" * 98 + b"\r\n"

    assert exchange(service, padded(LIMIT)).startswith(b"HTTP/1.1 200 ")
    assert exchange(service, many).startswith(b"HTTP/1.1 200 ")


def test_a_body_is_not_counted_as_headers(service: Service) -> None:
    body = b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + b"a" * 200_000
    last = GET + b"Connection: close\r\n\r\n"

    answer = exchange(service, body + last)

    assert answer.count(b"HTTP/1.1 405 ") == 1
    assert answer.count(b"HTTP/1.1 200 ") == 1


def test_trailers_without_an_end_are_not_kept(service: Service) -> None:
    chunked = b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"

    answer = exchange(service, chunked, b"a" * 2 * LIMIT)

    assert b"HTTP/1.1 431 " in answer


HOSTS = {
    "none": b"",
    "two": b"Host: a.example\r\nHost: b.example\r\n",
    "the same twice": b"Host: a.example\r\nHost: a.example\r\n",
    "two in one": b"Host: a.example, b.example\r\n",
    "an address without brackets": b"Host: 1234:5678::1:8080\r\n",
    "a port that is none": b"Host: a.example:http\r\n",
    "two without a blank": b"Host: a.example,b.example\r\n",
    "a URL": b"Host: http://a.example/\r\n",
    "a user": b"Host: ada@a.example\r\n",
    "not in ASCII": "Host: exämple\r\n".encode(),
    "a long one": b"Host: " + b"a" * 301 + b"\r\n",
}


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS.keys())
def test_a_request_that_does_not_name_its_host_is_refused(service: Service, host: bytes) -> None:
    answer = exchange(service, b"GET /healthz HTTP/1.1\r\n" + host + b"\r\n" + GET + b"\r\n")

    problem = only_problem_in(answer)
    assert (problem["status"], problem["code"]) == (400, "malformed_request")
    assert "Host" in problem["detail"]


@pytest.mark.parametrize("host", [b"a.example", b"a.example:8080", b"[::1]:8080", b"127.0.0.1", b"", b"a_b.example"])
def test_a_request_that_names_its_host_is_answered(service: Service, host: bytes) -> None:
    answer = exchange(service, b"GET /healthz HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")


def test_http_1_0_needs_no_host(service: Service) -> None:
    assert exchange(service, b"GET /healthz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


RULES = b" /api/v1/automation/rules HTTP/1.1\r\nHost: x\r\n"
NOT_UNDERSTOOD = {
    "another major version": (505, [b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n"]),
    "a major version to come": (505, [b"GET /healthz HTTP/4.2\r\nHost: x\r\n\r\n"]),
    "the version before 1": (505, [b"GET /healthz HTTP/0.9\r\nHost: x\r\n\r\n"]),
    "the preface of HTTP/2": (505, [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]),
    "a version that is none": (400, [b"GET /healthz HTTP/1.10\r\nHost: x\r\n\r\n"]),
    "an unknown method": (501, [b"BREW" + RULES + b"\r\n"]),
    "one after an empty line": (501, [b"\r\nBREW" + RULES + b"\r\n"]),
    "a method in small letters": (501, [b"get" + RULES + b"\r\n"]),
    "a tunnel": (501, [b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"]),
    "a method that is none": (400, [b"G(T" + RULES + b"\r\n"]),
    "an unknown transfer coding": (501, [b"POST" + RULES + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"]),
    "one in two lines": (
        501,
        [b"POST" + RULES + b"Transfer-Encoding: br\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ),
    "a transfer whose end is unknown": (400, [b"POST" + RULES + b"Transfer-Encoding: nonsense\r\n\r\n0\r\n\r\n"]),
    "chunks in chunks": (400, [b"POST" + RULES + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"]),
    "chunks and a length": (
        400,
        [b"POST" + RULES + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ),
    "chunks in HTTP/1.0": (
        400,
        [b"POST /healthz HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ),
}
CODES = {400: "malformed_request", 501: "not_implemented", 505: "http_version_not_supported"}


@pytest.mark.parametrize(("status", "pieces"), NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD.keys())
def test_what_is_not_understood_is_refused_as_http_says(service: Service, status: int, pieces: list[bytes]) -> None:
    problem = only_problem_in(exchange(service, *pieces))

    assert (problem["status"], problem["code"]) == (status, CODES[status])


UNDERSTOOD = {
    "a minor version to come": (200, b"GET /healthz HTTP/1.7\r\nHost: x\r\nConnection: close\r\n\r\n"),
    "a known method that nothing has": (405, b"PROPFIND" + RULES + b"Connection: close\r\n\r\n"),
    "chunks": (405, b"PATCH" + RULES + b"Transfer-Encoding: Chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"),
    "any wish for trailers": (200, GET + b"TE: nonsense;q=9, trailers\r\nConnection: close\r\n\r\n"),
    "an expectation that HTTP/1.0 has not": (
        405,
        b"POST /healthz HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    ),
}


@pytest.mark.parametrize(("status", "request_"), UNDERSTOOD.values(), ids=UNDERSTOOD.keys())
def test_what_http_says_to_pass_over_is_passed_over(service: Service, status: int, request_: bytes) -> None:
    assert exchange(service, request_).startswith(b"HTTP/1.1 %d " % status)


BODIES = {
    "a compressed one": (b"Content-Type: application/json\r\nContent-Encoding: br\r\n", b"accept-encoding: identity"),
    "one of an unknown coding": (
        b"Content-Type: application/json\r\nContent-Encoding: nonsense\r\n",
        b"accept-encoding: identity",
    ),
    "one of two codings": (
        b"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Encoding: identity\r\n",
        b"accept-encoding: identity",
    ),
    "one of another type": (b"Content-Type: text/plain\r\n", b"accept: application/json"),
    "one of two types": (
        b"Content-Type: text/plain\r\nContent-Type: application/json\r\n",
        b"accept: application/json",
    ),
    "one of no type": (b"", b"accept: application/json"),
}


@pytest.mark.parametrize(("fields", "said"), BODIES.values(), ids=BODIES.keys())
def test_a_body_in_another_form_is_refused_with_the_form_that_is_taken(
    service: Service, fields: bytes, said: bytes
) -> None:
    key = b"x-api-key: " + service.demo["keys"]["operator"].encode() + b"\r\n"
    request = b"POST" + RULES + key + fields + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"

    answer = exchange(service, request)

    assert only_problem_in(answer)["code"] == "unsupported_media_type"
    assert said + b"\r\n" in answer.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    "request_",
    [
        *(BROKEN, TOO_LARGE["one long header"][0], b"GET / HTTP/1.1\r\n\r\n"),
        *(pieces[0] for _, pieces in (NOT_UNDERSTOOD["another major version"], NOT_UNDERSTOOD["an unknown method"])),
        *(start + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" for start in ADDRESSES),
    ],
)
def test_every_answer_says_when_it_was_made(service: Service, request_: bytes) -> None:
    head, _, _ = exchange(service, request_).partition(b"\r\n\r\n")

    assert len(re.findall(rb"(?im)^date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r?$", head)) == 1


@pytest.fixture(scope="module")
def waited(service: Service) -> Mapping[bytes, tuple[float, bytes]]:
    """How long the service waited for the end of what was begun, and what it said: all begun at once, to wait once."""

    def exchanged(begun: bytes) -> tuple[float, bytes]:
        began = time.monotonic()
        answer = exchange(service, begun)
        return time.monotonic() - began, answer

    with ThreadPoolExecutor(len(UNFINISHED)) as clients:
        return dict(zip(UNFINISHED, clients.map(exchanged, UNFINISHED), strict=True))


@pytest.mark.parametrize("begun", UNFINISHED)
def test_unfinished_headers_are_waited_for_ten_seconds(
    waited: Mapping[bytes, tuple[float, bytes]], begun: bytes
) -> None:
    seconds, answer = waited[begun]

    assert 9 < seconds < 14
    assert answer.count(b"HTTP/1.1 ") == begun.count(b"\r\n\r\n")


def test_a_malformed_request_is_one_line_in_the_log(service: Service) -> None:
    answer = exchange(service, BROKEN)

    problem = only_problem_in(answer)
    (line,) = lines_of(service, problem["request_id"])
    assert (line["level"], line["event"], line["status"]) == ("info", "request", 400)
    assert "Invalid HTTP request received" not in service.log.read_text()


@pytest.mark.parametrize("upgrade", [UPGRADE, b"Connection: Upgrade\r\nUpgrade: h2c\r\n"])
def test_nothing_is_upgraded_and_nothing_said_of_it(service: Service, upgrade: bytes) -> None:
    answer = exchange(service, GET + upgrade + b"\r\n" + GET + b"Connection: close\r\n\r\n")

    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert "pgrade" not in service.log.read_text()
    assert "WebSocket" not in service.log.read_text()


@pytest.mark.parametrize("following", [BROKEN, TOO_LARGE["101 headers"][0]])
@pytest.mark.parametrize("count", [1, 2])
def test_what_is_refused_does_not_take_the_place_of_an_earlier_answer(
    service: Service, count: int, following: bytes
) -> None:
    answer = exchange(service, (GET + b"\r\n") * count + following)

    assert answer.count(b"HTTP/1.1 ") == answer.count(b"HTTP/1.1 200 ") == count
    assert answer.endswith(b"}")


def test_a_long_head_that_comes_with_an_earlier_request_is_refused_after_its_answer_or_not_answered(
    service: Service,
) -> None:
    answer = exchange(service, GET + b"\r\n" + padded(3 * LIMIT))

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1 + answer.count(b"HTTP/1.1 431 ")


def test_a_broken_body_does_not_take_the_place_of_an_earlier_answer(service: Service) -> None:
    broken = b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n"

    answer = exchange(service, GET + b"\r\n" + broken)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("path", ["/api/v1/automation%2fexecutions", "/docs%2Fstart.js", "/healthz%2f"])
def test_an_encoded_slash_is_not_found(service: Service, path: str) -> None:
    response = service.get(path)

    assert (response.status_code, response.json()["code"]) == (404, "not_found")
