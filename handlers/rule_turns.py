"""Changes of a rule that are made of what it says: begun anew where somebody else has changed it meanwhile."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

from automation.domain.rules import Rule
from automation.storage.rules import Accept, Rules
from automation.storage.turns import changed_each_time

MOST_TURNS = 20
"""How often one is begun at the most: of so many at the same moment, one is done in each turn."""

Change = Callable[[Rule, Accept], Awaitable[Rule]]
"""Changes a rule that was read, unless who looks at it as it is then, the second, finds something against that."""


class _ChangedMeanwhile(Exception):
    """The rule is another one than was read."""


async def changed_as_read(rules: Rules, tenant: UUID, rule_id: UUID, accept: Accept, change: Change) -> Rule:
    """Read a rule and change it, and return it as it is then; who sent no precondition is refused by none.

    Args:
        rules: Where it is.
        tenant: Whose it is.
        rule_id: Which rule.
        accept: Looks at the rule as it is, which nobody changes meanwhile, and raises what speaks against it.
        change: Makes the change.

    Raises:
        RuleNotFound: where this tenant has none of that id.
        Unavailable: where somebody else was faster each time.
    """
    for _ in range(MOST_TURNS):
        read = await rules.get(tenant, rule_id)

        def accept_as_read(rule: Rule, read: Rule = read) -> None:
            accept(rule)
            if (rule.version, rule.updated_at) != (read.version, read.updated_at):  # not when it is due
                raise _ChangedMeanwhile

        with suppress(_ChangedMeanwhile):
            return await change(read, accept_as_read)
    raise changed_each_time()
