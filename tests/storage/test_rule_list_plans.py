"""Every list of rules is read along the index of their creation, as the API's role under the policies."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from automation.domain.pages import Cursor, PageRequest, Position
from automation.domain.rules import RuleFilter
from automation.storage import walks
from automation.storage.accounts.administration import Administration
from automation.storage.rule_list import statements_of
from tests.databases import DatabaseUrls
from tests.storage.plans import explained
from tests.storage.samples import CREATED_AT

ROWS = 2_000
DEEP = Cursor(Position.at(CREATED_AT, UUID(int=7)))
FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "status": {"status": ("active",)},
    "trigger_type": {"trigger_type": "manual"},
    "name": {"name": "Rule 1"},
    "deleted": {"deleted": True},
}


@pytest.fixture(scope="module")
def many_rules(database_urls: DatabaseUrls, administration: Administration) -> UUID:
    """A tenant with thousands of rules, among three times as many of others."""
    tenants = [administration.create_tenant(f"ruled {number}").tenant for number in range(4)]
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute(
            "INSERT INTO automation_rules (tenant, rule_id, version, created_by, name, status, trigger_type,"
            " trigger_config, conditions, condition_logic, actions, execution_timeout_seconds, concurrency_policy,"
            " created_at)"
            " SELECT (%s::uuid[])[1 + n %% 4], gen_random_uuid(), 1, gen_random_uuid(), 'Rule ' || n, 'active',"
            " 'manual', '{}', '[]', 'and', '[]', 60, 'queue', %s::timestamptz + (n - %s / 2) * interval '1 s'"
            " FROM generate_series(1, %s) n",
            (tenants, CREATED_AT, ROWS * 4, ROWS * 4),
        )
        admin.execute("ANALYZE automation_rules")
    return tenants[0]


@pytest.mark.parametrize("generic", [False, True], ids=["planned for its values", "planned once"])
@pytest.mark.parametrize("name", FILTERS)
def test_a_page_of_rules_reads_the_index_from_its_position_on(
    many_rules: UUID, database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch, name: str, *, generic: bool
) -> None:
    # What a walk may look at is a small part of what there is, as in a large table.
    monkeypatch.setattr(walks, "BUDGET", 100)
    monkeypatch.setattr(walks, "SHORTEST", 50)
    made, values = statements_of(many_rules, RuleFilter(**FILTERS[name]), PageRequest(25, cursor=DEEP))

    with psycopg.connect(database_urls.api) as api:
        plan = explained(api, made.page, values, many_rules, generic=generic)

    scans = [node for node in plan if node.get("Relation Name") == "automation_rules"]
    assert [scan.get("Index Name") for scan in scans] == ["automation_rules_created_idx"]
    assert all("tenant =" in scan["Index Cond"] and "ROW(" in scan["Index Cond"] for scan in scans)
