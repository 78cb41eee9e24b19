"""A bulk operation whose server is killed at any moment goes on, and each execution is changed once."""

from collections.abc import Mapping

import httpx
import psycopg
import pytest

from automation.storage.accounts.administration import Administration
from automation.storage.bulk_changes import MOST
from tests.databases import DatabaseUrls
from tests.plain_http import PLAIN
from tests.storage.roles import Connection
from tests.system.blocked import blocked, wait_for_the_end
from tests.system.many_executions import failed, over
from tests.system.paging import page
from tests.system.processes import serving
from tests.system.tenancy import EXECUTIONS, Tenant, judging_client, new_tenant

COUNT = MOST + 1
# One in the middle of a batch in the middle: they are changed by age, and all of one age by their ids.
HOLD = """
SELECT FROM automation_executions WHERE execution_id = (
    SELECT execution_id FROM automation_executions WHERE tenant = %s
    ORDER BY created_at, execution_id LIMIT 1 OFFSET 500)
FOR UPDATE
"""
UNCHANGED = {
    "delete": "SELECT count(*) FROM automation_executions WHERE tenant = %s",
    "retry": "SELECT count(*) FROM automation_executions WHERE tenant = %s AND (status, attempt) <> ('pending', 2)",
}
TOLD = """
SELECT count(*), count(DISTINCT resource_id) FROM audit_events
WHERE tenant = %s AND resource_id IS NOT NULL AND action = '{}AutomationExecutions'
"""
JOBS = "SELECT count(*) FROM procrastinate.procrastinate_jobs WHERE args ->> 'tenant' = %s::text"


def count(admin: Connection, statement: str, tenant: Tenant) -> tuple[int, ...]:
    """Return the numbers that a statement counts of a tenant."""
    (row,) = admin.execute(statement.encode(), (tenant.tenant,)).fetchall()
    return tuple(int(str(each)) for each in row)


@pytest.mark.parametrize("action", UNCHANGED)
def test_it_is_killed_in_the_middle_of_a_batch_and_goes_on(
    database_urls: DatabaseUrls, settings: Mapping[str, str], action: str
) -> None:
    administration = Administration(database_urls.owner)
    with psycopg.connect(database_urls.admin, autocommit=True) as admin:
        with serving(settings) as process, judging_client(process.base_url) as client:
            tenant = new_tenant(client, administration)
            wanted = failed(tenant, COUNT)
            with psycopg.connect(database_urls.admin) as holder:
                holder.execute(HOLD, (tenant.tenant,))
                accepted = tenant.post(f"{EXECUTIONS}/{action}", {"filter": wanted})
                pid = blocked(admin, holder)
                process.popen.kill()
                process.popen.wait()
            wait_for_the_end(admin, pid)
        (before,) = count(admin, UNCHANGED[action], tenant)

        with serving(settings) as process, httpx.Client(base_url=process.base_url, **PLAIN) as client:
            again = Tenant(client, administration, tenant.tenant, tenant.user, tenant.key)
            operation = over(again, accepted.headers["location"])
            unchanged = page(again, **wanted)["data"]

        assert accepted.status_code == httpx.codes.ACCEPTED
        assert 0 < before < COUNT
        assert (operation["status"], operation["done"], operation["refused"]) == ("completed", COUNT, 0)
        assert unchanged == []
        assert count(admin, UNCHANGED[action], tenant) == (0,)
        assert count(admin, TOLD.format(action), tenant) == (COUNT, COUNT)
        assert count(admin, JOBS, tenant) == (COUNT if action == "retry" else 0,)
