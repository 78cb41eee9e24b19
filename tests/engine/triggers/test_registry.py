"""Triggers by type: each has its settings in the contract, and what doesn't fit them is refused with its place."""

from datetime import timedelta

import pytest

from automation.contract.document.document import default_path, load
from automation.contract.document.naming import BY_TRIGGER_TYPE
from automation.domain.errors import Violation
from automation.domain.rules import TriggerType
from automation.engine.triggers import Triggers
from tests.engine.triggers.shipped import TRIGGERS


def test_the_contract_names_the_settings_of_each_type_where_they_are_read_and_written() -> None:
    schemas = load(default_path())["components"]["schemas"]

    by_type = schemas["TriggerType"][BY_TRIGGER_TYPE]
    assert by_type.keys() == set(schemas["TriggerType"]["enum"]) == set(TriggerType)
    named = {f"`{schema['$ref'].rpartition('/')[2]}`" for schema in by_type.values() if "$ref" in schema}
    for component in ("AutomationRule", "AutomationRuleVersion", "AutomationRuleInput", "AutomationRuleReplacement"):
        description = schemas[component]["properties"]["trigger_config"]["description"]
        assert {name for name in named if name in description} == named


@pytest.mark.parametrize("trigger_type", TriggerType)
def test_a_setting_that_a_type_does_not_have_is_refused_at_its_place(trigger_type: TriggerType) -> None:
    found = TRIGGERS.check(trigger_type, {"colour": "red"})

    assert Violation("is not a known member", pointer="/colour") in found


def test_a_manual_trigger_has_nothing_to_set() -> None:
    assert TRIGGERS.check(TriggerType.MANUAL, {}) == []


def test_the_runs_of_a_recurring_rule_are_as_far_apart_as_the_operator_wants() -> None:
    triggers = Triggers(load(default_path()), timedelta(minutes=1))

    assert triggers.least_interval == timedelta(minutes=1)
    assert triggers.check(TriggerType.RECURRING, {"every": "PT1M"}) == []
    for often in ({"every": "PT59S"}, {"every": "PT1S"}):
        assert [each.pointer for each in triggers.check(TriggerType.RECURRING, often)] == ["/every"]
        assert TRIGGERS.check(TriggerType.RECURRING, often) == []
