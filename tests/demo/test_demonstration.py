"""The demo's data: written once, found again, and mended where somebody changed it."""

import asyncio
import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from automation.demo.demonstration import Demonstration, prepare
from automation.demo.refusal import DemonstrationRefused
from automation.demo.rules import TENANTS
from automation.domain.errors import (
    ApiKeyExpired,
    ApiKeyInvalid,
    ApiKeyOverLimit,
    ApiKeyUserNotFound,
    Unauthenticated,
)
from automation.engine.actions import Actions
from automation.service.application import open_database
from automation.service.settings import Settings
from automation.storage.accounts.administration import Administration
from automation.storage.keys import KeyDirectory
from security.key_format import generate
from tests.databases import DatabaseUrls
from tests.shipped_contract.shipped import ENTRIES

EVERYTHING = {
    *("audit:read", "automation:create", "automation:delete", "automation:execute", "automation:manage_secrets"),
    *("automation:publish", "automation:read", "automation:update"),
}
EXECUTIONS = {"completed": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}
RECEIVER = "http://127.0.0.1:8081"
ANSWERS: Mapping[str, set[str] | type[Unauthenticated]] = {
    "reader": {"automation:read"},
    "operator": EVERYTHING,
    "no_permission": set(),
    "expired": ApiKeyExpired,
    "revoked": ApiKeyInvalid,
    "over_limit": ApiKeyOverLimit,
    "orphaned": ApiKeyUserNotFound,
    "globex_operator": EVERYTHING,
    "globex_reader": {"automation:read"},
}


class Demo:
    """The demo in a database of its own."""

    def __init__(self, urls: DatabaseUrls, directory: Path) -> None:
        self.urls = urls
        self.settings = Settings(database_url=SecretStr(urls.api), data_dir=directory)
        self.file = directory / "demo.json"
        self.administration = Administration(urls.owner)

    def prepare(self) -> Demonstration:
        """Prepare the demo, as a start of the command does, up to where it is ready."""
        demonstration = prepare(self.settings, self.urls.owner, RECEIVER)
        demonstration.write("http://127.0.0.1:8080", EXECUTIONS)
        return demonstration

    def answers(self, keys: Mapping[str, str]) -> dict[str, set[str] | type[Unauthenticated]]:
        """Return what each key may do, or how it is refused."""
        return asyncio.run(self._answers(keys))

    async def _answers(self, keys: Mapping[str, str]) -> dict[str, set[str] | type[Unauthenticated]]:
        answers: dict[str, set[str] | type[Unauthenticated]] = {}
        database = open_database(self.settings)
        await database.open()
        try:
            for name, key in keys.items():
                try:
                    record = await KeyDirectory(database).resolve(sha256(key.encode()).digest(), None, count=True)
                    answers[name] = set(record.principal.permissions)
                except Unauthenticated as error:
                    answers[name] = type(error)
        finally:
            await database.close()
        return answers

    def stored(self) -> tuple[object, ...]:
        """Return how many rows the tables hold."""
        tables = (
            "tenants",
            "users",
            "api_keys",
            "automation_rules",
            "automation_executions",
            "automation_execution_logs",
        )
        with psycopg.connect(self.urls.admin) as connection:
            return tuple(connection.execute(f"SELECT count(*) FROM {table}").fetchone() for table in tables)


@pytest.fixture
def demo(database_urls: DatabaseUrls, tmp_path: Path) -> Demo:
    """The demo in a fresh database."""
    return Demo(database_urls, tmp_path)


def test_each_key_gets_the_answer_it_is_for(demo: Demo) -> None:
    demonstration = demo.prepare()

    assert demo.answers(demonstration.keys) == ANSWERS


def test_every_rule_passes_the_check_of_rules_as_they_are_written(demo: Demo) -> None:
    demonstration = demo.prepare()

    problems = {
        name: [Actions.load().check(action.type, action.config) for action in rule.content.actions]
        for name, rule in demonstration.rules.items()
    }

    assert not [name for name, found in problems.items() if any(found)]
    assert {"acme", "globex"} <= problems.keys()


def test_the_contract_shows_an_id_of_whatever_the_demo_has_and_none_to_delete(demo: Demo) -> None:
    statuses = ("completed", "failed", "pending")
    shown = demo.prepare().examples(dict.fromkeys(statuses, EXECUTIONS["completed"]))

    places = ("/api/v1/automation/executions/{id}", "/api/v1/automation/rules/{id}")
    takers = {entry.name for entry in ENTRIES if entry.path.startswith(places) and entry.method != "delete"}
    takers -= {"rotateAutomationHook"}  # no rule of the demo has a hook
    assert set(shown) == takers


def test_the_file_is_for_its_owner_alone(demo: Demo) -> None:
    demo.file.write_text("{}")
    demo.file.chmod(0o644)

    demonstration = demo.prepare()

    written = json.loads(demo.file.read_text())
    assert demo.file.stat().st_mode & 0o777 == 0o600
    assert written["base_url"] == "http://127.0.0.1:8080"
    assert written["keys"] == demonstration.keys
    assert written["tenants"] == {name: str(tenant) for name, tenant in TENANTS.items()}
    assert [path.name for path in demo.file.parent.iterdir() if path.name.startswith(".demo")] == []


def test_a_second_run_keeps_everything(demo: Demo) -> None:
    first, before = demo.prepare(), demo.stored()

    second = demo.prepare()

    assert second.keys == first.keys
    assert second.former_executions == EXECUTIONS
    assert demo.stored() == before


def test_without_its_file_the_demo_makes_new_keys(demo: Demo) -> None:
    first = demo.prepare()
    demo.file.unlink()

    second = demo.prepare()

    assert not set(first.keys.values()) & set(second.keys.values())
    assert demo.answers(second.keys) == ANSWERS


def test_a_key_that_somebody_made_for_a_user_of_the_demo_is_left_alone(demo: Demo) -> None:
    demo.prepare()
    own = generate()
    demo.administration.create_key("acme", "reader@acme.example", digest=own.digest, prefix=own.prefix)

    demo.prepare()

    assert demo.answers({"own": own.plaintext}) == {"own": ANSWERS["reader"]}


@pytest.mark.parametrize("text", ["", "[]", '{"keys": 1}', '{"keys": {"reader": 7, "operator": null}}', "\x00"])
def test_a_file_that_makes_no_sense_is_replaced(demo: Demo, text: str) -> None:
    demo.file.write_text(text)

    demonstration = demo.prepare()

    assert json.loads(demo.file.read_text())["keys"] == demonstration.keys


def test_keys_that_were_swapped_are_made_anew(demo: Demo) -> None:
    first = demo.prepare()
    written = json.loads(demo.file.read_text())
    written["keys"] |= {"reader": first.keys["operator"], "expired": first.keys["reader"]}
    demo.file.write_text(json.dumps(written))

    second = demo.prepare()

    assert demo.answers(second.keys) == ANSWERS


def test_what_an_operator_did_to_the_users_is_mended(demo: Demo) -> None:
    first = demo.prepare()
    demo.administration.deactivate_user("acme", "reader@acme.example")
    demo.administration.delete_user("globex", "reader@globex.example")
    demo.administration.revoke_key("acme", first.keys["operator"][:11])

    second = demo.prepare()

    assert demo.answers(second.keys) == ANSWERS
    assert second.keys["no_permission"] == first.keys["no_permission"]


def test_a_tenant_of_the_operators_own_is_left_alone(demo: Demo) -> None:
    demo.administration.create_tenant("globex")

    with pytest.raises(DemonstrationRefused, match="globex"):
        demo.prepare()

    assert not demo.file.exists()
