-- Writes a job for each execution, of any tenant, that is due to be looked at, and returns them, p_limit at the most.
-- None is returned to two sweeps at once, or again within 10 s.
-- Called by Due.sweep (automation/storage/due.py). It runs as its owner, who sees of all tenants' executions no more
-- than when they are due.
--
-- Those that run come first: they have a worker to lose, the pending ones have a job already, as a rule.

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
$$;

REVOKE ALL ON FUNCTION sweep_due_executions_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sweep_due_executions_v1 TO automation_worker;
ALTER FUNCTION sweep_due_executions_v1 OWNER TO automation_directory;
