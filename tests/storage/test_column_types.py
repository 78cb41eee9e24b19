"""Types of columns: what the tables that runs write may hold is checked where it is assigned, and there alone."""

import psycopg
import pytest

from tests.databases import DatabaseUrls

WRITTEN_BY_RUNS = ("audit_events", "automation_execution_logs", "automation_executions", "automation_run_ends")
GOOD_AND_BAD = {
    "audit_actor": (("user", "operator", "hook"), ("worker", "")),
    "audit_outcome": (("done", "refused"), ("failed", "")),
    "audit_resource": (("execution", "key", "rule", "secret", "tenant", "user"), ("role", "")),
    "duration": (("0", "0.5", "1e308"), ("-0.1", "Infinity", "NaN")),
    "execution_priority": (("-10", "0", "10"), ("-11", "11")),
    "execution_status": (
        ("pending", "running", "completed", "failed", "cancelled", "timeout", "skipped"),
        ("done", "Pending", ""),
    ),
    "finite_time": (("epoch", "2026-11-29T00:00:00Z"), ("infinity", "-infinity")),
    "log_level": (("debug", "info", "warn", "error"), ("warning", "")),
    "natural_number": (("0", "1", "2147483647"), ("-1",)),
    "object_json": (('{"a": [1]}', "{}"), ("[]", '"{}"', "null", "1")),
    "object_jsonb": (('{"a": [1]}', "{}"), ("[]", '"{}"', "null", "1")),
    "positive_number": (("1", "2147483647"), ("0", "-1")),
    "retry_origin": (("start", "failed_action"), ("end", "")),
}


@pytest.mark.parametrize("domain", GOOD_AND_BAD)
def test_a_type_takes_what_it_is_for_and_nothing_and_refuses_the_rest(database_urls: DatabaseUrls, domain: str) -> None:
    good, bad = GOOD_AND_BAD[domain]
    with psycopg.connect(database_urls.owner, autocommit=True) as connection:
        for value in (*good, None):
            connection.execute(f"SELECT %s::{domain}".encode(), [value])
        for value in bad:
            with pytest.raises(psycopg.errors.CheckViolation):
                connection.execute(f"SELECT %s::{domain}".encode(), [value])


def test_these_are_all_types_that_there_are(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.owner) as connection:
        found = connection.execute(
            "SELECT typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'd'"
        ).fetchall()

    assert {name for (name,) in found} == set(GOOD_AND_BAD)


def test_no_statement_of_a_run_reads_a_check_anew(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.owner) as connection:
        checks = connection.execute(
            "SELECT conrelid::regclass::text, conname::text FROM pg_constraint"
            " WHERE contype = 'c' AND conrelid::regclass::text = ANY (%s)",
            [list(WRITTEN_BY_RUNS)],
        ).fetchall()

    assert checks == []


def test_no_time_of_a_run_can_be_endless_nor_a_count_negative(database_urls: DatabaseUrls) -> None:
    """A column that is added to what runs write has a type of these, or is one that needs none."""
    free = {"rule_version", "failed_action_index", "sequence", "action_index", "attempt"}
    with psycopg.connect(database_urls.owner) as connection:
        plain = connection.execute(
            "SELECT table_name::text, column_name::text FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = ANY (%s) AND domain_name IS NULL"
            " AND data_type IN ('timestamp with time zone', 'integer', 'json', 'jsonb')",
            [["automation_executions", "automation_execution_logs", "audit_events"]],
        ).fetchall()

    assert [(table, column) for table, column in plain if column not in free] == []
