"""Fixtures of the tests of handlers."""

from typing import Any

import pytest

from automation.contract.compiled.contract import Contract
from automation.contract.compiled.links import Links
from automation.contract.document.document import default_path, load


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    return load(default_path())


@pytest.fixture(scope="session")
def links(document: dict[str, Any]) -> Links:
    return Contract(document).links


@pytest.fixture(scope="session")
def links_without_retry(document: dict[str, Any]) -> Links:
    """Links of the same contract, in which nothing can be retried."""
    paths = {path: item for path, item in document["paths"].items() if not path.endswith("/retry")}
    return Contract({**document, "paths": paths}).links
