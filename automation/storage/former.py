"""Tells databases of before the first release apart: no upgrade leads from them to today's schema."""

REVISIONS = frozenset(f"{number:04}" for number in range(1, 11))
"""What they call their schema. No migration of today has such a name."""


class FormerDatabase(Exception):
    """The database is from before the first release; the message says what to do with it, in one line.

    Args:
        revision: What it calls its schema.
        advice: What to do.
    """

    def __init__(
        self,
        revision: str,
        advice: str = 'create a new one (its data can be taken over: "Upgrades" in docs/operating.md)',
    ) -> None:
        super().__init__(
            f"the database is from before the first release (revision {revision}) and can't be upgraded: {advice}"
        )
        self.revision = revision


def refuse(revision: str | None) -> None:
    """Return if upgrades may lead from a revision to today's; None is that of an empty database.

    Raises:
        FormerDatabase: where none does.
    """
    if revision in REVISIONS:
        raise FormerDatabase(revision)
