"""Opens the settings and the database that a command works on.

Imports stand in the functions, so that a mistake in the usage is told without waiting for them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automation.service.settings import Settings
    from automation.storage.accounts.administration import Administration
    from automation.storage.accounts.pruning import Pruning


def read_settings(**overrides: object) -> "Settings":
    """Return the environment's settings; an override that is not None takes a setting's place.

    Raises:
        InvalidSettings: A setting can't be used.
    """
    from automation.service.environment import from_environment  # noqa: PLC0415

    given = {name: value for name, value in overrides.items() if value is not None}
    return from_environment().model_copy(update=given)


@contextmanager
def owner_url(*, may_make: bool = False) -> Iterator[str]:
    """Give the URL of the database as its owner, who may change the schema.

    Args:
        may_make: Make an embedded database where there is none.

    Raises:
        DatabaseNotNamed: The settings do not say which.
    """
    from automation.service import databases  # noqa: PLC0415

    with databases.for_administration(read_settings(), may_make=may_make) as url:
        yield url


@contextmanager
def administration() -> Iterator["Administration"]:
    """Give what administers the database that the settings name.

    Raises:
        DatabaseNotNamed: The settings do not say which.
    """
    with owner_url() as url:
        from automation.storage.accounts.administration import Administration  # noqa: PLC0415

        yield Administration(url)


@contextmanager
def pruning() -> Iterator["Pruning"]:
    """Give what administers the retention in the database that the settings name.

    Raises:
        DatabaseNotNamed: The settings do not say which.
    """
    with owner_url() as url:
        from automation.storage.accounts.pruning import Pruning  # noqa: PLC0415

        yield Pruning(url)
