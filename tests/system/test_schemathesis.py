"""Schemathesis attacks the running service: every phase, every check, through HTTP, with what a tester would bring."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from automation.domain.permissions import Role
from tests.contract.shipped import ENTRIES
from tests.system.processes import REPOSITORY, free_port
from tests.system.tenancy import WEBHOOK, Tenant

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
SENSE = Path(__file__).with_name("rule_sense.py")
WARNINGS = [
    "missing_auth",
    "missing_test_data",
    "validation_mismatch",
    "missing_deserializer",
    "unused_openapi_auth",
    "unsupported_regex",
    "method_not_allowed",
    "unresolvable_reference",
    "dictionary_mismatch",
]
IDENTIFIERS = {
    "cancelAutomationExecution": "pending",
    "deleteAutomationRule": "disused",
    "executeAutomationRule": "rules",
    "getAutomationExecution": "failed",
    "getAutomationRule": "rules",
    "listAutomationExecutionAttempts": "failed",
    "retryAutomationExecution": "failed",
    "updateAutomationRule": "rules",
}
"""Which ids each operation is given: those that it can do something with."""


def dictionaries(tenant: Tenant) -> Mapping[str, Sequence[str]]:
    """Make what there is to attack, enough of what an attack uses up, and return the ids."""
    rules = [tenant.create_rule(actions=[WEBHOOK, WEBHOOK]) for _ in range(3)]
    return {
        "disused": [tenant.create_rule()["rule_id"] for _ in range(40)],
        "failed": [tenant.add_failed_execution(rules[0]).rpartition("/")[2] for _ in range(40)],
        "pending": [tenant.execute(rules[0])["execution_id"] for _ in range(40)],
        "rules": [rule["rule_id"] for rule in rules],
        "versions": ["*"],
        "statuses": ["active"],
    }


def write_configuration(
    directory: Path, ids: Mapping[str, Sequence[str]], *, warnings: Sequence[str] = WARNINGS
) -> Path:
    """Write what Schemathesis is to know: which ids exist, and what makes sense."""
    operations = "".join(
        f"""
[[operations]]
include-operation-id = "{operation}"
[operations.parameters]
"path.id" = {{ dictionary = "{name}", probability = 0.8 }}
"""
        for operation, name in IDENTIFIERS.items()
    )
    defined = "".join(f"[dictionaries.{name}]\nvalues = {json.dumps(values)}\n" for name, values in ids.items())
    configuration = directory / "schemathesis.toml"
    configuration.write_text(
        f"""
seed = 1
hooks = "{SENSE}"

[generation]
database = "none"
# The service takes no U+0000, which no schema can say of strings at any depth.
allow-x00 = false

{defined}
[parameters]
"header.If-Match" = {{ dictionary = "versions", probability = 0.9 }}
"body.status" = {{ dictionary = "statuses", probability = 0.9 }}

[checks.positive_data_acceptance]
# 412 says nothing about the data: a version that is another one by now.
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412"]
{operations}
[warnings]
fail-on = {json.dumps(warnings)}
"""
    )
    return configuration


def become(configuration: Path, users: Mapping[str, str], *, peers: Sequence[str] = ()) -> None:
    """Write who Schemathesis is, by name and key: the first user, whose peers mustn't see each other's objects."""
    listed = [{"name": name, "fixedHeaders": [{"name": "x-api-key", "value": key}]} for name, key in users.items()]
    configuration.with_name("users.json").write_text(json.dumps({"auth": listed}))
    with configuration.open("a") as file:
        file.write(f'\n[auth.wfc]\npath = "users.json"\nuser = "{next(iter(users))}"\n')
        file.write(f"peers = {json.dumps(peers)}\n" if peers else "")


def attack(configuration: Path, url: str, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run Schemathesis against the service."""
    return subprocess.run(
        [
            SCHEMATHESIS,
            "--config-file",
            configuration,
            "run",
            REPOSITORY / "openapi.yaml",
            f"--url={url}",
            "--checks=all",
            "--max-examples=25",
            "--continue-on-failure",
            *options,
        ],
        cwd=configuration.parent,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_an_operator_with_a_peer_in_another_tenant_finds_nothing(
    tenant: Tenant, stranger: Tenant, tmp_path: Path
) -> None:
    configuration = write_configuration(tmp_path, dictionaries(tenant))
    become(configuration, {"operator": tenant.key, "stranger": stranger.key}, peers=["operator", "stranger"])

    done = attack(configuration, str(tenant.client.base_url))

    assert done.returncode == 0, done.stdout


def test_a_user_without_permission_finds_nothing(tenant: Tenant, tmp_path: Path) -> None:
    expected = [name for name in WARNINGS if name != "missing_auth"]
    configuration = write_configuration(tmp_path, dictionaries(tenant), warnings=expected)
    become(configuration, {"visitor": tenant.add_key(Role.NONE)})
    secured = [f"{entry.method.upper()} {entry.path}" for entry in ENTRIES if "x-required-permission" in entry.node]

    done = attack(configuration, str(tenant.client.base_url), "--phases=examples,coverage,fuzzing")

    assert done.returncode == 0, done.stdout
    assert "operations returned only 401/403 responses" in done.stdout
    assert [place for place in secured if f"- {place}\n" not in done.stdout] == []


def test_a_planted_fault_is_found(tenant: Tenant, tmp_path: Path) -> None:
    """A run that can't fail proves nothing: a server that answers everything alike must not pass."""
    program = (
        "import http.server\n"
        "class Handler(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200); self.send_header('content-type', 'application/json')\n"
        "        self.end_headers(); self.wfile.write(b'{}')\n"
        "    def log_message(self, *_): pass\n"
        "http.server.ThreadingHTTPServer(('127.0.0.1', {port}), Handler).serve_forever()\n"
    )
    port = free_port()
    configuration = write_configuration(tmp_path, dictionaries(tenant))

    with subprocess.Popen([sys.executable, "-c", program.replace("{port}", str(port))]) as liar:
        try:
            done = attack(configuration, f"http://127.0.0.1:{port}", "--include-method=GET")
        finally:
            liar.kill()

    assert done.returncode != 0
    assert "Response violates schema" in done.stdout


@pytest.fixture(autouse=True)
def _plain_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
