"""Numbers that the documentation promises of connections and of how a server stops."""

import pytest

from automation.service.http import acceptor, child, connections, listener, protocol, watched_server
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
        ("operating.md", "in a request's head (ten seconds)", protocol.TIME_LIMIT == 10),
        (STOPPING, "told to stop by somebody else waits two seconds", watched_server._PATIENCE == 2),
        ("operating.md", "the log tells once a minute (`connections refused`)", connections._SILENT_SECONDS == 60),
        ("operating.md", "the log has `no connections taken`, once a minute", acceptor._SILENT_SECONDS == 60),
        (
            "decisions/0016-a-watchdog-for-the-event-loop.md",
            "a child starts it has a minute",
            child.START_SECONDS == 60,
        ),
        ("decisions/0016-a-watchdog-for-the-event-loop.md", "is killed ten seconds after", child.STOP_SECONDS == 10),
    ],
)
def test_a_number_is_what_the_documentation_says(document: str, promise: str, *, kept: bool) -> None:
    assert promised(document, promise)
    assert kept
