"""Values of secrets are encrypted anew for another key, whatever the service does meanwhile."""

from functools import partial

import psycopg
import pytest
from sqlalchemy import StaticPool, create_engine, text

from automation.storage.accounts import engine, owner
from automation.storage.accounts.refusals import NotOwner
from automation.storage.pool.database import Database
from automation.storage.secrets.rotation import Rotated, rotate
from automation.storage.secrets.sealed_secrets import SealedSecrets
from automation.storage.secrets.sealing import Keyring
from automation.storage.secrets.secrets import Secrets
from tests.databases import DatabaseUrls
from tests.secret_keys import KEYRING, SECRET_KEYS, a_key
from tests.storage.samples import Sample

NEW = Keyring.read(a_key("k2", b"2"))
BOTH = Keyring.read(f"{a_key('k2', b'2')},{SECRET_KEYS}")


@pytest.fixture
async def kept(ours: Sample, theirs: Sample, database: Database, database_urls: DatabaseUrls) -> dict[str, str]:
    """Secrets of two tenants, encrypted with the key before; there are no others in the database."""
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("DELETE FROM automation_secrets")
    values = {f"S{number}": f"the value of secret {number}" for number in range(5)}
    for sample in (ours, theirs):
        for name, value in values.items():
            await Secrets(database, KEYRING).put(sample.tenant, sample.user, name, value)
    return values


async def test_every_value_is_encrypted_anew_in_batches(
    ours: Sample, theirs: Sample, kept: dict[str, str], database_urls: DatabaseUrls, workers_database: Database
) -> None:
    done = rotate(database_urls.owner, BOTH, batch=2)

    assert done == Rotated(rotated=10, left=0, unreadable=())
    for sample in (ours, theirs):
        assert await SealedSecrets(workers_database, NEW).read(sample.tenant, list(kept)) == kept
        assert await SealedSecrets(workers_database, KEYRING).read(sample.tenant, ["S0"]) == {"S0": None}


async def test_the_second_rotation_finds_nothing_to_do(kept: dict[str, str], database_urls: DatabaseUrls) -> None:
    rotate(database_urls.owner, BOTH, batch=100)

    assert rotate(database_urls.owner, BOTH, batch=100) == Rotated(rotated=0, left=0, unreadable=())


async def test_what_no_key_can_read_is_left_and_told(
    ours: Sample, kept: dict[str, str], database: Database, database_urls: DatabaseUrls
) -> None:
    await Secrets(database, Keyring.read(a_key("k0", b"0"))).put(ours.tenant, ours.user, "S2", "an older value")

    done = rotate(database_urls.owner, BOTH, batch=2)

    assert done == Rotated(rotated=9, left=1, unreadable=("k0",))


async def test_a_value_that_is_being_replaced_is_not_overwritten(
    ours: Sample, kept: dict[str, str], database_urls: DatabaseUrls, workers_database: Database
) -> None:
    """The rotation waits for whoever writes, and then finds what was written."""
    sealed = BOTH.seal(ours.tenant, "S1", "the newest value")
    put = "SELECT put_secret_v1(%s, 'S1', %s, %s, %s, %s, 100)"
    with psycopg.connect(database_urls.api) as writer:
        writer.execute(put.encode(), (ours.tenant, ours.user, sealed.key_id, sealed.data_key, sealed.ciphertext))
        with pytest.raises(Exception, match="lock timeout"):
            _rotate_impatiently(database_urls)
        writer.commit()

    assert rotate(database_urls.owner, BOTH, batch=100).left == 0
    assert (await SealedSecrets(workers_database, NEW).read(ours.tenant, ["S1"]))["S1"] == "the newest value"


def _rotate_impatiently(urls: DatabaseUrls) -> None:
    separator = "&" if "?" in urls.owner else "?"
    rotate(f"{urls.owner}{separator}options=-c%20lock_timeout%3D100ms", BOTH, batch=100)


async def test_each_tenants_log_tells_of_it_once_and_only_where_something_was_changed(
    ours: Sample, theirs: Sample, kept: dict[str, str], database_urls: DatabaseUrls
) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("DELETE FROM automation_secrets WHERE tenant = %s", (theirs.tenant,))

    for _ in range(2):
        rotate(database_urls.owner, BOTH, batch=2)

    with psycopg.connect(database_urls.admin) as admin:
        query = "SELECT tenant, resource_type, resource_id, details FROM audit_events WHERE action = 'rotateSecrets'"
        told = admin.execute(f"{query} AND tenant = ANY (%s)", ([ours.tenant, theirs.tenant],)).fetchall()
    assert told == [(ours.tenant, "tenant", str(ours.tenant), {"key": "k2", "secrets": len(kept)})]


async def test_a_secret_that_a_rule_begins_to_name_is_not_waited_for(
    ours: Sample, kept: dict[str, str], database_urls: DatabaseUrls
) -> None:
    with psycopg.connect(database_urls.api) as naming:
        naming.execute("SELECT use_secrets_v1(%s, %s, %s)", (ours.tenant, ours.rule.rule_id, list(kept)))

        _rotate_impatiently(database_urls)

        naming.rollback()
    assert rotate(database_urls.owner, BOTH, batch=100) == Rotated(rotated=0, left=0, unreadable=())


@pytest.mark.usefixtures("kept")
async def test_whose_secrets_they_are_is_forgotten_with_each_transaction(
    database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = partial(owner.connect, database_urls.owner, "tests")
    staying = create_engine("postgresql+psycopg://", creator=opened, poolclass=StaticPool)
    monkeypatch.setattr(engine, "create", lambda _url, _name: staying)

    rotate(database_urls.owner, BOTH, batch=100)

    with staying.connect() as connection:
        assert not connection.scalar(text("SELECT current_setting('app.tenant', true)"))
    staying.dispose()


async def test_only_the_owner_rotates(kept: dict[str, str], database_urls: DatabaseUrls) -> None:
    with pytest.raises(NotOwner):
        rotate(database_urls.worker, BOTH, batch=100)
