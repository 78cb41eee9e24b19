"""Labels that a rule gives an execution, on the way between the database and whoever makes them."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from automation.domain.labels import MadeLabels
from automation.domain.rules import RuleVersion
from automation.storage import rule_content
from automation.storage.pool.encoding import decoded, encoded, storable

MakeLabels = Callable[[RuleVersion], Awaitable[MadeLabels]]

NOT_MADE: dict[str, object] = dict.fromkeys(("made", "made_of", "told"))
"""What an execution is created with before anybody asked for labels to be made."""


async def no_labels(_rule: RuleVersion) -> MadeLabels:
    """Make none; what a rule asks of its input can't be asked here."""
    if any((_rule.content.input_schema, _rule.content.concurrency_key, _rule.content.deduplication_key)):
        raise AssertionError("nobody is there to check the input and to make keys")
    return MadeLabels(labels={}, left_out={})


UNDECIDED = frozenset({"labels_wanted", "postpones"})
"""The outcomes of ``create_execution_v1`` after which it is asked once more."""


async def decided(tenant: UUID, rule_id: UUID, row: Mapping[str, Any], make: MakeLabels) -> dict[str, object]:
    """Return what the database is asked with once more, after one of the outcomes ``UNDECIDED``."""
    if row["outcome"] == "postpones":
        return {"execution": row["execution_id"] or uuid4()}
    return await made_for(tenant, rule_id, row["wanted"], make)


async def made_for(tenant: UUID, rule_id: UUID, wanted: str, make: MakeLabels) -> dict[str, object]:
    """Return what an execution is created with whose rule's labels are made of the version that was asked for.

    Args:
        tenant: Whose rule it is.
        rule_id: Which rule.
        wanted: The version, as ``create_execution_v1`` has it.
        make: Makes them.
    """
    return await made_of(version_of(tenant, rule_id, wanted), make)


def version_of(tenant: UUID, rule_id: UUID, wanted: str) -> RuleVersion:
    """Return the version of a rule that labels are wanted of, as ``create_execution_v1`` has it."""
    said = decoded(wanted)
    content = rule_content.from_columns(said["content"])
    return RuleVersion(rule_id=rule_id, tenant=tenant, version=said["version"], content=content)


async def made_of(version: RuleVersion, make: MakeLabels) -> dict[str, object]:
    """Return what an execution is created with whose rule's labels are made of a version of it."""
    made = await make(version)
    now = datetime.now(UTC).isoformat()
    left_out = {
        **{f"label {key}": reason for key, reason in made.left_out.items()},
        **made.keys_left_out,
    }
    told = [
        {"timestamp": now, "level": "warn", "message": f"The {what} was left out: {storable(reason)}."}
        for what, reason in left_out.items()
    ]
    return {
        "made": encoded({**_storable(made.keys), "labels": _storable(made.labels)}),
        "made_of": version.version,
        "told": encoded(told) if told else None,
    }


def _storable(values: Mapping[str, str]) -> dict[str, str]:
    return {key: storable(value) for key, value in values.items()}
