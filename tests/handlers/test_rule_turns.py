"""Changes that are made of what a rule says, while others change it, too."""

from dataclasses import replace

import pytest

from automation.domain.errors import Unavailable
from automation.domain.rules import Rule
from automation.storage.accounts.administration import Administration
from automation.storage.pool.database import Database
from automation.storage.rules import Accept, Rules
from handlers.rule_turns import MOST_TURNS, changed_as_read
from tests.storage.samples import a_content, sample


class Crowd:
    """A rule, and others who change it each time before it is changed, so many times."""

    def __init__(self, administration: Administration, database: Database, times: int) -> None:
        self.sample = sample(administration)
        self.rules = Rules(database)
        self.times = times
        self.read: list[int] = []

    async def labelled(self) -> Rule:
        """Give the rule a label beside those that it has, as others do."""
        tenant, user = self.sample.tenant, self.sample.user
        rule = await self.rules.create(tenant, user, a_content())

        async def change(read: Rule, accept: Accept) -> Rule:
            self.read.append(read.version)
            if len(self.read) <= self.times:
                theirs = replace(read.content, labels={**read.content.labels, f"theirs{read.version}": "there"})
                await self.rules.update(tenant, user, rule.rule_id, theirs)
            ours = replace(read.content, labels={**read.content.labels, "ours": "there"})
            return await self.rules.update(tenant, user, rule.rule_id, ours, accept=accept)

        return await changed_as_read(self.rules, tenant, rule.rule_id, lambda _: None, change)


async def test_a_change_that_others_come_before_is_made_to_what_they_left(
    administration: Administration, database: Database
) -> None:
    crowd = Crowd(administration, database, 2)

    rule = await crowd.labelled()

    assert crowd.read == [1, 2, 3]
    assert rule.content.labels == dict.fromkeys(("theirs1", "theirs2", "ours"), "there")


async def test_others_who_come_before_each_time_are_given_way_to_in_the_end(
    administration: Administration, database: Database
) -> None:
    crowd = Crowd(administration, database, MOST_TURNS)

    with pytest.raises(Unavailable, match="was being changed"):
        await crowd.labelled()

    assert crowd.read == list(range(1, MOST_TURNS + 1))
