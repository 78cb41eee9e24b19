"""``automation settings``: everything that can be set, and no password."""

import contextlib
import os
import subprocess
import termios

import pytest

from automation.service.secrecy import mask
from automation.service.settings import Settings
from tests.commands.terminal import COMMAND, assert_refused, call, document, environment

URL = "postgresql://api:s3cret@db.example:5432/automation?sslmode=require"


def test_every_setting_is_listed_with_its_variable_default_and_description() -> None:
    listed = document("settings")

    assert [entry["setting"] for entry in listed] == list(Settings.model_fields)
    assert all(entry["variable"] == f"AUTOMATION_{entry['setting'].upper()}" for entry in listed)
    assert all(entry["description"] for entry in listed)
    assert {entry["setting"]: entry["default"] for entry in listed}["port"] == 8080


def test_a_setting_shows_the_value_from_the_environment() -> None:
    chosen = {"AUTOMATION_PORT": "9090", "AUTOMATION_LOG_FORMAT": "console"}

    listed = {entry["setting"]: entry["value"] for entry in document("settings", settings=chosen)}

    assert (listed["port"], listed["log_format"]) == (9090, "console")


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_password_is_never_shown(options: tuple[str, ...]) -> None:
    done = call("settings", *options, settings={"AUTOMATION_DATABASE_URL": URL})

    assert "postgresql://api:***@db.example:5432/automation?sslmode=require" in done.output
    assert "s3cret" not in done.output + done.errors


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_secret_that_is_no_url_is_not_shown_at_all(options: tuple[str, ...]) -> None:
    done = call("settings", *options, settings={"AUTOMATION_SMTP_PASSWORD": "s3cret"})

    assert "***" in done.output
    assert "s3cret" not in done.output + done.errors


def test_a_mail_server_needs_a_sender() -> None:
    done = call("settings", settings={"AUTOMATION_SMTP_HOST": "mail.example.com"})

    assert_refused(done, "AUTOMATION_SMTP_SENDER")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("embedded", "embedded"),
        ("postgresql://api@db/name", "postgresql://api@db/name"),
        ("postgresql://db:5432/name", "postgresql://db:5432/name"),
        ("postgresql://api:@db", "postgresql://api:***@db"),
        ("postgresql://api:p@ss/w?rd#1@db:1,other:2/name", "postgresql://api:***@db:1,other:2/name"),
        ("postgresql://:pass@db/name", "postgresql://:***@db/name"),
        ("postgresql:///name?user=a&password=b&port=1", "postgresql:///name?user=a&password=***&port=1"),
        ("postgresql:///name?sslpassword=b", "postgresql:///name?sslpassword=***"),
        ("postgresql:///name?%70assword=b", "postgresql:///name?%70assword=***"),
        ("postgresql:///name?host=/run/automation", "postgresql:///name?host=/run/automation"),
    ],
)
def test_a_url_is_shown_without_what_is_secret_in_it(url: str, shown: str) -> None:
    assert mask(url) == shown


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("port", "eighty"),
        ("port", "70000"),
        ("log_format", "xml"),
        ("pool_min", "0"),
        ("pool_max", "1"),
        ("query_timeout", "-1"),
        ("database_url", "mysql://root:s3cret@localhost/test"),
        ("watchdog_warn_seconds", "0.05"),
        ("watchdog_kill_seconds", "1"),
        ("egress_allow", "10.0.0.0/33"),
        ("egress_allow", "10.0.0.0/8 10.1.0.0/16"),
        ("egress_allow", "10.0.0.1/8"),
        ("embedded_user", ""),
        ("smtp_host", ""),
        ("smtp_port", "0"),
        ("smtp_tls", "ssl"),
        ("smtp_sender", "nobody"),
    ],
)
def test_a_value_that_cannot_be_used_is_told_in_one_line(setting: str, value: str) -> None:
    done = call("settings", settings={f"AUTOMATION_{setting.upper()}": value})

    assert_refused(done, f"AUTOMATION_{setting.upper()}")
    assert "s3cret" not in done.errors


@pytest.mark.parametrize(
    ("setting", "value", "kind"),
    [
        ("port", "abc", "a whole number"),
        ("port", "80.5", "a whole number"),
        ("port", "70000", "less than or equal to 65535"),
        ("query_timeout", "soon", "a number"),
        ("documentation", "maybe", "true or false"),
        ("log_format", "xml", "'json' or 'console'"),
    ],
)
def test_a_value_of_another_kind_is_told_by_what_it_should_be(setting: str, value: str, kind: str) -> None:
    done = call("settings", settings={f"AUTOMATION_{setting.upper()}": value})

    assert done.errors == f"automation: AUTOMATION_{setting.upper()}: should be {kind}\n"


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("AUTOMATION_PROT", "AUTOMATION_PORT?"),
        ("automation_prot", "AUTOMATION_PORT?"),
        ("AUTOMATION_DATABASE_URI", "AUTOMATION_DATABASE_URL?"),
        ("AUTOMATION_WORKERS_URL", "AUTOMATION_WORKER_URL?"),
        ("AUTOMATION_ALLOWED_HOST", "AUTOMATION_ALLOWED_HOSTS?"),
        ("AUTOMATION_WEATHER", "docs/operating.md"),
        ("AUTOMATION_", "docs/operating.md"),
    ],
)
@pytest.mark.parametrize("command", ["settings", "serve", "worker", "tenants list"])
def test_a_setting_that_does_not_exist_is_named_with_the_nearest_one(command: str, variable: str, meant: str) -> None:
    done = call(*command.split(), settings={variable: "s3cret"})

    assert_refused(done, f"{variable}: there is no such setting", meant)
    assert "s3cret" not in done.errors


def test_a_setting_that_does_not_exist_is_told_beside_those_that_cannot_be_used() -> None:
    done = call("settings", settings={"AUTOMATION_PROT": "1", "AUTOMATION_PORT": "eighty"})

    assert done.code == 2
    assert [line.split()[1] for line in done.errors.splitlines()] == ["AUTOMATION_PROT:", "AUTOMATION_PORT:"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AUTOMATION_TEST_ADMIN_URL", "postgresql://admin@db"),
        ("AUTOMATION_API_SERVICE_HOST", "10.0.0.11"),
        ("AUTOMATION_API_SERVICE_PORT", "8080"),
        ("AUTOMATION_API_SERVICE_PORT_HTTP", "8080"),
        ("AUTOMATION_API_PORT", "tcp://10.0.0.11:8080"),
        ("AUTOMATION_API_PORT_8080_TCP", "tcp://10.0.0.11:8080"),
        ("AUTOMATION_API_PORT_8080_TCP_ADDR", "10.0.0.11"),
    ],
)
def test_a_variable_that_others_set_is_no_setting(variable: str, value: str) -> None:
    assert call("settings", settings={variable: value}).code == 0


def opened_terminal() -> tuple[int, int]:
    """Return both ends of a terminal; without ``/dev/pts`` there is none, and what stands in for it may hang."""
    try:
        return os.openpty()
    except OSError as error:
        pytest.fail(f"no terminal can be had here, which takes a mounted /dev/pts: {error}")


def on_a_terminal(**variables: str) -> str:
    """Return what the command shows on a terminal of 80 columns."""
    terminal, end = opened_terminal()
    termios.tcsetwinsize(end, (24, 80))
    shown = b""
    with subprocess.Popen([COMMAND, "settings"], stdout=end, env={**environment({}), "TERM": "xterm", **variables}):
        os.close(end)
        with contextlib.suppress(OSError):  # Linux's way to say that the other end was closed
            while block := os.read(terminal, 4096):
                shown += block
    os.close(terminal)
    return shown.decode()


@pytest.mark.process
def test_tables_have_colours_only_on_a_terminal() -> None:
    assert "\x1b" in on_a_terminal()
    assert "\x1b" not in on_a_terminal(NO_COLOR="1")
    assert "\x1b" not in call("settings").output


@pytest.mark.process
def test_a_narrow_terminal_cuts_nothing() -> None:
    shown = on_a_terminal(NO_COLOR="1")

    assert "AUTOMATION_PUBLISH_CONTRACT" in shown
    assert "…" not in shown
