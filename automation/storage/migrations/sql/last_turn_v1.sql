-- Tells the priority of a tenant's last turn of those that wait; NULL where none does.
-- Called by enqueue_execution, as its owner.
--
-- It reads one job, along the index in whose order it asks: nothing may be sorted, whatever the planner believes of the
-- queue (first_turn).

CREATE FUNCTION last_turn_v1(p_tenant uuid)
RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET enable_sort = off
SET enable_incremental_sort = off
AS $$
BEGIN
    RETURN (
        SELECT last.priority FROM (
            SELECT j.args ->> 'tenant' AS tenant, j.priority FROM procrastinate.procrastinate_jobs j
            WHERE j.status = 'todo' AND j.args ->> 'tenant' >= p_tenant::text
            ORDER BY j.args ->> 'tenant', j.priority LIMIT 1) last
        WHERE last.tenant = p_tenant::text);
END
$$;

REVOKE ALL ON FUNCTION last_turn_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION last_turn_v1 TO automation_directory;
