"""Numbers that the documentation promises of connections and of how a server stops."""

import pytest

from automation.service.http import listener, protocol, watched_server
from tests.promises import promised

STOPPING = "decisions/0025-stopping-and-silent-connections.md"


@pytest.mark.parametrize(
    ("document", "promise", "kept"),
    [
        ("operating.md", "is kept for one more, for a second", watched_server.IDLE_SECONDS == 1),
        (
            "decisions/0025-stopping-and-silent-connections.md",
            "a quarter of a second later",
            listener.SETTLING_SECONDS == 0.25,
        ),
        ("errors.md", "more than 64 KiB of address and headers", protocol.SIZE_LIMIT == 64 * 1024),
        ("errors.md", "or more than 100 headers", protocol.COUNT_LIMIT == 100),
    ],
)
def test_a_number_is_what_the_documentation_says(document: str, promise: str, *, kept: bool) -> None:
    assert promised(document, promise)
    assert kept
