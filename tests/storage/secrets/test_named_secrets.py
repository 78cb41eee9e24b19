"""Secrets that rules name: which of the rules are told of, and which verify what is delivered to them."""

from uuid import UUID

import pytest

from automation.domain.errors import SecretInUse, SecretNotFound, SecretsNotConfigured
from automation.domain.rules import TriggerType
from automation.storage.pool.database import Database
from automation.storage.secrets.secrets import Secrets
from tests.secret_keys import KEYRING
from tests.storage.runner import Runner
from tests.storage.samples import a_content

VALUE = "a value of a secret"


@pytest.fixture
async def secrets(database: Database, runner: Runner) -> Secrets:
    """The secrets of all, with two of the tenant's."""
    kept = Secrets(database, KEYRING)
    for name in ("TOKEN", "OTHER"):
        await kept.put(runner.tenant, runner.sample.user, name, VALUE)
    return kept


async def naming(runner: Runner, name: str, kind: str | None = None, secret: str = "") -> UUID:
    """Create a rule that names a secret, to verify its deliveries or otherwise."""
    verification = {"verification": {"type": kind, "secret": f"${{secrets.{secret or name}}}"}} if kind else {}
    trigger = {"trigger_type": TriggerType.WEBHOOK, "trigger_config": verification} if kind else {}
    uses = {name: ["/actions/0"]}
    rule = await runner.rules.create(runner.tenant, runner.sample.user, a_content(**trigger), secrets=uses)
    return rule.rule_id


@pytest.mark.parametrize(("number", "others"), [(1, False), (4, False), (5, True), (6, True)])
async def test_four_rules_that_name_it_are_told_of(
    runner: Runner, secrets: Secrets, number: int, *, others: bool
) -> None:
    rules = sorted([str(await naming(runner, "TOKEN")) for _ in range(number)])

    with pytest.raises(SecretInUse) as refused:
        await secrets.delete(runner.tenant, "TOKEN")

    told = ", ".join(rules[:4])
    assert refused.value.detail == f"Rules name the secret: {told}{' and others' if others else ''}."


async def test_a_secret_that_is_not_named_goes_and_no_other_one(runner: Runner, secrets: Secrets) -> None:
    await naming(runner, "OTHER")

    await secrets.delete(runner.tenant, "TOKEN")

    with pytest.raises(SecretNotFound):
        await secrets.get(runner.tenant, "TOKEN")
    with pytest.raises(SecretNotFound):
        await secrets.delete(runner.tenant, "TOKEN")
    assert (await secrets.get(runner.tenant, "OTHER")).name == "OTHER"


async def test_the_first_rule_that_verifies_with_it_is_told_of(runner: Runner, secrets: Secrets) -> None:
    assert await secrets.verifying(runner.tenant, "TOKEN", "hmac") is None
    for kind, secret in ((None, ""), ("basic", ""), ("hmac", "OTHER")):
        await naming(runner, "TOKEN", kind, secret)
    assert await secrets.verifying(runner.tenant, "TOKEN", "hmac") is None

    first, _ = sorted([await naming(runner, "TOKEN", "hmac") for _ in range(2)])

    assert await secrets.verifying(runner.tenant, "TOKEN", "hmac") == first
    assert await secrets.verifying(runner.tenant, "OTHER", "hmac") is None


async def test_where_no_keys_are_set_it_is_said_when_to_come_again(runner: Runner, database: Database) -> None:
    with pytest.raises(SecretsNotConfigured) as refused:
        await Secrets(database, None).put(runner.tenant, runner.sample.user, "TOKEN", VALUE)

    assert refused.value.headers == {"Retry-After": "60"}
