"""The embedded server as its user meets it: URLs, roles, settings, and data that outlasts a stop."""

import os

import psycopg
import pytest
import sqlalchemy

from automation.storage.embedded import EmbeddedServer, EmbeddedUrls


@pytest.mark.parametrize(
    ("name", "role", "database", "superuser"),
    [
        ("owner", "automation_owner", "automation", False),
        ("api", "automation_api_login", "automation", False),
        ("worker", "automation_worker_login", "automation", False),
        ("admin", "postgres", "postgres", True),
    ],
)
def test_each_url_logs_in_as_its_role(
    server: EmbeddedServer, name: str, role: str, database: str, superuser: bool
) -> None:
    url = getattr(server.start(), name)

    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT current_user, current_database(), rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ).fetchone()

    assert row == (role, database, superuser, superuser)


def test_sqlalchemy_understands_the_urls(server: EmbeddedServer) -> None:
    engine = sqlalchemy.create_engine(server.start().owner.replace("postgresql:", "postgresql+psycopg:"))

    with engine.connect() as connection:
        user = connection.exec_driver_sql("SELECT current_user").scalar_one()

    engine.dispose()
    assert user == "automation_owner"


@pytest.mark.parametrize(("name", "group"), [("api", "automation_api"), ("worker", "automation_worker")])
def test_a_login_has_the_privileges_of_its_group(server: EmbeddedServer, name: str, group: str) -> None:
    urls = server.start()

    with psycopg.connect(getattr(urls, name)) as connection:
        row = connection.execute("SELECT pg_has_role(%s, 'USAGE'), pg_has_role(%s, 'SET')", [group, group]).fetchone()

    assert row == (True, False)


def test_the_owner_hands_functions_to_the_directory_role_without_inheriting_from_it(server: EmbeddedServer) -> None:
    with psycopg.connect(server.start().owner) as connection:
        connection.execute("GRANT CREATE ON SCHEMA public TO automation_directory")
        connection.execute("CREATE FUNCTION resolve() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        connection.execute("ALTER FUNCTION resolve() OWNER TO automation_directory")
        row = connection.execute("SELECT pg_has_role('automation_directory', 'USAGE')").fetchone()
        connection.execute("DROP FUNCTION resolve()")
        connection.rollback()

    assert row == (False,)


def test_the_owner_grants_the_groups_to_logins_of_its_own(server: EmbeddedServer) -> None:
    with psycopg.connect(server.start().owner) as connection:
        connection.execute("CREATE ROLE another_login LOGIN IN ROLE automation_api")
        row = connection.execute("SELECT pg_has_role('another_login', 'automation_api', 'USAGE')").fetchone()
        connection.rollback()

    assert row == (True,)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("TimeZone", "UTC"),
        ("log_timezone", "UTC"),
        ("server_encoding", "UTF8"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("max_connections", "200"),
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
    ],
)
def test_a_fast_server_has_its_settings(server: EmbeddedServer, setting: str, value: str) -> None:
    assert value_of(server.start(), setting) == value


def test_text_sorts_by_code_point(server: EmbeddedServer) -> None:
    with psycopg.connect(server.start().owner) as connection:
        rows = connection.execute("SELECT * FROM (VALUES ('b'), ('a'), ('É'), ('B')) AS t(x) ORDER BY x").fetchall()

    assert [text for (text,) in rows] == ["B", "a", "b", "É"]


def test_the_server_is_out_of_reach_of_the_terminals_signals(server: EmbeddedServer) -> None:
    server.start()
    pid = server.postmaster_pid()

    assert pid is not None
    assert os.getsid(pid) == pid != os.getsid(0)


def test_an_outage_ends_with_the_same_urls(server: EmbeddedServer) -> None:
    urls = server.start()

    server.halt()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(urls.owner)
    halted = server.postmaster_pid()
    server.resume()

    assert halted is None
    assert value_of(urls, "fsync") == "off"


def value_of(urls: EmbeddedUrls, setting: str) -> str:
    with psycopg.connect(urls.owner) as connection:
        row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
    assert row is not None
    return str(row[0])
