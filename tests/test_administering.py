"""The commands that prepare tests share connections, which end with the test."""

import psycopg

from tests.administering import administering
from tests.databases import DatabaseUrls

CONNECTIONS = (
    "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'automation administration'"
)


def test_commands_share_a_connection(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.admin, autocommit=True) as watcher, administering(database_urls.owner) as owner:
        owner.create_tenant("Acme")
        first = watcher.execute(CONNECTIONS).fetchall()
        owner.list_tenants()

        assert len(first) == 1
        assert watcher.execute(CONNECTIONS).fetchall() == first


def test_a_connection_that_a_test_has_ended_is_replaced(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.admin, autocommit=True) as watcher, administering(database_urls.owner) as owner:
        made = owner.create_tenant("Acme")
        watcher.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM ({CONNECTIONS}) AS ended")

        assert owner.list_tenants() == [made]
