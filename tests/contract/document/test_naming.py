"""The contract's names, in Python."""

import pytest

from automation.contract.document.naming import LOWER_CAMEL_CASE, module_name, snake_case


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("getAutomationExecution", "get_automation_execution"),
        ("getAPIKey", "get_api_key"),
        ("x-tenant-id", "x_tenant_id"),
        ("If-None-Match", "if_none_match"),
        ("pageSize", "page_size"),
        ("id", "id"),
        ("from", "from_"),
        ("page[size]", "page_size"),
    ],
)
def test_names_become_snake_case(name: str, snake: str) -> None:
    assert snake_case(name) == snake


def test_a_tag_names_a_module() -> None:
    assert (module_name("Executions"), module_name("API keys")) == ("executions", "api_keys")


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("getThing", True),
        ("get", True),
        ("getThing2", True),
        ("GetThing", False),
        ("get_thing", False),
        ("get-thing", False),
    ],
)
def test_operation_ids_are_in_lower_camel_case(name: str, fits: bool) -> None:
    assert bool(LOWER_CAMEL_CASE.fullmatch(name)) is fits
