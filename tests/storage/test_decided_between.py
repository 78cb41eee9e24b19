"""Decisions between two questions to the database: labels that are made, inputs that are checked, turns that end."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from automation.domain.errors import ContentTooLarge, Unavailable
from automation.domain.labels import MadeLabels
from automation.domain.opaque import Opaque
from automation.domain.rules import RuleVersion
from automation.storage import former, rule_content
from automation.storage.former import FormerDatabase
from automation.storage.input_checks import input_checked, no_schema
from automation.storage.label_making import decided, made_of, no_labels
from automation.storage.trigger_data import LARGEST, stored
from automation.storage.turns import in_turns
from tests.storage.samples import a_content

TENANT, RULE, EXECUTION = UUID(int=1), UUID(int=2), UUID(int=3)
VERSION = RuleVersion(rule_id=RULE, tenant=TENANT, version=4, content=a_content())


def wanted() -> str:
    """Return a version as the database asks for labels of it."""
    return orjson.dumps({"version": 4, "content": rule_content.as_columns(VERSION.content)}).decode()


class Asked:
    """The database, which answers one after the other, and keeps what it was asked with."""

    def __init__(self, *outcomes: str | None) -> None:
        self.outcomes = list(outcomes)
        self.parameters: list[Mapping[str, object]] = []

    async def __call__(self, parameters: Mapping[str, object]) -> dict[str, Any] | None:
        self.parameters.append(parameters)
        outcome = self.outcomes[len(self.parameters) - 1]
        return None if outcome is None else {"outcome": outcome}

    async def decide(self, row: dict[str, Any]) -> Mapping[str, object]:
        return {"decided": len(self.parameters), "of": row["outcome"]}


@pytest.mark.parametrize("last", ["created", None])
async def test_it_is_asked_until_nothing_is_to_be_decided_with_what_was_decided_last(last: str | None) -> None:
    ask = Asked("wanted", "wanted", last, "never asked")

    row = await in_turns(ask, {"a": 1}, {"wanted"}, ask.decide)

    assert row == (None if last is None else {"outcome": last})
    assert ask.parameters == [{"a": 1}, *({"a": 1, "decided": n, "of": "wanted"} for n in (1, 2))]


async def test_after_five_turns_it_is_given_up() -> None:
    ask = Asked(*["wanted"] * 9)

    with pytest.raises(Unavailable, match="Nothing was done"):
        await in_turns(ask, {}, {"wanted"}, ask.decide)

    assert len(ask.parameters) == 5


async def test_what_postpones_is_asked_with_the_one_that_it_postpones_or_a_new_one() -> None:
    known = await decided(TENANT, RULE, {"outcome": "postpones", "execution_id": EXECUTION}, no_labels)
    new = [
        (await decided(TENANT, RULE, {"outcome": "postpones", "execution_id": None}, no_labels))["execution"]
        for _ in range(2)
    ]

    assert known == {"execution": EXECUTION}
    assert isinstance(new[0], UUID)
    assert new[0] != new[1]


async def test_labels_are_made_of_the_version_that_is_wanted() -> None:
    async def make(version: RuleVersion) -> MadeLabels:
        assert version == VERSION
        return MadeLabels(labels={"a": "b\0"}, left_out={}, keys={"concurrency_key": "k\0"})

    made = await decided(TENANT, RULE, {"outcome": "labels_wanted", "wanted": wanted()}, make)

    assert {**made, "made": orjson.loads(str(made["made"]))} == {
        "made": {"concurrency_key": "k\ufffd", "labels": {"a": "b\ufffd"}},
        "made_of": 4,
        "told": None,
    }


async def test_what_was_left_out_is_told_with_its_reason() -> None:
    async def make(_version: RuleVersion) -> MadeLabels:
        reasons = {"concurrency key": "it is too long"}
        return MadeLabels(labels={}, left_out={"team": "it is\0 empty"}, keys={}, keys_left_out=reasons)

    made = await made_of(VERSION, make)

    told = orjson.loads(str(made["told"]))
    assert [(each["level"], each["message"]) for each in told] == [
        ("warn", "The label team was left out: it is\ufffd empty."),
        ("warn", "The concurrency key was left out: it is too long."),
    ]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(told[0]["timestamp"])) < timedelta(minutes=1)


@pytest.mark.parametrize("asks", [{"input_schema": {}}, {"concurrency_key": "k"}, {"deduplication_key": "k"}, {}])
async def test_whoever_makes_no_labels_makes_no_keys_and_checks_no_input_either(asks: dict[str, Any]) -> None:
    version = replace(VERSION, content=a_content(**asks))

    if any(asks.values()):
        with pytest.raises(AssertionError):
            await no_labels(version)
    else:
        assert await no_labels(version) == MadeLabels(labels={}, left_out={})


@pytest.mark.parametrize("data", [{"a": 1}, None])
async def test_an_input_is_checked_by_the_version_that_would_run(data: dict[str, int] | None) -> None:
    asked: list[object] = []

    async def require(*about: object) -> None:
        asked.extend(about)

    said = {"rule_id": str(RULE), "version": 4, "input_schema": {"b": 2}, "trigger_data": data, "attempt": 3}

    found = await input_checked(TENANT, orjson.dumps(said).decode(), require)

    assert found == {"attempt": 3, "checked": 4}
    assert asked == [TENANT, RULE, 4, {"b": 2}, data or {}]


async def test_whoever_checks_nothing_takes_what_has_no_schema() -> None:
    await no_schema(TENANT, RULE, 1, None, {})

    with pytest.raises(AssertionError):
        await no_schema(TENANT, RULE, 1, {}, {})


@pytest.mark.parametrize(("more", "is_kept"), [(0, True), (1, False)])
def test_what_an_execution_is_run_with_is_stored_up_to_its_bound(more: int, *, is_kept: bool) -> None:
    text = '"' + "x" * (LARGEST - 2 + more) + '"'

    if is_kept:
        assert stored(Opaque({}, text)) == text
    else:
        with pytest.raises(ContentTooLarge):
            stored(Opaque({}, text))
    assert (stored(None), stored({"a": 1})) == (None, '{"a":1}')


@pytest.mark.parametrize(
    ("revision", "refused"),
    [("0000", False), ("0001", True), ("0010", True), ("0011", False), ("0001_initial", False), (None, False)],
)
def test_a_database_of_before_the_first_release_is_told_apart_by_its_revision(
    revision: str | None, *, refused: bool
) -> None:
    if refused:
        with pytest.raises(FormerDatabase, match=f"revision {revision}") as told:
            former.refuse(revision)
        assert told.value.revision == revision
    else:
        former.refuse(revision)
