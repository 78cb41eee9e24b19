"""Every write of the contract as a test can send it: found in the contract, with what it is about made for it.

An operation that is new there is covered by whoever uses this, unasked: its path says what it is about, its examples
what it is sent with, and a trial finds out which of these it accepts. Where its body names
what it is about, by ``ids``, that is put there.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import text

from automation.contract.compiled.operations import RAW_BODY
from automation.contract.document.naming import HOOK_TOKEN
from automation.contract.document.outline import Entry
from automation.contract.document.references import follow
from automation.storage.account_tables import tenants
from tests.shipped_contract.shipped import DOCUMENT, ENTRIES
from tests.storage.roles import DIRECTORIES
from tests.system.tenancy import BULK_OPERATIONS, EXECUTIONS, RULES, SECRETS, Tenant

WRITES = tuple(
    entry
    for entry in ENTRIES
    if entry.method in {"post", "put", "patch", "delete"} and HOOK_TOKEN not in entry.node  # those have no caller
)

MAKERS: Mapping[str, tuple[Callable[[Tenant], str], ...]] = {
    RULES: (lambda tenant: str(tenant.create_rule()["rule_id"]),),
    EXECUTIONS: (
        lambda tenant: str(tenant.execute(tenant.create_rule())["execution_id"]),
        lambda tenant: tenant.add_failed_execution(tenant.create_rule()).rpartition("/")[2],
    ),
    SECRETS: (lambda tenant: tenant.put_secret(f"S{uuid4().hex}"),),
    f"{RULES}/{{id}}/hook/rotate": (lambda tenant: str(tenant.create_hooked_rule()["data"]["rule_id"]),),
    BULK_OPERATIONS: (lambda tenant: str(tenant.add_bulk_operation()),),
}
"""How what an operation is about comes to be, by its path or that of its collection: in each state that matters."""


_named = re.compile(r"\{[a-z_]+\}")


@dataclass(frozen=True)
class Write:
    """A request that changes something, for as often as it is sent."""

    tenant: Tenant
    method: str
    path: str
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_raw: bool = False
    """Whether its body is taken as it came: spelled otherwise it is another one."""

    def send(self, key: str | None = None, **headers: str) -> httpx.Response:
        """Send it, with an ``Idempotency-Key`` or without."""
        named = {} if key is None else {"idempotency-key": key}
        everything = {**self.headers, **named, **headers}
        return self.tenant.ask(self.method, self.path, everything, content=self.content)

    def by(self, key: str) -> "Write":
        """Return the same, sent with another API key."""
        return replace(self, tenant=replace(self.tenant, key=key))


def write(entry: Entry, tenant: Tenant) -> Write:
    """Return a request to an operation that is accepted and changes something."""
    maker, body = _accepted(entry.name, tenant)
    return _write(entry, tenant, maker, body)


def other(entry: Entry, sent: Write) -> Write:
    """Return another request than one that was sent to the same operation: another body, or else another place."""
    if sent.content is None:
        return write(entry, sent.tenant)
    body = json.loads(sent.content)
    renamed = [{**body, "name": "Another name"}] if "name" in body else []
    changed = next(each for each in (*renamed, *_bodies(entry)) if each not in (None, body))
    return replace(sent, content=json.dumps(changed).encode())


def state(tenant: Tenant) -> Mapping[str, object]:
    """Return what there is of a tenant, the same for as long as nothing changes.

    But for the answers that are kept, the audit log, to which what was refused is added, too, and counts of requests.
    """
    beside = {"idempotency_records", "audit_events", "rate_windows"}
    tables = sorted(tenants.metadata.tables.keys() - {*DIRECTORIES, *beside})
    with tenant.administration._tenant_transaction(tenant.tenant) as (connection, _):
        jobs = connection.execute(
            text("SELECT count(*) FROM procrastinate.procrastinate_jobs WHERE args->>'tenant' = :tenant"),
            {"tenant": str(tenant.tenant)},
        ).scalar_one()
        tokens = connection.execute(
            text(
                "SELECT string_agg(t::text, ',' ORDER BY t::text) FROM automation_hook_tokens t WHERE tenant = :tenant"
            ),
            {"tenant": tenant.tenant},
        ).scalar_one()
        rows = {
            table: connection.execute(
                text(f"SELECT count(*) || ' ' || md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t")
            ).scalar_one()
            for table in tables
        }
    return {**rows, "jobs": jobs, "tokens": tokens}


def kept(tenant: Tenant) -> int:
    """Return how many answers are kept for a tenant."""
    with tenant.administration._tenant_transaction(tenant.tenant) as (connection, _):
        return int(connection.execute(text("SELECT count(*) FROM idempotency_records")).scalar_one())


@cache
def _accepted(name: str, tenant: Tenant) -> tuple[Callable[[Tenant], str] | None, Any]:
    """Return what an operation is to be sent so that it does something, found by trying."""
    (entry,) = (entry for entry in WRITES if entry.name == name)
    answers = []
    for maker in _makers(entry):
        for body in _bodies(entry):
            trial = _write(entry, tenant, maker, body)
            before = state(tenant)
            answer = trial.send()
            if answer.is_success and state(tenant) != before:
                return maker, body
            answers.append(f"{answer.status_code} {answer.text[:200]}")
    raise AssertionError(f"{entry.name} did nothing, whatever it was sent: {answers}")


def _makers(entry: Entry) -> Iterator[Callable[[Tenant], str] | None]:
    collection, names_something, _ = entry.path.partition("/{")
    if not names_something:
        yield from MAKERS.get(collection.rpartition("/")[0], (None,))
        return
    yield from MAKERS.get(entry.path, MAKERS[collection])


def _bodies(entry: Entry) -> Iterator[Any]:
    if "requestBody" not in entry.node:
        yield None
        return
    content = next(iter(follow(DOCUMENT, entry.node["requestBody"])["content"].values()))
    for example in content["examples"].values():
        yield follow(DOCUMENT, example)["value"]


def _write(entry: Entry, tenant: Tenant, maker: Callable[[Tenant], str] | None, body: Any) -> Write:
    made = None if maker is None else maker(tenant)
    path = entry.path if made is None else _named.sub(made, entry.path, count=1)
    if made is not None and isinstance(body, dict) and "ids" in body:
        body = {**body, "ids": [made]}
    if body is None:
        return Write(tenant, entry.method.upper(), path)
    if isinstance(body, dict) and "specversion" in body:
        body = {**body, "id": str(uuid4())}  # an event that was seen before starts nothing
    raw = RAW_BODY in entry.node
    media_type = next(iter(follow(DOCUMENT, entry.node["requestBody"])["content"]))
    return Write(tenant, entry.method.upper(), path, json.dumps(body).encode(), {"content-type": media_type}, raw)


def new_key() -> str:
    """Return an ``Idempotency-Key`` that nobody has used."""
    return f'"{uuid4()}"'
