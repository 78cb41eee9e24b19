"""A mask that is sent where it was read keeps the value, and is refused everywhere else."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest

from automation.domain.errors import InvalidBody
from automation.domain.rules import RuleAction
from automation.engine.rules.masking import MASK, masked
from automation.engine.rules.unmasking import has_masks, unmasked

CONFIG: dict[str, Any] = {
    "method": "POST",
    "url": "https://me:pw@shop.example/orders?token=t0ken&page=1",
    "headers": {"Authorization": "Bearer s3cret", "X-Api-Key": "k3y", "Accept": "*/*"},
    "json": {"credentials": {"user": "a", "password": "b"}, "items": [{"pwd": "1"}, {"pwd": "2", "note": "*** new"}]},
}
STORED = (RuleAction(type="webhook_call", config=CONFIG), RuleAction(type="wait", config={"seconds": 1}))


def read() -> list[dict[str, Any]]:
    """Return the actions as they are read."""
    return [{"type": action.type, "config": masked(deepcopy(dict(action.config)))} for action in STORED]


def refused(sent: Sequence[dict[str, Any]], stored: tuple[RuleAction, ...] = STORED) -> list[str]:
    with pytest.raises(InvalidBody) as refusal:
        unmasked(sent, stored)
    return sorted(violation.pointer or "" for violation in refusal.value.violations)


def test_nothing_that_is_secret_is_read() -> None:
    shown = str(read())

    assert not [secret for secret in ("pw@", "t0ken", "s3cret", "k3y", "'b'", "'1'", "'2'") if secret in shown]


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"headers": {"X-Api-Key": MASK}}, True),
        ({"url": "https://shop.example?token=***"}, True),
        ({"list": ["text", f"Bearer {MASK}"]}, True),
        ({"url": "https://shop.example", "seconds": 1, "on": True, "note": None}, False),
        ({}, False),
        (None, False),
    ],
)
def test_masks_are_found_wherever_they_are(config: Any, *, found: bool) -> None:
    assert has_masks([{"type": "wait"}, {"type": "webhook_call", "config": config}]) is found
    assert not has_masks([])


def test_what_was_read_can_be_put_back() -> None:
    sent = read()

    assert has_masks(sent)
    assert [action["config"] for action in unmasked(sent, STORED)] == [action.config for action in STORED]


def test_the_rest_may_change_beside_a_mask() -> None:
    sent = read()
    sent[0]["config"] |= {"method": "PUT", "json": {"credentials": MASK, "items": []}}
    sent[0]["config"]["headers"] |= {"Authorization": "Bearer n3w", "Accept": "text/plain"}

    config = unmasked(sent, STORED)[0]["config"]

    assert config["headers"] == {"Authorization": "Bearer n3w", "X-Api-Key": "k3y", "Accept": "text/plain"}
    assert config["json"] == {"credentials": {"user": "a", "password": "b"}, "items": []}


def test_a_mask_in_another_place_stands_for_nothing() -> None:
    sent = read()
    sent[0]["config"]["headers"]["X-Token"] = MASK
    sent[0]["config"]["json"]["items"].append({"pwd": MASK, "note": "another"})

    assert refused(sent) == ["/actions/0/config/headers/X-Token", "/actions/0/config/json/items/2/pwd"]


@pytest.mark.parametrize("text", [MASK, f" {MASK}\n", f"Bearer {MASK}"])
@pytest.mark.parametrize("name", ["Authorization", "X-Moved", "Accept"])
def test_a_mask_by_itself_is_none_of_a_text_wherever_it_is_moved(name: str, text: str) -> None:
    sent = read()
    del sent[0]["config"]["headers"]["Authorization"]
    sent[0]["config"]["headers"][name] = text

    if (name, text) == ("Authorization", MASK):
        assert unmasked(sent, STORED)[0]["config"]["headers"][name] == "Bearer s3cret"
    else:
        assert refused(sent) == [f"/actions/0/config/headers/{name}"]


def test_three_stars_that_are_stored_as_such_stay() -> None:
    stored = (RuleAction(type="webhook_call", config={"headers": {"X-Rating": MASK}}),)

    assert unmasked([{"type": "webhook_call", "config": {"headers": {"X-Rating": MASK}}}], stored)


@pytest.mark.parametrize("url", ["https://***@shop.example/other", "https://shop.example/orders?token=***&page=2"])
def test_a_text_is_put_back_whole_or_sent_whole(url: str) -> None:
    sent = read()
    sent[0]["config"]["url"] = url

    assert "/actions/0/config/url" in refused(sent)


@pytest.mark.parametrize(
    "url",
    [
        "https://attacker.example/orders",
        "http://shop.example/orders",
        "https://shop.example:8443/orders",
        "https://shop.example@attacker.example/orders",
        "${trigger.url}",
        "https://${trigger.h || '@shop.example/'}.attacker.example/orders",
        'https://${trigger.h || `"@shop.example/"`}:8443/orders',
        "https://shop.example\\@attacker.example/orders",
        "https://shop.example${trigger.more}/orders",
        "https://me:pw@shop.example/other?token=t0ken&page=1",
        "https://me:pw@shop.example/orders?token=t0ken&page=2",
        "https://shop.example/orders",
        "https://me:pw@SHOP.example/orders?token=t0ken&page=1",
    ],
)
def test_no_secret_goes_to_another_url(url: str) -> None:
    sent = read()
    sent[0]["config"]["url"] = url

    assert "/actions/0/config/headers/Authorization" in refused(sent)


def test_a_url_may_be_sent_as_it_is_or_as_it_was_shown() -> None:
    sent = read()
    assert sent[0]["config"]["url"] != CONFIG["url"]
    sent[0]["config"] |= {"url": CONFIG["url"], "method": "PUT"}

    assert unmasked(sent, STORED)[0]["config"] == {**CONFIG, "method": "PUT"}


def test_no_secret_goes_to_another_action() -> None:
    assert refused([{**read()[0], "type": "other"}])
    assert refused(read(), ())


@pytest.mark.parametrize("config", [{"text": "*** Alert ***"}, {"url": "https://a.example/?q=***"}, {"n": 1}, {}])
def test_three_stars_elsewhere_are_no_mask(config: dict[str, Any]) -> None:
    sent = [{"type": "webhook_call", "config": config}]

    assert unmasked(sent, ()) == sent


def webhook(url: str, secret: str, **members: Any) -> RuleAction:
    config = {"url": url, "headers": {"Authorization": secret}, **members}
    return RuleAction(type="webhook_call", config=config)


def shown(*actions: RuleAction) -> list[dict[str, Any]]:
    return [{"type": action.type, "config": masked(deepcopy(dict(action.config)))} for action in actions]


def secrets(sent: list[dict[str, Any]], stored: tuple[RuleAction, ...]) -> list[str]:
    return [action["config"]["headers"]["Authorization"] for action in unmasked(sent, stored)]


A, B = webhook("https://shop.example/a", "Bearer AAA"), webhook("https://shop.example/b", "Bearer BBB")


def test_each_secret_stays_with_its_action_when_their_order_changes_or_one_is_gone() -> None:
    assert secrets(shown(B, A), (A, B)) == ["Bearer BBB", "Bearer AAA"]
    assert secrets(shown(B), (A, B)) == ["Bearer BBB"]


def test_an_action_that_was_edited_keeps_its_secret_where_no_other_could_be_meant() -> None:
    edited = shown(B)[0]
    edited["config"]["method"] = "PUT"

    assert secrets([*shown(A), edited], (A, B)) == ["Bearer AAA", "Bearer BBB"]
    assert secrets([edited], (A, B)) == ["Bearer BBB"]  # by its URL
    edited["config"]["url"] = "https://shop.example/c"
    assert refused([edited, *shown(A)], (A, B)) == ["/actions/0/config/headers/Authorization"]
    assert refused([edited], (A, B)) == ["/actions/0/config/headers/Authorization"]
    edited["config"]["url"] = A.config["url"]
    assert refused([edited, edited], (B,))


def test_actions_that_masks_alone_tell_apart_are_known_by_their_order() -> None:
    one, two = webhook("https://shop.example/", "Bearer 111"), webhook("https://shop.example/", "Bearer 222")
    edited = shown(one, two)
    edited[1]["config"]["method"] = "PUT"

    assert secrets(shown(A, one, two), (A, one, two)) == ["Bearer AAA", "Bearer 111", "Bearer 222"]
    assert secrets(shown(one, two), (A, one, two)) == ["Bearer 111", "Bearer 222"]
    assert secrets(shown(one, one), (one, one)) == ["Bearer 111", "Bearer 111"]
    assert secrets(edited, (one, two)) == ["Bearer 111", "Bearer 222"]
    assert refused(shown(two), (one, two)) == ["/actions/0/config/headers/Authorization"]
    assert len(refused(shown(B, two, A, one), (one, A, two, B))) == 2
    assert len(refused(shown(two, one, A), (A, one, two))) == 2


def test_a_host_that_an_expression_has_a_part_in_is_the_same_where_all_of_the_url_is() -> None:
    stored = webhook("https://127.0.0.${trigger.n || 'a/b'}:8472/x", "Bearer VAR", method="POST")
    same, other = shown(stored), shown(stored)
    same[0]["config"]["method"] = "PUT"
    other[0]["config"]["url"] = "https://127.0.0.${trigger.n || 'a/b'}:44779/x"

    assert secrets(same, (stored,)) == ["Bearer VAR"]
    assert refused(other, (stored,))


def test_what_does_not_say_where_it_sends_is_put_back_as_it_was_or_not_at_all() -> None:
    mail = RuleAction(type="email_notification", config={"to": ["a@example.com"], "text": "see ?token=TOPSECRET end"})
    sent = shown(mail)
    assert "TOPSECRET" not in str(sent)

    assert [action["config"] for action in unmasked(deepcopy(sent), (mail,))] == [mail.config]
    sent[0]["config"]["to"] = ["evil@evil.example"]
    assert refused(sent, (mail,)) == ["/actions/0/config/text"]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_of_actions_that_are_stored_alike_one_is_as_good_as_the_other(number: int) -> None:
    sent = [read()[0] for _ in range(number)]

    assert [action["config"] for action in unmasked(sent, (STORED[0], STORED[0]))] == [CONFIG] * number


@pytest.mark.parametrize("number", [1, 3])
def test_of_actions_that_only_their_secrets_tell_apart_none_is_meant_where_their_number_changes(number: int) -> None:
    other = RuleAction(type="webhook_call", config={**CONFIG, "headers": {**CONFIG["headers"], "X-Api-Key": "other"}})

    assert refused([read()[0] for _ in range(number)], (STORED[0], other))
