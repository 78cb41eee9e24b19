"""What the shipped contract and the domain both say, they say alike."""

from dataclasses import fields
from enum import StrEnum
from importlib.metadata import version

import pytest

from automation.domain.errors import Violation
from automation.domain.executions import Execution, ExecutionStatus, LogEntry, LogLevel
from automation.domain.permissions import Permission
from automation.domain.rules import Rule, RuleStatus, TriggerType
from tests.contract.shipped import DOCUMENT, ENTRIES, SCHEMAS


@pytest.mark.parametrize("kind", [ExecutionStatus, LogLevel, RuleStatus, TriggerType], ids=lambda kind: kind.__name__)
def test_an_enumeration_has_the_contracts_values_in_the_contracts_order(kind: type[StrEnum]) -> None:
    assert [member.value for member in kind] == SCHEMAS[kind.__name__]["enum"]


def test_the_permissions_are_those_that_operations_require() -> None:
    required = {entry.node["x-required-permission"] for entry in ENTRIES if "x-required-permission" in entry.node}

    assert {permission.value for permission in Permission} == required


def test_the_permissions_are_in_alphabetical_order() -> None:
    assert [permission.value for permission in Permission] == sorted(permission.value for permission in Permission)


@pytest.mark.parametrize(
    ("kind", "component"),
    [
        (Execution, "AutomationExecution"),
        (LogEntry, "AutomationExecutionLogEntry"),
        (Rule, "AutomationRule"),
        (Violation, "Violation"),
    ],
)
def test_a_value_has_the_fields_of_its_component(kind: type, component: str) -> None:
    assert {each.name for each in fields(kind)} == SCHEMAS[component]["properties"].keys() - {"_links"}


def test_the_contract_has_the_version_of_the_package() -> None:
    assert DOCUMENT["info"]["version"] == version("automation-executions")
