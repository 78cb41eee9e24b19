"""Every list of executions is read along an index, as the API's role under the policies: no filter reads the table."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from automation.domain.executions import ExecutionFilter
from automation.domain.pages import Cursor, PageRequest, Position
from automation.storage import walks
from automation.storage.accounts.administration import Administration
from automation.storage.execution_list import _CONDITIONS, _SEEKS, statements_of
from tests.databases import DatabaseUrls
from tests.storage.plans import explained
from tests.storage.samples import CREATED_AT, Sample

ROWS = 6_000
INDEXES = {
    "automation_executions": {"automation_executions_status_idx", "automation_executions_rule_idx"},
    "automation_execution_labels": {"automation_execution_labels_label_idx"},
}
RULE = UUID(int=1)
FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "status": {"status": ("failed",)},
    "several statuses": {"status": ("failed", "timeout", "running")},
    "automation_rule_id": {"automation_rule_id": (RULE,)},
    "several rules": {"automation_rule_id": (RULE, UUID(int=2))},
    "rule and status": {"automation_rule_id": (RULE,), "status": ("failed",)},
    "trigger_type": {"trigger_type": "manual"},
    "created_from": {"created_from": CREATED_AT},
    "created_to": {"created_to": CREATED_AT},
    "started_from": {"started_from": CREATED_AT},
    "started_to": {"started_to": CREATED_AT},
    "completed_from": {"completed_from": CREATED_AT},
    "completed_to": {"completed_to": CREATED_AT},
    "duration_min_ms": {"duration_min_ms": 5.0},
    "duration_max_ms": {"duration_max_ms": 5.0},
    "error_contains": {"error_contains": "502"},
    "attempt_min": {"attempt_min": 2},
    "status and time": {"status": ("failed",), "created_from": CREATED_AT},
    "rule and error": {"automation_rule_id": (RULE,), "error_contains": "502"},
    "label": {"label": ("env:prod",)},
    "several labels": {"label": ("env:prod", "order:7")},
    "label and status": {"label": ("env:prod",), "status": ("failed",)},
    "label and rule": {"label": ("env:prod",), "automation_rule_id": (RULE, UUID(int=2))},
    "label and time": {"label": ("env:prod",), "created_from": CREATED_AT},
    "label and error": {"label": ("env:prod",), "error_contains": "502"},
}
DEEP = Cursor(Position.at(CREATED_AT, UUID(int=7)))


@pytest.fixture(scope="module")
def many(database_urls: DatabaseUrls, administration: Administration) -> UUID:
    """A tenant with thousands of executions of ten rules, among three times as many of others."""
    tenants = [administration.create_tenant(f"listed {number}").tenant for number in range(4)]
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("SET LOCAL session_replication_role = replica")
        admin.execute(
            "INSERT INTO automation_executions (tenant, execution_id, automation_rule_id, status, created_at, labels)"
            " SELECT (%s::uuid[])[1 + n %% 4], gen_random_uuid(),"
            " ('00000000-0000-0000-0000-' || lpad((n / 4 %% 10)::text, 12, '0'))::uuid,"
            " (ARRAY['completed', 'failed', 'pending', 'timeout'])[1 + n / 40 %% 4],"
            " %s::timestamptz + (n - %s / 2) * interval '1 s',"
            " jsonb_build_object('env', 'prod', 'order', (n / 80)::text) FROM generate_series(1, %s) n",
            (tenants, CREATED_AT, ROWS * 4, ROWS * 4),
        )
        admin.execute(
            "INSERT INTO automation_execution_labels SELECT tenant, execution_id, key, value, created_at"
            " FROM automation_executions, jsonb_each_text(labels)"
        )
        admin.execute("ANALYZE automation_executions, automation_execution_labels")
    return tenants[0]


def test_every_filter_has_a_plan_that_is_looked_at() -> None:
    looked_at = {name for given in FILTERS.values() for name in given}

    assert looked_at == {"status", "automation_rule_id", "label"} | _SEEKS.keys() | _CONDITIONS.keys()
    assert looked_at == set(ExecutionFilter.__dataclass_fields__)


@pytest.mark.parametrize("generic", [False, True], ids=["planned for its values", "planned once"])
@pytest.mark.parametrize("name", FILTERS)
def test_a_page_reads_an_index_and_sorts_no_more_than_its_walks(
    many: UUID, database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch, name: str, *, generic: bool
) -> None:
    # What a walk may look at is a small part of what there is, as in a large table.
    monkeypatch.setattr(walks, "BUDGET", 350)
    monkeypatch.setattr(walks, "SHORTEST", 50)
    request = PageRequest(25, cursor=DEEP)
    made, values = statements_of(many, ExecutionFilter(**FILTERS[name]), request)

    for query in filter(None, (made.page, made.stop)):
        with psycopg.connect(database_urls.api) as api:
            plan = explained(api, query, values, many, generic=generic)

        walked = "automation_execution_labels" if "label" in FILTERS[name] else "automation_executions"
        scans = [node for node in plan if node.get("Relation Name") == walked and "ROW(" in node.get("Index Cond", "")]
        assert len(scans) == 1, "the position bounds the index"
        assert scans[0]["Index Name"] in INDEXES[walked]
        first = "key =" if "label" in FILTERS[name] else "status ="
        bounds = scans[0]["Index Cond"].replace("(status)::text", "status")  # a domain is compared as its base type
        assert "tenant =" in bounds
        assert first in bounds
        others = [node for node in plan if node.get("Relation Name") and node not in scans]
        assert all(other["Node Type"].startswith("Index") for other in others), "nothing else is read as a whole"
        # What is sorted are the ends of the walks, never what a walk reads.
        sorts = [node for node in plan if "Sort" in node["Node Type"]]
        assert all(node["Plans"][0]["Actual Rows"] <= 26 * len(values["statuses"]) for node in sorts)


def test_a_page_costs_the_same_at_any_depth(many: UUID, ours: Sample, database_urls: DatabaseUrls) -> None:
    read = []
    for cursor in (None, DEEP):
        made, values = statements_of(many, ExecutionFilter(), PageRequest(25, cursor=cursor))
        with psycopg.connect(database_urls.api) as api:
            plan = explained(api, made.page, values, many, generic=True)
        scans = [node for node in plan if node.get("Relation Name") == "automation_executions"]
        read.append(round(sum(scan["Actual Rows"] * scan["Actual Loops"] for scan in scans)))

    assert read == [26 * 4, 26 * 4]


@pytest.mark.parametrize("generic", [False, True], ids=["planned for its values", "planned once"])
def test_the_revision_of_a_page_is_made_once(many: UUID, database_urls: DatabaseUrls, *, generic: bool) -> None:
    made, values = statements_of(many, ExecutionFilter(), PageRequest(25))

    with psycopg.connect(database_urls.api) as api:
        plan = explained(api, made.page, values, many, generic=generic)

    assert [node["Actual Loops"] for node in plan if node.get("Subplan Name") == "CTE read"] == [1]
