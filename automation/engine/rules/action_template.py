"""Compiles configs of rules' actions, each string by the syntax that the action's type gives it."""

from collections.abc import Mapping
from typing import Any

from automation.engine.actions import Actions, Syntax
from automation.engine.expressions import placement
from automation.engine.expressions.evaluation import Budget
from automation.engine.expressions.templates import Template

_WRITES: Mapping[Syntax, placement.Write] = {Syntax.HTML: placement.html, Syntax.URL: placement.url}


def action_template(action_type: str, config: Any, actions: Actions, budget: Budget | None = None) -> Template:
    """Return the template of an action's config.

    Args:
        action_type: The action's type.
        config: The config as it is written.
        actions: What rules can do here.
        budget: What compiling may cost; anything when left out.

    Raises:
        ExpressionTooCostly: Compiling went over the budget.
        InvalidTemplate: It can't be compiled.
    """
    return Template.compile(config, _writing(action_type, actions), budget)


def string_template(
    action_type: str, place: str, text: str, actions: Actions, budget: Budget | None = None
) -> Template:
    """Return the template of one string of an action's config, which stands where the pointer ``place`` leads.

    Raises:
        InvalidTemplate: It can't be compiled.
    """
    write = _writing(action_type, actions).get(place)
    return Template.compile(text, {"": write} if write else {}, budget)


def _writing(action_type: str, actions: Actions) -> Mapping[str, placement.Write]:
    return {place: _WRITES[syntax] for place, syntax in actions.syntaxes(action_type).items()}
