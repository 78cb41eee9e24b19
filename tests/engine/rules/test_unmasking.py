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
    sent[0]["config"]["json"]["items"].append({"pwd": MASK})

    assert refused(sent) == ["/actions/0/config/headers/X-Token", "/actions/0/config/json/items/2/pwd"]


@pytest.mark.parametrize("url", ["https://***@shop.example/other", "https://shop.example/orders?token=***&page=2"])
def test_a_text_is_put_back_whole_or_sent_whole(url: str) -> None:
    sent = read()
    sent[0]["config"]["url"] = url

    assert refused(sent) == ["/actions/0/config/url"]


@pytest.mark.parametrize(
    "url",
    [
        "https://attacker.example/orders",
        "http://shop.example/orders",
        "https://shop.example:8443/orders",
        "https://shop.example@attacker.example/orders",
        "${trigger.url}",
    ],
)
def test_no_secret_goes_to_another_host(url: str) -> None:
    sent = read()
    sent[0]["config"]["url"] = url

    assert "/actions/0/config/headers/Authorization" in refused(sent)


def test_the_same_host_may_be_called_elsewhere() -> None:
    sent = read()
    sent[0]["config"]["url"] = "https://SHOP.example/other"

    assert unmasked(sent, STORED)[0]["config"]["headers"]["Authorization"] == "Bearer s3cret"


def test_no_secret_goes_to_another_action() -> None:
    assert refused([read()[1], read()[0]])
    assert refused([{**read()[0], "type": "other"}])
    assert refused(read(), ())


@pytest.mark.parametrize("config", [{"text": "*** Alert ***"}, {"url": "https://a.example/?q=***"}, {"n": 1}, {}])
def test_three_stars_elsewhere_are_no_mask(config: dict[str, Any]) -> None:
    sent = [{"type": "webhook_call", "config": config}]

    assert unmasked(sent, ()) == sent
