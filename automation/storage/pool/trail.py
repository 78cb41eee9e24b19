"""The trail of a request: the lines of the audit log that it leaves, written with what it changes (decision 39).

Who opens one says who does what. In between, every change of the same task takes the line along, in its own transaction
and in no round trip more: a line that says that something was done is there if and only if it was. Queries and whoever
calls them know nothing of it; what is changed is read from the names of their parameters, ``rule`` and ``execution``.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

import orjson

from automation.domain.audit import AuditOutcome, AuditResource, Deed
from automation.storage.pool.connections import Parameters, Statement

TRAIL: ContextVar["Trail | None"] = ContextVar("trail", default=None)
"""The trail of a task's request, if it leaves one."""

_RECORD = """record_audit_event_v1(
    p_tenant => %(audit_tenant)s, p_action => %(audit_action)s, p_outcome => %(audit_outcome)s, p_code => NULL,
    p_user => %(audit_user)s, p_key_prefix => %(audit_key_prefix)s, p_resource_type => {type},
    p_resource_id => {id}, p_client_address => %(audit_client_address)s,
    p_request_id => %(audit_request_id)s, p_details => {details}, p_seconds_ago => 0)"""
# The lines of what a transaction did, before it is committed.
_LINES = f"""
SELECT {_RECORD.format(type="changed.type", id="changed.id", details="changed.details::json")}
FROM unnest(%(audit_types)s::text[], %(audit_ids)s::text[], %(audit_details)s::text[]) AS changed(type, id, details)
""".encode()  # noqa: S608 - made of constants
_ONE_LINE = _RECORD.format(type="%(audit_type)s", id="%(audit_id)s", details="%(audit_detail)s::json")

_Changed = tuple[AuditResource, str | None, str | None]


class Trail:
    """The trail of one request.

    Args:
        deed: Who does what.
    """

    def __init__(self, deed: Deed) -> None:
        self.deed = deed
        self._named = {
            "audit_tenant": deed.tenant,
            "audit_action": deed.action,
            "audit_outcome": AuditOutcome.DONE.value,
            "audit_user": deed.user,
            "audit_key_prefix": deed.key_prefix,
            "audit_client_address": deed.client_address,
            "audit_request_id": deed.request_id,
        }
        self._changed: dict[_Changed, None] = {}

    def notice(self, parameters: Parameters | None) -> None:
        """Note what a statement of a transaction is about, by its parameters."""
        if isinstance(parameters, Mapping) and not parameters.keys().isdisjoint(("execution", "rule")):
            self._changed[self._subject(parameters)] = None

    def retract(self, parameters: Mapping[str, object]) -> None:
        """Take back what was noted of a statement: it was refused."""
        self._changed.pop(self._subject(parameters), None)

    def forget(self) -> None:
        """Forget what was noted: the transaction is taken back."""
        self._changed.clear()

    def lines(self) -> Statement:
        """Return the statement that a transaction ends with: a line for each resource that it is about."""
        changed = [*self._changed] or [self._subject({})]
        self._changed.clear()
        types, ids, details = zip(*changed, strict=True)
        return _LINES, {
            **self._named,
            "audit_types": [each.value for each in types],
            "audit_ids": list(ids),
            "audit_details": list(details),
        }

    def along(self, query: bytes, parameters: Mapping[str, object]) -> Statement:
        """Return a statement that changes something by itself, with its lines: one for each row with a ``document``.

        A row without a document says that the change was refused.
        """
        kind, identifier, details = self._subject(parameters)
        named = {"audit_type": kind.value, "audit_id": identifier, "audit_detail": details}
        return _with_line(query), {**parameters, **self._named, **named}

    def _subject(self, parameters: Mapping[str, object]) -> _Changed:
        execution, rule = parameters.get("execution"), parameters.get("rule")
        if execution is not None:
            details = None if rule is None else orjson.dumps({"automation_rule_id": rule}).decode()
            return AuditResource.EXECUTION, str(execution), details
        if rule is not None:
            return AuditResource.RULE, str(rule), None
        return self.deed.resource_type, self.deed.resource_id, None


@contextmanager
def trailing(deed: Deed | None) -> Iterator[None]:
    """Have what the task changes for the length of the block leave lines in the audit log; for None, it leaves none."""
    token = TRAIL.set(None if deed is None else Trail(deed))
    try:
        yield
    finally:
        TRAIL.reset(token)


@lru_cache(maxsize=64)
def _with_line(query: bytes) -> bytes:
    line = f"CASE WHEN done.document IS NOT NULL THEN {_ONE_LINE} END AS recorded"
    return f"SELECT done.*, {line} FROM ({query.decode()}) done".encode()  # noqa: S608 - made of constants
