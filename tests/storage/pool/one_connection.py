"""One connection outside of any pool, and what transactions on it leave: settings that last, lines of the audit log.

A setting of the session is a change that needs no table: it is taken back with its transaction or its savepoint, and
stays where that is committed, as a row would.
"""

import psycopg

from automation.domain.audit import AuditResource, Deed
from automation.storage.pool.causes import Causes
from automation.storage.pool.connections import Connection
from automation.storage.pool.outage import Outage
from tests.databases import DatabaseUrls
from tests.storage.samples import Sample

QUERY_TIMEOUT = 7.0
WRITE = b"SELECT set_config('tests.' || %(name)s, 'written', false)"
READ = b"SELECT current_setting('tests.' || %(name)s, true)"


async def connect(url: str, outage: Outage | None = None) -> Connection:
    """Return a connection that nobody has used."""
    return await Connection.connect(
        url, outage=outage or Outage(), causes=Causes(), query_timeout=QUERY_TIMEOUT, autocommit=True
    )


async def written(connection: Connection, *names: str) -> list[str]:
    """Return what of this was written and has stayed."""
    found = [(name, await (await connection.run(READ, {"name": name})).fetchone()) for name in names]
    return [name for name, row in found if row == ("written",)]


def deed_of(ours: Sample) -> Deed:
    """Return what a user does whose lines ``lines`` returns."""
    return Deed(
        tenant=ours.tenant,
        user=ours.user,
        key_prefix="ak_12345678",
        action="aTransaction",
        resource_type=AuditResource.TENANT,
        resource_id="what the request names",
        client_address=None,
        request_id="request",
    )


def lines(ours: Sample, urls: DatabaseUrls) -> list[str]:
    """Return what the deed's lines are about."""
    query = "SELECT resource_id FROM audit_events WHERE tenant = %s AND action = 'aTransaction' ORDER BY 1"
    with psycopg.connect(urls.admin) as admin:
        return [str(row[0]) for row in admin.execute(query, (ours.tenant,))]
