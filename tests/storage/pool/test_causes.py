"""Causes of failed statements: the database's own faults are told apart from ours, to clients and to the operator."""

import psycopg
import pytest
from psycopg import errors
from structlog.testing import capture_logs

from automation.storage.pool.causes import AWAY, OUTCOME_OPEN, SLOW, Cause, Causes, cause_of, cause_of_refusal
from tests.databases import DatabaseUrls


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.DiskFull(), "cannot store"),
        (errors.IoError(), "cannot store"),
        (errors.UndefinedFile(), "cannot store"),
        (errors.OutOfMemory(), "no memory"),
        (errors.TooManyConnections(), "no more connections"),
        (errors.ConfigurationLimitExceeded(), "no capacity"),
        (errors.ReadOnlySqlTransaction(), "read-only"),
        (errors.DataCorrupted(), "cannot use its data"),
        (errors.IndexCorrupted(), "cannot use its data"),
        (errors.DeadlockDetected(), "beside other changes"),
        (errors.SerializationFailure(), "beside other changes"),
        (errors.QueryCanceled(), "in time"),
        (errors.LockNotAvailable(), "in time"),
        (errors.IdleInTransactionSessionTimeout(), "in time"),
        (errors.AdminShutdown(), "cannot be reached"),
        (errors.CrashShutdown(), "cannot be reached"),
        (errors.CannotConnectNow(), "cannot be reached"),
        (errors.ConnectionFailure(), "cannot be reached"),
        (psycopg.OperationalError("the connection is closed"), "cannot be reached"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_fault_of_the_database_has_a_sentence_of_its_own(error: psycopg.Error, words: str) -> None:
    cause = cause_of(error)

    assert cause is not None
    assert words in cause.sentence


@pytest.mark.parametrize(
    "error",
    [
        errors.UndefinedTable(),
        errors.UniqueViolation(),
        errors.InvalidTextRepresentation(),
        errors.ProgramLimitExceeded(),
        errors.InternalError_(),
        psycopg.ProgrammingError("the query has 1 placeholder"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_fault_of_a_statement_is_none_of_the_database(error: psycopg.Error) -> None:
    assert cause_of(error) is None


@pytest.mark.parametrize(
    "error",
    [errors.DiskFull(), errors.IoError(), errors.ReadOnlySqlTransaction()],
    ids=lambda error: type(error).__name__,
)
def test_what_fails_writes_alone_says_so(error: psycopg.Error) -> None:
    cause = cause_of(error)

    assert cause is not None
    assert cause.writes


def test_a_privilege_that_was_lost_is_the_databases_fault_and_a_row_that_a_policy_keeps_out_is_ours(
    database_urls: DatabaseUrls,
) -> None:
    lost = _error(database_urls.api, "SELECT FROM api_keys")
    kept_out = _error(
        database_urls.api,
        "INSERT INTO automation_executions (tenant, execution_id, automation_rule_id, status)"
        " VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'pending')",
    )

    assert lost.sqlstate == kept_out.sqlstate == "42501"
    cause = cause_of(lost)
    assert cause is not None
    assert "GRANT automation_api" in cause.remedy
    assert cause_of(kept_out) is None


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("FATAL:  sorry, too many clients already", "max_connections"),
        ('FATAL:  too many connections for role "api"', "CONNECTION LIMIT"),
        ("FATAL:  remaining connection slots are reserved for roles with …", "max_connections"),
        ('FATAL:  password authentication failed for user "api"', "password"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.7"', "pg_hba.conf"),
        ('FATAL:  role "api" is not permitted to log in', "login"),
    ],
)
def test_why_a_connection_is_refused_is_read_from_the_servers_words(words: str, remedy: str) -> None:
    cause = cause_of_refusal(psycopg.OperationalError(f"connection failed: {words}"))

    assert cause is not None
    assert remedy in cause.remedy


def test_a_refusal_without_a_server_has_no_cause() -> None:
    assert cause_of_refusal(psycopg.OperationalError("connection failed: Connection refused")) is None


def test_a_cause_is_logged_with_its_state_and_remedy_once_a_minute_and_told_to_every_caller() -> None:
    causes, error = Causes(), errors.DiskFull("could not extend file")
    cause = cause_of(error)
    assert cause is not None

    with capture_logs() as logged:
        told = [causes.unavailable(cause, error) for _ in range(3)]

    assert [each.detail for each in told] == [cause.sentence] * 3
    (entry,) = logged
    assert (entry["log_level"], entry["sqlstate"], entry["condition"]) == ("error", "53100", "DiskFull")
    assert "free space" in entry["remedy"]
    assert entry["message"] == "could not extend file"


def test_what_another_try_helps_against_is_not_logged() -> None:
    causes = Causes()

    with capture_logs() as logged:
        told = [causes.unavailable(cause, psycopg.OperationalError()) for cause in (AWAY, SLOW)]

    assert logged == []
    assert [each.timed_out for each in told] == [False, True]


def _error(url: str, statement: str) -> psycopg.Error:
    with psycopg.connect(url) as connection:
        try:
            connection.execute(statement)
        except psycopg.Error as error:
            return error
    raise AssertionError("it was allowed")


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("cause", [AWAY, SLOW])
def test_callers_are_told_whether_it_took_too_long_and_whether_a_change_may_have_been_made(
    cause: Cause, is_open: bool
) -> None:
    error = psycopg.OperationalError()
    error.add_note("another note")
    if is_open:
        error.add_note(OUTCOME_OPEN)

    told = Causes().unavailable(cause, error)

    assert (told.detail, told.timed_out, told.outcome_open) == (cause.sentence, cause is SLOW, is_open)


@pytest.mark.parametrize(
    ("error", "writes"),
    [
        (errors.ReadOnlySqlTransaction(), True),
        (errors.DiskFull(), True),
        (errors.AdminShutdown(), False),
        (errors.QueryCanceled(), False),
        (errors.TooManyConnections(), False),
        (errors.DeadlockDetected(), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_where_only_writes_are_refused_reads_go_on(error: psycopg.Error, writes: bool) -> None:
    cause = cause_of(error)

    assert cause is not None
    assert cause.writes == writes
