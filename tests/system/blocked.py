"""Waits for processes of the database: until one waits for another's lock, and until one does nothing for anybody."""

import time

from tests.storage.roles import Connection

DEADLINE = 30.0


def blocked(admin: Connection, holder: Connection) -> int:
    """Wait until somebody waits for a lock that another session holds, and return the server's process that does."""
    deadline = time.monotonic() + DEADLINE
    query = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND %s = ANY (pg_blocking_pids(pid))"
    while not (found := admin.execute(query, (holder.info.backend_pid,)).fetchall()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(str(found[0][0]))


def wait_for_the_end(admin: Connection, pid: int) -> None:
    """Wait until a process of the database does nothing for anybody any more."""
    deadline = time.monotonic() + DEADLINE
    query = "SELECT FROM pg_stat_activity WHERE pid = %s AND state <> 'idle'"
    while admin.execute(query, (pid,)).fetchall():
        assert time.monotonic() < deadline
        time.sleep(0.02)
