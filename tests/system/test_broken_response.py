"""A response that breaks the contract: the client learns nothing of it, the log says where it broke."""

import json
from pathlib import Path

import httpx

from tests.plain_http import PLAIN
from tests.system.conftest import Service
from tests.system.processes import copy_service, plant, serving


def test_it_is_a_plain_500_and_the_log_says_where(service: Service, tmp_path: Path) -> None:
    copy = copy_service(tmp_path)
    plant(
        copy,
        "handlers/rule_presentation.py",
        '"actions": actions',
        '"actions": actions, "status": "a status told to nobody"',
    )

    with serving(service.settings, copy=copy) as process:
        response = httpx.get(
            f"{process.base_url}/api/v1/automation/rules/{service.demo['rules']['acme']}",
            headers={"x-api-key": service.demo["keys"]["reader"]},
            **PLAIN,
        )
        process.stop()
        lines = process.log_lines()

    problem = response.json()
    (reason,) = [line for line in lines if line.get("pointer")]
    assert response.status_code == 500
    assert problem["code"] == "internal_error"
    assert "errors" not in problem
    assert "told to nobody" not in response.text
    assert reason["pointer"] == "/data/status"
    assert reason["request_id"] == problem["request_id"]
    assert "told to nobody" not in json.dumps(lines)
