"""Changes of keys are heard of as they are committed, before what proves it; what forges either is worth nothing."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from threading import Event
from uuid import UUID, uuid4

import psycopg
import pytest

from automation.domain.limits import Limit
from automation.storage import key_changes
from automation.storage.accounts.administration import Administration
from automation.storage.key_changes import CHANNEL, KeyChanges
from automation.storage.keys import KeyDirectory
from automation.storage.migrations import functions
from tests.databases import DatabaseUrls
from tests.security.directories import Clock
from tests.storage.round_trips import counting_proxy
from tests.storage.samples import Sample, prefix_of, sample

LISTENERS = b"application_name = 'automation-executions key changes'"
PATIENCE = 30.0
GOOD_FOR = 0.9


@dataclass
class Heard:
    """What was heard, in its order: ``begin``, whose something changed, and when what proves it was sent."""

    clock: Clock = field(default_factory=Clock)
    told: list[object] = field(default_factory=list)

    def begin(self) -> None:
        self.told.append("begin")

    def changed(self, subject: UUID | None) -> None:
        self.told.append(subject)

    def proved(self, sent: float) -> None:
        self.told.append(sent)

    @property
    def subjects(self) -> set[UUID | None]:
        """Return whose something changed."""
        return {each for each in self.told if each is None or isinstance(each, UUID)}

    def proofs(self) -> int:
        """Return how many proofs there were."""
        return sum(isinstance(each, float) for each in self.told)

    def begun(self) -> int:
        """Return how often listening began."""
        return self.told.count("begin")

    async def all_until_now(self) -> None:
        """Wait until everything has been heard of that was committed before."""
        self.clock.advance(0.001)
        now = self.clock()
        await until(lambda: any(isinstance(each, float) and each >= now for each in self.told))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.01)


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what listeners have logged."""
    return [each.getMessage() for each in caplog.records if each.name == key_changes.__name__]


@asynccontextmanager
async def listening(url: str, heard: Heard) -> AsyncIterator[KeyChanges]:
    changes = KeyChanges(url, heard, good_for=GOOD_FOR, clock=heard.clock)
    changes.start()
    try:
        yield changes
    finally:
        await changes.stop()


@pytest.fixture
async def heard(database_urls: DatabaseUrls) -> AsyncIterator[Heard]:
    """Somebody who listens by now."""
    told = Heard()
    async with listening(database_urls.api, told):
        await told.all_until_now()
        yield told


async def owner_does(urls: DatabaseUrls, statement: str, **values: object) -> None:
    """Change something as whoever can."""
    async with await psycopg.AsyncConnection.connect(urls.admin) as admin:
        await admin.execute(statement.encode(), values)


TOLD_OF_USER = [
    "UPDATE api_keys SET revoked_at = now() WHERE digest = %(digest)s",
    "UPDATE api_keys SET active = false WHERE digest = %(digest)s",
    "UPDATE api_keys SET expires_at = now() WHERE digest = %(digest)s",
    "UPDATE api_keys SET usage_limit = 3 WHERE digest = %(digest)s",
    "UPDATE api_keys SET requests_per_minute = 3 WHERE digest = %(digest)s",
    "UPDATE api_keys SET user_id = gen_random_uuid() WHERE digest = %(digest)s",
    "DELETE FROM api_keys WHERE digest = %(digest)s",
    "UPDATE users SET active = false WHERE user_id = %(user)s",
    "DELETE FROM users WHERE user_id = %(user)s",
    "DELETE FROM user_roles WHERE user_id = %(user)s",
    "UPDATE user_roles SET role = 'operator' WHERE user_id = %(user)s",
    "INSERT INTO user_roles (tenant, user_id, role) VALUES (%(tenant)s, %(user)s, 'operator')",
    "DELETE FROM roles WHERE role = 'reader' AND tenant = %(tenant)s",
]
TOLD_OF_TENANT = [
    "DELETE FROM role_permissions WHERE tenant = %(tenant)s AND role = 'reader'",
    "UPDATE role_permissions SET permission = 'a:b' WHERE tenant = %(tenant)s AND role = 'reader'",
    "INSERT INTO role_permissions (tenant, role, permission) VALUES (%(tenant)s, 'reader', 'a:b')",
    "INSERT INTO tenant_limits (tenant, name, value) VALUES (%(tenant)s, 'requests_per_minute', 3)",
    "UPDATE tenant_limits SET value = 4 WHERE tenant = %(tenant)s",
    "DELETE FROM tenant_limits WHERE tenant = %(tenant)s",
    "DELETE FROM roles WHERE role = 'reader' AND tenant = %(tenant)s",
]
TOLD_OF_EVERYBODY = [
    "TRUNCATE api_keys",
    "TRUNCATE users CASCADE",
    "TRUNCATE roles CASCADE",
    "TRUNCATE role_permissions",
    "TRUNCATE tenant_limits",
    "TRUNCATE tenants CASCADE",
]


@pytest.mark.parametrize(
    ("statements", "whose"),
    [(TOLD_OF_USER, "user"), (TOLD_OF_TENANT, "tenant"), (TOLD_OF_EVERYBODY, "everybody")],
    ids=["user", "tenant", "everybody"],
)
async def test_a_change_is_told_by_whose_keys_it_may_concern(
    administration: Administration, database_urls: DatabaseUrls, heard: Heard, statements: Sequence[str], whose: str
) -> None:
    for statement in statements:
        ours = sample(administration)
        administration.set_limits(ours.tenant, {Limit.MAX_PENDING: 5})
        digest = ours.add_key()
        await heard.all_until_now()
        heard.told.clear()

        await owner_does(database_urls, statement, digest=digest, user=ours.user, tenant=ours.tenant)
        subject = {"user": ours.user, "tenant": ours.tenant, "everybody": None}[whose]
        await until(lambda: subject in heard.subjects)  # noqa: B023 - it is called at once


async def test_what_administration_changes_is_told(ours: Sample, heard: Heard) -> None:
    digest = ours.add_key()
    await heard.all_until_now()
    heard.told.clear()

    def change() -> None:
        ours.administration.revoke_key(ours.tenant, prefix_of(digest))
        ours.administration.set_limits(ours.tenant, {Limit.REQUESTS_PER_MINUTE: 5})
        ours.administration.set_limits(ours.tenant, {Limit.REQUESTS_PER_MINUTE: None})

    await asyncio.to_thread(change)
    await heard.all_until_now()

    assert heard.subjects == {ours.user, ours.tenant}


async def test_uses_of_keys_new_keys_and_executions_are_not_told(
    ours: Sample, database_urls: DatabaseUrls, keys: KeyDirectory, heard: Heard
) -> None:
    heard.told.clear()

    digest, limited = ours.add_key(), ours.add_key(usage_limit=10)
    await keys.touch([digest])
    await keys.resolve(limited, None, count=True)
    ours.add_execution()
    await heard.all_until_now()

    assert heard.subjects == set()


async def test_a_change_that_was_taken_back_is_not_told(
    ours: Sample, database_urls: DatabaseUrls, heard: Heard
) -> None:
    heard.told.clear()

    async with await psycopg.AsyncConnection.connect(database_urls.admin) as admin:
        await admin.execute("UPDATE users SET active = false")
        await admin.rollback()
    await heard.all_until_now()

    assert heard.subjects == set()


async def test_a_replicated_change_is_told(ours: Sample, database_urls: DatabaseUrls, heard: Heard) -> None:
    async with await psycopg.AsyncConnection.connect(database_urls.admin) as admin:
        await admin.execute("SET session_replication_role = replica")
        await admin.execute("UPDATE users SET active = false WHERE user_id = %s", (ours.user,))
    await heard.all_until_now()

    assert ours.user in heard.subjects


def test_every_table_and_column_that_a_key_stands_for_is_watched(database_urls: DatabaseUrls) -> None:
    body = (functions.DIRECTORY / "resolve_api_key_v1.sql").read_text()
    tables = set(re.findall(r"(?:FROM|JOIN) (\w+) \w\b", body))
    columns = set(re.findall(r"\bk\.(\w+)", body)) - {"usage_count", "last_used_at"}

    with psycopg.connect(database_urls.admin) as admin:
        watched = admin.execute(
            "SELECT c.relname::text, count(*), bool_and(t.tgenabled = 'A') FROM pg_trigger t"
            " JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgfoid = 'tell_key_change_v1'::regproc GROUP BY 1"
        ).fetchall()
        told = admin.execute(
            "SELECT a.attname::text FROM pg_trigger t JOIN pg_attribute a"
            " ON a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr::int2[])"
            " WHERE t.tgrelid = 'api_keys'::regclass AND t.tgname = 'tell_key_change'"
        ).fetchall()

    assert {"api_keys", "users", "user_roles", "role_permissions", "tenant_limits"} == tables
    assert {(table, 2, True) for table in tables} == set(watched)
    assert columns == {name for (name,) in told}


async def test_what_was_committed_before_a_proof_was_sent_comes_before_it(database_urls: DatabaseUrls) -> None:
    heard, ended = Heard(), Event()
    committed: list[tuple[float, UUID]] = []

    def change() -> None:
        with psycopg.connect(database_urls.api, autocommit=True) as somebody:
            while not ended.is_set():
                user = uuid4()
                somebody.execute("SELECT pg_notify(%s, %s)", (CHANNEL, str(user)))
                committed.append((time.monotonic(), user))

    changes = KeyChanges(database_urls.api, heard, good_for=GOOD_FOR)
    changes.start()
    await until(lambda: heard.proofs() > 0)
    changing = [asyncio.create_task(asyncio.to_thread(change)) for _ in range(3)]
    try:
        await until(lambda: heard.proofs() >= 10)
    finally:
        ended.set()
        await asyncio.gather(*changing)
        await changes.stop()

    places = {subject: place for place, subject in enumerate(heard.told)}
    late = len(heard.told)
    proofs = [(place, sent) for place, sent in enumerate(heard.told) if isinstance(sent, float)]
    judged = [(places.get(user, late), place) for at, user in committed for place, sent in proofs if at < sent]
    assert judged
    assert all(told_at < proved_at for told_at, proved_at in judged)


@pytest.mark.parametrize(
    ("payloads", "told"),
    [
        (["", "null", "not a UUID", "x" * 7000, "'; --"], ["strange notification dropped"]),
        (["x" * 31], ["strange notification dropped"]),
        (["another process's proof!".ljust(32, "!")], ["strange notification dropped"]),
        (["0f" * 16], []),  # another process's proof
    ],
    ids=["nonsense", "too short", "no token", "a token"],
)
async def test_nonsense_is_dropped_and_told_once(
    database_urls: DatabaseUrls, heard: Heard, caplog: pytest.LogCaptureFixture, payloads: list[str], told: list[str]
) -> None:
    async with await psycopg.AsyncConnection.connect(database_urls.api, autocommit=True) as anybody:
        for payload in payloads:
            await anybody.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))
    await heard.all_until_now()

    assert heard.subjects == set()
    assert events(caplog) == told


async def test_somebody_else_can_have_keys_forgotten_and_nothing_proved(
    database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_changes, "BEAT", 3600.0)  # each sends one token, and nothing but that proves anything to it
    everybody = [Heard() for _ in range(3)]
    async with AsyncExitStack() as stack:
        thief = await stack.enter_async_context(
            await psycopg.AsyncConnection.connect(database_urls.api, autocommit=True)
        )
        await thief.execute(f"LISTEN {CHANNEL}".encode())
        for each in everybody:
            await stack.enter_async_context(listening(database_urls.api, each))
        seen = [notify.payload async for notify in thief.notifies(stop_after=3, timeout=PATIENCE)]
        await until(lambda: all(each.proofs() for each in everybody))
        for payload in [*seen, uuid4().hex]:
            await thief.execute("SELECT prove_key_changes_v1(p_token => %s)", (payload,))
        forgotten = uuid4()
        await thief.execute("SELECT pg_notify(%s, %s)", (CHANNEL, str(forgotten)))
        await until(lambda: all(forgotten in each.subjects for each in everybody))

    assert len(set(seen)) == 3
    assert [each.proofs() for each in everybody] == [1, 1, 1]


async def test_tokens_are_for_the_api_alone(database_urls: DatabaseUrls) -> None:
    async with await psycopg.AsyncConnection.connect(database_urls.worker) as worker:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await worker.execute("SELECT prove_key_changes_v1(p_token => 'x')")


@pytest.mark.parametrize("trigger", ["tell_key_change", "tell_key_change_to_everybody"])
async def test_nothing_is_proved_while_a_change_would_not_be_told(
    database_urls: DatabaseUrls, heard: Heard, trigger: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, key_changes.__name__)
    await owner_does(database_urls, f"ALTER TABLE users DISABLE TRIGGER {trigger}")
    await until(lambda: bool(events(caplog)))
    proofs = heard.proofs()
    await until(lambda: heard.begun() >= 3)  # each time without a proof
    reason = str(vars(caplog.records[0])["error"])
    assert heard.proofs() == proofs
    await owner_does(database_urls, f"ALTER TABLE users ENABLE ALWAYS TRIGGER {trigger}")
    await heard.all_until_now()

    assert "triggers" in reason
    assert events(caplog) == ["changes of keys are not heard", "changes of keys are heard again"]


async def test_a_listener_that_is_killed_listens_again(database_urls: DatabaseUrls, heard: Heard) -> None:
    for times in (2, 3):
        await owner_does(
            database_urls,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = current_database() AND {LISTENERS.decode()}",
        )
        await until(lambda: heard.begun() == times)  # noqa: B023 - it is called at once
        await heard.all_until_now()


async def test_behind_a_pooler_nothing_is_heard_and_that_is_told_once(
    database_urls: DatabaseUrls, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard()
    monkeypatch.setattr(key_changes, "PAUSE_BEHIND_A_POOLER", 0.05)
    async with counting_proxy(database_urls.api) as proxy:
        proxy.pools = True
        async with listening(proxy.url, heard):
            await until(lambda: bool(events(caplog)))
            tried = proxy.round_trips
            await until(lambda: proxy.round_trips > tried + 4)

    assert heard.told == []
    assert events(caplog) == ["changes of keys are not heard"]
    assert "pooler" in str(vars(caplog.records[0])["error"])


async def test_who_listens_can_stop_though_the_database_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_changes, "PAUSE", 3600.0)
    async with listening("postgresql://127.0.0.1:1/nowhere", Heard()):
        await asyncio.sleep(0.2)  # by then it waits for the next try, or for an answer
