"""The owner's commands over connections that stay: what prepares tests is most of what they ask a database for.

``Administration`` opens a connection for each command, as a person at a terminal wants it. A test gives four or more
commands before it begins, and a fresh connection cost 10 ms of processor time each, nearly all of it PostgreSQL's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from sqlalchemy import create_engine

from automation.storage.accounts import owner
from automation.storage.accounts.administration import Administration


class _Staying(Administration):
    def __init__(self, url: str) -> None:
        opened = partial(owner.connect, url, "automation administration")
        # Asked first whether it is still there: a test may have ended all of its database's.
        self._engine = create_engine("postgresql+psycopg://", creator=opened, pool_pre_ping=True)


@contextmanager
def administering(url: str) -> Iterator[Administration]:
    """Give the owner's commands in a database, whose connections are closed at the end of the block.

    Args:
        url: The owner's.
    """
    administration = _Staying(url)
    try:
        yield administration
    finally:
        administration._engine.dispose()
