"""The demo's executions: made through the API as a client makes them, and really run by the worker beside it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

import httpx

from automation.domain.executions import ExecutionStatus
from automation.domain.rules import Rule
from handlers.rule_body import writable

PATIENCE_SECONDS = 60.0

_ORDER: Mapping[str, Any] = MappingProxyType(
    {
        "event": "order.placed",
        "order_id": 1042,
        "customer": {"id": "C-20417", "name": "Ada Okafor", "email": "ada.okafor@example.com"},
        "items": [
            {"sku": "LAMP-OAK-40", "quantity": 2, "unit_price": 39.5},
            {"sku": "BULB-E27-WARM", "quantity": 4, "unit_price": 5.125},
        ],
        "total": 99.5,
        "currency": "EUR",
    }
)


class SampleRunFailed(Exception):
    """A sample run did not end as it should; the message says which and how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRun:
    """A run of one of the demo's rules, and the status that it reaches.

    The runs of one rule stand in the order in which they are started.
    """

    key: str = "operator"
    rule: str
    trigger_data: Mapping[str, Any]
    status: ExecutionStatus
    cancel: bool = False


SAMPLE_RUNS: Mapping[str, SampleRun] = MappingProxyType(
    {
        "completed": SampleRun(rule="acme", trigger_data=_ORDER, status=ExecutionStatus.COMPLETED),
        "skipped": SampleRun(rule="acme", trigger_data={**_ORDER, "total": 12.5}, status=ExecutionStatus.SKIPPED),
        "failed": SampleRun(rule="broken", trigger_data=_ORDER, status=ExecutionStatus.FAILED),
        "timeout": SampleRun(rule="slow", trigger_data=_ORDER, status=ExecutionStatus.TIMEOUT),
        "running": SampleRun(rule="waiting", trigger_data=_ORDER, status=ExecutionStatus.RUNNING),
        "pending": SampleRun(rule="waiting", trigger_data=_ORDER, status=ExecutionStatus.PENDING),
        "cancelled": SampleRun(rule="waiting", trigger_data=_ORDER, status=ExecutionStatus.CANCELLED, cancel=True),
        "globex": SampleRun(
            key="globex_operator", rule="globex", trigger_data=_ORDER, status=ExecutionStatus.COMPLETED
        ),
    }
)
"""The runs by the names that their executions have in demo.json: acme's by their status, and one of globex."""


def provide(
    base_url: str,
    keys: Mapping[str, str],
    rules: Mapping[str, Rule],
    former: Mapping[str, str],
    unfinished: Sequence[UUID],
) -> Mapping[str, str]:
    """Return an execution for each sample run: the former one where it still has its status, else a new one.

    Args:
        base_url: Where the API answers.
        keys: The demo's keys in plain text, by name.
        rules: The demo's rules, by name; one that calls another receiver by now is changed.
        former: The executions that an earlier demo wrote down, by name.
        unfinished: The pending and running executions of the rule that waits, one at a time for a month each. They are
            cancelled where none that was written down is running: they would keep a new one from it.

    Raises:
        SampleRunFailed: A run doesn't get where it should within a minute.
    """
    with httpx.Client(base_url=f"{base_url}/api/v1/automation", trust_env=False, timeout=30) as client:
        for name, rule in rules.items():
            _update(client, {"x-api-key": keys["globex_operator" if name == "globex" else "operator"]}, rule)
        made = {}
        for name, run in SAMPLE_RUNS.items():
            headers = {"x-api-key": keys[run.key]}
            kept = former.get(name)
            if kept is None or _status(client, headers, kept) != run.status:
                if run.status is ExecutionStatus.RUNNING:
                    _cancel(client, headers, unfinished)
                kept = _start(client, headers, run, rules[run.rule].rule_id)
            made[name] = kept
            if run.status is ExecutionStatus.RUNNING:
                _await(client, headers, name, kept)  # before the next one of its rule, which has to queue behind it
        for name, execution in made.items():
            _await(client, {"x-api-key": keys[SAMPLE_RUNS[name].key]}, name, execution)
    return made


def _update(client: httpx.Client, headers: Mapping[str, str], rule: Rule) -> None:
    """Change the stored rule where its actions are others: the receiver may listen elsewhere than the last time."""
    response = client.get(f"/rules/{rule.rule_id}", headers=headers)
    _expect(response)
    stored = response.json()["data"]
    configs = [dict(action.config) for action in rule.content.actions]
    if [action["config"] for action in stored["actions"]] == configs:
        return
    kept = {name: value for name, value in writable(stored).items() if value is not None}
    actions = [{**action, "config": config} for action, config in zip(stored["actions"], configs, strict=True)]
    _expect(client.put(f"/rules/{rule.rule_id}", headers=headers, json={**kept, "actions": actions}))


def _start(client: httpx.Client, headers: Mapping[str, str], run: SampleRun, rule: UUID) -> str:
    response = client.post(f"/rules/{rule}/execute", headers=headers, json={"trigger_data": dict(run.trigger_data)})
    _expect(response)
    execution: str = response.json()["data"]["execution_id"]
    if run.cancel:
        _expect(client.post(f"/executions/{execution}/cancel", headers=headers))
    return execution


def _cancel(client: httpx.Client, headers: Mapping[str, str], executions: Sequence[UUID]) -> None:
    for execution in reversed(executions):  # the one that runs last: the next one would take its place
        response = client.post(f"/executions/{execution}/cancel", headers=headers)
        if response.status_code != httpx.codes.CONFLICT:  # it has ended meanwhile
            _expect(response)


def _await(client: httpx.Client, headers: Mapping[str, str], name: str, execution: str) -> None:
    wanted = SAMPLE_RUNS[name].status
    deadline = time.monotonic() + PATIENCE_SECONDS
    status = None
    while time.monotonic() < deadline:
        status = _status(client, headers, execution)
        if status == wanted:
            return
        time.sleep(0.05)
    raise SampleRunFailed(f"the demo's execution {name} is {status} and not {wanted}: does the worker run?")


def _status(client: httpx.Client, headers: Mapping[str, str], execution: str) -> str | None:
    response = client.get(f"/executions/{execution}", headers=headers)
    if response.status_code == httpx.codes.NOT_FOUND:
        return None
    _expect(response)
    status: str = response.json()["data"]["status"]
    return status


def _expect(response: httpx.Response) -> None:
    if response.is_error:
        raise SampleRunFailed(f"the demo's request {response.request.url.path} was answered {response.status_code}")
