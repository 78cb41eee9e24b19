"""Forms that hooks are sent: read as the standard library reads them, at the pace of a copy."""

import random
from urllib.parse import parse_qsl

import pytest

from automation.contract.compiled.raw_bodies import RawBody
from automation.contract.serving.request_head import RequestHead
from automation.domain.errors import InvalidBody
from automation.engine.triggers.webhook import trigger_of

FORM = "application/x-www-form-urlencoded"
HEAD = RequestHead(request_id="1", method="POST", headers={})
PARTS = ("a", "b", "Z", "_", "=", "&", "+", "%", "%3D", "%26", "%2b", "%25", "%c3%A9", "%ff", "%4", "%0A", "\n", "\r\n")
MORE = (" ", "é", "\t", "==", "%%", "=\n", "%\n", "%e2%82%ac", "%zz", "%3", "f", ";", ".", "\u2028")


def fields(content: bytes) -> dict[str, list[str]]:
    """Return the values of a form's fields."""
    body = trigger_of({}, HEAD, {}, RawBody(content, FORM))["body"]
    return {name: value if isinstance(value, list) else [value] for name, value in body.items()}


def expected(text: str) -> dict[str, list[str]] | None:
    """Return what the standard library reads; None where the text is not UTF-8 when it is unescaped."""
    found: dict[str, list[str]] = {}
    try:
        for name, value in parse_qsl(text, keep_blank_values=True, errors="strict"):
            found.setdefault(name, []).append(value)
    except UnicodeDecodeError:
        return None
    return found


@pytest.mark.parametrize("seed", range(20))
def test_a_form_is_read_as_the_standard_library_reads_it(seed: int) -> None:
    chosen = random.Random(seed)  # noqa: S311 (no secret is made of it)
    texts = ["".join(chosen.choices(PARTS + MORE, k=chosen.randrange(12))) for _ in range(200)]

    for text in texts:
        wanted = expected(text)
        if wanted is None:
            with pytest.raises(InvalidBody):
                fields(text.encode())
        else:
            assert fields(text.encode()) == wanted, text

    assert {expected(text) is None for text in texts} == {True, False}
