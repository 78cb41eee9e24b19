"""Keeps the answers to requests with an Idempotency-Key: each in the transaction of what it is the answer to."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import orjson
from psycopg.rows import dict_row

from automation.domain.errors import IdempotencyAnswerNotKept, IdempotencyInFlight, IdempotencyKeyReused
from automation.domain.limits import DEFAULTS, Limit, Limits
from automation.domain.repetition import Answer, RepeatableRequest
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import decoded
from automation.storage.pool.unit_of_work import Opening

LARGEST_BODY = 1024 * 1024
"""Bytes of the largest body that is kept."""

# The answer that a key stands for, before anything is done.
_FIND = b"""
SELECT digest, status, headers, body
FROM find_idempotency_record_v1(p_tenant => %(tenant)s, p_user => %(user)s, p_key => %(key)s)
"""
# Nobody else does anything under the key before this transaction ends.
_CLAIM = b"""
SELECT outcome, digest, status, headers, body
FROM claim_idempotency_key_v1(p_tenant => %(tenant)s, p_user => %(user)s, p_key => %(key)s)
"""
# The claim keeps others out, so a row that is there is one whose time is over.
_KEEP = b"""
INSERT INTO idempotency_records (tenant, user_id, idempotency_key, digest, status, headers, body, expires_at)
VALUES (%(tenant)s, %(user)s, %(key)s, %(digest)s, %(status)s, %(headers)s::json,
    CASE WHEN over_limit_v1(
        p_tenant => %(tenant)s, p_name => 'max_answer_bytes', p_day => 'epoch',
        p_more => octet_length(%(body)s::bytea), p_most => %(max_answer_bytes)s::bigint) IS NULL
    THEN %(body)s::bytea END,
    now() + make_interval(secs => %(seconds)s))
ON CONFLICT (tenant, user_id, idempotency_key) DO UPDATE SET
    digest = excluded.digest, status = excluded.status, headers = excluded.headers, body = excluded.body,
    created_at = excluded.created_at, expires_at = excluded.expires_at
"""


class _AnsweredMeanwhile(Exception):
    """Another process was faster with the same request."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("the request was answered meanwhile")
        self.answer = answer


class Answers:
    """The answers to the writes of all tenants, one user's key at a time.

    Args:
        database: Where they are kept.
        kept: For how long.
        largest: How many bytes a body that is kept may have. Of a larger one it is only known that it was sent.
        limits: What tenants may use that have no limits of their own: their ``max_answer_bytes`` are all bodies'.
    """

    def __init__(
        self, database: Database, *, kept: timedelta, largest: int = LARGEST_BODY, limits: Limits = DEFAULTS
    ) -> None:
        self._database = database
        self._seconds = kept.total_seconds()
        self._largest = largest
        self._most = limits.get(Limit.MAX_ANSWER_BYTES)

    async def once(self, request: RepeatableRequest, do: Callable[[], Awaitable[Answer]]) -> tuple[Answer, bool]:
        """Return the answer to a request, and whether it was given before; else it is done now.

        Args:
            request: The request.
            do: Does it, and returns the answer. All that is changed meanwhile is committed together with the answer,
                or not at all; where this raises, it is as if the request had never come.

        Raises:
            IdempotencyKeyReused: where another request was done with the key.
            IdempotencyInFlight: where one is being done.
            IdempotencyAnswerNotKept: where it was done, and its answer was too large.
            Unavailable: where the database cannot be reached.
        """
        named = {"tenant": request.tenant, "user": request.user, "key": request.key}
        found = await self._database.fetch_one(_FIND, named, dict_row)
        if found is not None:
            return _answer(request, found), True
        try:
            async with self._database.unit_of_work(
                request.tenant, Opening(_CLAIM, named, partial(_expect_claimed, request))
            ) as unit:
                answer = await do()
                await unit.commit(_KEEP, named | self._kept(request, answer))
        except _AnsweredMeanwhile as other:
            return other.answer, True
        return answer, False

    def _kept(self, request: RepeatableRequest, answer: Answer) -> dict[str, object]:
        answer = answer.kept or answer
        return {
            "digest": request.digests[0],
            "status": answer.status,
            "headers": _text(answer.headers),
            "body": answer.body if len(answer.body) <= self._largest else None,
            "seconds": self._seconds,
            str(Limit.MAX_ANSWER_BYTES): self._most,
        }


def _expect_claimed(request: RepeatableRequest, row: Mapping[str, Any]) -> None:
    if row["outcome"] == "in_flight":
        raise IdempotencyInFlight
    if row["outcome"] == "answered":
        raise _AnsweredMeanwhile(_answer(request, row))


def _answer(request: RepeatableRequest, row: Mapping[str, Any]) -> Answer:
    if row["digest"] not in request.digests:
        raise IdempotencyKeyReused
    if row["body"] is None:
        raise IdempotencyAnswerNotKept
    headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in decoded(row["headers"]))
    return Answer(row["status"], headers, row["body"])


def _text(headers: Sequence[tuple[bytes, bytes]]) -> str:
    return orjson.dumps([[name.decode("latin-1"), value.decode("latin-1")] for name, value in headers]).decode()
