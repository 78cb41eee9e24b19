"""Every error of the shipped contract says what to do about it, in the words of the error tree, and shows its codes."""

from collections.abc import Iterator, Mapping

import pytest

from automation.contract.compiled.problem_rules import MEDIA_TYPE
from automation.contract.document.naming import HOOK_TOKEN, NO_PERMISSION, PERMISSION
from automation.contract.document.outline import Entry
from automation.domain.errors import AutomationError, all_errors
from tests.shipped_contract.shipped import DOCUMENT, ENTRIES, NAMES, examples, responses

ERRORS: Mapping[str, type[AutomationError]] = {error.code: error for error in all_errors()}
OF_A_BODY = {"invalid_body", "content_too_large", "unsupported_media_type"}
OF_A_KEY = {code for code in ERRORS if code.startswith("api_key_")}
OF_A_RATE = {"rate_limited", "too_many_refused_keys"}
OF_STARTS = {"too_many_pending", "too_many_executions", "quota_exceeded"}
OF_A_PERMISSION = {"permission_denied"}
OF_A_CURSOR = {"invalid_cursor"}
OF_THE_DATABASE = {"unavailable"}
OF_A_REPEATED_WRITE = {code for code in ERRORS if code.startswith("idempotency_")} | {"outcome_unknown"}
WRITES = {"post", "put", "patch", "delete"}
OF_CONNECTIONS = {
    *("malformed_request", "headers_too_large", "method_not_allowed", "not_implemented"),
    "http_version_not_supported",
}
"""What is answered before there is an operation."""

RAISED: Mapping[str, set[str]] = {
    "getContractJson": {"not_found", "precondition_failed"},
    "getContractYaml": {"not_found", "precondition_failed"},
    "listActionTypes": {"precondition_failed"},
    "listAuditEvents": {"precondition_failed"},
    "listAutomationExecutions": {"precondition_failed"},
    "getAutomationExecution": {"execution_not_found", "precondition_failed"},
    "listAutomationExecutionAttempts": {"execution_not_found", "precondition_failed"},
    "cancelAutomationExecution": {"execution_not_found", "execution_finished"},
    "deleteAutomationExecution": {"execution_not_found", "execution_not_finished", "precondition_failed"},
    "cancelAutomationExecutions": {"too_many_bulk_operations"},
    "deleteAutomationExecutions": {"too_many_bulk_operations"},
    "retryAutomationExecutions": {"too_many_bulk_operations"},
    "getBulkOperation": {"bulk_operation_not_found"},
    "listBulkOperationRefusals": {"bulk_operation_not_found", "precondition_failed"},
    "retryAutomationExecution": {
        *("execution_not_found", "execution_not_retriable", "retries_exhausted", "attempt_superseded"),
        *("rule_deleted", "rule_not_active", "actions_changed", "invalid_input"),
        *OF_STARTS,
    },
    "publishAutomationEvent": {"too_many_matches", "too_many_checks", "invalid_input", *OF_STARTS},
    "receiveWebhook": {
        *("signature_invalid", "secrets_not_configured", "rule_not_active", "too_many_checks", "invalid_input"),
        *OF_STARTS,
    },
    "rotateAutomationHook": {"rule_not_found", "rule_deleted", "rule_without_hook"},
    "getCurrentPrincipal": set(),
    "previewAutomationRuleSchedule": set(),
    "listAutomationRules": {"precondition_failed"},
    "createAutomationRule": {"too_many_checks", "quota_exceeded"},
    "getAutomationRule": {"rule_not_found", "precondition_failed"},
    "updateAutomationRule": {
        *("rule_not_found", "rule_deleted", "precondition_failed", "too_many_checks", "quota_exceeded"),
    },
    "patchAutomationRule": {
        *("rule_not_found", "rule_deleted", "precondition_failed", "too_many_checks", "quota_exceeded"),
    },
    "deleteAutomationRule": {"rule_not_found", "rule_in_use", "precondition_failed"},
    "getAutomationRuleOpenApi": {"rule_not_found", "precondition_failed"},
    "getAutomationRuleStatistics": {"rule_not_found", "precondition_failed"},
    "executeAutomationRule": {
        "rule_not_found",
        "rule_deleted",
        "rule_not_active",
        "too_many_checks",
        "invalid_input",
        *OF_STARTS,
    },
    "listAutomationRuleVersions": {"rule_not_found", "precondition_failed"},
    "getAutomationRuleVersion": {"rule_not_found", "rule_version_not_found", "precondition_failed"},
    "listAutomationSecrets": {"precondition_failed"},
    "getAutomationSecret": {"secret_not_found"},
    "putAutomationSecret": {"secrets_exhausted", "secrets_not_configured"},
    "deleteAutomationSecret": {"secret_not_found", "secret_in_use"},
    "getLiveness": set(),
    "getReadiness": OF_THE_DATABASE,
}
"""What each operation's own code can answer with."""


def expected(entry: Entry) -> set[str]:
    """Return the codes that an operation can answer with."""
    secured = bool(entry.node.get("security", DOCUMENT["security"]))
    with_body = "requestBody" in entry.node
    return {
        *("invalid_parameter", "internal_error"),
        *(OF_A_BODY if with_body else ()),
        *(OF_A_KEY | OF_A_RATE | OF_THE_DATABASE if secured else ()),
        *({"not_found", "outcome_unknown"} | OF_A_RATE | OF_THE_DATABASE if HOOK_TOKEN in entry.node else ()),
        *(OF_A_PERMISSION if entry.node.get(PERMISSION, NO_PERMISSION) != NO_PERMISSION else ()),
        *(OF_A_CURSOR if any(each["name"] == "cursor" for each in entry.parameters) else ()),
        *(OF_A_REPEATED_WRITE if entry.method in WRITES and HOOK_TOKEN not in entry.node else ()),
        *RAISED[entry.name],
    }


def shown(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield each code that an operation shows an example of, with its response's description."""
    for response in responses(entry).values():
        for problem in examples(response.get("content", {}).get(MEDIA_TYPE, {})):
            yield problem["code"], " ".join(response["description"].split())


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_it_shows_every_error_that_it_can_answer_with_once(entry: Entry) -> None:
    codes = [code for code, _ in shown(entry)]

    assert sorted(codes) == sorted(expected(entry))


def test_every_error_that_an_operation_can_answer_with_is_shown_somewhere() -> None:
    assert {code for entry in ENTRIES for code, _ in shown(entry)} == ERRORS.keys() - OF_CONNECTIONS


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_the_description_of_each_error_says_what_to_do(entry: Entry) -> None:
    silent = [code for code, description in shown(entry) if ERRORS[code].advice not in description]

    assert silent == []


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_where_a_status_has_several_codes_the_advice_is_given_by_code(entry: Entry) -> None:
    unnamed = [
        problem["code"]
        for response in responses(entry).values()
        if len(problems := list(examples(response.get("content", {}).get(MEDIA_TYPE, {})))) > 1
        for problem in problems
        if f"- `{problem['code']}`: {ERRORS[problem['code']].advice}" not in " ".join(response["description"].split())
    ]

    assert unnamed == []
