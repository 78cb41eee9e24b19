"""Lines of a service's log, found by the request that they are about."""

import json
import time
from typing import Any

from tests.system.conftest import Service


def lines_of(service: Service, request_id: str) -> list[dict[str, Any]]:
    """Return the log lines of one request; the last is written when the client has its answer already."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        lines = [json.loads(line) for line in service.log.read_text().splitlines() if line.endswith("}")]
        found = [line for line in lines if line.get("request_id") == request_id]
        if found:
            return found
        time.sleep(0.02)
    return []
