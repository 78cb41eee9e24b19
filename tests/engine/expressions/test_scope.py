from uuid import UUID

import orjson

from automation.domain.rules import RuleAction, RuleContent
from automation.engine.expressions.expressions import VARIABLES, Expression
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


def test_a_planned_execution_has_no_id() -> None:
    assert execution_variable(None, 1) == {"execution_id": None, "attempt": 1}
