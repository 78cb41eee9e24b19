"""Pruning that is killed at any moment leaves each execution there with all that it has, or not at all."""

from collections.abc import Mapping
from datetime import timedelta

import psycopg
import pytest

from automation.domain.executions import ExecutionStatus, LogEntry, LogLevel
from automation.domain.retention import Kept
from automation.storage.accounts.pruning import Pruning
from tests.databases import DatabaseUrls
from tests.storage.samples import CREATED_AT, Sample, sample
from tests.system.blocked import blocked, wait_for_the_end
from tests.system.processes import running

LOGS = tuple(LogEntry(timestamp=CREATED_AT, level=LogLevel.INFO, message=f"{n}") for n in range(3))
HOLD = "SELECT FROM automation_execution_logs WHERE message = '2' AND tenant = %s FOR UPDATE"
HALVES = """
SELECT execution_id FROM automation_execution_logs WHERE tenant = %s AND execution_id <> %s
GROUP BY execution_id HAVING count(*) <> 3
"""


@pytest.fixture
def ours(database_urls: DatabaseUrls) -> Sample:
    """A tenant with executions that are over, and one that is not."""
    made = sample(Pruning(database_urls.owner))
    for n in range(5):
        at = CREATED_AT + timedelta(seconds=n)
        made.add_execution(status=ExecutionStatus.COMPLETED, created_at=at, completed_at=at, logs=LOGS)
    return made


@pytest.mark.parametrize("command", [("executions", "prune"), ("worker",)], ids=lambda command: command[0])
def test_it_is_killed_in_the_middle_of_a_batch(
    ours: Sample, database_urls: DatabaseUrls, settings: Mapping[str, str], command: tuple[str, ...]
) -> None:
    owner = {"AUTOMATION_MIGRATION_URL": database_urls.owner, "AUTOMATION_WORKER_URL": database_urls.worker}
    with (
        psycopg.connect(database_urls.admin, autocommit=True) as admin,
        running(command, {**settings, **owner, "AUTOMATION_RETENTION": "completed=1"}) as process,
    ):
        with psycopg.connect(database_urls.admin) as reader:
            reader.execute(HOLD, (ours.tenant,))
            pid = blocked(admin, reader)
            process.popen.kill()
            process.popen.wait()
        wait_for_the_end(admin, pid)
        halves = admin.execute(HALVES, (ours.tenant, ours.execution.execution_id)).fetchall()

    pruning = Pruning(database_urls.owner)
    pruning.prune(ours.tenant, {Kept.COMPLETED: 1})

    assert halves == []
    assert pruning.count_over(ours.tenant, Kept.COMPLETED, 1) == 0
    with psycopg.connect(database_urls.admin) as admin:
        left = admin.execute("SELECT status FROM automation_executions WHERE tenant = %s", (ours.tenant,)).fetchall()
    assert left == [("pending",)]
