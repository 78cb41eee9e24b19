"""Secrets as the API keeps them: it writes their values, and can't read them."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import psycopg
import pytest

from automation.domain.errors import (
    InvalidBody,
    SecretInUse,
    SecretNotFound,
    SecretsExhausted,
    SecretsNotConfigured,
    Violation,
)
from automation.domain.limits import DEFAULTS, Limit
from automation.domain.pages import PageRequest
from automation.storage.pool.database import Database
from automation.storage.secrets.sealed_secrets import SealedSecrets
from automation.storage.secrets.secrets import Secrets
from tests.databases import DatabaseUrls
from tests.secret_keys import KEYRING
from tests.storage.locks import somebody_else, waiting
from tests.storage.roles import Connection, enter
from tests.storage.runner import Runner
from tests.storage.samples import Sample, a_content

VALUE = "a value of a secret"


@pytest.fixture
def secrets(database: Database) -> Secrets:
    return Secrets(database, KEYRING)


@pytest.fixture
def sealed(workers_database: Database) -> SealedSecrets:
    return SealedSecrets(workers_database, KEYRING)


async def test_a_value_is_kept_and_replaced(ours: Sample, secrets: Secrets, sealed: SealedSecrets) -> None:
    first = await secrets.put(ours.tenant, ours.user, "TOKEN", VALUE)
    changer = uuid4()
    second = await secrets.put(ours.tenant, changer, "TOKEN", "another value")

    assert (first.created, second.created) == (True, False)
    assert (second.secret.created_by, second.secret.updated_by) == (ours.user, changer)
    assert second.secret.created_at == first.secret.created_at <= second.secret.updated_at
    assert await secrets.get(ours.tenant, "TOKEN") == second.secret
    assert await sealed.read(ours.tenant, ["TOKEN", "OTHER"]) == {"TOKEN": "another value"}


async def test_secrets_are_one_tenants(ours: Sample, theirs: Sample, secrets: Secrets, sealed: SealedSecrets) -> None:
    await secrets.put(ours.tenant, ours.user, "TOKEN", VALUE)

    with pytest.raises(SecretNotFound):
        await secrets.get(theirs.tenant, "TOKEN")
    with pytest.raises(SecretNotFound):
        await secrets.delete(theirs.tenant, "TOKEN")
    assert (await secrets.page(theirs.tenant, PageRequest(10))).items == []
    assert await sealed.read(theirs.tenant, ["TOKEN"]) == {}


async def test_the_name_of_a_secret_is_told_from_others_by_case(ours: Sample, secrets: Secrets) -> None:
    await secrets.put(ours.tenant, ours.user, "TOKEN", VALUE)

    assert (await secrets.put(ours.tenant, ours.user, "token", VALUE)).created


async def test_pages_lead_on_and_back(ours: Sample, secrets: Secrets) -> None:
    for name in ("A", "B", "C"):
        await secrets.put(ours.tenant, ours.user, name, VALUE)

    first = await secrets.page(ours.tenant, PageRequest(2))
    second = await secrets.page(ours.tenant, PageRequest(2, cursor=first.next))
    back = await secrets.page(ours.tenant, PageRequest(2, cursor=second.previous))

    assert [[each.name for each in page.items] for page in (first, second, back)] == [["C", "B"], ["A"], ["C", "B"]]
    assert (first.previous, second.next, back.previous) == (None, None, None)


async def test_no_more_are_kept_than_a_tenant_may_have(ours: Sample, database: Database, secrets: Secrets) -> None:
    two = Secrets(database, KEYRING, {**DEFAULTS, Limit.MAX_SECRETS: 2})
    await two.put(ours.tenant, ours.user, "A", VALUE)

    outcomes = await asyncio.gather(
        *(two.put(ours.tenant, ours.user, name, VALUE) for name in ("B", "C", "D")), return_exceptions=True
    )

    assert [type(each) for each in outcomes].count(SecretsExhausted) == 2
    assert not (await two.put(ours.tenant, ours.user, "A", VALUE)).created
    ours.administration.set_limits(ours.tenant, {Limit.MAX_SECRETS: 3})
    assert (await two.put(ours.tenant, ours.user, "E", VALUE)).created


async def test_without_keys_nothing_is_kept(ours: Sample, database: Database) -> None:
    with pytest.raises(SecretsNotConfigured):
        await Secrets(database, None).put(ours.tenant, ours.user, "TOKEN", VALUE)


async def test_a_value_that_cannot_be_decrypted_is_no_value(
    ours: Sample, secrets: Secrets, workers_database: Database
) -> None:
    await secrets.put(ours.tenant, ours.user, "TOKEN", VALUE)

    assert await SealedSecrets(workers_database, None).read(ours.tenant, ["TOKEN"]) == {"TOKEN": None}


async def test_a_rule_that_names_a_missing_secret_is_refused(runner: Runner, secrets: Secrets) -> None:
    await secrets.put(runner.tenant, runner.sample.user, "THERE", VALUE)
    uses = {"THERE": ["/actions/0/config/url"], "GONE": ["/actions/0/config/text", "/actions/1/config/text"]}

    with pytest.raises(InvalidBody) as refused:
        await runner.rules.create(runner.tenant, runner.sample.user, a_content(), secrets=uses)

    assert refused.value.violations == (
        Violation("there is no secret GONE", pointer="/actions/0/config/text"),
        Violation("there is no secret GONE", pointer="/actions/1/config/text"),
    )


async def test_the_secret_of_another_tenant_is_missing(runner: Runner, theirs: Sample, secrets: Secrets) -> None:
    await secrets.put(theirs.tenant, theirs.user, "THEIRS", VALUE)

    with pytest.raises(InvalidBody):
        await runner.rules.create(runner.tenant, runner.sample.user, a_content(), secrets={"THEIRS": ["/actions/0"]})


async def test_a_secret_is_deleted_once_no_rule_names_it(runner: Runner, secrets: Secrets) -> None:
    await secrets.put(runner.tenant, runner.sample.user, "TOKEN", VALUE)
    who = (runner.tenant, runner.sample.user)
    rules = [
        await runner.rules.create(*who, a_content(name=f"rule {number}"), secrets={"TOKEN": ["/actions/0"]})
        for number in range(2)
    ]

    with pytest.raises(SecretInUse) as refused:
        await secrets.delete(runner.tenant, "TOKEN")
    await runner.rules.update(*who, rules[0].rule_id, a_content(name="another"))
    await runner.rules.delete(runner.tenant, rules[1].rule_id)
    await secrets.delete(runner.tenant, "TOKEN")

    assert refused.value.detail == f"Rules name the secret: {', '.join(sorted(str(rule.rule_id) for rule in rules))}."
    with pytest.raises(SecretNotFound):
        await secrets.get(runner.tenant, "TOKEN")


async def test_a_rule_and_the_deletion_of_its_secret_are_one_after_the_other(runner: Runner, secrets: Secrets) -> None:
    await secrets.put(runner.tenant, runner.sample.user, "TOKEN", VALUE)
    name = b"SELECT use_secrets_v1(%s, %s, '{TOKEN}')"

    async with await psycopg.AsyncConnection.connect(runner.urls.api) as naming:
        await naming.execute(name, (runner.tenant, runner.sample.rule.rule_id))
        deletion = asyncio.create_task(secrets.delete(runner.tenant, "TOKEN"))
        done, _ = await asyncio.wait({deletion}, timeout=0.1)
        assert not done
        await naming.commit()

    with pytest.raises(SecretInUse):
        await deletion


async def test_a_rule_that_names_a_secret_which_is_being_deleted_waits_and_is_refused(
    runner: Runner, secrets: Secrets
) -> None:
    await secrets.put(runner.tenant, runner.sample.user, "TOKEN", VALUE)
    async with somebody_else(runner) as other:
        await other.execute("DELETE FROM automation_secrets WHERE tenant = %s", (runner.tenant,))
        naming = await waiting(
            runner,
            other,
            runner.rules.create(
                runner.tenant, runner.sample.user, a_content(name="late"), secrets={"TOKEN": ["/actions/0"]}
            ),
        )
        await other.commit()

    with pytest.raises(InvalidBody) as refused:
        await naming
    assert [violation.message for violation in refused.value.violations] == ["there is no secret TOKEN"]


@pytest.mark.parametrize("column", ["key_id", "data_key", "ciphertext", "*"])
def test_the_api_reads_no_encrypted_value(ours: Sample, api: Connection, column: str) -> None:
    enter(api, ours)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute(f"SELECT {column} FROM automation_secrets")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM read_secrets_v1(gen_random_uuid(), '{A}')",
        "UPDATE automation_secrets SET name = name",
        "UPDATE automation_secrets SET tenant = tenant",
        "UPDATE automation_secrets SET updated_at = now() RETURNING ciphertext",
        "INSERT INTO automation_secrets AS s SELECT * FROM automation_secrets",
    ],
)
def test_the_api_has_no_other_way_to_one(ours: Sample, api: Connection, statement: str) -> None:
    enter(api, ours)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE automation_secrets SET ciphertext = ciphertext",
        "DELETE FROM automation_secrets",
        "INSERT INTO automation_secrets (tenant, name) VALUES (gen_random_uuid(), 'A')",
        "SELECT FROM automation_rule_secrets",
        "SELECT FROM put_secret_v1(gen_random_uuid(), 'A', gen_random_uuid(), 'k1', '', '', 1)",
    ],
)
def test_a_worker_changes_no_secret(ours: Sample, worker: Connection, statement: str) -> None:
    enter(worker, ours)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        worker.execute(statement.encode())


async def test_nothing_of_a_value_stands_in_the_database(
    ours: Sample, secrets: Secrets, database_urls: DatabaseUrls
) -> None:
    await secrets.put(ours.tenant, ours.user, "TOKEN", VALUE)

    with psycopg.connect(database_urls.admin) as admin:
        rows: Sequence[tuple[object, ...]] = admin.execute(
            "SELECT encode(ciphertext || data_key, 'escape') FROM automation_secrets WHERE tenant = %s", (ours.tenant,)
        ).fetchall()

    assert len(rows) == 1
    assert "secret" not in str(rows[0][0])
