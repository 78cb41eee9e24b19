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
    one record;
BEGIN
    FOREACH swept IN ARRAY ARRAY['running', 'pending'] LOOP
        FOR one IN EXECUTE format($sweep$
            WITH due AS (
                SELECT e.tenant, e.execution_id FROM automation_executions e
                WHERE e.status = %1$L AND e.due_at <= now()
                ORDER BY e.due_at LIMIT $1
                FOR NO KEY UPDATE SKIP LOCKED
            ), taken AS (
                UPDATE automation_executions e SET due_at = now() + interval '10 seconds'
                FROM due WHERE e.tenant = due.tenant AND e.execution_id = due.execution_id
                RETURNING e.tenant, e.execution_id, e.attempt, e.priority, e.queued_at
            )
            SELECT tenant, execution_id, attempt,
                CASE WHEN %1$L = 'running' THEN -11 ELSE -priority END AS rank,
                (extract(epoch FROM queued_at) * 1000000)::bigint AS since,
                EXISTS (
                    SELECT FROM procrastinate.procrastinate_jobs j
                    WHERE j.status = 'todo' AND j.queueing_lock = concat(taken.execution_id, ':', taken.attempt)
                ) AS waits
            FROM taken
        $sweep$, swept) USING room
        LOOP
            IF NOT one.waits THEN
                PERFORM enqueue_execution_v1(one.tenant, one.execution_id, one.attempt, one.rank, one.since);
            END IF;
            room := room - 1;
            tenant := one.tenant;
            execution_id := one.execution_id;
            attempt := one.attempt;
            RETURN NEXT;
        END LOOP;
        EXIT WHEN room <= 0;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION sweep_due_executions_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sweep_due_executions_v1 TO automation_worker;
ALTER FUNCTION sweep_due_executions_v1 OWNER TO automation_directory;
