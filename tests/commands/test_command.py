"""The command line as a whole: what it offers, and what it says to a request that can't be meant."""

import time
from importlib import import_module
from pathlib import Path

import pytest

from automation.commands.catalogue import COMMANDS, PACKAGE, automation
from automation.commands.failures import FORESEEN
from tests.commands.terminal import assert_refused, call, run

ALL = (
    "contract check",
    "db current",
    "db downgrade",
    "db prune",
    "db upgrade",
    "demo",
    "executions prune",
    "keys create",
    "keys list",
    "keys revoke",
    "secrets rotate",
    "serve",
    "settings",
    "tenants create",
    "tenants limits",
    "tenants list",
    "tenants retention",
    "users create",
    "users deactivate",
    "users list",
    "worker",
)
ABSENT = {"AUTOMATION_MIGRATION_URL": "postgresql://owner:s3cret@127.0.0.1:1/nothing"}
EXPIRING = ("keys", "create", "--tenant", "acme", "--user", "a@acme.example", "--expires-at")
LIMITED = ("keys", "create", "--tenant", "acme", "--user", "a@acme.example", "--usage-limit")

WRONG: tuple[tuple[tuple[str, ...], str], ...] = (
    (("--bogus",), "--bogus"),
    (("serv",), "'serve'"),
    (("setings",), "'settings'"),
    (("weather",), "automation --help"),
    (("serve", "--bogus"), "--bogus"),
    (("serve", "here"), "here"),
    (("serve", "--port", "eighty"), "--port"),
    (("serve", "--port", "65536"), "--port"),
    (("serve", "--workers", "0"), "--workers"),
    (("serve", "--host"), "--host"),
    (("serve", "--host", ""), "--host"),
    (("users", "list", "--tenant", "\udcff"), "--tenant"),
    (("demo", "--workers", "2"), "--workers"),
    (("demo", "--port", "-1"), "--port"),
    (("db", "sidegrade"), "sidegrade"),
    (("db", "upgrad"), "'upgrade'"),
    (("db", "downgrade"), "REVISION"),
    (("db", "prune"), "--embedded"),
    (("tenants", "create"), "NAME"),
    (("users", "create", "--tenant", "acme", "--email", "a@acme.example"), "--role"),
    (("users", "create", "--tenant", "acme", "--email", "a@acme.example", "--role", "king"), "king"),
    (("users", "deactivate", "--tenant", "acme"), "--user"),
    (("keys", "create", "--tenant", "acme"), "--user"),
    (("keys", "revoke"), "KEY"),
    ((*LIMITED, "0"), "--usage-limit"),
    ((*LIMITED, "many"), "--usage-limit"),
    ((*EXPIRING, "tomorrow"), "--expires-at"),
    ((*EXPIRING, "2020-01-01T00:00:00Z"), "past"),
    ((*EXPIRING, "2030-01-01"), "--expires-at"),
    ((*EXPIRING, "2030-01-01T00:00:00"), "--expires-at"),
    ((*EXPIRING, "2030-02-30T00:00:00Z"), "--expires-at"),
    ((*EXPIRING, "9999-12-31T23:59:59-12:00"), "--expires-at"),
    (("contract", "check", "absent.yaml"), "absent.yaml"),
    (("contract", "check", "/"), "directory"),
)

UNNAMED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("serve",), "AUTOMATION_DATABASE_URL"),
    (("db", "current"), "AUTOMATION_MIGRATION_URL"),
    (("db", "upgrade"), "AUTOMATION_MIGRATION_URL"),
    (("tenants", "list"), "AUTOMATION_MIGRATION_URL"),
    (("users", "list", "--tenant", "acme"), "AUTOMATION_MIGRATION_URL"),
    (("keys", "list"), "AUTOMATION_MIGRATION_URL"),
)


@pytest.mark.process
def test_help_lists_every_command_within_a_moment() -> None:
    durations = []
    for _ in range(3):
        begin = time.perf_counter()
        done = run("--help")
        durations.append(time.perf_counter() - begin)

    assert all(name in done.output for name in COMMANDS)
    assert min(durations) < 1


@pytest.mark.parametrize("group", [(), ("contract",), ("db",), ("keys",), ("tenants",), ("users",)], ids=" ".join)
def test_without_a_command_a_group_shows_its_help_and_fails(group: tuple[str, ...]) -> None:
    helped = call(*group, "--help")

    done = call(*group)

    assert (done.code, done.output) == (2, "")
    assert done.errors.strip() == helped.output.strip()


@pytest.mark.parametrize("name", ["", *ALL])
def test_help_has_a_short_name(name: str) -> None:
    done = call(*name.split(), "-h")

    assert (done.code, done.errors) == (0, "")
    assert done == call(*name.split(), "--help")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_catalogue_says_of_a_command_what_its_own_help_says(name: str) -> None:
    module, text = COMMANDS[name]

    command = import_module(f"{PACKAGE}.{module}").command

    assert command.name == name
    assert command.get_short_help_str(limit=200) == text


def test_every_command_takes_json() -> None:
    lacking = [name for name in ALL if "--json" not in call(*name.split(), "--help").output]

    assert not lacking


def test_there_are_no_other_commands() -> None:
    context = automation.make_context("automation", ["settings"])
    found = set()
    for name in automation.list_commands(context):
        command = automation.get_command(context, name)
        found |= {f"{name} {sub}" for sub in getattr(command, "commands", {})} or {name}

    assert found == set(ALL)


@pytest.mark.parametrize("path", FORESEEN)
def test_every_foreseen_error_exists(path: str) -> None:
    module, _, name = path.rpartition(".")

    kind = getattr(import_module(module), name)
    assert issubclass(kind, Exception)
    assert f"{kind.__module__}.{kind.__qualname__}" == path


@pytest.mark.process
@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("--version",), 0), (("serve", "--bogus"), 2), (("keys", "list"), 2)],
    ids=["right", "wrong", "without a URL"],
)
def test_a_process_says_the_same_as_the_program(arguments: tuple[str, ...], code: int) -> None:
    done = run(*arguments)

    assert done == call(*arguments)
    assert done.code == code


@pytest.mark.parametrize(("arguments", "named"), WRONG, ids=[" ".join(each) for each, _ in WRONG])
def test_wrong_input_is_told_in_one_line(arguments: tuple[str, ...], named: str) -> None:
    assert_refused(call(*arguments, settings=ABSENT), named)


@pytest.mark.parametrize(("arguments", "variable"), UNNAMED, ids=[" ".join(each) for each, _ in UNNAMED])
def test_without_a_url_a_command_says_what_to_set(arguments: tuple[str, ...], variable: str) -> None:
    assert_refused(call(*arguments), variable, "embedded")


@pytest.mark.parametrize("arguments", [("db", "current"), ("db", "upgrade"), ("tenants", "list"), ("keys", "list")])
def test_a_database_that_is_not_there_is_told_in_one_line(arguments: tuple[str, ...]) -> None:
    done = call(*arguments, settings=ABSENT)

    assert_refused(done, "database", code=1)
    assert "s3cret" not in done.errors


@pytest.mark.parametrize(
    "url", ["postgresql://owner:100%s3cret@127.0.0.1:1/nothing", "postgresql://owner:s3cret@127.0.0.1:1/x?nonsense=1"]
)
def test_a_url_that_is_none_is_told_in_one_line_without_its_password(url: str) -> None:
    done = call("db", "current", settings={"AUTOMATION_MIGRATION_URL": url})

    assert_refused(done, "AUTOMATION_MIGRATION_URL")
    assert "s3cret" not in done.errors


@pytest.mark.process
def test_two_databases_at_once_are_refused(tmp_path: Path) -> None:
    done = run("demo", "--port", "0", settings={**ABSENT, "AUTOMATION_DATA_DIR": str(tmp_path)})

    assert_refused(done, "AUTOMATION_DATABASE_URL", "AUTOMATION_MIGRATION_URL")


@pytest.mark.process
def test_a_demo_on_a_database_of_ones_own_needs_its_owner(tmp_path: Path) -> None:
    settings = {"AUTOMATION_DATABASE_URL": "postgresql://api@127.0.0.1:1/nothing", "AUTOMATION_DATA_DIR": str(tmp_path)}

    done = run("demo", "--port", "0", settings=settings)

    assert_refused(done, "AUTOMATION_MIGRATION_URL")
