"""A rule version made ready to run: compiled once, and kept for the executions that follow."""

from dataclasses import dataclass
from uuid import UUID

from automation.domain.bounded import Bounded
from automation.domain.rules import RuleAction, RuleContent, RuleVersion
from automation.engine.actions import Actions
from automation.engine.expressions.conditions import Conditions, compiled
from automation.engine.expressions.evaluation import Budget, EvaluationError
from automation.engine.expressions.pace import Pace, PacedBudget
from automation.engine.expressions.templates import Template
from automation.engine.rules.action_template import action_template
from automation.engine.rules.computing import Computing
from automation.engine.rules.plain_secrets import plain_secrets

_KEPT = 256


class UnusableRule(Exception):
    """A stored rule can't be run at all; the message says why, for its author."""


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a program; ``template`` makes its config."""

    action: RuleAction
    template: Template


@dataclass(frozen=True, slots=True)
class Program:
    """What a rule version says, compiled; made by ``compile_rule``.

    ``secrets`` are those that it names, ``plain`` the values that it holds where reads show a mask.
    """

    conditions: Conditions
    steps: tuple[Step, ...]
    secrets: frozenset[str]
    plain: tuple[str, ...]


class Programs:
    """A cache of compiled rule versions, and of the reasons why others cannot be compiled.

    Args:
        actions: What rules can do here.

    Attributes:
        computing: Compiles them, and evaluates what is in them.
    """

    def __init__(self, actions: Actions) -> None:
        self._actions = actions
        self.computing = Computing()
        self._kept: Bounded[tuple[UUID, UUID, int], Program | UnusableRule] = Bounded(_KEPT)

    async def get(self, rule: RuleVersion) -> Program:
        """Return the program of a rule version, which never changes.

        Raises:
            UnusableRule: It can't be run here.
        """
        key = (rule.tenant, rule.rule_id, rule.version)
        found = self._kept.get(key)
        if found is None:
            found = await self.computing.done(rule.tenant, lambda pace: self._compiled(rule.content, pace))
        self._kept.put(key, found)
        if isinstance(found, UnusableRule):
            raise UnusableRule(str(found))
        return found

    def _compiled(self, content: RuleContent, pace: Pace) -> Program | UnusableRule:
        try:
            return compile_rule(content, self._actions, PacedBudget.paced(pace))
        except UnusableRule as error:
            return error


def compile_rule(content: RuleContent, actions: Actions, budget: Budget | None = None) -> Program:
    """Compile what a rule says, which may cost what a budget has, or anything.

    Raises:
        UnusableRule: An expression or condition can't be compiled, or an action's type isn't installed.
    """
    steps = tuple(_step(index, content, actions, budget) for index in range(len(content.actions)))
    secrets = frozenset(name for step in steps for name in step.template.secrets)
    return Program(_conditions(content, budget), steps, secrets, plain_secrets(content.actions))


def _conditions(content: RuleContent, budget: Budget | None) -> Conditions:
    try:
        return compiled(content.conditions, budget, logic=content.condition_logic)
    except (EvaluationError, KeyError, ValueError) as error:
        raise UnusableRule(f"its conditions can't be used: {error}") from None


def _step(index: int, content: RuleContent, actions: Actions, budget: Budget | None) -> Step:
    action = content.actions[index]
    if action.type not in actions:
        raise UnusableRule(f"its action {index} has the type {action.type}, which isn't installed")
    try:
        return Step(action, action_template(action.type, action.config, actions, budget))
    except EvaluationError as error:
        raise UnusableRule(f"the config of its action {index} can't be used: {error}") from None
