"""Tables and lists of the guides are held to what they speak of."""

import re
from pathlib import Path
from uuid import UUID

from automation.contract.document.document import default_path, load
from automation.domain.errors import all_errors
from automation.domain.permissions import ROLE_PERMISSIONS, Permission, Role
from automation.domain.rules import RuleContent, RuleStatus
from automation.engine.expressions.scope import execution_variable, rule_variable, scope
from automation.service.settings import Settings, variable
from tests.shipped_contract.shipped import ENTRIES
from tools.error_catalogue import PAGE, UNREACHED, page

DOCS = Path(__file__).parents[2] / "docs"
AUTHENTICATION = (DOCS / "authentication.md").read_text()
ACTIONS = (DOCS / "actions.md").read_text()
OPERATING = (DOCS / "operating.md").read_text()


def rows(text: str) -> list[list[str]]:
    """Return the cells of all rows of a page's tables, without the code's backticks."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def test_the_catalogue_of_errors_is_what_its_tool_makes() -> None:
    assert PAGE.read_text() == page(load(default_path())), "run `make docs`"


def test_the_catalogue_names_an_operation_for_every_error_that_one_can_answer() -> None:
    sections = page(load(default_path())).split("\n## ")[1:]

    unreached = {section.partition("`\n")[0].strip("`") for section in sections if UNREACHED in section}

    assert unreached == {
        *("headers_too_large", "http_version_not_supported", "malformed_request", "method_not_allowed"),
        "not_implemented",
    }


def test_the_catalogue_names_no_operation_that_the_contract_has_not() -> None:
    answered = re.findall(r"^\*\*Answered by\.\*\* (.+)$", PAGE.read_text(), re.MULTILINE)

    named = set(re.findall(r"`(\w+)`", " ".join(answered)))

    assert len(answered) == len(all_errors())
    assert named
    assert named <= {entry.name for entry in ENTRIES}


def test_the_refusals_of_a_key_are_those_of_the_error_tree() -> None:
    listed = [(status, code) for status, code, *_ in rows(AUTHENTICATION) if status.isdigit()]

    assert sorted(listed) == sorted(
        (str(error.status), error.code) for error in all_errors() if error.status in {401, 403}
    )


def test_the_table_of_roles_is_what_roles_may_do() -> None:
    [roles] = [row[1:-1] for row in rows(AUTHENTICATION) if row[0] == "permission"]

    listed = {
        (role, row[0])
        for row in rows(AUTHENTICATION)
        for role, mark in zip(roles, row[1:-1], strict=False)
        if mark == "✓"
    }

    assert sorted(roles) == sorted(Role)
    assert [row[0] for row in rows(AUTHENTICATION) if ":" in row[0]] == list(Permission)
    assert listed == {(role, permission) for role in Role for permission in ROLE_PERMISSIONS[role]}


def test_the_table_of_settings_has_every_setting_with_its_default() -> None:
    listed = {row[0]: row[1] for row in rows(OPERATING) if row[0].startswith("AUTOMATION_")}

    assert listed == {variable(name): shown(field.default) for name, field in Settings.model_fields.items()}


def test_the_guide_to_actions_names_everything_that_an_expression_can_name() -> None:
    content = RuleContent(name="", status=RuleStatus.ACTIVE, trigger_config={}, actions=())
    visible = scope(
        rule=rule_variable(UUID(int=1), 1, content),
        execution=execution_variable(None, 1),
        trigger_data={},
        results={},
    )
    named = {name for row in rows(ACTIONS) for name in re.findall(r"[a-z_]+(?:\.[a-z_]+)*", row[0])}

    expected = {f"{name}.{member}" for name, value in visible.items() for member in value} | {"trigger"}
    assert named - {"name"} == expected


def shown(default: object) -> str:
    """Return a default as an operator writes it."""
    if default is None or default == "":
        return "none"
    return str(default).lower() if isinstance(default, bool) else str(default)
