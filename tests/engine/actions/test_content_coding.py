"""Bodies are decoded whole or refused, in whatever pieces they come and wherever they are cut."""

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.engine.actions.content_coding import Undecodable, decoder

WHOLE = b"a body, and a body, and a body of some length" * 20


def bare(content: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()


def in_members(content: bytes) -> bytes:
    half = len(content) // 2
    return gzip.compress(content[:half]) + gzip.compress(b"") + gzip.compress(content[half:])


FORMS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip under its old name": ("X-GZIP", gzip.compress),
    "gzip in members": ("gzip", in_members),
    "deflate": ("deflate", zlib.compress),
    "bare deflate": ("deflate", bare),
    "identity named beside it": ("identity, gzip", gzip.compress),
}


def decoded(coding: str, coded: bytes, size: int = 1 << 20) -> bytes:
    decoding = decoder(coding)
    content = b"".join(decoding.feed(coded[at : at + size], 1 << 20) for at in range(0, len(coded), size))
    decoding.finish()
    return content


@pytest.mark.parametrize("form", FORMS)
@given(content=st.binary(max_size=2000), size=st.integers(1, 700))
def test_every_legal_form_is_decoded_in_whatever_pieces_it_comes(form: str, content: bytes, size: int) -> None:
    coding, encode = FORMS[form]

    assert decoded(coding, encode(content), size) == content


@pytest.mark.parametrize("form", FORMS)
def test_a_body_that_is_cut_anywhere_is_refused(form: str) -> None:
    coding, encode = FORMS[form]
    whole = encode(WHOLE)

    # Between two members the part before is whole: nothing tells that there should be more.
    cuts = [cut for cut in range(1, len(whole)) if not _ends_a_member(form, whole[:cut])]
    for cut in cuts:
        with pytest.raises(Undecodable, match="ends before"):
            decoded(coding, whole[:cut])


def _ends_a_member(form: str, part: bytes) -> bool:
    if form != "gzip in members":
        return False
    try:
        gzip.decompress(part)
    except (EOFError, OSError, zlib.error):
        return False
    return True


@pytest.mark.parametrize("form", FORMS)
def test_bytes_behind_the_end_are_refused(form: str) -> None:
    coding, encode = FORMS[form]

    with pytest.raises(Undecodable, match="not encoded as it says"):
        decoded(coding, encode(WHOLE) + b"trailing")


def test_zeros_may_fill_up_what_follows_a_gzip_member() -> None:
    assert decoded("gzip", gzip.compress(WHOLE) + b"\0" * 1000, 7) == WHOLE


@pytest.mark.parametrize("coding", ["", "gzip", "deflate", "identity"])
def test_no_bytes_at_all_are_an_empty_body(coding: str) -> None:
    assert decoded(coding, b"") == b""


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "gzip;q=1", "*"])
def test_a_coding_that_was_not_asked_for_is_refused(coding: str) -> None:
    with pytest.raises(Undecodable, match="not asked for"):
        decoder(coding)


@pytest.mark.parametrize("form", FORMS)
def test_no_more_is_decoded_than_the_limit(form: str) -> None:
    coding, encode = FORMS[form]
    decoding = decoder(coding)

    assert decoding.feed(encode(b"0" * 10_000_000), 100) == b"0" * 100
