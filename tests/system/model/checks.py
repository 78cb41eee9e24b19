"""Checks of what must be so at rest: each yields one line for every promise that was not kept."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID

from automation.domain.executions import ExecutionStatus
from automation.service.settings import Settings
from tests.system.model.account import Account
from tests.system.model.play import PROMPT, Played
from tests.system.model.world import World

_ENDED = {status.value for status in ExecutionStatus} - {"pending", "running"}
_BEGINNING = re.compile(r"Attempt (\d+) started with version (\d+) of the rule\.")
_GIVEN_UP = '"event":"run given up"'
_MOST_LOST: int = Settings.model_fields["max_lost_workers"].default
_TRY = re.compile(r"\(try (\d+) of \d+\)")

_LAST = {
    "completed": r"^The execution is completed\.$",
    "cancelled": r"^The execution was cancelled",
    "skipped": r"^The execution was skipped",
    "timeout": r"in time|time of \d+ s (is|was) over",
    "failed": r"failed: |its worker was lost \d+ times",
}

Log = Sequence[Mapping[str, Any]]


def broken_promises(world: World, played: Played, account: Account) -> list[str]:
    """Return a line for each promise that was not kept."""
    return [
        *(f"{execution}: {what}" for execution, what in account.breaches),
        *_of_ends(account),
        *_of_cancels(world, played, account),
        *_of_logs(account),
        *_of_counters(world, account),
        *_of_calls(world, account),
        *_of_rest(world, account),
    ]


def _of_ends(account: Account) -> Iterator[str]:
    for (execution, attempt), row in account.attempts.items():
        ends = account.ends.get((execution, attempt), [])
        if row["status"] not in _ENDED:
            yield f"{execution}: attempt {attempt} never ended: {row['status']}"
        elif ends != [row["status"]]:
            yield f"{execution}: attempt {attempt} ended {ends} and shows {row['status']}"


def _of_cancels(world: World, played: Played, account: Account) -> Iterator[str]:
    arrivals = defaultdict(list)
    for call in world.calls:
        arrivals[call.execution, call.attempt].append(call)
    for (execution, attempt), at in [*played.accepted.items(), *played.cancelled.items()]:
        status = account.attempts[execution, attempt]["status"]
        if status != "cancelled":
            yield f"{execution}: a cancel was accepted, and it ended {status}"
        later = [call for call in arrivals[execution, attempt] if call.at > at]
        begun = 1 if (execution, attempt) in played.accepted else 0  # it had begun, under a lease that still held
        if len(later) > begun:
            yield f"{execution}: {len(later)} calls arrived after its cancel was answered"
    for execution in played.late:
        yield f"{execution}: not cancelled within {PROMPT:.0f} s after that was accepted"


def _of_logs(account: Account) -> Iterator[str]:
    for (execution, attempt), row in account.attempts.items():
        log = account.logs.get((execution, attempt), [])
        name = f"{execution}: the log of attempt {attempt}"
        yield from (f"{name}: {what}: {[entry['message'] for entry in log]}" for what in _wrong(log, attempt, row))


def _wrong(log: Log, attempt: int, row: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a log."""
    told = [entry["message"] for entry in log]
    beginnings = [index for index, line in enumerate(told) if _BEGINNING.match(line)]
    if beginnings != ([0] if row["started_at"] is not None else []):
        yield "its beginning stands elsewhere"
    elif beginnings and not told[0].startswith(f"Attempt {attempt} "):
        yield "it begins with another attempt"
    if [entry["sequence"] for entry in log] != list(range(len(log))):
        yield "its numbers have gaps"
    if any(later["timestamp"] < earlier["timestamp"] for earlier, later in pairwise(log)):
        yield "its times go back"
    actions = [entry["action_index"] for entry in log if entry["action_index"] is not None]
    if actions != sorted(actions):
        yield "its actions go back"
    if not told or not re.search(_LAST.get(row["status"], ""), told[-1]):
        yield f"its last word is not that it is {row['status']}"
    yield from _repeated(log)


def _repeated(log: Log) -> Iterator[str]:
    """Yield what is told twice. With a worker that took over, a try whose end was not stored is made again."""
    told = Counter((entry["action_index"], _TRY.sub(r"try \1", entry["message"]), entry["timestamp"]) for entry in log)
    yield from (f"{line!r} is told {times} times" for (_, line, _), times in told.items() if times > 1)
    tries = Counter(
        (entry["action_index"], found.group(1)) for entry in log if (found := _TRY.search(entry["message"]))
    )
    yield from (
        f"try {number} of action {index} ends {times} times" for (index, number), times in tries.items() if times > 1
    )


def _of_counters(world: World, account: Account) -> Iterator[str]:
    calls = Counter((call.execution, call.attempt, call.action) for call in world.calls)
    for (execution, attempt), row in account.attempts.items():
        log = account.logs.get((execution, attempt), [])
        succeeded = [entry for entry in log if _succeeded(entry["message"])]
        failed = [entry for entry in log if _failed(entry["message"])]
        counted = (row["actions_successful"], row["actions_failed"])
        if counted != (len(succeeded), len(failed)):
            yield f"{execution}: attempt {attempt} counts {counted}, and tells {len(succeeded)}, {len(failed)}"
        for entry in [*succeeded, *failed]:
            made = calls[execution, attempt, entry["action_index"]]
            if made == 0 and "webhook_call" in entry["message"]:
                yield f"{execution}: attempt {attempt} tells of a call that never came: {entry['message']}"
        yield from _untold(execution, attempt, account, log, calls)


def _untold(
    execution: UUID, attempt: int, account: Account, log: Log, calls: Counter[tuple[UUID, int, int]]
) -> Iterator[str]:
    """Yield calls that came and are not told of: one may be cut off by the end, and one by each change of worker."""
    told = sum(bool(_TRY.search(entry["message"])) or entry["message"].startswith("webhook_call") for entry in log)
    made = sum(times for (whose, which, _), times in calls.items() if (whose, which) == (execution, attempt))
    changes = account.executions[execution]["fence"]
    if made > told + 1 + changes:
        yield f"{execution}: attempt {attempt} made {made} calls and tells of {told}"


def _succeeded(message: str) -> bool:
    return message in ("webhook_call succeeded.", "The wait is over.")


def _failed(message: str) -> bool:
    return message.startswith("webhook_call failed: ") or ("lost" in message and "at action" in message)


def _of_calls(world: World, account: Account) -> Iterator[str]:
    keys = defaultdict(set)
    for call in world.calls:
        keys[call.key].add((call.execution, call.action))
        version = account.executions[call.execution]["rule_version"]
        if call.version != version:
            yield f"{call.execution}: a call said version {call.version} of a run that pins {version}"
    yield from (f"the key {key} was used for {sorted(map(str, used))}" for key, used in keys.items() if len(used) > 1)


def _of_rest(world: World, account: Account) -> Iterator[str]:
    if account.jobs:
        yield f"{account.jobs} jobs are left at rest"
    for worker in world.every_worker:
        said = "\n".join(line for line in worker.errors.read_text().splitlines() if not is_due(line, world.faults))
        for sign in ("Traceback (most recent call last)", "never retrieved", '"level":"error"', '"level": "error"'):
            if sign in said:
                where = said.index(sign)
                yield f"a worker's log has {sign!r}: {said[max(0, where - 300) : where + 900]}"


def is_due(line: str, faults: Mapping[str, int]) -> bool:
    """Say whether a line of a worker's log tells of a run that was given up, after no more losses than there were."""
    if _GIVEN_UP not in line:
        return False
    lost: int = json.loads(line)["lost_workers"]
    return _MOST_LOST <= lost <= sum(faults.values())
