"""Lists rules by filters, page by page."""

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from sqlalchemy import Boolean, Text, Uuid, any_, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from automation.domain.labels import pairs
from automation.domain.pages import Page, PageRequest, given
from automation.domain.rules import RuleFilter, RuleSummary
from automation.storage.page_reading import read_page
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import encoded
from automation.storage.tables import automation_rules
from automation.storage.walks import (
    Condition,
    Kind,
    Order,
    Statements,
    Walk,
    bounds,
    single_walk,
    statements,
    written_by,
)

_RULES = automation_rules.c
_SHOWN = tuple(each.name for each in fields(RuleSummary))
_BESIDE = tuple(name for name in _SHOWN if name not in {"rule_id", "created_at"})

# What is looked at on the way: a tenant's rules are few.
_CONDITIONS: Mapping[str, Condition] = MappingProxyType(
    {
        "status": lambda rules: rules.status == any_(bindparam("status", type_=ARRAY(Text()))),
        "trigger_type": lambda rules: rules.trigger_type == bindparam("trigger_type", type_=Text()),
        "name": lambda rules: func.starts_with(rules.name, bindparam("name", type_=Text())),
        "label": lambda rules: rules.labels.contains(cast(bindparam("labels", type_=Text()), JSONB())),
        "deleted": lambda rules: rules.deleted_at.is_not(None) == bindparam("deleted", type_=Boolean()),
    }
)


class RuleList:
    """The lists of the rules of all tenants, one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, tenant: UUID, wanted: RuleFilter, request: PageRequest) -> Page[RuleSummary]:
        """Return a page of a tenant's rules.

        Raises:
            Unavailable: where no database answers.
        """
        made, values = statements_of(tenant, wanted, request)
        return await read_page(self._database, request, made, values, _summary)


def statements_of(tenant: UUID, wanted: RuleFilter, request: PageRequest) -> tuple[Statements, Mapping[str, Any]]:
    """Return the statements of a page, and the values that they take."""
    filters = given(wanted)
    made = _statements(Kind(frozenset(filters), Order.of(request)))
    labels = encoded(dict(pairs(wanted.label)))
    values = filters | {"status": list(wanted.status), "labels": labels, "tenant": tenant}
    return made, {**values, **bounds(request, 1)}


@lru_cache(maxsize=256)
def _statements(kind: Kind) -> Statements:
    columns = [written_by(automation_rules), *(_RULES[name] for name in _BESIDE)]
    rows = select(_RULES.created_at, _RULES.rule_id.label("id"), *columns)
    rows = rows.where(_RULES.tenant == bindparam("tenant", type_=Uuid()))
    conditions = [condition for name, condition in _CONDITIONS.items() if name in kind.filters]
    walk = Walk(single_walk(), rows, (_RULES.created_at, _RULES.rule_id), conditions, progress=["version"])
    return statements(walk, kind.order, lambda page: [page[name] for name in _BESIDE])


def _summary(row: DictRow) -> RuleSummary:
    values = {name: row[name] for name in _BESIDE}
    return RuleSummary(rule_id=row["id"], created_at=row["created_at"], **values)
