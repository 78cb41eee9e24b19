"""Labels that a rule gives its executions: what is put into them, and what is left out."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from automation.domain.labels import MadeLabels
from automation.domain.opaque import Opaque
from automation.domain.rules import RuleVersion
from automation.engine.expressions.pace import Pace
from automation.engine.rules.rule_labels import made_labels
from tests.storage.samples import a_content

RULE = UUID(int=7)


def made(labels: Mapping[str, str], trigger: dict[str, Any]) -> MadeLabels:
    rule = RuleVersion(rule_id=RULE, tenant=UUID(int=1), version=3, content=a_content(name="Notify", labels=labels))
    return made_labels(rule, Opaque(trigger, "{}"), Pace(lambda: None))


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("prod", "prod"),
        ("${trigger.order}", "1042"),
        ("${trigger.total}", "99.5"),
        ("${trigger.paid}", "true"),
        ("order ${trigger.order} of ${trigger.customer.name}", "order 1042 of Ada"),
        ("${rule.name} ${rule.version} ${rule.rule_id}", f"Notify 3 {RULE}"),
        ("$${trigger.order}", "${trigger.order}"),
        ("${trigger.empty}", ""),
        ("${trigger.long}", "x" * 255),
    ],
)
def test_a_value_is_put_in_as_text(written: str, label: str) -> None:
    trigger = {"order": 1042, "total": 99.5, "paid": True, "customer": {"name": "Ada"}, "empty": "", "long": "x" * 255}

    assert made({"label": written}, trigger) == MadeLabels(labels={"label": label}, left_out={})


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("${trigger.order}", "has no value"),
        ("${trigger.customer}", "object or an array"),
        ("${trigger.list}", "object or an array"),
        ("${trigger.long}", "more than 255 characters"),
        ("${length(trigger.number)}", "trigger.number"),
    ],
)
def test_what_makes_no_label_is_left_out_and_the_others_are_made(written: str, reason: str) -> None:
    labels = made(
        {"wrong": written, "env": "prod"}, {"customer": {}, "list": [1], "long": "x" * 256, "number": 1, "order": None}
    )

    assert labels.labels == {"env": "prod"}
    assert labels.left_out.keys() == {"wrong"}
    assert reason in labels.left_out["wrong"]


def test_keys_are_made_as_labels_are() -> None:
    content = a_content(concurrency_key="of ${trigger.customer}", deduplication_key="${trigger.nobody}")
    rule = RuleVersion(rule_id=RULE, tenant=UUID(int=1), version=3, content=content)

    made_of_it = made_labels(rule, Opaque({"customer": 7}, "{}"), Pace(lambda: None))

    assert made_of_it.keys == {"concurrency_key": "of 7"}
    assert "has no value" in made_of_it.keys_left_out["deduplication_key"]
