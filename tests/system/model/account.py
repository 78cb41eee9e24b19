"""Keeps an account of every run in the database itself: what began, what ended, and what was so at that moment.

A trigger writes it in the transaction that does it, so that it knows the order of things exactly, with no clock of a
test's. What must never be, is written down as a breach.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from tests.databases import DatabaseUrls

_KEPT = """
CREATE TABLE breaches (execution_id uuid, what text);
CREATE TABLE ends (execution_id uuid, attempt integer, status text);

CREATE FUNCTION keep_account() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    moment constant timestamp with time zone := clock_timestamp();
    breach text;
    slots integer;
    taken integer;
BEGIN
    -- A call begins: each one has a key before it is made, and a new one unless its outcome was unknown.
    IF NEW.call_key IS NOT NULL AND NEW.call_key IS DISTINCT FROM OLD.call_key THEN
        breach := CASE
            WHEN OLD.status <> 'running' THEN 'a call began after the end'
            WHEN OLD.cancel_requested_at IS NOT NULL THEN 'a call began after a cancel was accepted'
            WHEN OLD.deadline_at < moment - interval '20 milliseconds' THEN 'a call began when the time was over'
            WHEN NEW.lease_until < moment THEN 'a call began under a lease that had run out' END;
    END IF;
    IF NEW.lease_until IS NULL AND NEW.resume_at IS NOT NULL AND OLD.resume_at IS NULL
        AND OLD.cancel_requested_at IS NOT NULL THEN
        breach := 'a wait began after a cancel was accepted';
    END IF;
    IF NEW.status <> OLD.status THEN
        IF OLD.status NOT IN ('pending', 'running')
            AND (OLD.status NOT IN ('failed', 'timeout', 'cancelled') OR NEW.status <> 'pending') THEN
            breach := format('%s became %s', OLD.status, NEW.status);
        END IF;
        IF NEW.status NOT IN ('pending', 'running') THEN
            INSERT INTO public.ends VALUES (NEW.execution_id, NEW.attempt, NEW.status);
            IF OLD.cancel_requested_at IS NOT NULL AND NEW.status <> 'cancelled' THEN
                breach := format('a cancel was accepted, and it ended %s', NEW.status);
            END IF;
        END IF;
        SELECT r.max_concurrent_executions INTO slots FROM public.automation_rules r
        WHERE r.tenant = NEW.tenant AND r.rule_id = NEW.automation_rule_id;
        IF NEW.status = 'running' AND slots IS NOT NULL THEN
            SELECT count(*) INTO taken FROM public.automation_executions e
            WHERE e.tenant = NEW.tenant AND e.automation_rule_id = NEW.automation_rule_id AND e.status = 'running';
            IF taken > slots THEN
                breach := format('%s ran at a limit of %s', taken, slots);
            END IF;
        END IF;
    END IF;
    IF coalesce(NEW.cancel_reason, NEW.status) LIKE '%newer%' AND OLD.cancel_reason IS NULL OR NEW.status = 'cancelled'
        AND OLD.status IN ('pending', 'running') AND OLD.cancel_requested_at IS NULL AND EXISTS (
            SELECT FROM public.automation_execution_logs l
            WHERE l.tenant = NEW.tenant AND l.execution_id = NEW.execution_id AND l.attempt = NEW.attempt
                AND l.message LIKE '%newer%') THEN
        SELECT r.max_concurrent_executions INTO slots FROM public.automation_rules r
        WHERE r.tenant = NEW.tenant AND r.rule_id = NEW.automation_rule_id;
        SELECT count(*) INTO taken FROM public.automation_executions e
        WHERE e.tenant = NEW.tenant AND e.automation_rule_id = NEW.automation_rule_id
            AND (e.queued_at, e.execution_id) > (NEW.queued_at, NEW.execution_id);
        IF taken < slots THEN
            breach := format('it was cancelled for newer ones, of which there were %s at a limit of %s', taken, slots);
        END IF;
    END IF;
    IF breach IS NOT NULL THEN
        INSERT INTO public.breaches VALUES (NEW.execution_id, breach);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_account AFTER UPDATE ON automation_executions FOR EACH ROW EXECUTE FUNCTION keep_account();
"""


@dataclass(frozen=True)
class Account:
    """What the database knows at rest."""

    executions: Mapping[UUID, Mapping[str, Any]]
    attempts: Mapping[tuple[UUID, int], Mapping[str, Any]]
    logs: Mapping[tuple[UUID, int], list[Mapping[str, Any]]]
    ends: Mapping[tuple[UUID, int], list[str]]
    breaches: list[tuple[UUID, str]]
    jobs: int


def open_account(urls: DatabaseUrls) -> None:
    """Begin to keep the account of a database."""
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute(_KEPT)


def read_account(urls: DatabaseUrls) -> Account:
    """Return what was kept so far; of an execution, its last attempt stands among its attempts too."""
    with psycopg.connect(urls.admin, row_factory=dict_row) as admin:
        executions = {row["execution_id"]: row for row in admin.execute("SELECT * FROM automation_executions")}
        former = admin.execute("SELECT * FROM automation_execution_attempts").fetchall()
        logs: dict[tuple[UUID, int], list[Mapping[str, Any]]] = defaultdict(list)
        for row in admin.execute("SELECT * FROM automation_execution_logs ORDER BY sequence"):
            logs[row["execution_id"], row["attempt"]].append(row)
        ends: dict[tuple[UUID, int], list[str]] = defaultdict(list)
        for row in admin.execute("SELECT * FROM ends"):
            ends[row["execution_id"], row["attempt"]].append(row["status"])
        breaches = [(row["execution_id"], row["what"]) for row in admin.execute("SELECT * FROM breaches")]
        left = admin.execute("SELECT count(*) AS jobs FROM procrastinate.procrastinate_jobs").fetchone()
    attempts = {(row["execution_id"], row["attempt"]): row for row in [*former, *executions.values()]}
    return Account(executions, attempts, logs, ends, breaches, 0 if left is None else left["jobs"])
