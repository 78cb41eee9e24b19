"""Elements of lists keep their own secrets, whatever is done to the lists, or the masks are refused."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.domain.errors import InvalidBody
from automation.domain.rules import RuleAction
from automation.engine.rules.masking import MASK, masked
from automation.engine.rules.unmasking import unmasked

Edit = Callable[[list[Any]], object]
Path = tuple[str | int, ...]

A, B, C = ({"name": name, "token": f"tokenOf{name}", "tries": [{"at": 1.0}]} for name in "ABC")
TWINS = [{"pin": "one"}, {"n": 1}, {"pin": "two"}, {"n": 2}]


def put_back(config: dict[str, Any], sent: Any) -> Any:
    """Return what becomes of a config that is sent in the place of a stored one."""
    url = {"url": "https://shop.example/"}
    action = {"type": "webhook_call", "config": {**url, "method": "PUT", **sent}}
    stored = RuleAction(type="webhook_call", config={**url, **config})
    return {name: unmasked([action], [stored])[0]["config"][name] for name in sent}


def of_list(elements: list[Any], edit: Edit) -> Any:
    """Return what becomes of a list that is edited as it is shown, or the pointers of the refusal."""
    sent = masked(deepcopy({"json": {"list": elements}}))
    edit(sent["json"]["list"])
    try:
        return put_back({"json": {"list": elements}}, sent)["json"]["list"]
    except InvalidBody as refusal:
        return [
            (violation.pointer or "").removeprefix("/actions/0/config/json/list") for violation in refusal.violations
        ]


@pytest.mark.parametrize(
    ("edit", "kept"),
    [
        (lambda each: each.pop(0), [B, C]),
        (lambda each: each.reverse(), [C, B, A]),
        (lambda each: each.insert(1, {"name": "D", "token": "new"}), [A, {"name": "D", "token": "new"}, B, C]),
        (lambda each: each[0].update(token="new"), [{**A, "token": "new"}, B, C]),
        (lambda each: each[0].update(password="new"), [{**A, "password": "new"}, B, C]),
        (lambda each: each[0].update(tries=[{"at": 1}]), [{**A, "tries": [{"at": 1}]}, B, C]),
        (lambda each: each[1].update(name="A"), ["/0/token", "/1/token"]),
        (lambda each: each[1].update(name="D"), ["/1/token"]),
        (lambda each: each[1].update(tries=[{"at": True}]), ["/1/token"]),
        (lambda each: each.append(each[0]), ["/0/token", "/3/token"]),
        (lambda each: each[0].update(password=MASK), ["/0/password"]),
        (lambda each: each.append(MASK), ["/3"]),
    ],
)
def test_a_secret_stays_with_its_element(edit: Edit, kept: list[Any]) -> None:
    assert of_list([A, B, C], edit) == kept


@pytest.mark.parametrize(
    ("edit", "kept"),
    [
        (lambda each: each.append({"n": 3}), [*TWINS, {"n": 3}]),
        (lambda each: each.pop(1), [TWINS[0], *TWINS[2:]]),
        (lambda each: each.pop(0), ["/1/pin"]),
        (lambda each: each.insert(0, {"pin": "three"}), ["/1/pin", "/3/pin"]),
        (lambda each: each.reverse(), ["/1/pin", "/3/pin"]),
    ],
)
def test_what_masks_alone_tell_apart_is_known_by_its_order(edit: Edit, kept: list[Any]) -> None:
    assert of_list(TWINS, edit) == kept


@pytest.mark.parametrize("names", [("name", "value"), ("key", "value"), ("Name", "Value")])
def test_a_pair_keeps_its_value_with_its_name(names: tuple[str, str]) -> None:
    key, shop, plain = (
        dict(zip(names, pair, strict=True)) for pair in (("X-Api-Key", "k"), ("Cookie", "c"), ("Accept", "*/*"))
    )

    assert of_list([key, plain, shop], list.reverse) == [shop, plain, key]
    assert of_list([key, plain], lambda each: each[0].update({names[0]: "X-Other-Key"})) == [f"/0/{names[1]}"]
    assert of_list([key, plain], lambda each: each[0].update({names[0]: "Accept"})) == [f"/0/{names[1]}"]
    with pytest.raises(InvalidBody):
        put_back({"json": key}, {"json": {names[0]: "X-Other-Key", names[1]: MASK}})


def test_values_that_look_alike_in_python_are_told_apart() -> None:
    looks = [0, False, 1, True, [0, 0], [False, 0], {}, [], None, "", "None", ["list"], 1 << 70, hex(1 << 70)]
    elements = [{"like": each, "token": str(index)} for index, each in enumerate(looks)]

    assert of_list(elements, list.reverse) == elements[::-1]


def test_no_part_of_what_was_hidden_whole_was_read() -> None:
    hidden = {"credentials": {"for": "shop", "password": "sesame"}}

    with pytest.raises(InvalidBody):
        put_back({"json": hidden}, {"json": {"credentials": {"for": "attacker", "password": MASK}}})
    with pytest.raises(InvalidBody):
        put_back({"json": {"tokens": ["a", "b"]}}, {"json": {"tokens": [MASK, "b"]}})
    assert put_back({"json": {"secret": ["*** a"]}, "x": 1}, {"json": {"secret": ["*** a"]}, "x": 2})["x"] == 2


SECRETS = ("token", "X-Api-Key")
scalars = st.sampled_from([None, True, 0, 1, 1.0, 0.5, "a", "b"])
pairs = st.fixed_dictionaries({"name": st.sampled_from(["Cookie", "Accept"]), "value": scalars})
values = st.recursive(
    scalars | pairs | st.just("?page=1&token=SECRET"),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "name", *SECRETS]), inner, max_size=4)
    ),
    max_leaves=20,
)
configs = st.fixed_dictionaries({"json": st.lists(values, max_size=5), "headers": st.lists(pairs, max_size=4)})


def is_hidden(members: dict[str, Any], name: str) -> bool:
    return name in SECRETS or (name == "value" and members.get("name") == "Cookie")


def told_apart(value: Any, numbers: Iterator[int]) -> Any:
    """Return a config in which no secret is twice."""
    if isinstance(value, dict):
        return {
            name: f"SECRET-{next(numbers)}" if is_hidden(value, name) else told_apart(member, numbers)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [told_apart(element, numbers) for element in value]
    return value.replace("SECRET", f"SECRET-{next(numbers)}") if isinstance(value, str) else value


def bare(value: Any) -> Any:
    """Return what is shown of a value, without masks."""
    if isinstance(value, dict):
        return {name: bare(member) for name, member in value.items() if not is_hidden(value, name)}
    if isinstance(value, list):
        return [bare(element) for element in value]
    if isinstance(value, str):
        return value.partition("token=")[0]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def homes(value: Any, home: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each secret, behind the names and the elements, as they are shown, that it stands in."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from homes(member, (*home, name))
    elif isinstance(value, list):
        for element in value:
            yield from homes(element, (*home, json.dumps(bare(element), sort_keys=True)))
    elif isinstance(value, str) and "SECRET-" in value:
        yield home, value


def containers(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from containers(inner)


def edit_at_random(sent: Any, data: st.DataObject) -> None:
    every = [each for each in containers(sent) if each and each is not sent]
    if not every:
        return
    place = data.draw(st.sampled_from(every))
    new = deepcopy(data.draw(st.sampled_from(every) | values | st.just(MASK)))
    at = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
    if isinstance(place, dict):
        place[at] = new
        return
    other = data.draw(st.integers(0, len(place) - 1))
    edit = data.draw(st.sampled_from(["remove", "insert", "reverse", "swap", "edit"]))
    if edit == "remove":
        del place[at]
    elif edit == "insert":
        place.insert(at, new)
    elif edit == "reverse":
        place.reverse()
    elif edit == "swap":
        place[at], place[other] = place[other], place[at]
    else:
        place[at] = new


@given(configs, st.data())
def test_no_secret_is_ever_put_where_something_else_stands_around_it(config: Any, data: st.DataObject) -> None:
    config = told_apart(config, count())
    sent = masked(deepcopy(config))
    for _ in range(data.draw(st.integers(1, 3))):
        edit_at_random(sent, data)

    try:
        result = put_back(config, sent)
    except InvalidBody:
        return

    before: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for home, secret in homes(config):
        before[home].append(secret)
    for home, secret in homes(result):
        known = before[home]
        assert secret in known, "each once, where it was, and in the order that it had"
        del known[: known.index(secret) + 1]


@given(configs)
def test_what_is_not_changed_is_always_put_back(config: Any) -> None:
    config = told_apart(config, count())

    assert put_back(config, masked(deepcopy(config))) == config
    assert put_back(config, deepcopy(config)) == config
