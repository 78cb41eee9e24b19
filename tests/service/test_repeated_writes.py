"""Writes that are sent again: which is the same as before, how it is answered then, and what is shown once only."""

import hashlib
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from starlette.types import Receive, Scope, Send

from automation.contract.compiled.contract import Contract
from automation.contract.compiled.raw_bodies import RawBody
from automation.contract.serving.binding import BODY
from automation.contract.serving.connexion_adapter import CONTEXT
from automation.contract.serving.request_context import ARGUMENTS, REQUEST_ID
from automation.domain.errors import IdempotencyKeyReused, OutcomeUnknown, Unavailable
from automation.domain.permissions import Permission
from automation.domain.principal import Principal
from automation.service.deeds import Deeds
from automation.service.http.client_addresses import ClientAddresses
from automation.service.repeated_writes import around_writes
from automation.storage.accounts.administration import Administration
from automation.storage.answers import Answers
from automation.storage.pool.database import Database
from automation.storage.pool.trail import TRAIL
from tests.administering import administering
from tests.databases import Cluster, DatabaseUrls
from tests.shipped_contract.shipped import DOCUMENT
from tests.storage.samples import sample

OPERATIONS = Contract(DOCUMENT).operations
PLAIN, SHOWING, SECRET = "executeAutomationRule", "rotateAutomationHook", "putAutomationSecret"
RULE = UUID(int=1)
REPLAYED = (b"idempotency-replayed", b"true")
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"23")]
KEYS = (b"k" * 32, b"l" * 32)


@pytest.fixture(scope="module")
def database_urls(cluster: Cluster) -> Iterator[DatabaseUrls]:
    """A database for the module: each test has a tenant of its own in it."""
    with cluster.database() as urls:
        yield urls


@pytest.fixture(scope="module")
def administration(database_urls: DatabaseUrls) -> Iterator[Administration]:
    with administering(database_urls.owner) as commands:
        yield commands


@pytest.fixture
def caller(administration: Administration) -> Principal:
    made = sample(administration)
    return Principal(made.tenant, made.user, frozenset(), "ak_12345678")


class Handling:
    """What stands behind: it answers the same each time in two pieces, and counts how often it was asked."""

    def __init__(self, body: bytes) -> None:
        self.pieces = (body[:4], body[4:])
        self.asked = 0
        self.actions: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        trail = TRAIL.get()
        self.actions.append("" if trail is None else trail.deed.action)
        await send({"type": "http.response.start", "status": 201, "headers": HEADERS})
        await send({"type": "http.response.body", "body": self.pieces[0], "more_body": True})
        await send({"type": "http.response.body", "body": self.pieces[1]})
        await send({"type": "http.response.body"})


class Failing(Handling):
    """What never learns whether what it has changed was committed, or knows that it was not."""

    def __init__(self, *, outcome_open: bool) -> None:
        super().__init__(b"")
        self.error = Unavailable()
        self.error.outcome_open = outcome_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise self.error


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody who sends writes to an operation."""

    database: Database
    caller: Principal
    operation: str = PLAIN
    keys: tuple[bytes, ...] = ()
    given: Mapping[str, Any] = field(
        default_factory=lambda: {"id": RULE, "name": "a", BODY: {}, "idempotency_key": "key"}
    )

    async def send(self, handling: Handling) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Send the write, and return how it is answered."""
        scope = {
            "client": ("192.0.2.1", 1),
            "headers": [],
            "path_params": {},
            ARGUMENTS: self.given,
            "extensions": {CONTEXT: {"token_info": {"principal": self.caller}}, REQUEST_ID: str(uuid4())},
        }
        sent: list[MutableMapping[str, Any]] = []

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        async def receive() -> MutableMapping[str, Any]:
            raise AssertionError("its body was read before")

        answers = Answers(self.database, kept=timedelta(hours=1))
        deeds = Deeds(OPERATIONS.values(), ClientAddresses())
        around = around_writes(answers, deeds, self.keys, OPERATIONS[self.operation])
        assert around is not None
        await around(handling, scope, receive, send)
        assert [message["type"] for message in sent[:2]] == ["http.response.start", "http.response.body"]
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], list(sent[0]["headers"]), body

    def giving(self, **given: Any) -> "Asking":
        return replace(self, given={**self.given, **given})


async def test_one_with_a_key_is_done_once_and_answered_alike(database: Database, caller: Principal) -> None:
    asking, handling = Asking(database, caller), Handling(b'{"a":1,"hook":"secret"}')

    first, again = await asking.send(handling), await asking.send(handling)

    assert first == (201, HEADERS, b'{"a":1,"hook":"secret"}')
    assert again == (201, [*HEADERS, REPLAYED], b'{"a":1,"hook":"secret"}')
    assert handling.actions == [PLAIN]


async def test_one_without_a_key_is_done_each_time(database: Database, caller: Principal) -> None:
    asking, handling = Asking(database, caller, given={"id": RULE, BODY: {}}), Handling(b'{"a":1,"hook":"secret"}')

    answered = [await asking.send(handling) for _ in range(2)]

    assert answered == [(201, HEADERS, b'{"a":1,"hook":"secret"}')] * 2
    assert handling.actions == [PLAIN, PLAIN]


async def test_what_is_shown_once_is_not_sent_again(database: Database, caller: Principal) -> None:
    asking, handling = Asking(database, caller, SHOWING), Handling(b'{"a":1,"hook":"secret"}')

    first, again = await asking.send(handling), await asking.send(handling)

    assert first == (201, HEADERS, b'{"a":1,"hook":"secret"}')
    assert again == (201, [HEADERS[0], (b"content-length", b"7"), REPLAYED], b'{"a":1}')


async def test_an_answer_that_shows_nothing_once_is_sent_again_as_it_was(database: Database, caller: Principal) -> None:
    asking, handling = Asking(database, caller, SHOWING), Handling(b'{ "a": 1.0, "b": "hook" }')

    first, again = await asking.send(handling), await asking.send(handling)

    assert (first[2], again) == (b'{ "a": 1.0, "b": "hook" }', (201, [*HEADERS, REPLAYED], first[2]))


OTHERS: dict[str, dict[str, Any]] = {
    "another path": {"id": UUID(int=2)},
    "another body": {BODY: {"a": 2}},
    "no body": {BODY: None},
}


@pytest.mark.parametrize("name", OTHERS)
async def test_what_asks_for_something_else_is_another_request(
    name: str, database: Database, caller: Principal
) -> None:
    asking, handling = Asking(database, caller), Handling(b"{}")
    await asking.send(handling)

    with pytest.raises(IdempotencyKeyReused):
        await asking.giving(**OTHERS[name]).send(handling)

    assert handling.asked == 1


async def test_a_body_that_is_taken_as_it_came_is_told_apart_by_its_bytes(
    database: Database, caller: Principal
) -> None:
    asking, handling = Asking(database, caller), Handling(b"{}")
    bodies = [RawBody(content, "text/plain") for content in (b"a", b"a", b"b")]
    for body in bodies[:2]:
        await asking.giving(**{BODY: body}).send(handling)

    with pytest.raises(IdempotencyKeyReused):
        await asking.giving(**{BODY: bodies[2]}).send(handling)

    assert handling.asked == 1


async def test_the_same_of_another_operation_is_another_request(database: Database, caller: Principal) -> None:
    handling = Handling(b"{}")
    await Asking(database, caller).send(handling)

    with pytest.raises(IdempotencyKeyReused):
        await Asking(database, caller, SHOWING).send(handling)


async def test_whoever_sees_secrets_by_now_asks_for_something_else(database: Database, caller: Principal) -> None:
    handling = Handling(b"{}")
    await Asking(database, caller).send(handling)
    seeing = replace(caller, permissions=frozenset({Permission.AUTOMATION_MANAGE_SECRETS.value}))

    with pytest.raises(IdempotencyKeyReused):
        await Asking(database, seeing).send(handling)


async def test_what_stands_in_headers_makes_no_other_request(database: Database, caller: Principal) -> None:
    asking, handling = Asking(database, caller), Handling(b"{}")
    await asking.send(handling)

    await asking.giving(x_tenant_id=str(uuid4()), idempotency_key='"key"').send(handling)

    assert handling.asked == 1


async def test_another_key_is_another_request(database: Database, caller: Principal) -> None:
    asking, handling = Asking(database, caller), Handling(b"{}")
    await asking.send(handling)

    await asking.giving(idempotency_key="other").send(handling)

    assert handling.asked == 2


def digest(urls: DatabaseUrls, caller: Principal) -> bytes:
    with psycopg.connect(urls.admin) as admin:
        row = admin.execute("SELECT digest FROM idempotency_records WHERE tenant = %s", (caller.tenant,)).fetchone()
    assert row is not None
    found: bytes = row[0]
    return found


@pytest.mark.parametrize(("operation", "same"), [(PLAIN, True), (SECRET, False)])
async def test_only_a_digest_of_a_secret_depends_on_a_key(
    operation: str, same: bool, database: Database, database_urls: DatabaseUrls, administration: Administration
) -> None:
    found = []
    for keys in (KEYS, KEYS[:1], KEYS[1:], ()):
        made = sample(administration)
        caller = Principal(made.tenant, made.user, frozenset(), "ak_12345678")
        asking = Asking(database, caller, operation, keys)
        await asking.send(Handling(b"{}"))
        found.append(digest(database_urls, caller))

    assert (found[0] == found[2], found[0] == found[3]) == (same, same)
    assert found[0] == found[1]
    assert {len(each) for each in found} == {hashlib.sha256().digest_size}


async def test_a_secret_is_the_same_under_a_key_that_was_the_first_before(
    database: Database, caller: Principal
) -> None:
    handling = Handling(b"{}")
    await Asking(database, caller, SECRET, KEYS[1:]).send(handling)

    await Asking(database, caller, SECRET, KEYS).send(handling)
    with pytest.raises(IdempotencyKeyReused):
        await Asking(database, caller, SECRET, KEYS[:1]).send(handling)

    assert handling.asked == 1


@pytest.mark.parametrize(("given", "advice"), [({"id": RULE}, "Look at what"), ({"idempotency_key": "key"}, "Send it")])
async def test_a_change_whose_outcome_is_open_is_told_as_that(
    given: dict[str, Any], advice: str, database: Database, caller: Principal
) -> None:
    asking = Asking(database, caller, given={"id": RULE, **given})

    with pytest.raises(OutcomeUnknown, match=advice):
        await asking.send(Failing(outcome_open=True))


@pytest.mark.parametrize("given", [{"id": RULE}, {"idempotency_key": "key"}])
async def test_one_that_was_not_made_is_told_as_it_was(
    given: dict[str, Any], database: Database, caller: Principal
) -> None:
    asking = Asking(database, caller, given={"id": RULE, **given})

    with pytest.raises(Unavailable):
        await asking.send(Failing(outcome_open=False))


def test_nothing_stands_around_what_changes_nothing(database: Database) -> None:
    answers, deeds = Answers(database, kept=timedelta(hours=1)), Deeds([], ClientAddresses())

    around = {each.operation_id for each in OPERATIONS.values() if around_writes(answers, deeds, (), each)}

    assert around == {each.operation_id for each in OPERATIONS.values() if each.method != "GET"}
