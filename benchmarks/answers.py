"""Checks that a target answers right: the same JSON for the same execution, and the same refusals."""

import random
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import MappingProxyType
from typing import Any

import httpx
from psycopg.rows import dict_row

from benchmarks.database import BenchDatabase
from benchmarks.load import InvalidRun
from benchmarks.seed import TENANTS, identifier, tenant_of

SAMPLES = 80
AT_A_TIME = 16
"""As in the load: what answers several requests together must not mix them up, least of all tenants'."""

_PREFIX = "/api/v1/automation"
_TIMES = frozenset({"created_at", "started_at", "completed_at", "timestamp"})
_EXECUTION = """
SELECT execution_id::text, automation_rule_id::text, tenant::text, rule_version, attempt, priority, labels, status,
    created_at, started_at, completed_at, duration_ms, actions_total, actions_successful, actions_failed, error_message,
    error_stack, failed_action_index, trigger_data, json_build_object('actions', results) AS execution_context
FROM automation_executions WHERE tenant = %s AND execution_id = %s
"""
_LOGS = """
SELECT timestamp, level, message, action_index, metadata
FROM automation_execution_logs WHERE tenant = %s AND execution_id = %s ORDER BY sequence
"""


def check(port: int, database: BenchDatabase, *, seed: int) -> None:
    """Ask a server for executions at random, and for what it must refuse.

    Times may be written as one likes, if they are the same.

    Raises:
        InvalidRun: An answer is wrong; the message says which.
    """
    draw = random.Random(seed)  # noqa: S311 - a sample, no secret
    numbers = [draw.randrange(database.plan.executions) for _ in range(SAMPLES)]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as client:
        with ThreadPoolExecutor(AT_A_TIME) as threads:
            answers = list(threads.map(lambda number: _get_own(client, database, number), numbers))
        for number, answer in zip(numbers, answers, strict=True):
            _check_execution(database, number, answer)
        _check_refusals(client, database)


def tags(port: int, database: BenchDatabase, numbers: Iterable[int]) -> dict[int, str]:
    """Return the entity tag that a server gives each of some executions.

    Raises:
        InvalidRun: It has none, or does not answer 304 without a body to whoever names it.
    """
    wanted = list(numbers)
    with (
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as client,
        ThreadPoolExecutor(AT_A_TIME) as threads,
    ):

        def tag_of(number: int) -> str:
            tag: str = _get_own(client, database, number).headers.get("etag", "")
            again = _get(client, number, database.keys.readers[number % TENANTS][0], {"if-none-match": tag})
            if again.status_code != httpx.codes.NOT_MODIFIED or again.content:
                raise InvalidRun(f"execution {number} with the tag {tag!r} is answered {again.status_code}")
            return tag

        return dict(zip(wanted, threads.map(tag_of, wanted), strict=True))


def _get_own(client: httpx.Client, database: BenchDatabase, number: int) -> httpx.Response:
    return _get(client, number, database.keys.readers[number % TENANTS][0])


def _check_execution(database: BenchDatabase, number: int, answer: httpx.Response) -> None:
    expected = {"data": _expected(database, number)}
    if answer.status_code != httpx.codes.OK:
        raise InvalidRun(f"execution {number} is answered {answer.status_code}: {answer.text[:500]}")
    if (found := _with_times(answer.json())) != expected:
        raise InvalidRun(f"execution {number} is answered wrongly:\n{found}\ninstead of\n{expected}")


def _check_refusals(client: httpx.Client, database: BenchDatabase) -> None:
    keys = database.keys
    refusals = [
        ("another tenant's execution", 404, _get(client, 1, keys.readers[0][0])),
        ("an execution that isn't there", 404, _get(client, -1, keys.readers[0][0])),
        ("no key", 401, _get(client, 0, None)),
        ("an unknown key", 401, _get(client, 0, keys.readers[0][0][:-1] + "-")),
        ("an expired key", 401, _get(client, 0, keys.expired)),
        ("a revoked key", 401, _get(client, 0, keys.revoked)),
        ("a user without the permission", 403, _get(client, 0, keys.powerless)),
    ]
    for what, status, answer in refusals:
        if answer.status_code != status:
            raise InvalidRun(f"{what} is answered {answer.status_code} instead of {status}: {answer.text[:500]}")


def _get(
    client: httpx.Client, number: int, key: str | None, more: Mapping[str, str] = MappingProxyType({})
) -> httpx.Response:
    headers = more if key is None else {"x-api-key": key, **more}
    return client.get(f"{_PREFIX}/executions/{identifier(f'execution {number}')}", headers=headers)


def _expected(database: BenchDatabase, number: int) -> dict[str, Any]:
    parameters = (tenant_of(number), identifier(f"execution {number}"))
    with database.connect() as connection:
        cursor = connection.cursor(row_factory=dict_row)
        execution = cursor.execute(_EXECUTION, parameters).fetchone()
        if execution is None:
            raise InvalidRun(f"execution {number} isn't in the database")
        logs = cursor.execute(_LOGS, parameters).fetchall()
    return {**execution, "logs": logs, "_links": _links(execution)}


def _links(execution: Mapping[str, Any]) -> dict[str, Any]:
    path = f"{_PREFIX}/executions/{execution['execution_id']}"
    links: dict[str, Any] = {
        "self": {"href": path},
        "rule": {"href": f"{_PREFIX}/rules/{execution['automation_rule_id']}"},
        "attempts": {"href": f"{path}/attempts"},
    }
    if execution["status"] == "failed":
        links["retry"] = {"href": f"{path}/retry", "method": "POST"}
    return links


def _with_times(value: Any) -> Any:
    """Return JSON with its times as such."""
    match value:
        case dict():
            return {
                name: datetime.fromisoformat(part) if name in _TIMES and part else _with_times(part)
                for name, part in value.items()
            }
        case list():
            return [_with_times(part) for part in value]
    return value
