"""Answers a write that is sent again with its Idempotency-Key as it was answered first, and does it once.

The one seam for all of them (draft-ietf-httpapi-idempotency-key-header): it stands between the validation of a request
and that of its response, so that what is kept is what was validated. Handlers and queries know nothing of it, nor of
the audit log, whose lines go along with whatever is changed.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from operator import itemgetter
from typing import Any

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from automation.contract.compiled.operations import Operation
from automation.contract.serving.binding import BODY
from automation.contract.serving.endpoint import Around
from automation.contract.serving.request_context import arguments, principal
from automation.domain.errors import OutcomeUnknown, Unavailable
from automation.domain.opaque import Opaque
from automation.domain.permissions import Permission
from automation.domain.principal import Principal
from automation.domain.repetition import Answer, RepeatableRequest
from automation.service.deeds import WRITES, Deeds
from automation.storage.answers import Answers
from automation.storage.pool.trail import trailing

IDEMPOTENCY_KEY = "idempotency_key"

_NAMED = "Send it again with the same Idempotency-Key: it is done once, and then you know."
_NAMELESS = "Look at what it was to change before you send it again; with an Idempotency-Key you could just do so."
_REPLAYED = (b"idempotency-replayed", b"true")
_escaped = re.compile(r'\\(["\\])')
_string = re.compile(r'"((?:[^"\\]|\\.)*)"').match


class RepeatedWrites:
    """Stands around the writes of the contract, each of which has one of its own.

    Args:
        operation: The write.
        answers: Where answers are kept.
        deeds: Tells who does what by it.
        keys: What digests are keyed with of bodies that hold a secret, the first of which digests are made with.
    """

    def __init__(self, operation: Operation, answers: Answers, deeds: Deeds, keys: Sequence[bytes]) -> None:
        self._answers = answers
        self._deeds = deeds
        secret = operation.body is not None and operation.body.write_only
        self._keys = keys if secret and keys else (None,)
        self._operation_id = operation.operation_id
        self._shown_once = operation.shown_once
        self._name = f"{operation.method} {operation.path}"
        self._identifying = tuple(each.argument for each in operation.parameters if each.location in {"path", "query"})

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; one that has a key, only if it wasn't answered before."""
        with trailing(self._deeds.deed(scope, self._operation_id, principal(scope))):
            await self._pass_on(app, scope, receive, send)

    async def _pass_on(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        given = arguments(scope)
        key = given.get(IDEMPOTENCY_KEY)
        if key is None:
            with saying_whether_it_was_done(_NAMELESS):
                await app(scope, receive, send)
            return
        caller = principal(scope)
        request = RepeatableRequest(caller.tenant, caller.user, unquoted(key), self._digests(given, caller))

        async def do() -> Answer:
            held = _HeldAnswer()
            await app(scope, receive, held)
            return self._to_keep(held.answer())

        with saying_whether_it_was_done(_NAMED):
            answer, before = await self._answers.once(request, do)
        headers = [*answer.headers, _REPLAYED] if before else answer.headers
        await send(_start(answer.status, headers))
        await send({"type": "http.response.body", "body": answer.body})

    def _to_keep(self, answer: Answer) -> Answer:
        """Return an answer that is kept without what it shows once only."""
        if not self._shown_once:
            return answer
        shown = orjson.loads(answer.body)
        if self._shown_once.isdisjoint(shown):
            return answer
        body = orjson.dumps({name: member for name, member in shown.items() if name not in self._shown_once})
        length = (b"content-length", str(len(body)).encode())
        headers = tuple(length if name == length[0] else (name, value) for name, value in answer.headers)
        return replace(answer, kept=Answer(answer.status, headers, body))

    def _digests(self, given: Mapping[str, Any], caller: Principal) -> tuple[bytes, ...]:
        """Return what is the same for the same method, path, query and body, however they were spelled.

        A digest is stored. Of a body with a secret in it nobody may try values against it, so it is keyed. An answer
        shows what is sensitive to whoever may see that: for a user who no longer may, the request is another one.
        """
        identifying = {name: given[name] for name in self._identifying}
        sees_secrets = Permission.AUTOMATION_MANAGE_SECRETS.value in caller.permissions
        content = [self._name, identifying, given.get(BODY), sees_secrets]
        options = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS
        canonical = orjson.dumps(content, default=_canonical, option=options)
        return tuple(
            hashlib.sha256(canonical).digest() if key is None else hmac.digest(key, canonical, "sha256")
            for key in self._keys
        )


def _canonical(value: object) -> str:
    """Return what stands for a value in a request's digest; opaque JSON keeps every digit and character."""
    if not isinstance(value, Opaque):
        return str(value)
    return repr(json.loads(value.text, parse_int=_Number, parse_float=_Number, object_pairs_hook=_members))


class _Number(str):
    """A number as it was written, unlike any string."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _members(pairs: list[tuple[str, object]]) -> tuple[tuple[str, object], ...]:
    return tuple(sorted(pairs, key=itemgetter(0)))


def around_writes(answers: Answers, deeds: Deeds, keys: Sequence[bytes], operation: Operation) -> Around | None:
    """Return what stands around an operation's handling: None for one that changes nothing."""
    return RepeatedWrites(operation, answers, deeds, keys) if operation.method in WRITES else None


def _start(status: int, headers: Sequence[tuple[bytes, bytes]]) -> MutableMapping[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers}


def unquoted(key: str) -> str:
    """Return what a structured-field string says (RFC 8941, section 3.3.3), or a key that stands for itself.

    Parameters behind the string are none that are known, and so are ignored.
    """
    string = _string(key)
    return _escaped.sub(r"\1", string[1]) if string else key


@contextmanager
def saying_whether_it_was_done(how_to_find_out: str) -> Iterator[None]:
    """Have a change whose outcome is open raise ``OutcomeUnknown``, with what to do about that."""
    try:
        yield
    except Unavailable as error:
        if error.outcome_open:
            raise OutcomeUnknown(f"{OutcomeUnknown.default} {how_to_find_out}") from error
        raise


class _HeldAnswer:
    """Takes a response's messages in the place of ``send``, until all that it answers to is committed."""

    def __init__(self) -> None:
        self._start: MutableMapping[str, Any] = {}
        self._body = b""

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        else:
            self._body += message.get("body", b"")

    def answer(self) -> Answer:
        return Answer(self._start["status"], tuple(self._start["headers"]), self._body)
