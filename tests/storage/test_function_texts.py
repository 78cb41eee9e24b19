"""Texts of the database's functions: rules that a test of one of them would have to prove each time anew."""

import re
from collections import Counter

import pytest

from automation.storage.migrations import functions
from automation.storage.tables import automation_rules

TEXTS = {path.stem: re.sub(r"--[^\n]*", "", path.read_text()) for path in sorted(functions.DIRECTORY.glob("*.sql"))}
BODIES = {name: text.partition("AS $$")[2] for name, text in TEXTS.items()}
ABOUT_ONE = sorted(name for name, text in TEXTS.items() if "p_execution uuid" in text.partition("AS $$")[0])
TABLES = {name for name, table in automation_rules.metadata.tables.items() if "tenant" in table.columns}
SETTING = re.compile(r"set_config\(\s*'([\w.]+)',[^,]+(?:,| ELSE [^,]+,)\s*(\w+)\)")
KEYWORDS = {"set", "where", "on", "values", "limit", "order", "group", "left", "cross", "for", "returning"}

OF_ALL_TENANTS = {
    "find_due_schedules_v1": {"d"},
    "find_expired_executions_v1": {"e"},
    "fold_run_ends_v1": {"n", "o"},
    "prune_bulk_operations_v1": {"r"},
    "prune_events_v1": {"o"},
    "prune_idempotency_records_v1": {"o"},
    "sweep_due_executions_v1": {"e"},
    "touch_api_keys_v1": {"k", "api_keys"},
}
"""What is looked for in all tenants at once, by its name there: work that is due, and what is over or was used."""

FINDING_TENANTS = {
    "list_retention_v1",
    "next_bulk_operation_v1",
    "prune_bulk_operations_v1",
    "resolve_api_key_v1",
    "resolve_hook_v1",
    "sweep_due_executions_v1",
}
"""What is told no tenant: it finds out whose a digest is, or goes through all of them."""


@pytest.mark.parametrize("name", [name for name, body in BODIES.items() if "set_config(" in body])
def test_a_setting_that_a_function_makes_ends_with_its_transaction(name: str) -> None:
    settings = SETTING.findall(BODIES[name])

    assert len(settings) == BODIES[name].count("set_config(")
    assert {local for _, local in settings} == {"true"}


def named(body: str) -> Counter[str]:
    """Return how often a tenant's table is read or changed under each of the names that it has there."""
    found = re.findall(r"\b(?:FROM|JOIN|UPDATE|USING)\s+([a-z_]+)\b(?:\s+([a-z]\w*))?", body)
    return Counter(table if alias in KEYWORDS | {""} else alias for table, alias in found if table in TABLES)


def held(body: str, name: str) -> int:
    """Return how often a name is held to a tenant."""
    return len(re.findall(rf"(?:WHERE|ON|AND|\() ?\b{name}\.tenant = |= {name}\.tenant\b", body))


@pytest.mark.parametrize("function", sorted(BODIES))
def test_whatever_is_read_or_changed_is_looked_for_by_its_tenant(function: str) -> None:
    body = BODIES[function]

    free = {name for name, times in named(body).items() if held(body, name) < times}

    assert free == OF_ALL_TENANTS.get(function, set())


LOOKING_AT_OTHERS = {
    "cancel_previous_executions_v1": 3,
    "claim_execution_v1": 1,
    "create_execution_v1": 1,
}
"""How many statements of a function that is told one execution look at others: of its rule, its tenant, its key."""


@pytest.mark.parametrize("function", ABOUT_ONE)
def test_an_execution_that_is_told_is_looked_for_by_its_id(function: str) -> None:
    body = BODIES[function]

    looked_at = len(re.findall(r"\b(?:FROM|JOIN|UPDATE|USING)\s+automation_execution(?:s|_attempts|_logs)\b", body))
    by_id = len(re.findall(r"\b(?:WHERE|AND) \w+\.execution_id = \w", body))

    assert looked_at - by_id == LOOKING_AT_OTHERS.get(function, 0)


@pytest.mark.parametrize(
    "function", sorted(name for name, text in TEXTS.items() if re.search("p_(rule|execution) uuid", text))
)
def test_a_rule_is_looked_for_by_its_id(function: str) -> None:
    body = BODIES[function]

    looked_at = Counter(re.findall(r"\b(?:FROM|JOIN|UPDATE)\s+automation_(?:rules|rule_versions)\s+(\w+)", body))

    free = {
        name: times - len(re.findall(rf"\b(?:WHERE|AND|ON) {name}\.rule_id = ", body))
        for name, times in looked_at.items()
    }
    assert {name: times for name, times in free.items() if times > 0} == {}


OF_RULES = {
    name: column.name
    for name, table in automation_rules.metadata.tables.items()
    if name != "automation_executions"
    for column in table.columns
    if column.name in {"rule_id", "automation_rule_id"}
}
"""What there is of rules, by the column that says of which; executions are looked for by more than their rule."""


@pytest.mark.parametrize("function", sorted(name for name, text in TEXTS.items() if "p_rule uuid" in text))
def test_what_there_is_of_a_rule_that_is_told_is_looked_for_by_it(function: str) -> None:
    body = BODIES[function]

    looked_at = Counter(
        (found[1], OF_RULES[found[0]])
        for found in re.findall(r"\b(?:FROM|JOIN|UPDATE|USING)\s+(\w+)\s+(\w+)", body)
        if found[0] in OF_RULES
    )

    free = [
        name
        for (name, column), times in looked_at.items()
        if len(re.findall(rf"\b(?:WHERE|AND|ON) {name}\.{column} = ", body)) < times
    ]
    assert free == []


BESIDE_A_KEY = re.compile(
    r"\b(\w+)\.execution_id = [\w.]+(?: AND \1\.\w+ = \w+|\s)*\s+AND[^;]*?\b\1\.status (?:=|IN\b|<>)"
)


@pytest.mark.parametrize("function", sorted(BODIES))
def test_no_index_of_a_status_can_serve_where_a_key_is_given(function: str) -> None:
    """A partial one that has a handful of entries when a plan is made has a crowd's later (decision 65)."""
    assert [found.group() for found in BESIDE_A_KEY.finditer(BODIES[function])] == []


def rooted(statement: str) -> set[str]:
    """Return the names of a statement whose tenant is that of something outside of it, by whatever others."""
    names = set(named(statement))
    pairs = set(re.findall(r"\b(\w+)\.tenant = (\w+)", statement))
    pairs |= {(one, other) for other, one in pairs}
    found = {one for one, other in pairs if one in names and other not in names}
    while further := {one for one, other in pairs if other in found and one in names} - found:
        found |= further
    return found


@pytest.mark.parametrize("function", sorted(set(BODIES) - FINDING_TENANTS))
def test_what_is_joined_is_of_the_tenant_that_is_asked_for(function: str) -> None:
    free: set[str] = set()
    for statement in BODIES[function].split(";"):
        free |= set(named(statement)) - rooted(statement)

    assert free == OF_ALL_TENANTS.get(function, set())


def test_a_lock_is_the_same_one_wherever_it_is_named() -> None:
    locks = [lock for body in BODIES.values() for lock in re.findall(r"hashtextextended\((.+), (\d+)\)", body)]

    assert len(set(locks)) == len({name for name, _ in locks})
