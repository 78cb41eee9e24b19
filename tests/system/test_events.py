"""Events: what is published starts the rules that wait for it, once, whichever of CloudEvents' modes it comes in."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest

from automation.domain.limits import Limit
from automation.domain.permissions import Role
from tests.system.problems import problem_of
from tests.system.tenancy import EVENTS, EXECUTIONS, RULES, Tenant, rule_input

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def an_event(**members: Any) -> dict[str, Any]:
    """Return an event that nobody has seen, with other members where that is said."""
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "https://shop.example/orders",
        "type": "order.created",
        **members,
    }


def waiting(tenant: Tenant, *types: str, **config: Any) -> str:
    """Create a rule that waits for events, and return its id."""
    named = {"types": list(types), **config}
    return str(tenant.create_rule(trigger_type="event", trigger_config=named)["rule_id"])


def publish(tenant: Tenant, content: Any, media_type: str = STRUCTURED, **headers: str) -> httpx.Response:
    """Publish what is sent as JSON, or as the bytes that it is."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return tenant.ask("POST", EVENTS, {"content-type": media_type, **headers}, content=body, timeout=60)


def started(response: httpx.Response) -> list[dict[str, str]]:
    """Return the executions that each event has started, by their rules."""
    assert response.status_code == httpx.codes.ACCEPTED, response.text
    return [
        {each["automation_rule_id"]: each["execution_id"] for each in event["executions"]}
        for event in response.json()["data"]
    ]


def execution(tenant: Tenant, identifier: str) -> dict[str, Any]:
    """Return an execution."""
    found: dict[str, Any] = tenant.ask("GET", f"{EXECUTIONS}/{identifier}").json()["data"]
    return found


def test_an_event_starts_each_rule_that_waits_for_its_type(tenant: Tenant) -> None:
    rules = {waiting(tenant, "order.created"), waiting(tenant, "order.paid", "order.created")}
    waiting(tenant, "order.paid")
    event = an_event(data={"order_id": 1042, "total": 12.5}, region="eu")

    response = publish(tenant, event)

    (by_rule,) = started(response)
    assert by_rule.keys() == rules
    for rule, identifier in by_rule.items():
        run = execution(tenant, identifier)
        assert (run["automation_rule_id"], run["status"], run["trigger_data"]) == (rule, "pending", event)
        assert run["triggered_by"]["type"] == "event"
        assert run["triggered_by"]["user_id"] == str(tenant.user)
    for each in response.json()["data"][0]["executions"]:
        assert tenant.ask("GET", each["_links"]["self"]["href"]).json()["data"]["execution_id"] == each["execution_id"]


def test_an_event_that_no_rule_waits_for_is_accepted_and_starts_nothing(tenant: Tenant) -> None:
    tenant.create_rule()

    assert started(publish(tenant, an_event())) == [{}]
    assert tenant.ask("GET", EXECUTIONS).json()["data"] == []


@pytest.mark.parametrize(
    ("awaited", "published", "is_met"),
    [
        ("order.*", "order.created", True),
        ("order.*", "order.item.added", True),
        ("order.item.*", "order.item.added", True),
        ("*", "anything", True),
        ("order.*", "order", False),
        ("order.*", "orders.created", False),
        ("order.created", "order.created.late", False),
        ("Order.created", "order.created", False),
    ],
)
def test_types_are_met_as_a_whole_or_by_their_beginning_up_to_a_dot(
    tenant: Tenant, awaited: str, published: str, *, is_met: bool
) -> None:
    waiting(tenant, awaited)

    (by_rule,) = started(publish(tenant, an_event(type=published)))

    assert bool(by_rule) is is_met


def test_a_rule_that_waits_for_a_type_in_two_ways_is_started_once(tenant: Tenant) -> None:
    rule = waiting(tenant, "order.*", "order.created", "*")

    (by_rule,) = started(publish(tenant, an_event()))

    assert list(by_rule) == [rule]
    assert len(tenant.ask("GET", EXECUTIONS).json()["data"]) == 1


def test_a_source_is_met_by_its_beginning(tenant: Tenant) -> None:
    met = waiting(tenant, "order.created", source="https://shop.example/")
    waiting(tenant, "order.created", source="https://shop.example/orders/1")

    (by_rule,) = started(publish(tenant, an_event()))

    assert list(by_rule) == [met]


def test_conditions_of_a_trigger_decide_and_leave_no_execution_behind(tenant: Tenant) -> None:
    large = {"field": "trigger.data.total", "operator": "greater_than", "value": 100}
    german = {"field": "trigger.data.country", "operator": "equals", "value": "DE"}
    both = waiting(tenant, "order.created", conditions=[large, german])
    waiting(tenant, "order.created", conditions=[{**large, "value": 1000}])

    (by_rule,) = started(publish(tenant, an_event(data={"total": 500, "country": "DE"})))

    assert list(by_rule) == [both]
    assert len(tenant.ask("GET", EXECUTIONS).json()["data"]) == 1


@pytest.mark.parametrize(
    ("condition", "place"),
    [
        ({"field": "trigger.[", "operator": "exists"}, "/trigger_config/conditions/0/field"),
        ({"field": "context.actions", "operator": "exists"}, "/trigger_config/conditions/0/field"),
        ({"field": "trigger.type", "operator": "regex_match", "value": "("}, "/trigger_config/conditions/0/value"),
    ],
)
def test_a_condition_that_could_not_be_evaluated_is_refused(
    tenant: Tenant, condition: Mapping[str, Any], place: str
) -> None:
    config = {"types": ["order.created"], "conditions": [condition]}

    answer = tenant.post(RULES, rule_input(trigger_type="event", trigger_config=config))

    assert [each["pointer"] for each in problem_of(answer, 400, "invalid_body")["errors"]] == [place]


@pytest.mark.parametrize(
    "config", [{}, {"types": []}, {"types": ["order.*.created"]}, {"types": ["a b"]}, {"types": ["x"], "source": ""}]
)
def test_a_trigger_that_waits_for_nothing_that_there_could_be_is_refused(
    tenant: Tenant, config: Mapping[str, Any]
) -> None:
    answer = tenant.post(RULES, rule_input(trigger_type="event", trigger_config=config))

    problem_of(answer, 400, "invalid_body")


@pytest.mark.parametrize(
    "changed", [{"status": "inactive"}, {"trigger_type": "manual", "trigger_config": {"types": None}}]
)
def test_a_rule_that_waits_no_longer_is_not_started(tenant: Tenant, changed: Mapping[str, Any]) -> None:
    rule = waiting(tenant, "order.created")
    path, patch = f"{RULES}/{rule}", {"content-type": "application/merge-patch+json"}
    answer = tenant.ask("PATCH", path, patch, content=json.dumps(changed).encode())
    assert answer.is_success, answer.text

    assert started(publish(tenant, an_event())) == [{}]


def test_a_deleted_rule_is_not_started(tenant: Tenant) -> None:
    rule = waiting(tenant, "order.created")
    tenant.ask("DELETE", f"{RULES}/{rule}")

    assert started(publish(tenant, an_event())) == [{}]


def test_a_rule_waits_for_what_it_was_changed_to(tenant: Tenant) -> None:
    rule = waiting(tenant, "order.created")
    changed = rule_input(trigger_type="event", trigger_config={"types": ["order.paid"]})
    tenant.ask("PUT", f"{RULES}/{rule}", json=changed)

    assert started(publish(tenant, an_event())) == [{}]
    assert [list(each) for each in started(publish(tenant, an_event(type="order.paid")))] == [[rule]]


def test_a_paused_rule_takes_the_event_and_waits(tenant: Tenant) -> None:
    rule = tenant.create_rule(trigger_type="event", trigger_config={"types": ["order.created"]}, status="paused")

    (by_rule,) = started(publish(tenant, an_event()))

    assert execution(tenant, by_rule[rule["rule_id"]])["status"] == "pending"


def test_labels_are_made_of_the_event(tenant: Tenant) -> None:
    rule = tenant.create_rule(
        trigger_type="event",
        trigger_config={"types": ["order.created"]},
        labels={"order": "${trigger.data.order_id}", "env": "prod"},
    )

    (by_rule,) = started(publish(tenant, an_event(data={"order_id": 1042})))

    assert execution(tenant, by_rule[rule["rule_id"]])["labels"] == {"order": "1042", "env": "prod"}


def test_another_tenants_rules_wait_for_nothing_here(tenant: Tenant, stranger: Tenant) -> None:
    waiting(stranger, "*")

    assert started(publish(tenant, an_event())) == [{}]
    assert stranger.ask("GET", EXECUTIONS).json()["data"] == []


def test_an_event_that_was_seen_is_answered_as_it_was_and_starts_nothing(tenant: Tenant) -> None:
    waiting(tenant, "order.created")
    event = an_event()
    first = publish(tenant, event)
    waiting(tenant, "order.created")

    again = publish(tenant, {**event, "data": "something else"})

    assert again.content == first.content
    assert len(tenant.ask("GET", EXECUTIONS).json()["data"]) == 1


def test_the_same_id_of_another_source_or_of_another_tenant_is_another_event(tenant: Tenant, stranger: Tenant) -> None:
    event = an_event()
    for each in (tenant, stranger):
        waiting(each, "order.created")
    first = started(publish(tenant, event))

    others = [publish(tenant, {**event, "source": "/elsewhere"}), publish(stranger, event)]

    assert all(started(each)[0].values() for each in others)
    assert len({identifier for each in (first, *map(started, others)) for identifier in each[0].values()}) == 3


def test_the_events_of_a_batch_are_answered_in_their_order(tenant: Tenant) -> None:
    created, paid = waiting(tenant, "order.created"), waiting(tenant, "order.paid")
    events = [an_event(), an_event(type="order.paid"), an_event(type="order.lost"), an_event()]

    response = publish(tenant, [*events, events[0]], BATCH)

    assert [list(each) for each in started(response)] == [[created], [paid], [], [created], [created]]
    assert [each["id"] for each in response.json()["data"]] == [each["id"] for each in [*events, events[0]]]
    assert started(response)[0] == started(response)[4]
    for event, by_rule in zip(events, started(response), strict=False):
        assert [execution(tenant, each)["trigger_data"] for each in by_rule.values()] in ([], [event])


def test_a_batch_may_be_empty(tenant: Tenant) -> None:
    assert started(publish(tenant, [], BATCH)) == []


def test_a_batch_with_something_that_is_no_event_starts_nothing(tenant: Tenant) -> None:
    waiting(tenant, "order.created")

    problem = problem_of(publish(tenant, [an_event(), an_event(id="")], BATCH), 400, "invalid_body")

    assert [each["pointer"] for each in problem["errors"]] == ["/1/id"]
    assert tenant.ask("GET", EXECUTIONS).json()["data"] == []


def test_a_batch_has_a_hundred_events_at_the_most(tenant: Tenant) -> None:
    problem_of(publish(tenant, [an_event() for _ in range(101)], BATCH), 400, "invalid_body")


def test_what_conditions_take_is_bounded_for_a_whole_request(tenant: Tenant) -> None:
    """Each pair of an event and a rule takes little, all of them together too much."""
    pattern = {"field": "trigger.data", "operator": "regex_match", "value": "(ab?)*c"}
    for _ in range(2):
        waiting(tenant, "order.created", conditions=[pattern] * 10)
    events = [an_event(data="ab" * 4_000) for _ in range(100)]

    problem = problem_of(publish(tenant, events, BATCH), 422, "too_many_matches")

    assert "more than 500,000 steps" in problem["detail"]
    assert len(started(publish(tenant, events[:10], BATCH))) == 10, "what was refused was not seen"


def test_nothing_is_done_for_a_client_who_leaves_while_conditions_are_looked_at(tenant: Tenant) -> None:
    never = {"field": "trigger.data.a[0].b", "operator": "contains", "value": 99999}
    for _ in range(10):
        waiting(tenant, "order.created", conditions=[never] * 15)
    met = waiting(tenant, "order.created")
    events = [an_event(data={"a": []}) for _ in range(40)]

    with pytest.raises(httpx.ReadTimeout):
        tenant.ask(
            "POST",
            EVENTS,
            {"content-type": BATCH},
            content=json.dumps(events).encode(),
            timeout=httpx.Timeout(30, read=0.001),
        )
    again = publish(tenant, events, BATCH)  # has its turn when that has ended

    assert [list(each) for each in started(again)] == [[met]] * 40
    runs = tenant.ask("GET", f"{EXECUTIONS}?limit=100").json()["data"]
    requests = {execution(tenant, run["execution_id"])["request_id"] for run in runs}
    assert requests == {again.headers["x-request-id"]}


HEADERS = {"ce-specversion": "1.0", "ce-source": "https://shop.example/caf%C3%A9", "ce-type": "order.created"}


@pytest.mark.parametrize(
    ("content", "media_type", "data"),
    [
        (b'{"total": 12.50}', "application/json", {"datacontenttype": "application/json", "data": {"total": 12.5}}),
        ("café".encode(), "text/plain", {"datacontenttype": "text/plain", "data": "café"}),
        (
            b"\x00\xff",
            "application/octet-stream",
            {"datacontenttype": "application/octet-stream", "data_base64": "AP8="},
        ),
    ],
    ids=["JSON", "text", "bytes"],
)
def test_the_attributes_of_binary_mode_are_headers_and_its_data_is_the_body(
    tenant: Tenant, content: bytes, media_type: str, data: Mapping[str, Any]
) -> None:
    rule = waiting(tenant, "order.created")
    identifier = str(uuid4())

    response = publish(tenant, content, media_type, **{**HEADERS, "ce-id": identifier, "ce-region": "eu"})

    (by_rule,) = started(response)
    assert execution(tenant, by_rule[rule])["trigger_data"] == {
        "specversion": "1.0",
        "source": "https://shop.example/café",
        "type": "order.created",
        "id": identifier,
        "region": "eu",
        **data,
    }


def test_a_whole_event_of_another_type_is_told_which_type_it_has(tenant: Tenant) -> None:
    problem = problem_of(publish(tenant, an_event(), "application/json"), 400, "invalid_body")

    assert "headers that begin with ce-, and there are none" in problem["detail"]
    assert "as application/cloudevents+json" in problem["detail"]
    assert problem["errors"] == [{"pointer": "", "message": "has no attributes of CloudEvents beside it"}]


@pytest.mark.parametrize(
    ("media_type", "header"),
    [
        ("application/json", {"ce-data": "1"}),
        ("application/json", {"ce-data_base64": "AQ=="}),
        ("application/octet-stream", {"ce-data_base64": "AQ=="}),
        ("", {"ce-data": "1"}),
        ("application/json", {"ce-datacontenttype": "text/plain"}),
        ("text/plain; charset=utf-8", {"ce-datacontenttype": "text/plain; charset=latin1"}),
    ],
)
def test_no_header_of_binary_mode_says_what_the_body_says(
    tenant: Tenant, media_type: str, header: dict[str, str]
) -> None:
    waiting(tenant, "order.created")

    answer = publish(tenant, b"2" if media_type else b"", media_type, **HEADERS, **header, **{"ce-id": "1"})

    problem = problem_of(answer, 400, "invalid_parameter")
    assert [each["parameter"] for each in problem["errors"]] == list(header)
    assert tenant.ask("GET", EXECUTIONS).json()["data"] == []


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("ce-source", "%ff"),
        ("ce-source", "%zz"),
        ("ce-id", "%c3"),
        ("ce-id", "%ed%a0%80"),
        ("ce-region", "100%"),
        ("ce-region", "café"),
    ],
)
def test_an_attribute_of_binary_mode_is_percent_encoded_utf_8(tenant: Tenant, header: str, text: str) -> None:
    given = {"x-api-key": tenant.key, **HEADERS, "ce-id": "1", header: text}

    answer = tenant.client.request("POST", EVENTS, headers=httpx.Headers(given, encoding="utf-8"))

    problem = problem_of(answer, 400, "invalid_parameter")
    assert [each["parameter"] for each in problem["errors"]] == [header]


@pytest.mark.parametrize("name", ["id", "source", "type", "subject", "region"])
def test_no_attribute_has_a_u_0000_in_whichever_mode_it_comes(tenant: Tenant, name: str) -> None:
    event = an_event(**{name: "a\0b"}, data="a\0b")
    binary = {**HEADERS, "ce-id": "1", f"ce-{name}": "a%00b"}

    answers = [publish(tenant, event), tenant.ask("POST", EVENTS, binary), publish(tenant, [event], BATCH)]

    problems = [problem_of(answer, 400, "invalid_body") for answer in answers]
    assert [each["pointer"] for problem in problems for each in problem["errors"]] == [
        f"/{name}",
        f"/{name}",
        f"/0/{name}",
    ]


def test_data_may_have_a_u_0000_which_no_attribute_may(tenant: Tenant) -> None:
    assert started(publish(tenant, an_event(data={"a\0": ["\0"]}, subject="\\u0000"))) == [{}]


def test_the_media_type_of_binary_mode_may_be_said_twice(tenant: Tenant) -> None:
    rule = waiting(tenant, "order.created")
    twice = {"ce-id": "1", "ce-datacontenttype": "Text/Plain; charset=UTF-8"}

    (by_rule,) = started(publish(tenant, b"text", "text/plain", **HEADERS, **twice))

    assert execution(tenant, by_rule[rule])["trigger_data"]["datacontenttype"] == "text/plain"


def test_an_event_of_binary_mode_needs_no_data(tenant: Tenant) -> None:
    rule = waiting(tenant, "order.created")

    response = tenant.ask("POST", EVENTS, {**HEADERS, "ce-id": str(uuid4())})

    assert list(started(response)[0]) == [rule]


def test_an_idempotency_key_stands_for_the_attributes_of_binary_mode_too(tenant: Tenant) -> None:
    key = {"idempotency-key": str(uuid4())}
    first = publish(tenant, b"{}", "application/json", **HEADERS, **key, **{"ce-id": "1"})
    assert first.is_success

    problem_of(
        publish(tenant, b"{}", "application/json", **HEADERS, **key, **{"ce-id": "2"}), 422, "idempotency_key_reused"
    )


def test_digits_are_kept_as_they_came(tenant: Tenant) -> None:
    rule = waiting(tenant, "order.created")
    content = json.dumps(an_event(data={"total": 0})).replace('"total": 0', '"total": 12.50').encode()

    (by_rule,) = started(publish(tenant, content))

    assert '"total": 12.50' in tenant.ask("GET", f"{EXECUTIONS}/{by_rule[rule]}").text


@pytest.mark.parametrize(
    "time",
    [
        "2016-12-31T23:59:60Z",
        "2017-01-01T00:59:60+01:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-02-28t08:15:30.123456789012z",
    ],
)
def test_a_time_of_rfc_3339_is_taken_and_kept_as_it_came_where_no_clock_could_show_it(
    tenant: Tenant, time: str
) -> None:
    rule = waiting(tenant, "order.created")

    (by_rule,) = started(publish(tenant, an_event(time=time)))

    assert execution(tenant, by_rule[rule])["trigger_data"]["time"] == time


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"id": ""}, "/id"),
        ({"specversion": "0.3"}, "/specversion"),
        ({"time": "yesterday"}, "/time"),
        ({"time": "2026-12-31T23:59:59"}, "/time"),
        ({"time": "2026-12-31T12:00:60Z"}, "/time"),
        ({"subject": ""}, "/subject"),
        ({"Region": "eu"}, "/Region"),
        ({"region\n": "eu"}, "/region\n"),
        ({"region": {"name": "eu"}}, "/region"),
        ({"data": 1, "data_base64": "AQ=="}, "/data_base64"),
        ({"data_base64": "A"}, "/data_base64"),
    ],
)
def test_what_is_no_event_is_refused_and_the_place_is_named(
    tenant: Tenant, members: Mapping[str, Any], place: str
) -> None:
    problem = problem_of(publish(tenant, an_event(**members)), 400, "invalid_body")

    assert [each["pointer"] for each in problem["errors"]] == [place]


@pytest.mark.parametrize("missing", ["id", "source", "type", "specversion"])
def test_nothing_is_made_up_where_an_attribute_is_missing(tenant: Tenant, missing: str) -> None:
    event = an_event()
    del event[missing]

    problem = problem_of(publish(tenant, event), 400, "invalid_body")

    assert [each["pointer"] for each in problem["errors"]] == [f"/{missing}"]


@pytest.mark.parametrize("content", [b"{", b"[]", b"1", b'{"id": "1", "id": "2"}', b"\xff"])
def test_what_is_not_strict_json_or_no_object_is_refused(tenant: Tenant, content: bytes) -> None:
    problem_of(publish(tenant, content), 400, "invalid_body")


def test_a_request_without_anything_is_refused(tenant: Tenant) -> None:
    problem_of(tenant.ask("POST", EVENTS), 400, "invalid_body")


def test_other_media_types_are_refused(tenant: Tenant) -> None:
    problem_of(publish(tenant, b"<a/>", "application/cloudevents+xml"), 415, "unsupported_media_type")


def test_a_large_event_is_refused(tenant: Tenant) -> None:
    problem_of(publish(tenant, an_event(data="a" * 65536)), 413, "content_too_large")


def test_where_a_limit_is_reached_nothing_is_created_and_the_event_can_be_published_again(tenant: Tenant) -> None:
    rules = [waiting(tenant, "order.created") for _ in range(3)]
    tenant.administration.set_limits(tenant.tenant, {Limit.MAX_PENDING: 2})
    event = an_event()

    problem_of(publish(tenant, event), 429, "too_many_pending")

    assert tenant.ask("GET", EXECUTIONS).json()["data"] == []
    tenant.administration.set_limits(tenant.tenant, {Limit.MAX_PENDING: 3})
    assert list(started(publish(tenant, event))[0]) == sorted(rules)


def test_with_an_idempotency_key_nothing_is_left_of_what_was_refused(tenant: Tenant) -> None:
    for _ in range(2):
        waiting(tenant, "order.created")
    tenant.administration.set_limits(tenant.tenant, {Limit.MAX_PENDING: 1})
    event, key = an_event(), {"idempotency-key": str(uuid4())}
    problem_of(publish(tenant, event, **key), 429, "too_many_pending")
    tenant.administration.set_limits(tenant.tenant, {Limit.MAX_PENDING: 2})

    response = publish(tenant, event, **key)

    assert len(started(response)[0]) == 2
    assert publish(tenant, event, **key).content == response.content


def test_who_may_not_publish_is_refused(tenant: Tenant) -> None:
    reader = tenant.add_key(Role.READER)

    answer = publish(tenant, an_event(), **{"x-api-key": reader})

    problem_of(answer, 403, "permission_denied")


def test_an_event_that_a_rules_input_schema_does_not_take_is_refused_whole_and_can_be_published_again(
    tenant: Tenant,
) -> None:
    total = {"properties": {"data": {"properties": {"total": {"type": "number"}}}}}
    named = {"types": ["order.created"]}
    rule = tenant.create_rule(trigger_type="event", trigger_config=named, input_schema=total)
    other = waiting(tenant, "order.created")
    event = an_event(data={"total": "much"})

    problem = problem_of(publish(tenant, event), 422, "invalid_input")
    (by_rule,) = started(publish(tenant, {**event, "data": {"total": 12}}))

    assert problem["errors"] == [{"message": "must be a number", "pointer": "/data/total"}]
    assert rule["rule_id"] in problem["detail"]
    assert by_rule.keys() == {rule["rule_id"], other}


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ({"total": "much"}, {"message": "must be a number", "pointer": "/1/data/total"}),
        (None, {"message": "must be an object", "pointer": "/1/data"}),
    ],
    ids=["part", "whole"],
)
def test_what_is_wrong_with_an_event_of_a_batch_is_told_with_its_place(
    tenant: Tenant, data: Any, what: dict[str, str]
) -> None:
    schema = {"properties": {"data": {"type": "object", "properties": {"total": {"type": "number"}}}}}
    rule = tenant.create_rule(trigger_type="event", trigger_config={"types": ["*"]}, input_schema=schema)

    response = publish(tenant, [an_event(data={"total": 1}), an_event(data=data)], BATCH)

    problem = problem_of(response, 422, "invalid_input")
    assert problem["errors"] == [what]
    assert rule["rule_id"] in problem["detail"]


@pytest.mark.parametrize(
    ("member", "schema", "where"),
    [
        ("data", {"properties": {"a/b": {"type": "number"}}}, {"pointer": "/a~1b"}),
        ("type", {"maxLength": 1}, {"parameter": "ce-type"}),
    ],
)
def test_what_is_wrong_with_an_event_in_headers_is_told_of_the_body_or_of_a_header(
    tenant: Tenant, member: str, schema: dict[str, Any], where: dict[str, str]
) -> None:
    asked = {"properties": {member: schema}}
    tenant.create_rule(trigger_type="event", trigger_config={"types": ["*"]}, input_schema=asked)
    headers = {f"ce-{name}": value for name, value in an_event().items()}

    response = publish(tenant, {"a/b": "much"}, "application/json", **headers)

    (error,) = problem_of(response, 422, "invalid_input")["errors"]
    assert {name: each for name, each in error.items() if name != "message"} == where
