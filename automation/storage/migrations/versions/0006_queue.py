"""Procrastinate's queue in a schema of its own, and the two functions through which executions get into it.

``procrastinate_3_10.sql`` is that release's schema, word for word; a release that changes it brings a revision of its
own. Its names are unqualified, so its functions are given the search path that finds them. The workers' connections
set it themselves (``search_path = procrastinate, public``).

The API has no grant on the queue: ``defer_execution_v1`` writes the one kind of job that there is, for a tenant's own
executions. ``sweep_due_executions_v1`` sees the executions of all tenants, no more of them than when they are due.
"""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_PROCRASTINATE = Path(__file__).parent.parent / "procrastinate_3_10.sql"

_PINNED = """
DO $$
DECLARE
    function regprocedure;
BEGIN
    FOR function IN SELECT oid FROM pg_proc WHERE pronamespace = 'procrastinate'::regnamespace LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, procrastinate, pg_temp', function);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', function);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO automation_worker', function);
    END LOOP;
END
$$
"""

# The queueing lock keeps a second job of an attempt out while one is waiting in the queue.
_DEFER = """
CREATE FUNCTION defer_execution_v1(p_tenant uuid, p_execution uuid, p_attempt integer)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF p_tenant IS DISTINCT FROM nullif(current_setting('app.tenant', true), '')::uuid THEN
        RAISE insufficient_privilege USING MESSAGE = 'an execution is deferred in a transaction of its own tenant';
    END IF;
    INSERT INTO procrastinate.procrastinate_jobs (queue_name, task_name, queueing_lock, args)
    VALUES ('executions', 'run_execution', concat(p_execution, ':', p_attempt),
        jsonb_build_object('tenant', p_tenant, 'execution_id', p_execution, 'attempt', p_attempt))
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING;
END
$$
"""

# Those that run come first: they have a worker to lose, the pending ones have a job already, as a rule.
_SWEEP = """
CREATE FUNCTION sweep_due_executions_v1(p_limit integer)
RETURNS TABLE (tenant uuid, execution_id uuid, attempt integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    swept text;
    room integer := p_limit;
    found integer;
BEGIN
    FOREACH swept IN ARRAY ARRAY['running', 'pending'] LOOP
        RETURN QUERY EXECUTE format($sweep$
            WITH due AS (
                SELECT e.tenant, e.execution_id FROM automation_executions e
                WHERE e.status = %1$L AND e.due_at <= now()
                ORDER BY e.due_at LIMIT $1
                FOR NO KEY UPDATE SKIP LOCKED
            ), taken AS (
                UPDATE automation_executions e SET due_at = now() + interval '10 seconds'
                FROM due WHERE e.tenant = due.tenant AND e.execution_id = due.execution_id
                RETURNING e.tenant, e.execution_id, e.attempt
            ), deferred AS (
                INSERT INTO procrastinate.procrastinate_jobs (queue_name, task_name, queueing_lock, args)
                SELECT 'executions', 'run_execution', concat(t.execution_id, ':', t.attempt),
                    jsonb_build_object('tenant', t.tenant, 'execution_id', t.execution_id, 'attempt', t.attempt)
                FROM taken t
                ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
            )
            SELECT tenant, execution_id, attempt FROM taken
        $sweep$, swept) USING room;
        GET DIAGNOSTICS found = ROW_COUNT;
        room := room - found;
        EXIT WHEN room <= 0;
    END LOOP;
END
$$
"""

_DIRECTORY = """
CREATE POLICY directory_reads ON automation_executions FOR SELECT TO automation_directory
    USING (status IN ('pending', 'running'));
CREATE POLICY directory_takes ON automation_executions FOR UPDATE TO automation_directory
    USING (status IN ('pending', 'running'));
GRANT SELECT (tenant, execution_id, attempt, status, due_at), UPDATE (due_at)
    ON automation_executions TO automation_directory;

GRANT USAGE ON SCHEMA procrastinate TO automation_directory, automation_worker;
GRANT SELECT (queueing_lock, status), INSERT (queue_name, task_name, queueing_lock, args)
    ON procrastinate.procrastinate_jobs TO automation_directory;
GRANT INSERT ON procrastinate.procrastinate_events TO automation_directory;
GRANT USAGE ON SEQUENCE procrastinate.procrastinate_jobs_id_seq, procrastinate.procrastinate_events_id_seq
    TO automation_directory;
"""

_WORKER = """
GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate.procrastinate_jobs, procrastinate.procrastinate_workers,
    procrastinate.procrastinate_periodic_defers TO automation_worker;
GRANT SELECT, INSERT ON procrastinate.procrastinate_events TO automation_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA procrastinate TO automation_worker;

REVOKE ALL ON FUNCTION defer_execution_v1(uuid, uuid, integer), sweep_due_executions_v1(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION defer_execution_v1(uuid, uuid, integer) TO automation_api, automation_worker;
GRANT EXECUTE ON FUNCTION sweep_due_executions_v1(integer) TO automation_worker;
"""

# As in revision 0003: for this moment, the owner may give functions away, and their new owner create in the schema.
_GIVE_AWAY = """
DO $$
DECLARE
    sixteen constant boolean := current_setting('server_version_num')::integer >= 160000;
    able constant boolean := pg_has_role(
        current_user, 'automation_directory', CASE WHEN sixteen THEN 'SET' ELSE 'MEMBER' END);
BEGIN
    IF NOT able THEN
        EXECUTE 'GRANT automation_directory TO CURRENT_USER'
            || CASE WHEN sixteen THEN ' WITH INHERIT FALSE, SET TRUE' ELSE '' END;
    END IF;
    GRANT CREATE ON SCHEMA public TO automation_directory;
    ALTER FUNCTION defer_execution_v1(uuid, uuid, integer) OWNER TO automation_directory;
    ALTER FUNCTION sweep_due_executions_v1(integer) OWNER TO automation_directory;
    REVOKE CREATE ON SCHEMA public FROM automation_directory;
    IF NOT able THEN
        REVOKE automation_directory FROM CURRENT_USER;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE insufficient_privilege USING MESSAGE = format(
            'this role may not give functions to automation_directory (%s); '
            'it must own the database, and an administrator runs: GRANT automation_directory TO %I',
            SQLERRM, current_user);
END
$$
"""

_DROP = """
DROP FUNCTION sweep_due_executions_v1(integer);
DROP FUNCTION defer_execution_v1(uuid, uuid, integer);

DROP POLICY directory_takes ON automation_executions;
DROP POLICY directory_reads ON automation_executions;
REVOKE SELECT (tenant, execution_id, attempt, status, due_at), UPDATE (due_at)
    ON automation_executions FROM automation_directory;

DROP SCHEMA procrastinate CASCADE;
"""


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("CREATE SCHEMA procrastinate")
    before = connection.exec_driver_sql("SELECT current_setting('search_path')").scalar_one()
    connection.exec_driver_sql("SET LOCAL search_path = procrastinate, pg_temp")
    connection.exec_driver_sql(_PROCRASTINATE.read_text())
    connection.exec_driver_sql(f"SELECT set_config('search_path', $before${before}$before$, true)")
    for statements in (_PINNED, _DEFER, _SWEEP, _DIRECTORY, _WORKER, _GIVE_AWAY):
        connection.exec_driver_sql(statements)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(_DROP)
