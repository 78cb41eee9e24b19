"""Names of operators in the audit log: what the machine calls whoever ran a command, or the user's number."""

import os
import pwd
from typing import Any, NoReturn
from uuid import uuid4

import psycopg
import pytest

from automation.storage.accounts.administration import Administration
from tests.databases import DatabaseUrls

NAMED_BY = ("LOGNAME", "USER", "LNAME", "USERNAME")


def operator(administration: Administration, urls: DatabaseUrls) -> Any:
    """Create a tenant, and return who is said to have done that."""
    tenant = administration.create_tenant(f"tenant {uuid4()}").tenant
    with psycopg.connect(urls.admin) as admin:
        return admin.execute("SELECT DISTINCT operator FROM audit_events WHERE tenant = %s", (tenant,)).fetchall()


def test_an_operator_is_named_as_the_machine_does(
    administration: Administration, database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAMED_BY[0], "somebody")

    assert operator(administration, database_urls) == [("somebody",)]


def test_one_without_a_name_as_in_a_container_has_a_number(
    administration: Administration, database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(_number: int) -> NoReturn:
        raise KeyError

    for name in NAMED_BY:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)

    assert operator(administration, database_urls) == [(str(os.getuid()),)]
