"""A rule is read as it was stored, by its own tenant."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest

from automation.domain.errors import RuleNotFound
from automation.domain.rules import RuleStatus
from automation.storage.rules import Rules
from tests.storage.samples import Sample, a_content, a_rule


@pytest.mark.parametrize("status", RuleStatus)
async def test_a_rule_comes_back_as_it_was_stored(ours: Sample, rules: Rules, status: RuleStatus) -> None:
    content = a_content(status=status, name="Ünïcödé 🚀", description='with "quotes" and\nlines')
    rule = a_rule(ours.tenant, content=content)
    ours.administration.add_rule(rule)

    read = await rules.get(ours.tenant, rule.rule_id)

    assert read == rule


async def test_an_unset_description_is_none(ours: Sample, rules: Rules) -> None:
    assert (await rules.get(ours.tenant, ours.rule.rule_id)).content.description is None


async def test_its_times_are_in_utc(ours: Sample, rules: Rules) -> None:
    written = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-3)))
    rule = a_rule(ours.tenant, created_at=written, updated_at=written)
    ours.administration.add_rule(rule)

    read = await rules.get(ours.tenant, rule.rule_id)

    assert (read.created_at, read.created_at.tzinfo) == (written, UTC)
    assert (read.updated_at, read.updated_at.tzinfo) == (written, UTC)


async def test_an_absent_rule_is_not_found(ours: Sample, rules: Rules) -> None:
    with pytest.raises(RuleNotFound):
        await rules.get(ours.tenant, uuid4())


async def test_a_rule_of_another_tenant_is_not_found(ours: Sample, theirs: Sample, rules: Rules) -> None:
    with pytest.raises(RuleNotFound):
        await rules.get(ours.tenant, theirs.rule.rule_id)


async def test_a_rule_that_is_added_twice_stays_as_it_was(ours: Sample, rules: Rules) -> None:
    ours.administration.add_rule(a_rule(ours.tenant, rule_id=ours.rule.rule_id, content=a_content(name="Another name")))

    assert await rules.get(ours.tenant, ours.rule.rule_id) == ours.rule
