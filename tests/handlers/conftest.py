"""What the tests of handlers stand on."""

import copy
from typing import Any

import pytest

from automation.contract.contract import Contract
from automation.contract.document import default_path, load
from automation.contract.links import Links

EXECUTION_PATH = "/api/v1/automation/executions/{id}"


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    return load(default_path())


@pytest.fixture(scope="session")
def links(document: dict[str, Any]) -> Links:
    return Contract(document).links


@pytest.fixture(scope="session")
def links_with_retry(document: dict[str, Any]) -> Links:
    """Links of the same contract, in which an execution can be retried."""
    extended = copy.deepcopy(document)
    item = extended["paths"][EXECUTION_PATH]
    retry = {**item["get"], "operationId": "retryAutomationExecution"}
    extended["paths"][f"{EXECUTION_PATH}/retry"] = {"parameters": item["parameters"], "post": retry}
    return Contract(extended).links
