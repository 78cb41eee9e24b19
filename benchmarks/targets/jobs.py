"""The jobs of the engine's peers: where they find what they need, and the statement that stores what a call gave."""

import os
import sys
import time

DATABASE = os.environ.get("BENCH_DATABASE", "")
RECEIVER = os.environ.get("BENCH_RECEIVER", "")
BROKER = os.environ.get("BENCH_BROKER", "")
CONCURRENCY = int(os.environ.get("BENCH_CONCURRENCY", "20"))

TABLE = """
CREATE TABLE results (
    name text PRIMARY KEY,
    status integer NOT NULL,
    body jsonb NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""
STORE = "INSERT INTO results (name, status, body) VALUES (%s, %s, %s)"


def said(name: str, sent: float) -> None:
    """Tell the benchmark that a job was sent, and when that was begun."""
    sys.stdout.write(f"{name} {sent!r}\n")
    sys.stdout.flush()


now = time.perf_counter
"""The clock that the benchmark reads too: on one machine it is the same in every process."""
