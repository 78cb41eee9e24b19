"""A breaking change is announced by a new entry that names its component or all of its operations."""

from datetime import date
from pathlib import Path

import pytest

from tests.tools.contract_diff.variants import written_with_few_operations
from tools.contract_diff.history import Snapshot
from tools.contract_diff.report import report
from tools.contract_diff.verdict import Verdict, judge

TODAY = date(2026, 11, 23)
CONTRACT = written_with_few_operations(Path(__file__).parents[3].joinpath("openapi.yaml").read_text(encoding="utf-8"))
NULLABLE_TENANT = (
    "The tenant that the execution belongs to, always the API key's own.\n",
    "The tenant that the execution belongs to, always the API key's own.\n          nullable: true\n",
)
LIVENESS = "  /healthz:\n    get:\n      operationId: getLiveness\n"
LIVENESS_RENAMED = (LIVENESS, LIVENESS.replace("getLiveness", "getAlive"))
KEY_ELSEWHERE = ("      name: x-api-key\n", "      name: authorization\n")
SERVER_MOVED = ("  - url: /\n", "  - url: /v1\n")
TENANT_ELSEWHERE = ("      name: x-tenant-id\n", "      name: x-tenant\n")
STATUS_GONE = ("        '429': { $ref: '#/components/responses/TooManyChecks' }\n", "")
HEADER_GONE = (
    (
        "as many seconds as the header `Retry-After` says.\n"
        "      headers:\n"
        "        X-Request-Id: { $ref: '#/components/headers/RequestId' }\n"
        "        RateLimit: { $ref: '#/components/headers/RateLimit' }\n"
        "        RateLimit-Policy: { $ref: '#/components/headers/RateLimitPolicy' }\n"
        "        Retry-After: { $ref: '#/components/headers/RetryAfter' }\n"
    ),
    (
        "as many seconds as the header `Retry-After` says.\n"
        "      headers:\n"
        "        X-Request-Id: { $ref: '#/components/headers/RequestId' }\n"
        "        RateLimit: { $ref: '#/components/headers/RateLimit' }\n"
        "        RateLimit-Policy: { $ref: '#/components/headers/RateLimitPolicy' }\n"
    ),
)
HEADER_LEFT_OUT = (
    "Where the new resource is (RFC 9110, section 10.2.2).\n      required: true\n",
    "Where the new resource is (RFC 9110, section 10.2.2).\n",
)
EXECUTIONS = (
    "cancelAutomationExecution",
    "executeAutomationRule",
    "getAutomationExecution",
    "retryAutomationExecution",
)


def _verdict(edit: tuple[str, str], *entries: str, old_page: str = "", heading: str = "2026-11-23") -> Verdict:
    """Return the verdict on an edit of the shipped contract that came with these entries."""
    assert edit[0] in CONTRACT
    page = "\n".join([old_page or "## Changes", "", f"### {heading}", "", *(f"- {entry}" for entry in entries)])
    old, new = Snapshot("old", CONTRACT, old_page), Snapshot("new", CONTRACT.replace(*edit, 1), page)
    return judge(old, new, today=TODAY)


def _said(verdict: Verdict) -> str:
    return "\n".join(report(verdict, TODAY))


def test_a_change_of_a_component_is_one_difference_of_all_its_operations() -> None:
    verdict = _verdict(NULLABLE_TENANT)

    [difference] = verdict.unannounced
    assert verdict.compatible == []  # specshift calls it that
    assert difference.location.text == "AutomationExecution.tenant in responses"
    assert difference.rule == "nullable"
    assert sorted(difference.operations) == list(EXECUTIONS)


@pytest.mark.parametrize(
    "entries",
    [
        ["`AutomationExecution` may have no tenant any more."],
        ["`AutomationExecution.tenant` may be null: expect it."],
        [f"{', '.join(f'`{name}`' for name in EXECUTIONS)}: the tenant may be null."],
        [f"`{name}`: the tenant may be null." for name in EXECUTIONS],
    ],
)
def test_an_entry_announces_what_it_names(entries: list[str]) -> None:
    verdict = _verdict(NULLABLE_TENANT, *entries)

    assert verdict.unannounced == []
    assert "[nullable, announced]" in _said(verdict)


def test_an_operation_that_is_not_named_is_left_over() -> None:
    verdict = _verdict(NULLABLE_TENANT, *(f"`{name}`: the tenant may be null." for name in EXECUTIONS[1:]))

    [difference] = verdict.unannounced
    assert difference.unannounced == EXECUTIONS[:1]


def test_a_component_named_in_words_is_not_announced() -> None:
    verdict = _verdict(NULLABLE_TENANT, "An AutomationExecution may have no tenant: expect it.")

    assert len(verdict.unannounced) == 1


def test_an_entry_that_was_there_before_announces_nothing_new() -> None:
    old_page = "## Changes\n\n### 2026-11-01\n\n- `getLiveness`: another body, read it.\n"

    verdict = _verdict(LIVENESS_RENAMED, "`getReadiness`: anything.", old_page=old_page)

    assert len(verdict.unannounced) == 1


@pytest.mark.parametrize(
    ("heading", "reason"),
    [
        ("2026-11-24", "its date, 2026-11-24, is in the future"),
        ("Next", "its heading, Next, is not a date such as 2026-01-31"),
    ],
)
def test_an_entry_that_does_not_count_is_explained(heading: str, reason: str) -> None:
    verdict = _verdict(LIVENESS_RENAMED, "`getLiveness`: call `getAlive`.", heading=heading)

    assert len(verdict.unannounced) == 1
    assert f"doesn't count, {reason}: `getLiveness`: call `getAlive`." in _said(verdict)


@pytest.mark.parametrize(
    ("edit", "name"),
    [
        (KEY_ELSEWHERE, "ApiKey"),
        (SERVER_MOVED, "servers"),
        (TENANT_ELSEWHERE, "TenantId"),
        (STATUS_GONE, "createAutomationRule"),
        (HEADER_GONE, "Unavailable"),
        (HEADER_LEFT_OUT, "Location"),
    ],
)
def test_what_is_announced_has_one_name_wherever_it_is_used(edit: tuple[str, str], name: str) -> None:
    silent, told = _verdict(edit), _verdict(edit, f"`{name}`: clients must be set up anew.")

    assert f"\n- `{name}`: what changed, and what clients must do." in _said(silent)
    assert len(silent.unannounced) == 1
    assert told.unannounced == []


def test_breaking_changes_are_told_first_and_then_what_to_do() -> None:
    edited = (LIVENESS, LIVENESS_RENAMED[1] + "      deprecated: true\n")

    lines = _said(_verdict(edited)).splitlines()

    assert lines == [
        "openapi.yaml from old to new",
        "Breaking (1)",
        "  getLiveness: the operationId is getAlive now [operation-renamed]",
        "Compatible (1)",
        "  getLiveness: Operation has been marked as deprecated. [specshift: operation]",
        "",
        "1 breaking, without a dated entry. If it can't be avoided, tell clients: under Changes in",
        "docs/contract-changes.md, name each of these in backquotes and say what clients must do.",
        "",
        "### 2026-11-23",
        "",
        "- `getLiveness`: what changed, and what clients must do.",
    ]


def test_many_operations_are_counted() -> None:
    said = _said(_verdict(NULLABLE_TENANT))

    assert " and 1 more: AutomationExecution.tenant in responses: may be null now [nullable]" in said


def test_the_entry_that_is_proposed_announces_all_of_it() -> None:
    for edit in (NULLABLE_TENANT, LIVENESS_RENAMED, KEY_ELSEWHERE, SERVER_MOVED):
        proposed = [line.removeprefix("- ") for line in _said(_verdict(edit)).splitlines() if line.startswith("- ")]

        assert _verdict(edit, *proposed).unannounced == []


def test_equal_contracts_have_nothing_to_tell() -> None:
    verdict = _verdict(("openapi: 3.0.3", "openapi: 3.0.3"))

    assert _said(verdict).splitlines() == ["openapi.yaml from old to new", "  nothing that clients could notice"]
