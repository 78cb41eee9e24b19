"""Form of a request: which version and coding are understood, and what one is that the parser did not take."""

import pytest

from automation.domain.errors import AutomationError, HttpVersionNotSupported, MalformedRequest, NotImplementedHere
from automation.service.http import framing

HOST = (b"host", b"x")


def coded(*lines: bytes) -> list[framing.Field]:
    return [HOST, *((b"transfer-encoding", line) for line in lines)]


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.9"])
def test_every_version_whose_major_number_is_one_is_understood(version: str) -> None:
    framing.require_understood([HOST], version)


@pytest.mark.parametrize("fields", [[], [HOST], coded(b"chunked"), coded(b" Chunked\t")])
def test_a_body_in_chunks_or_of_a_known_length_is_understood(fields: list[framing.Field]) -> None:
    framing.require_understood(fields, "1.1")


NOT_UNDERSTOOD: list[tuple[list[framing.Field], str, type[AutomationError]]] = [
    ([HOST], "0.9", HttpVersionNotSupported),
    ([HOST], "2.0", HttpVersionNotSupported),
    ([HOST], "11.", HttpVersionNotSupported),
    (coded(b"chunked"), "1.0", MalformedRequest),
    (coded(b"nonsense"), "1.1", MalformedRequest),
    (coded(b"chunked, gzip"), "1.1", MalformedRequest),
    (coded(b"chunked", b"gzip"), "1.1", MalformedRequest),
    (coded(b"gzip, chunked"), "1.1", NotImplementedHere),
    (coded(b"gzip", b"chunked"), "1.2", NotImplementedHere),
]


@pytest.mark.parametrize(("fields", "version", "error"), NOT_UNDERSTOOD)
def test_another_version_or_coding_is_refused(
    fields: list[framing.Field], version: str, error: type[AutomationError]
) -> None:
    with pytest.raises(error):
        framing.require_understood(fields, version)


REFUSED: dict[bytes, type[AutomationError]] = {
    b"": MalformedRequest,
    b"GET": MalformedRequest,
    b"GET / HTTP/1.1": MalformedRequest,
    b"GET / HTTP/1.10\r\n": MalformedRequest,
    b"G(T / HTTP/1.1\r\n": MalformedRequest,
    b"GET / HTTP/1.1\r\n": MalformedRequest,
    b"\r\n\nQUERY / HTTP/1.0\nBroken": MalformedRequest,
    b"GET / HTTP/2.0\r\n": HttpVersionNotSupported,
    b"BREW / HTTP/0.9\r\n": HttpVersionNotSupported,
    b"\r\nBREW / HTTP/1.1\r\n": NotImplementedHere,
    b"get / HTTP/1.1\n": NotImplementedHere,
}


@pytest.mark.parametrize("begun", REFUSED)
def test_what_the_parser_did_not_take_is_told_by_its_first_line(begun: bytes) -> None:
    assert type(framing.refusal(begun)) is REFUSED[begun]
