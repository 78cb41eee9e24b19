"""A response that breaks the contract: the client learns nothing of it, the log says where it broke."""

import json
from pathlib import Path

import httpx

from tests.system.conftest import Service
from tests.system.processes import copy_service, free_port, running, wait_until_alive


def test_it_is_a_plain_500_and_the_log_says_where(service: Service, tmp_path: Path) -> None:
    handler = copy_service(tmp_path) / "handlers" / "presentation.py"
    handler.write_text(handler.read_text().replace('"status": content.status', '"status": "a secret status"'))
    port = free_port()

    with running(["serve", "--port", str(port)], service.settings, copy=tmp_path) as process:
        process.base_url = f"http://127.0.0.1:{port}"
        wait_until_alive(process)
        response = httpx.get(
            f"{process.base_url}/api/v1/automation/rules/{service.demo['rules']['acme']}",
            headers={"x-api-key": service.demo["keys"]["reader"]},
            trust_env=False,
        )
        process.stop()
        lines = process.log_lines()

    problem = response.json()
    (reason,) = [line for line in lines if line.get("pointer")]
    assert response.status_code == 500
    assert problem["code"] == "internal_error"
    assert "errors" not in problem
    assert "secret" not in response.text
    assert reason["pointer"] == "/data/status"
    assert reason["request_id"] == problem["request_id"]
    assert "secret" not in json.dumps(lines)
