"""Schemathesis attacks the running service: every phase, every check, through HTTP, with what a tester would bring."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.system.conftest import Service
from tests.system.processes import REPOSITORY, free_port

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
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


def write_configuration(directory: Path, service: Service, *, warnings: Sequence[str] = WARNINGS) -> Path:
    """Write what Schemathesis is to know: the users it can be, and which ids exist."""
    demo = service.demo
    users = {name: demo["keys"].get(name, "") for name in ("reader", "globex_reader", "no_permission")}
    (directory / "users.json").write_text(
        json.dumps(
            {
                "auth": [
                    {"name": name, "fixedHeaders": [{"name": "x-api-key", "value": key}]} for name, key in users.items()
                ]
            }
        )
    )
    executions = [identifier for status, identifier in demo["executions"].items() if status != "globex"]
    configuration = directory / "schemathesis.toml"
    configuration.write_text(
        f"""
seed = 1

[generation]
database = "none"

[dictionaries.executions]
values = {json.dumps(executions)}

[dictionaries.rules]
values = {json.dumps([demo["rules"]["acme"]])}

[dictionaries.tenants]
values = {json.dumps([demo["tenants"]["acme"]])}

[parameters]
"header.x-tenant-id" = {{ dictionary = "tenants", probability = 0.9 }}

[[operations]]
include-operation-id = "getAutomationExecution"
[operations.parameters]
"path.id" = {{ dictionary = "executions", probability = 0.7 }}

[[operations]]
include-operation-id = "getAutomationRule"
[operations.parameters]
"path.id" = {{ dictionary = "rules", probability = 0.7 }}

[warnings]
fail-on = {json.dumps(warnings)}
"""
    )
    return configuration


def attack(configuration: Path, service: Service, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run Schemathesis against the service."""
    return subprocess.run(
        [
            SCHEMATHESIS,
            "--config-file",
            configuration,
            "run",
            REPOSITORY / "openapi.yaml",
            f"--url={service.base_url}",
            "--checks=all",
            "--max-examples=40",
            "--continue-on-failure",
            *options,
        ],
        cwd=configuration.parent,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_reader_with_a_peer_in_another_tenant_finds_nothing(service: Service, tmp_path: Path) -> None:
    configuration = write_configuration(tmp_path, service)
    with configuration.open("a") as file:
        file.write('\n[auth.wfc]\npath = "users.json"\nuser = "reader"\npeers = ["reader", "globex_reader"]\n')

    done = attack(configuration, service)

    assert done.returncode == 0, done.stdout


def test_a_user_without_permission_finds_nothing(service: Service, tmp_path: Path) -> None:
    expected = [name for name in WARNINGS if name != "missing_auth"]
    configuration = write_configuration(tmp_path, service, warnings=expected)
    with configuration.open("a") as file:
        file.write('\n[auth.wfc]\npath = "users.json"\nuser = "no_permission"\n')

    done = attack(configuration, service, "--phases=examples,coverage,fuzzing")

    assert done.returncode == 0, done.stdout
    assert "2 operations returned only 401/403 responses" in done.stdout


def test_a_planted_fault_is_found(service: Service, tmp_path: Path) -> None:
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
    configuration = write_configuration(tmp_path, service)

    with subprocess.Popen([sys.executable, "-c", program.replace("{port}", str(port))]) as liar:
        try:
            done = attack(configuration, Service(f"http://127.0.0.1:{port}", {}, {}, service.client, service.log))
        finally:
            liar.kill()

    assert done.returncode != 0
    assert "Response violates schema" in done.stdout


@pytest.fixture(autouse=True)
def _plain_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
