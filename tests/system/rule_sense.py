"""Tells Schemathesis what it can't read from the contract: which actions, conditions, filters and numbers make sense.

Schemathesis imports this file by its path and calls the hook before each request. Cases that are meant to be accepted
are given actions and conditions that can be; all else about them, and every case that is meant to be refused, stays.
A tenant or version that is named without need is left out: it is hardly ever the right one, and what follows would not
be reached. So is a cursor, which is good for the very filters that it was made with, and the end of an interval, which
may lie before its beginning.

Of responses it is told one thing: the contract describes YAML as text, which Schemathesis would parse otherwise.
"""

from typing import Any

import schemathesis
from schemathesis import Case, GenerationMode, HookContext
from schemathesis.core.media_types import YAML_MEDIA_TYPES
from schemathesis.core.transport import Response

from automation.domain.identifiers import parse_uuid

WRITING = {"createAutomationRule", "patchAutomationRule", "updateAutomationRule"}
ACTIONS: list[dict[str, Any]] = [
    {"type": "wait", "config": {"seconds": 1}},
    {"type": "webhook_call", "config": {"url": "https://example.com/${trigger.id}", "json": {"all": "${trigger}"}}},
    {"type": "email_notification", "config": {"to": ["ada@example.com"], "subject": "Order", "text": "Sent."}},
]
ENDS = ("created_to", "started_to", "completed_to", "duration_max_ms")
NOT_YET = {"started_from", "completed_from", "duration_min_ms", "error_contains"}
FIELDS = ["trigger.total", "trigger.items[?price > `1`] | [0].name", "context", "rule.name", "execution.attempt"]
VALUES: dict[str, Any] = {
    **dict.fromkeys(("exists", "not_exists")),
    **{operator: [1, "a", None] for operator in ("in", "not_in")},
}


@schemathesis.deserializer(*YAML_MEDIA_TYPES)  # all, for the first that is known is taken
def as_text(context: object, response: Response) -> str:
    """Return a body as it came."""
    return response.text


@schemathesis.hook
def before_call(context: HookContext, case: "Case[Any]", kwargs: dict[str, Any]) -> None:
    leave_out(case.headers)
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    leave_possible(case.query)
    if not isinstance(case.body, dict):
        return
    if case.operation.definition.raw["operationId"] in WRITING:
        make_sense(case.body)
    case.body = within_64_bits(case.body)


def leave_out(headers: Any) -> None:
    """Take out a well-formed tenant and the contract's example of a version."""
    if headers and parse_uuid(headers.get("x-tenant-id") or ""):
        del headers["x-tenant-id"]
    if headers and headers.get("If-Match") == '"v3"':
        del headers["If-Match"]


def leave_possible(filters: Any) -> None:
    """Take out what only some other filter's value makes possible."""
    for name in ("cursor", *ENDS, *(("status",) if filters and NOT_YET & filters.keys() else ())):
        if filters and name in filters:
            del filters[name]


def make_sense(rule: dict[str, Any]) -> None:
    """Change a rule that is valid by the contract into one that can be run."""
    for index, action in enumerate(rule.get("actions", [])):
        action.update(ACTIONS[index % len(ACTIONS)])
    for index, condition in enumerate(rule.get("conditions") or []):
        condition["field"] = FIELDS[index % len(FIELDS)]
        condition["value"] = VALUES.get(condition["operator"], "a")
    if rule.get("trigger_type") == "event":
        rule["trigger_config"] = {"types": ["order.*"]}
    elif rule.get("trigger_config"):
        rule["trigger_config"] = {}


def within_64_bits(value: Any) -> Any:
    """Return a JSON value whose integers the service takes: larger ones would lose digits elsewhere."""
    if isinstance(value, dict):
        return {name: within_64_bits(member) for name, member in value.items()}
    if isinstance(value, list):
        return [within_64_bits(element) for element in value]
    return value % 1000 if isinstance(value, int) and value.bit_length() > 63 else value
