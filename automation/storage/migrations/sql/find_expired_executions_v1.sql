-- Finds the executions, of any tenant, that had not begun when they expired, p_limit at the most: of each tenant the one that
-- expired first, then the second of each, so that many of one keep no other waiting.
-- Called by Due.expire (automation/storage/due.py), which ends each in a transaction of its own (expire_execution): who
-- has locked an execution locks no rule. It runs as its owner, who sees of all tenants' executions no more than when they
-- are due.

CREATE FUNCTION find_expired_executions_v1(p_limit integer)
RETURNS TABLE (tenant uuid, execution_id uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT d.tenant, d.execution_id
    FROM (
        SELECT e.tenant, e.execution_id, e.expires_at,
            row_number() OVER (PARTITION BY e.tenant ORDER BY e.expires_at) AS turn
        FROM automation_executions e WHERE e.status = 'pending' AND e.expires_at <= now()
    ) d
    ORDER BY d.turn, d.expires_at LIMIT p_limit
$$;

REVOKE ALL ON FUNCTION find_expired_executions_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_expired_executions_v1 TO automation_worker;
ALTER FUNCTION find_expired_executions_v1 OWNER TO automation_directory;
