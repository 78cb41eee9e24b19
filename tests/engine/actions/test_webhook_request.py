from typing import Any

import pytest

from automation.engine.actions import ActionFailed, Actions, ConfigFault
from tests.engine.actions.calls import a_call

URL = "https://hooks.example.com/a"


def pointers(actions: Actions, config: dict[str, Any]) -> list[str]:
    return [fault.pointer for fault in actions.check("webhook_call", config)]


@pytest.mark.parametrize(
    "config",
    [
        {"url": URL},
        {"url": "http://[2001:4860:4860::8888]:8080/?q=1#f"},
        {"url": URL, "method": "DELETE", "text": "why"},
        {"url": URL, "json": None},
        {"url": URL, "headers": {"Authorization": "Bearer abc", "X-Empty": "", "Cookie": "a=b; c=d"}},
        {"url": URL, "expected_statuses": [200, 302], "max_response_bytes": 0},
    ],
)
def test_a_config_that_can_be_sent_is_accepted(actions: Actions, config: dict[str, Any]) -> None:
    assert actions.check("webhook_call", config) == []


@pytest.mark.parametrize(
    ("config", "pointer"),
    [
        ({}, "/config/url"),
        ({"url": URL, "follow_redirects": True}, "/config/follow_redirects"),
        ({"url": URL, "method": "CONNECT"}, "/config/method"),
        ({"url": URL, "method": "post"}, "/config/method"),
        ({"url": URL, "method": "GET", "json": {}}, "/config/method"),
        ({"url": URL, "json": {}, "text": ""}, "/config"),
        ({"url": URL, "expected_statuses": []}, "/config/expected_statuses"),
        ({"url": URL, "expected_statuses": [99]}, "/config/expected_statuses/0"),
        ({"url": URL, "max_response_bytes": 10**9}, "/config/max_response_bytes"),
        ({"url": URL, "headers": {"a": 1}}, "/config/headers/a"),
    ],
)
def test_a_config_that_can_not_be_sent_is_refused_where_it_is_wrong(
    actions: Actions, config: dict[str, Any], pointer: str
) -> None:
    assert pointers(actions, config) == [pointer]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "//hooks.example.com/",
        "/a",
        "http:hooks.example.com",
        "http:///a",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "http://user:pass@hooks.example.com/",
        "http://user@hooks.example.com/",
        "http://hooks.example.com\\@127.0.0.1/",
        "http://hooks.example.com:0/",
        "http://hooks.example.com:65536/",
        "http://hooks.example.com:x/",
        "http://hooks.example.com/\r\nX: y",
        "http://\u24dbocalhost/",
        "http://hooks.example.com/\ud800",
        f"http://hooks.example.com/{'a' * 2048}",
    ],
)
def test_a_url_that_is_not_plain_http_is_refused(actions: Actions, url: str) -> None:
    assert pointers(actions, {"url": url}) == ["/config/url"]


@pytest.mark.parametrize(
    "name",
    ["Host", "Content-Length", "Transfer-Encoding", "connection", "TE", "Upgrade", "Idempotency-Key", "User-Agent"],
)
def test_a_header_that_is_ours_is_refused(actions: Actions, name: str) -> None:
    assert pointers(actions, {"url": URL, "headers": {name: "1"}}) == ["/config/headers"]


@pytest.mark.parametrize("name", ["", "a b", "a\r\nb", "a:", "é"])
def test_a_header_name_that_is_no_token_is_refused(actions: Actions, name: str) -> None:
    assert pointers(actions, {"url": URL, "headers": {name: "1"}}) == ["/config/headers"]


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\n", "\ra", "a\0", " a", "a ", "é", "\x7f"])
def test_a_header_value_that_could_break_the_request_is_refused(actions: Actions, value: str) -> None:
    assert pointers(actions, {"url": URL, "headers": {"x/y~z": value, "ok": "1"}}) == ["/config/headers"]
    assert pointers(actions, {"url": URL, "headers": {"x~y": value, "ok": "1"}}) == ["/config/headers/x~0y"]


def test_a_header_that_is_given_twice_in_other_letters_is_refused(actions: Actions) -> None:
    assert pointers(actions, {"url": URL, "headers": {"X-A": "1", "x-a": "2"}}) == ["/config/headers"]


def test_no_problem_shows_a_value(actions: Actions) -> None:
    config = {"url": "http://user:hush@h/", "method": "hush", "text": 5, "max_response_bytes": "hush"}

    faults = actions.check("webhook_call", config) + actions.check("webhook_call", {"url": config["url"]})

    assert faults
    assert "hush" not in str(faults)


def test_templates_are_left_to_the_run(actions: Actions) -> None:
    config = {
        "url": "${trigger.base}/hook?x=${trigger.x}",
        "method": "${trigger.method}",
        "headers": {"authorization": "Bearer ${trigger.token}"},
        "json": "${trigger}",
        "expected_statuses": "${trigger.statuses}",
        "max_response_bytes": "${trigger.limit}",
    }

    assert actions.check("webhook_call", config) == []
    assert actions.check("webhook_call", {"url": URL, "headers": "${trigger.headers}"}) == []


def test_what_is_wrong_beside_a_template_is_still_told(actions: Actions) -> None:
    config = {"url": "${trigger.url}", "headers": {"Host": "${trigger.host}"}}

    assert actions.check("webhook_call", config) == [ConfigFault("/config/headers", "the header Host can't be set")]


@pytest.mark.parametrize(
    "resolved",
    [
        {"url": "http://user:pass@hooks.example.com/"},
        {"url": "${trigger.url}"},
        {"url": URL, "headers": {"authorization": "Bearer a\r\nX: y"}},
        {"url": URL, "max_response_bytes": "12"},
    ],
)
async def test_a_resolved_config_is_checked_again_before_anything_is_sent(
    actions: Actions, resolved: dict[str, Any]
) -> None:
    with pytest.raises(ActionFailed, match="resolved config") as raised:
        await actions.run("webhook_call", resolved, a_call())

    assert raised.value.definite
    assert not raised.value.retryable
