"""Executions with keys of their own, as the rule desk makes them of what a rule is triggered with."""

from typing import Any

from automation.domain.executions import ExecutionDocument
from automation.domain.labels import MadeLabels
from automation.domain.rules import Rule, RuleVersion
from automation.domain.start_window import AT_ONCE, StartWindow
from tests.storage.runner import Runner


async def keyed(
    runner: Runner,
    rule: Rule,
    trigger: dict[str, Any] | None = None,
    *,
    window: StartWindow = AT_ONCE,
    **keys: str,
) -> ExecutionDocument:
    """Trigger a rule, with the keys that are made of it."""

    async def make(_version: RuleVersion) -> MadeLabels:
        return MadeLabels(labels={}, left_out={}, keys=keys)

    return await runner.executions.create(
        runner.tenant, runner.sample.user, rule.rule_id, trigger_data=trigger or {}, make_labels=make, window=window
    )
