from uuid import UUID

import orjson
import pytest

from automation.domain.opaque import Opaque
from automation.domain.rules import RuleAction, RuleContent
from automation.engine.expressions.expressions import Expression
from automation.engine.expressions.grammar import VARIABLES
from automation.engine.expressions.scope import execution_variable, rule_variable, scope

ID = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")
CONTENT = RuleContent(name="Greet", trigger_config={}, actions=(RuleAction(type="wait", config={"seconds": 1}),))


def test_it_has_every_variable_and_is_plain_json() -> None:
    values = scope(
        rule=rule_variable(ID, 3, CONTENT),
        execution=execution_variable(ID, 2),
        trigger_data={"total": 1.5},
        results={1: {"status": 200}, 0: {"text": "A"}},
    )

    assert tuple(values) == VARIABLES
    assert orjson.loads(orjson.dumps(values)) == values


def test_an_action_sees_the_results_of_earlier_ones_as_the_execution_shows_them() -> None:
    values = scope(rule={}, execution={}, trigger_data={}, results={10: {"status": 201}, 2: {"status": 200}})

    found = Expression.compile('context.actions."10".status').evaluate(values)

    assert found == 201
    assert list(values["context"]["actions"]) == ["2", "10"]


@pytest.mark.parametrize("expression", ["trigger", 'context.actions."0"', "context", "[trigger, context]"])
def test_what_came_as_a_text_of_json_can_be_asked_for_as_a_whole(expression: str) -> None:
    came = Opaque({"total": 1.5}, '{"total": 1.50}')
    values = scope(rule={}, execution={}, trigger_data=came, results={0: came})
    written = scope(rule={}, execution={}, trigger_data=dict(came), results={0: dict(came)})

    found = Expression.compile(expression).evaluate(values)

    assert found == Expression.compile(expression).evaluate(written)


def test_a_planned_execution_has_no_id() -> None:
    assert execution_variable(None, 1) == {"execution_id": None, "attempt": 1}
