-- Removes executions of a tenant that ended in a status more than p_days ago, the oldest first, with their attempts and
-- logs. It looks at the p_limit oldest after a place, and at fewer where these have p_rows rows together. Returns how
-- many were removed, and the place of the last that was looked at, null where there was none. No row where somebody else
-- prunes at the moment: one at a time is enough of a load.
-- Called by RetentionStore.prune_executions (automation/storage/retention.py) and Pruning
-- (automation/storage/accounts/pruning.py).
--
-- What has not ended is removed by nobody: a policy keeps it. Who is being retried or read for an update is passed over.

CREATE FUNCTION prune_executions_v1(
    p_tenant uuid, p_status text, p_days integer, p_after_at timestamp with time zone, p_after_id uuid,
    p_limit integer, p_rows integer)
RETURNS TABLE (removed integer, at timestamp with time zone, id uuid)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    over timestamp with time zone := now() - make_interval(days => p_days);
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('automation retention', 0)) THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH looked AS MATERIALIZED (
        SELECT e.execution_id, e.attempt, e.created_at, coalesce(e.completed_at, e.created_at) AS ended_at
        FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.status = p_status AND e.created_at < over
            AND (e.created_at, e.execution_id) > (p_after_at, p_after_id)
        ORDER BY e.created_at, e.execution_id LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    ), weighed AS (
        SELECT l.*, l.attempt + (
            SELECT count(*) FROM automation_execution_logs g
            WHERE g.tenant = p_tenant AND g.execution_id = l.execution_id) AS weight
        FROM looked l
    ), reached AS (
        SELECT w.* FROM (
            SELECT a.*, sum(a.weight) OVER (ORDER BY a.created_at, a.execution_id) - a.weight AS before FROM weighed a
        ) w WHERE w.before < p_rows
    ), gone AS (
        DELETE FROM automation_executions e USING reached r
        WHERE e.tenant = p_tenant AND e.execution_id = r.execution_id AND r.ended_at < over
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM gone)::integer, last.created_at::timestamptz, last.execution_id
    FROM (SELECT 1) always
    LEFT JOIN LATERAL (
        SELECT r.created_at, r.execution_id FROM reached r ORDER BY r.created_at DESC, r.execution_id DESC LIMIT 1
    ) last ON true;
END
$$;

REVOKE ALL ON FUNCTION prune_executions_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION prune_executions_v1 TO automation_worker;
