"""Pages of an execution's attempts: so many at a time, and no more bytes than an answer may have."""

import json
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from automation.domain.errors import ExecutionNotFound
from automation.domain.pages import Cursor, Page, PageRequest, Position
from automation.storage.attempt_pages import LARGEST_PAGE
from tests.storage.runner import Runner
from tests.storage.samples import Sample

ATTEMPTS = 7


@pytest.fixture
async def retried(runner: Runner) -> UUID:
    """An execution in its seventh attempt, whose former ones each have an entry in their logs."""
    execution = await runner.execute()
    with psycopg.connect(runner.urls.admin) as admin:
        admin.execute(
            "INSERT INTO automation_execution_attempts (tenant, execution_id, attempt, status, created_at,"
            " actions_total, actions_successful, actions_failed, rule_version)"
            " SELECT %s, %s, n, 'failed', now(), 1, 0, 1, 1 FROM generate_series(1, %s) n",
            (runner.tenant, execution, ATTEMPTS - 1),
        )
        admin.execute(
            "INSERT INTO automation_execution_logs (tenant, execution_id, attempt, sequence, timestamp, level, message)"
            " SELECT %s, %s, n, 0, now(), 'info', 'attempt ' || n FROM generate_series(1, %s) n",
            (runner.tenant, execution, ATTEMPTS - 1),
        )
    runner.change(execution, f"attempt = {ATTEMPTS}")
    return execution


def numbers(page: Page[bytes]) -> list[int]:
    return [json.loads(item)["attempt"] for item in page.items]


async def pages(runner: Runner, execution: UUID, limit: int, *, back: bool = False) -> list[Page[bytes]]:
    """Return all pages from the first to the last, or from behind the last one back."""
    cursor = Cursor(Position(ATTEMPTS + 1), backward=True) if back else None
    found: list[Page[bytes]] = []
    while len(found) < ATTEMPTS:
        page = await runner.executions.attempts(runner.tenant, execution, PageRequest(limit, True, cursor))
        found.append(page)
        cursor = page.previous if back else page.next
        if cursor is None:
            break
    return found


async def test_every_attempt_is_on_one_page_in_its_order(runner: Runner, retried: UUID) -> None:
    found = await pages(runner, retried, 3)

    assert [numbers(page) for page in found] == [[1, 2, 3], [4, 5, 6], [7]]
    assert json.loads(found[1].items[0])["logs"][0]["message"] == "attempt 4"


async def test_pages_lead_back_as_they_led_there(runner: Runner, retried: UUID) -> None:
    assert [numbers(page) for page in await pages(runner, retried, 3, back=True)] == [[5, 6, 7], [2, 3, 4], [1]]


async def test_a_page_that_fits_is_the_only_one(runner: Runner, retried: UUID) -> None:
    (page,) = await pages(runner, retried, ATTEMPTS)

    assert (numbers(page), page.next, page.previous) == ([1, 2, 3, 4, 5, 6, 7], None, None)


async def test_a_page_ends_before_its_logs_are_too_large_and_has_one_attempt_in_any_case(
    runner: Runner, retried: UUID
) -> None:
    with psycopg.connect(runner.urls.admin) as admin:
        for attempt, size in ((2, LARGEST_PAGE), (3, LARGEST_PAGE // 2), (4, LARGEST_PAGE // 2 - 1000)):
            admin.execute(
                "UPDATE automation_execution_attempts SET log_bytes = %s WHERE execution_id = %s AND attempt = %s",
                (size, retried, attempt),
            )
    there, back = await pages(runner, retried, 100), await pages(runner, retried, 100, back=True)

    assert [numbers(page) for page in there] == [[1, 2], [3, 4, 5, 6, 7]]
    assert [numbers(page) for page in back] == [[3, 4, 5, 6, 7], [1, 2]]


async def test_one_that_is_too_large_alone_is_a_page_of_its_own(runner: Runner, retried: UUID) -> None:
    with psycopg.connect(runner.urls.admin) as admin:
        admin.execute(
            "UPDATE automation_execution_attempts SET error_stack = repeat('x', %s) WHERE execution_id = %s"
            " AND attempt <= 2",
            (LARGEST_PAGE + 1, retried),
        )

    assert [numbers(page) for page in await pages(runner, retried, 100)] == [[1], [2], [3, 4, 5, 6, 7]]


@pytest.mark.parametrize("column", ["error_message", "error_stack"])
async def test_what_grows_in_json_counts_as_it_is_answered(runner: Runner, retried: UUID, column: str) -> None:
    with psycopg.connect(runner.urls.admin) as admin:
        admin.execute(
            sql.SQL("UPDATE automation_execution_attempts SET {} = repeat(chr(1), %s) WHERE execution_id = %s").format(
                sql.Identifier(column)
            ),
            (LARGEST_PAGE // 15, retried),
        )

    assert [numbers(page) for page in await pages(runner, retried, 100)] == [[1, 2], [3, 4], [5, 6, 7]]


async def test_a_retry_keeps_how_large_the_log_was(runner: Runner) -> None:
    execution = await runner.failed()
    before = runner.row(execution)["log_bytes"]

    await runner.executions.retry(runner.tenant, execution, retry_from="start")

    with psycopg.connect(runner.urls.admin) as admin:
        kept = admin.execute(
            "SELECT log_bytes FROM automation_execution_attempts WHERE execution_id = %s", (execution,)
        ).fetchone()
    assert kept == (before,)
    assert before > 0


async def test_the_attempts_of_another_tenants_execution_are_not_found(
    runner: Runner, retried: UUID, theirs: Sample
) -> None:
    with pytest.raises(ExecutionNotFound):
        await runner.executions.attempts(theirs.tenant, retried, PageRequest(25, ascending=True))
    with pytest.raises(ExecutionNotFound):
        await runner.executions.attempts(runner.tenant, uuid4(), PageRequest(25, ascending=True))
