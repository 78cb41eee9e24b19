"""The shipped contract lists the actions that are built in, and the served one those that are installed."""

from typing import Any

import pytest

from automation.contract.compiled.contract import Contract
from automation.contract.compiled.schemas import Schemas
from automation.contract.document.installed import common, filled
from automation.engine.actions import Action, ActionCall, ActionResult, Actions
from automation.service.application import check_installed
from tests.shipped_contract.shipped import DOCUMENT

BUILT_IN = Actions.load()
UNION = {"$ref": "#/components/schemas/RuleAction"}


async def run(config: Any, call: ActionCall) -> ActionResult:
    """Do nothing."""
    return ActionResult()


SHOUT = Action(
    name="shout",
    config_schema={
        "type": "object",
        "additionalProperties": False,
        "required": ["text"],
        "properties": {"text": {"type": "string", "maxLength": 5}, "times": {"type": "integer"}},
    },
    run=run,
)


def test_it_lists_the_actions_that_are_built_in_as_they_are() -> None:
    served = filled(dict(DOCUMENT), BUILT_IN.written_schemas)

    assert served == DOCUMENT
    assert list(served["components"]["schemas"]) == list(DOCUMENT["components"]["schemas"])


def test_nothing_but_what_is_written_is_of_the_union() -> None:
    """What is read may hold an action that is no longer installed."""
    schemas = DOCUMENT["components"]["schemas"]

    written = {name for name, schema in schemas.items() if str(UNION) in str(schema)}

    assert written == {"AutomationRuleInput", "AutomationRulePatch", "AutomationRuleReplacement"}


def test_a_plug_in_is_published_with_what_its_config_may_be() -> None:
    actions = Actions.of([SHOUT])
    served = filled(dict(DOCUMENT), actions.written_schemas)
    validator = Schemas(served).validator(UNION)

    right = [{"text": "hi"}, {"text": "hi ${a} there"}, {"text": "a", "times": "${n}"}]
    wrong = [{}, {"text": "too long"}, {"text": "a", "times": "a ${n}"}, {"text": "a", "more": 1}]

    assert [each for each in right if not validator.is_valid({"type": "shout", "config": each})] == []
    assert [each for each in wrong if validator.is_valid({"type": "shout", "config": each})] == []
    assert not validator.is_valid({"type": "wait", "config": {"seconds": 1}})


def test_what_is_wrong_with_it_is_only_what_examples_say_of_actions_that_are_not_there() -> None:
    found = check_installed(dict(DOCUMENT), Actions.of([SHOUT]))

    assert {str(each).partition(": ")[0].rpartition("/")[2] for each in found} <= {"webhook"}
    assert check_installed(dict(DOCUMENT), BUILT_IN) == []


@pytest.mark.parametrize("action", [{"type": "gone", "config": {"a": 1}}, {"type": "wait", "config": {}}])
def test_requests_and_answers_are_held_to_what_all_actions_have_in_common(action: Any) -> None:
    held_to = Contract(common(dict(DOCUMENT))).schemas.validator(UNION)

    assert held_to.is_valid(action)
    assert not held_to.is_valid({**action, "more": 1})
