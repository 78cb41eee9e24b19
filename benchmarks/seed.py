"""Fills the measured database: tenants, users, keys and rules as the service makes them, executions by SQL.

Everything is found by its number, so that the load needs no list from the database: the identifier of
``execution 7`` is a UUID made of the MD5 of that text, which scatters like a random one. Execution ``n`` belongs to
tenant ``n % TENANTS``. Times have whole milliseconds, because JavaScript's have no finer ones.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg import sql

from automation.domain.permissions import Role
from automation.domain.rules import Rule, RuleAction, RuleContent, RuleStatus
from automation.storage.accounts.administration import Administration
from benchmarks import bodies
from security import key_format

VERSION = 7
"""Counted up whenever other rows are made, so that databases of before are made anew."""

TENANTS = 10
RULES = 10
READERS = 10_000
"""Users with a key for each tenant: the look-up of a key is among a hundred thousand, however many are used."""

PEER = "bench_peer"
"""The role of those who scope by tenant themselves: row-level security doesn't bind it, and it can only read."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many executions, and whether they are small ones instead of some 2.5 KB each."""

    executions: int
    narrow: bool = False


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys in plain text: those that may read, by tenant, and the first tenant's that are refused."""

    readers: tuple[tuple[str, ...], ...]
    powerless: str
    expired: str
    revoked: str


def identifier(text: str) -> UUID:
    """Return the UUID of a thing by its name and number; ``bench.identifier`` is the same in SQL."""
    digits = md5(text.encode(), usedforsecurity=False).hexdigest()
    return UUID(f"{digits[:12]}4{digits[13:16]}8{digits[17:]}")


def tenant_of(execution: int) -> UUID:
    """Return the tenant of an execution by its number."""
    return identifier(f"tenant {execution % TENANTS}")


def is_complete(connection: psycopg.Connection, plan: Plan) -> bool:
    """Say whether a database was seeded to the end with exactly this plan."""
    if connection.execute("SELECT to_regclass('bench.seeds')").fetchone() == (None,):
        return False
    made = connection.execute("SELECT version, executions, narrow FROM bench.seeds").fetchone()
    return made == (VERSION, plan.executions, plan.narrow)


def read_keys(connection: psycopg.Connection) -> Keys:
    """Return the keys of a seeded database."""
    found: dict[str, str] = dict(connection.execute("SELECT name, key FROM bench.keys").fetchall())
    readers = tuple(tuple(found[f"reader {tenant} {n}"] for n in range(READERS)) for tenant in range(TENANTS))
    return Keys(readers, found["powerless"], found["expired"], found["revoked"])


def fill(owner: str, admin: psycopg.Connection, plan: Plan) -> None:
    """Seed a migrated, empty database.

    Args:
        owner: The URL of the tables' owner.
        admin: A superuser's connection to the same database, in autocommit mode.
        plan: What to make.
    """
    admin.execute(_SCHEMA)
    administration = Administration(owner)
    keys: dict[str, str] = {}
    for number in range(TENANTS):
        tenant = administration.create_tenant(f"tenant {number}", tenant=identifier(f"tenant {number}")).tenant
        keys |= _add_readers(admin, number)
        for rule in range(number, TENANTS * RULES, TENANTS):
            administration.add_rule(_rule(tenant, rule))
    first = identifier("tenant 0")
    keys["powerless"] = _key(administration, first, "powerless", Role.NONE)
    keys["expired"] = _key(administration, first, "expired", Role.READER, datetime.now(UTC) - timedelta(days=1))
    keys["revoked"] = _key(administration, first, "revoked", Role.READER)
    administration.revoke_key(first, keys["revoked"][: key_format.DISPLAY_LENGTH])
    _insert(admin, plan)
    with admin.cursor() as cursor:
        cursor.executemany("INSERT INTO bench.keys VALUES (%s, %s)", list(keys.items()))
    admin.execute("INSERT INTO bench.seeds VALUES (%s, %s, %s)", [VERSION, plan.executions, plan.narrow])


def _add_readers(admin: psycopg.Connection, tenant: int) -> dict[str, str]:
    """Insert a tenant's users who may read, each with a key, and return the keys by name."""
    keys = [key_format.generate() for _ in range(READERS)]
    names = [f"reader {tenant} {number}" for number in range(READERS)]
    users = [identifier(name) for name in names]
    columns = (users, [key.digest for key in keys], [key.prefix for key in keys])
    admin.execute(_READERS, (identifier(f"tenant {tenant}"), *columns))
    return {name: key.plaintext for name, key in zip(names, keys, strict=True)}


def _key(
    administration: Administration, tenant: UUID, name: str, role: Role, expires_at: datetime | None = None
) -> str:
    user = administration.create_user(tenant, f"{name}@example.com", role).user
    key = key_format.generate()
    administration.create_key(tenant, user, digest=key.digest, prefix=key.prefix, expires_at=expires_at)
    return key.plaintext


def _rule(tenant: UUID, number: int) -> Rule:
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    config = {"method": "POST", "url": "https://warehouse.example/orders"}
    content = RuleContent(
        name=f"Rule {number}",
        status=RuleStatus.ACTIVE,
        trigger_config={},
        actions=(RuleAction(type="webhook_call", config=config), RuleAction(type="webhook_call", config=config)),
    )
    return Rule(
        rule_id=identifier(f"rule {number}"),
        tenant=tenant,
        version=1,
        content=content,
        created_by=identifier("author"),
        created_at=long_ago,
        updated_at=long_ago,
    )


def _insert(admin: psycopg.Connection, plan: Plan) -> None:
    """Insert the many rows, without the checks of foreign keys, which hold by construction."""
    admin.execute("SET session_replication_role = replica; SET work_mem = '1GB'")
    parts: dict[str, sql.Composable] = {
        "executions": sql.Literal(plan.executions),
        "tenants": sql.Literal(TENANTS),
        "rules": sql.Literal(TENANTS * RULES),
        "trigger_data": _json(bodies.NARROW_TRIGGER_DATA if plan.narrow else bodies.TRIGGER_DATA),
        "results": _json(bodies.NARROW_RESULTS if plan.narrow else bodies.RESULTS),
        "labels": sql.SQL("jsonb_build_object('env', 'prod', 'order', n.number::text)" if plan.narrow else "'{}'"),
        "entries": sql.Literal(1 if plan.narrow else 2),
    }
    admin.execute(sql.SQL(_EXECUTIONS).format(**parts))
    admin.execute(_LABELS)
    admin.execute(sql.SQL(_LOGS).format(**parts))
    admin.execute(_STATISTICS)
    admin.execute("RESET session_replication_role")
    admin.execute("VACUUM (ANALYZE)")
    admin.execute("CHECKPOINT")


def _json(value: dict[str, Any]) -> sql.Literal:
    """Return JSON without blanks, as the engine writes it."""
    return sql.Literal(orjson.dumps(value).decode())


_SCHEMA = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bench_peer') THEN
        CREATE ROLE bench_peer LOGIN BYPASSRLS;
    END IF;
END
$$;
CREATE SCHEMA bench;
CREATE TABLE bench.seeds (version integer, executions bigint, narrow boolean);
CREATE TABLE bench.keys (name text PRIMARY KEY, key text NOT NULL);
CREATE FUNCTION bench.identifier(what text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$SELECT overlay(overlay(md5(what) PLACING '4' FROM 13) PLACING '8' FROM 17)::uuid$$;
GRANT USAGE ON SCHEMA bench TO bench_peer, automation_api;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO bench_peer;
"""

_READERS = """
WITH new AS (
    SELECT %s::uuid AS tenant, * FROM unnest(%s::uuid[], %s::bytea[], %s::text[]) AS made(user_id, digest, prefix)
), new_users AS (
    INSERT INTO users (tenant, user_id, email) SELECT tenant, user_id, user_id || '@example.com' FROM new
), new_roles AS (
    INSERT INTO user_roles (tenant, user_id, role) SELECT tenant, user_id, 'reader' FROM new
)
INSERT INTO api_keys (digest, tenant, user_id, prefix) SELECT digest, tenant, user_id, prefix FROM new
"""

# In the order of the primary key, so that its index is built without moving through it at random. A tenth failed.
_EXECUTIONS = """
INSERT INTO automation_executions (
    tenant, execution_id, automation_rule_id, status, created_at, queued_at, started_at, completed_at, duration_ms,
    trigger_data, actions_total, actions_successful, actions_failed, error_message, error_stack, failed_action_index,
    results, next_action, log_entries, labels)
SELECT
    n.tenant, n.execution_id, bench.identifier('rule ' || n.number % {rules}),
    CASE WHEN n.failed THEN 'failed' ELSE 'completed' END,
    n.created_at, n.created_at, n.created_at + interval '7 ms',
    n.created_at + interval '7 ms' + n.number % 5000 * interval '1 ms', n.number % 5000,
    replace({trigger_data}, '<number>', n.number::text)::json,
    2, CASE WHEN n.failed THEN 1 ELSE 2 END, CASE WHEN n.failed THEN 1 ELSE 0 END,
    CASE WHEN n.failed THEN 'Action 1: webhook_call failed: the receiver answered 502.' END,
    CASE WHEN n.failed THEN 'action 1 (webhook_call): the receiver answered 502' END,
    CASE WHEN n.failed THEN 1 END,
    replace({results}, '<number>', n.number::text)::json, 2, {entries},
    {labels}
FROM (
    SELECT
        number, number % 100 / 10 = 9 AS failed,
        bench.identifier('tenant ' || number % {tenants}) AS tenant,
        bench.identifier('execution ' || number) AS execution_id,
        timestamptz '2026-01-01 UTC' + number * interval '500 ms' + (number % 449 + 1) * interval '1 ms' AS created_at
    FROM generate_series(0, {executions} - 1) number
    ORDER BY tenant, execution_id
) n
"""

_LABELS = """
INSERT INTO automation_execution_labels (tenant, execution_id, key, value, created_at)
SELECT e.tenant, e.execution_id, l.key, l.value, e.created_at
FROM automation_executions e CROSS JOIN jsonb_each_text(e.labels) l
ORDER BY e.tenant, e.execution_id, l.key
"""

_LOGS = """
INSERT INTO automation_execution_logs (
    tenant, execution_id, attempt, sequence, timestamp, level, message, action_index, metadata)
SELECT
    e.tenant, e.execution_id, 1, sequence, e.started_at + (sequence + 1) * interval '3 ms', 'info',
    'webhook_call: the receiver answered and the answer was taken over.', sequence,
    jsonb_build_object('host', 'warehouse.example', 'status', 200, 'milliseconds', 41 + sequence)
FROM automation_executions e CROSS JOIN generate_series(0, {entries} - 1) sequence
ORDER BY e.tenant, e.execution_id, sequence
"""

# What fold_run_ends counts of their ends.
_STATISTICS = """
INSERT INTO automation_rule_statistics (tenant, automation_rule_id, quarter, status, step, runs)
SELECT e.tenant, e.automation_rule_id, date_bin('15 minutes', e.completed_at, 'epoch'), e.status,
    floor(8 * log(2, greatest(e.duration_ms, 1)::numeric))::integer, count(*)
FROM automation_executions e
GROUP BY 1, 2, 3, 4, 5
"""
