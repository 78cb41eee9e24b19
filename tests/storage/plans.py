"""Plans of statements, as the API's role is given them under the policies."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg


def explained(
    api: "psycopg.Connection[Any]", query: bytes, values: Any, tenant: UUID, *, generic: bool
) -> list[dict[str, Any]]:
    mode = "force_generic_plan" if generic else "force_custom_plan"
    api.execute(f"SET LOCAL plan_cache_mode = {mode}".encode())
    api.execute("SELECT set_config('app.tenant', %s, true)", (str(tenant),))
    cursor = psycopg.ClientCursor(api)
    names = list(dict.fromkeys(name for name in values if f"%({name})s".encode() in query))
    numbered = query.decode()
    for number, name in enumerate(names, 1):
        numbered = numbered.replace(f"%({name})s", f"${number}")
    api.execute(f"PREPARE listed AS {numbered}".encode())
    arguments = ", ".join(f"%({name})s" for name in names)
    row = cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE listed ({arguments})", values).fetchone()
    assert row is not None
    return list(nodes(row[0][0]["Plan"]))


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)
