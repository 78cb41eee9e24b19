"""Every operation of the shipped contract shows complete requests and answers: no member of a schema stays a name."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from automation.contract.document.outline import Entry
from automation.contract.document.references import follow
from tests.shipped_contract.shipped import DOCUMENT, ENTRIES, NAMES, examples, responses

OF_A_NEW_ATTEMPT = {"AutomationExecution.started_at", "AutomationExecution.logs", "ExecutionLinks.retry"}
BY_THE_CLOCK = "TriggeredBy.scheduled_at"
OF_A_RULE_AS_WRITTEN = {"AutomationRule.status_reason", "AutomationRule.deleted_at"}
# What can only be read of a rule is each rule's own: in an example it could not be right.
OF_A_RULE_AS_READ = (
    *("rule_id", "tenant", "version", "created_by", "created_at", "updated_at", "status_reason", "next_fire_at"),
)
NEVER: Mapping[tuple[str, str], set[str]] = {
    # What has ended is not cancelled.
    ("cancelAutomationExecution", "200"): {"ExecutionLinks.cancel", BY_THE_CLOCK},
    # What runs has come to no end.
    ("cancelAutomationExecution", "202"): {"ExecutionLinks.retry", BY_THE_CLOCK},
    # What is pending has not started, and there is nothing to tell of it yet.
    ("executeAutomationRule", "202"): {*OF_A_NEW_ATTEMPT, "AutomationExecution.execution_context", BY_THE_CLOCK},
    # A retry begins at once, and expires no more.
    ("retryAutomationExecution", "200"): {
        *OF_A_NEW_ATTEMPT,
        *("AutomationExecution.run_at", "AutomationExecution.expires_at", BY_THE_CLOCK),
    },
    # What was just written is neither deleted nor found to be unusable.
    ("createAutomationRule", "201"): OF_A_RULE_AS_WRITTEN,
    ("updateAutomationRule", "200"): OF_A_RULE_AS_WRITTEN,
    ("patchAutomationRule", "200"): OF_A_RULE_AS_WRITTEN,
    **{
        (operation, "request"): {f"{schema}.{member}" for member in (*OF_A_RULE_AS_READ, "deleted_at", "_links")}
        for operation, schema in (
            ("updateAutomationRule", "AutomationRuleReplacement"),
            ("patchAutomationRule", "AutomationRulePatch"),
        )
    },
    # What has just begun has come to no end.
    ("receiveWebhook", "202"): {"Delivery.completed_at", "Delivery.duration_ms"},
    # Events lead nowhere: what they are about may be gone.
    ("listAuditEvents", "200"): {"Link.method"},
    # From a list of attempts all links are for GET, and nobody counts them.
    ("listAutomationExecutionAttempts", "200"): {"Link.method", "Pagination.total"},
    # What an event has started can be looked at.
    ("publishAutomationEvent", "202"): {"Link.method"},
    ("getBulkOperation", "200"): {"Link.method"},
    ("listBulkOperationRefusals", "200"): {"Link.method", "Pagination.total"},
    # What has not begun has no times and no end yet.
    **{
        (f"{verb}AutomationExecutions", "202"): {
            *("Link.method", "BulkOperation.started_at", "BulkOperation.completed_at", "BulkOperation.failure"),
        }
        for verb in ("cancel", "delete", "retry")
    },
    # So are those of versions, whose list counts nothing.
    ("getAutomationRuleStatistics", "200"): {"Link.method"},  # its one link is for GET
    ("listAutomationRuleVersions", "200"): {"Link.method", "Pagination.total"},
    ("getAutomationRuleVersion", "200"): {"Link.method"},
    # And those of secrets, which lead nowhere but to themselves.
    ("listAutomationSecrets", "200"): {"Link.method", "Pagination.total"},
    ("getAutomationSecret", "200"): {"Link.method"},
    ("putAutomationSecret", "200"): {"Link.method"},
    ("putAutomationSecret", "201"): {"Link.method"},
}
"""What an answer can't have although its schema does: for every other answer, all of the schema is shown."""


def bodies() -> Iterator[tuple[Entry, str, Mapping[str, Any]]]:
    """Yield the media types of every operation's request and of its answers that are no errors."""
    for entry in ENTRIES:
        request = follow(DOCUMENT, entry.node.get("requestBody", {}))
        for media_type in request.get("content", {}).values():
            yield entry, "request", media_type
        for status, response in responses(entry).items():
            for media_type in response.get("content", {}).values() if status < 400 else ():
                yield entry, str(status), media_type


def note(schema: Mapping[str, Any], value: Any, name: str, shown: dict[str, bool]) -> None:
    """Note of each member that a schema knows, by its component, whether an example has it."""
    name = schema.get("$ref", name).rpartition("/")[2]
    schema = follow(DOCUMENT, schema)
    if isinstance(value, dict):
        for member, its_schema in schema.get("properties", {}).items():
            shown[f"{name}.{member}"] |= member in value
            if member in value:
                note(its_schema, value[member], f"{name}.{member}", shown)
    elif isinstance(value, list):
        shown[f"{name}[]"] |= bool(value)
        for item in value:
            note(schema["items"], item, f"{name}[]", shown)
    else:
        shown[name] = True


@pytest.mark.parametrize(
    ("entry", "part", "media_type"),
    [pytest.param(*each, id=f"{each[0].name}-{each[1]}") for each in bodies()],
)
def test_its_examples_show_all_that_can_be_in_it(entry: Entry, part: str, media_type: Mapping[str, Any]) -> None:
    shown: dict[str, bool] = defaultdict(bool)

    for value in (values := list(examples(media_type))):
        note(media_type["schema"], value, "", shown)

    assert values
    assert {name for name, is_shown in shown.items() if not is_shown} == NEVER.get((entry.name, part), set())


def test_what_is_never_shown_is_of_answers_that_there_are() -> None:
    assert NEVER.keys() <= {(entry.name, part) for entry, part, _ in bodies()}


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_none_of_its_parameters_is_filled_in_with_what_is_right_on_one_deployment_at_most(entry: Entry) -> None:
    deployed = [each for each in entry.parameters if each["in"] != "query"]

    assert [each["name"] for each in deployed if {"example", "examples"} & {*each, *each["schema"]}] == []


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_each_of_its_examples_says_in_a_few_words_what_it_shows(entry: Entry) -> None:
    answers = [content for response in responses(entry).values() for content in response.get("content", {}).values()]
    requests = [media_type for its_entry, part, media_type in bodies() if its_entry is entry and part == "request"]

    named = [follow(DOCUMENT, each) for body in (*answers, *requests) for each in body["examples"].values()]

    assert [each["summary"] for each in named if not 0 < len(each["summary"]) <= 60] == []
