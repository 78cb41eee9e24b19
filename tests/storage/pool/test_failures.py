"""Meanings of a failed statement: to callers, and to a pool that remembers what the database suffers from."""

import psycopg
import pytest
from psycopg_pool import PoolClosed, PoolTimeout

from automation.domain.errors import Unavailable
from automation.storage.pool.causes import AWAY, BUSY, SLOW, Cause, cause_of
from automation.storage.pool.database import Database
from automation.storage.pool.privileges import UnsafeRole

FULL = psycopg.errors.DiskFull()


@pytest.fixture
def pool() -> Database:
    """A pool that is never opened."""
    return Database("", pool_min=1, pool_max=1, pool_timeout=2, query_timeout=4, application_name="failures")


MEANINGS: list[tuple[psycopg.Error, bool, Cause | None, str | None, bool]] = [
    (PoolTimeout(), False, None, BUSY.sentence, False),
    (PoolTimeout(), True, None, AWAY.sentence, False),
    (PoolTimeout(), True, cause_of(FULL), "cannot store", False),
    (PoolClosed(), False, cause_of(FULL), BUSY.sentence, False),
    (FULL, False, None, "cannot store", True),
    (psycopg.errors.QueryCanceled(), False, None, SLOW.sentence, False),
    (psycopg.errors.QueryCanceled(), True, None, AWAY.sentence, False),
    (psycopg.errors.DeadlockDetected(), True, None, "beside other changes", False),
    (psycopg.errors.UniqueViolation(), True, None, None, False),
]


@pytest.mark.parametrize(("error", "away", "cause", "words", "writes"), MEANINGS, ids=range(len(MEANINGS)))
def test_a_failure_means_what_the_database_is_known_to_suffer_from(
    pool: Database, error: psycopg.Error, cause: Cause | None, words: str | None, *, away: bool, writes: bool
) -> None:
    assert not pool.refuses_writes
    if away:
        vars(pool)["_outage"].begin("refused", cause)

    with pytest.raises((psycopg.Error, Unavailable)) as told:
        pool._raise_translated(error)

    assert isinstance(told.value, type(error) if words is None else Unavailable)
    assert (words or "") in str(told.value)
    assert pool.refuses_writes == writes


def test_a_role_that_may_not_be_used_is_told_whatever_failed(pool: Database) -> None:
    vars(pool)["_refusal"] = UnsafeRole("a superuser")

    with pytest.raises(UnsafeRole):
        pool._raise_translated(PoolTimeout())
