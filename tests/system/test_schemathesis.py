"""Schemathesis attacks the running service: every phase, every check, through HTTP, with what a tester would bring.

Some six thousand cases of an operator, for every day; ``tests/outside`` has twice as many of each of two, and more.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.system.attack import attack, dictionaries, of_a_visitor, of_an_operator, write_configuration
from tests.system.tenancy import Tenant

pytestmark = pytest.mark.timeout(600)


def test_an_operator_with_a_peer_in_another_tenant_finds_nothing(
    tenant: Tenant, stranger: Tenant, tmp_path: Path
) -> None:
    configuration = of_an_operator(tenant, stranger, tmp_path)

    outcome = attack(configuration, str(tenant.client.base_url))

    assert outcome.exit_code == 0, outcome.output


def test_a_user_without_permission_finds_nothing(tenant: Tenant, tmp_path: Path) -> None:
    configuration = of_a_visitor(tenant, tmp_path)

    outcome = attack(configuration, str(tenant.client.base_url), "--phases=examples,coverage,fuzzing")

    assert outcome.exit_code == 0, outcome.output
    assert outcome.unrefused() == []


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
            outcome = attack(configuration, f"http://127.0.0.1:{port}", "--include-method=GET", "--phases=examples")
        finally:
            liar.kill()

    assert outcome.exit_code != 0
    assert "Response violates schema" in outcome.output
