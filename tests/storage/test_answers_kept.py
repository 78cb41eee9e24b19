"""Answers that are kept: each for its user, its key and its time, as large as may be, and no longer."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from automation.domain.errors import IdempotencyAnswerNotKept, IdempotencyKeyReused
from automation.domain.limits import Limit
from automation.domain.permissions import Role
from automation.domain.repetition import Answer, RepeatableRequest
from automation.storage.answers import LARGEST_BODY, Answers
from automation.storage.pool.database import Database
from tests.databases import DatabaseUrls
from tests.storage.samples import Sample

DAY = timedelta(hours=24)
DIGEST, OTHER = b"d" * 32, b"e" * 32


@pytest.fixture
def answers(database: Database) -> Answers:
    return Answers(database, kept=DAY)


def request_of(sample: Sample, key: str = "key", digest: bytes = DIGEST, user: UUID | None = None) -> RepeatableRequest:
    return RepeatableRequest(sample.tenant, user or sample.user, key, (digest,))


def answering(body: bytes) -> Callable[[], Awaitable[Answer]]:
    """Return what changes nothing and is answered so."""

    async def do() -> Answer:
        return Answer(200, (), body)

    return do


async def asked(answers: Answers, request: RepeatableRequest, body: bytes = b"new") -> bytes:
    """Return how a request is answered: so, if it wasn't before."""
    return (await answers.once(request, answering(body)))[0].body


async def test_an_answer_is_to_one_key_of_one_user_of_one_tenant(
    ours: Sample, theirs: Sample, answers: Answers
) -> None:
    colleague = ours.administration.create_user(ours.tenant, "colleague@example.com", Role.OPERATOR).user
    requests = [
        request_of(ours),
        request_of(ours, "other"),
        request_of(ours, user=colleague),
        request_of(ours, "other", user=colleague),
        request_of(theirs),
        request_of(theirs, user=ours.user),
    ]

    first = [await asked(answers, request, bytes([number])) for number, request in enumerate(requests)]
    again = [await asked(answers, request) for request in requests]

    assert first == again == [bytes([number]) for number in range(len(requests))]


async def test_one_whose_time_is_over_is_given_anew_and_kept_in_the_place_of_the_former(
    ours: Sample, answers: Answers, database: Database, database_urls: DatabaseUrls
) -> None:
    over = Answers(database, kept=timedelta(0))
    await asked(over, request_of(ours), b"former")

    answered = [
        await asked(answers, request_of(ours, digest=OTHER), b"second"),
        await asked(answers, request_of(ours, digest=OTHER), b"third"),
    ]

    assert answered == [b"second", b"second"]
    with pytest.raises(IdempotencyKeyReused):
        await asked(answers, request_of(ours))
    with psycopg.connect(database_urls.admin) as admin:
        row = admin.execute(
            "SELECT digest, body, expires_at - created_at FROM idempotency_records WHERE tenant = %s", (ours.tenant,)
        ).fetchall()
    assert row == [(OTHER, b"second", DAY)]


@pytest.mark.parametrize(
    ("seconds", "found", "pruned"), [(0, False, True), (1, True, False), (-1, False, True)], ids=["now", "then", "over"]
)
async def test_it_is_over_from_the_very_moment_on_that_it_says(
    ours: Sample, answers: Answers, database_urls: DatabaseUrls, *, seconds: int, found: bool, pruned: bool
) -> None:
    await asked(answers, request_of(ours))
    named = {"tenant": ours.tenant, "user": ours.user, "seconds": seconds}
    with psycopg.connect(database_urls.admin) as admin:  # one transaction, in which now() is one moment
        admin.execute(
            "UPDATE idempotency_records SET expires_at = now() + %(seconds)s * interval '1 microsecond'"
            " WHERE tenant = %(tenant)s",
            named,
        )
        seen = admin.execute("SELECT FROM find_idempotency_record_v1(%(tenant)s, %(user)s, 'key')", named).rowcount
        admin.execute("SELECT prune_idempotency_records_v1(1000)")
        left = admin.execute("SELECT FROM idempotency_records WHERE tenant = %(tenant)s", named).rowcount
        admin.rollback()

    assert (seen == 1, left == 0) == (found, pruned)


async def test_no_more_are_removed_at_a_time_than_asked_for_however_alike_their_names_are(
    ours: Sample, theirs: Sample, database: Database, database_urls: DatabaseUrls
) -> None:
    over, colleague = Answers(database, kept=timedelta(0)), uuid4()
    requests = [
        request_of(sample, key, user=user)
        for sample in (ours, theirs)
        for user in (ours.user, colleague)
        for key in ("key", "other")
    ]
    for request in requests:
        await asked(over, request)

    with psycopg.connect(database_urls.admin, autocommit=True) as admin:
        admin.execute("DELETE FROM idempotency_records WHERE tenant <> ALL (%s)", ([ours.tenant, theirs.tenant],))
        removed = [admin.execute("SELECT prune_idempotency_records_v1(1)").fetchone() for _ in range(9)]

    assert removed == [(1,)] * 8 + [(0,)]


async def test_what_somebody_replaces_at_the_moment_is_left_to_him(
    ours: Sample, database: Database, database_urls: DatabaseUrls
) -> None:
    over = Answers(database, kept=timedelta(0))
    for key in ("replaced", "removed"):
        await asked(over, request_of(ours, key))

    with psycopg.connect(database_urls.admin) as other, psycopg.connect(database_urls.admin) as admin:
        other.execute("DELETE FROM idempotency_records WHERE tenant <> %s", (ours.tenant,))
        other.commit()
        other.execute(
            "SELECT FROM idempotency_records WHERE tenant = %s AND idempotency_key = 'replaced' FOR UPDATE",
            (ours.tenant,),
        )
        admin.execute("SET lock_timeout = '1ms'")
        removed = admin.execute("SELECT prune_idempotency_records_v1(1000)").fetchone()

    assert removed == (1,)


async def test_an_answer_of_a_mebibyte_is_kept_and_of_a_larger_one_that_it_was_given(
    ours: Sample, answers: Answers
) -> None:
    assert LARGEST_BODY == 1024 * 1024
    largest, larger = b"x" * LARGEST_BODY, b"x" * (LARGEST_BODY + 1)

    await asked(answers, request_of(ours, "largest"), largest)
    await asked(answers, request_of(ours, "larger"), larger)

    assert await asked(answers, request_of(ours, "largest")) == largest
    with pytest.raises(IdempotencyAnswerNotKept):
        await asked(answers, request_of(ours, "larger"))
    with pytest.raises(IdempotencyKeyReused):
        await asked(answers, request_of(ours, "larger", OTHER))


async def test_a_tenants_answers_are_kept_up_to_their_limit_exactly(ours: Sample, database: Database) -> None:
    answers = Answers(database, kept=DAY, limits={Limit.MAX_ANSWER_BYTES: 10})

    for key, body in (("six", b"123456"), ("five", b"12345"), ("four", b"1234"), ("one", b"1"), ("none", b"")):
        await asked(answers, request_of(ours, key), body)

    assert await asked(answers, request_of(ours, "six")) == b"123456"
    assert await asked(answers, request_of(ours, "four")) == b"1234"
    assert await asked(answers, request_of(ours, "none")) == b""
    for key in ("five", "one"):
        with pytest.raises(IdempotencyAnswerNotKept):
            await asked(answers, request_of(ours, key))


async def test_a_request_that_any_of_its_digests_stands_for_is_the_same(ours: Sample, answers: Answers) -> None:
    request = replace(request_of(ours), digests=(OTHER, DIGEST))
    await asked(answers, request_of(ours), b"before the key changed")

    assert await asked(answers, request) == b"before the key changed"
    await asked(answers, replace(request, key="later"), b"since")
    with pytest.raises(IdempotencyKeyReused):
        await asked(answers, request_of(ours, "later"))
