"""Reads the versions of rules: what each of them said, and what it changed."""

from datetime import UTC
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow, dict_row

from automation.domain.errors import RuleNotFound, RuleVersionNotFound
from automation.domain.pages import Page, PageRequest, Position, known_page, page_of, revision_of
from automation.domain.rules import RuleVersionRecord, RuleVersionSummary
from automation.storage import rule_content
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import decoded

# As text: JSON as it was written has no equality of its own.
_CHANGED = ", ".join(
    f"CASE WHEN v.{name}::text IS DISTINCT FROM p.{name}::text THEN '{name}' END" for name in rule_content.COLUMNS
)
_LIST = f"""
SELECT v.version, v.name, v.status, v.created_by, v.created_at, v.xmin::text AS written, p.xmin::text AS before,
    CASE WHEN p.version IS NULL THEN ARRAY[]::text[] ELSE array_remove(ARRAY[{_CHANGED}], NULL) END AS changed
FROM automation_rule_versions v
LEFT JOIN automation_rule_versions p ON p.tenant = v.tenant AND p.rule_id = v.rule_id AND p.version = v.version - 1
WHERE v.tenant = %(tenant)s AND v.rule_id = %(rule)s {{bound}}
ORDER BY v.version {{direction}} LIMIT %(rows)s
"""  # noqa: S608 - made of constants
# A page of a rule's versions, with what each changed: on from the beginning, a position, back from one, or one's own.
_PAGES = {
    (False, False): _LIST.format(bound="AND v.version < %(number)s", direction="DESC").encode(),
    (False, True): _LIST.format(bound="AND v.version <= %(number)s", direction="DESC").encode(),
    (True, False): _LIST.format(bound="AND v.version > %(number)s", direction="ASC").encode(),
    (True, True): _LIST.format(bound="AND v.version >= %(number)s", direction="ASC").encode(),
}
_FIRST_PAGE = _LIST.format(bound="", direction="DESC").encode()
# Whether there is a rule, deleted or not.
_RULE = b"SELECT true AS found FROM automation_rules WHERE tenant = %(tenant)s AND rule_id = %(rule)s"
# What a rule said in one version, unless that is known: then without it.
_CONTENT = f"""
SELECT v.version, v.created_by, v.created_at, v.xmin::text AS revision,
    CASE WHEN v.xmin::text IS DISTINCT FROM %(known)s::text
    THEN json_build_object({", ".join(f"'{name}', v.{name}" for name in rule_content.COLUMNS)})::text END AS content
FROM automation_rule_versions v
WHERE v.tenant = %(tenant)s AND v.rule_id = %(rule)s AND v.version = %(version)s
""".encode()  # noqa: S608 - made of constants

_SHOWN = ("version", "name", "status", "created_by")


class RuleVersions:
    """The versions of the rules of all tenants, one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, tenant: UUID, rule_id: UUID, request: PageRequest) -> Page[RuleVersionSummary]:
        """Return a page of a rule's versions, the newest first; where its revision is known, that alone.

        Raises:
            RuleNotFound: where this tenant has none of that id.
        """
        cursor = request.cursor
        query = _FIRST_PAGE if cursor is None else _PAGES[cursor.backward, cursor.inclusive]
        named = {"tenant": tenant, "rule": rule_id, "rows": request.limit + 1}
        values = named if cursor is None else named | {"number": cursor.position.number}
        rule, rows = await self._database.read(tenant, (_RULE, named), (query, values), rows=dict_row)
        if not rule:
            raise RuleNotFound
        revision = revision_of(*((row["version"], row["written"], row["before"]) for row in rows))
        if revision == request.known:
            return known_page(revision)
        return page_of(request, [(Position(row["version"]), _summary(row)) for row in rows], revision=revision)

    async def get(
        self, tenant: UUID, rule_id: UUID, version: int, known: str | None = None
    ) -> RuleVersionRecord | None:
        """Return a version of a rule, or None where its revision is one that is known.

        Raises:
            RuleNotFound: where this tenant has no rule of that id.
            RuleVersionNotFound: where the rule has no version of that number.
        """
        named = {"tenant": tenant, "rule": rule_id, "version": version, "known": known}
        rule, rows = await self._database.read(tenant, (_RULE, named), (_CONTENT, named), rows=dict_row)
        if not rule:
            raise RuleNotFound
        if not rows:
            raise RuleVersionNotFound
        return None if rows[0]["content"] is None else _record(tenant, rule_id, rows[0])


def _summary(row: DictRow) -> RuleVersionSummary:
    shown = {name: row[name] for name in _SHOWN}
    values: dict[str, Any] = {
        **shown,
        "changed": tuple(row["changed"]),
        "created_at": row["created_at"].astimezone(UTC),
    }
    return RuleVersionSummary(**values)


def _record(tenant: UUID, rule_id: UUID, row: DictRow) -> RuleVersionRecord:
    return RuleVersionRecord(
        rule_id=rule_id,
        tenant=tenant,
        version=row["version"],
        content=rule_content.from_columns(decoded(row["content"])),
        created_by=row["created_by"],
        created_at=row["created_at"].astimezone(UTC),
        revision=row["revision"],
    )
