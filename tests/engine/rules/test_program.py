"""Rule versions made ready to run."""

from typing import Any
from uuid import uuid4

import pytest

from automation.domain.rules import RuleAction, RuleContent, RuleVersion
from automation.engine.actions import Actions, wait
from automation.engine.rules.program import Programs, UnusableRule

WAIT = RuleAction(type="wait", config={"seconds": "${trigger.seconds}"})


def a_version(*actions: RuleAction, **fields: Any) -> RuleVersion:
    content = RuleContent(name="Rule", trigger_config={}, actions=actions, **fields)
    return RuleVersion(rule_id=uuid4(), tenant=uuid4(), version=1, content=content)


def programs() -> Programs:
    return Programs(Actions.of([wait.action]))


async def test_a_version_is_compiled_once() -> None:
    kept, version = programs(), a_version(WAIT)

    program = await kept.get(version)

    assert await kept.get(version) is program
    assert program.steps[0].template.resolve({"trigger": {"seconds": 3}}) == {"seconds": 3}


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        (a_version(WAIT, RuleAction(type="gone", config={})), "its action 1 has the type gone, which isn't installed"),
        (a_version(RuleAction(type="wait", config={"seconds": "${"})), "the config of its action 0 can't be used"),
        (a_version(WAIT, conditions=({"field": "(", "operator": "exists"},)), "its conditions can't be used"),
        (a_version(WAIT, conditions=({"field": "trigger.a", "operator": "gone"},)), "its conditions can't be used"),
    ],
)
async def test_a_version_that_can_not_be_run_says_why_every_time(version: RuleVersion, reason: str) -> None:
    kept = programs()

    for _ in range(2):
        with pytest.raises(UnusableRule, match=reason.replace("(", r"\(")):
            await kept.get(version)


async def test_only_so_many_are_kept() -> None:
    kept = programs()
    first = a_version(WAIT)
    program = await kept.get(first)

    for _ in range(300):
        await kept.get(a_version(WAIT))

    assert await kept.get(first) is not program
