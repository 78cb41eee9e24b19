-- Finds and locks the job of a tenant whose execution comes first, of those that come before a rank and a time; one that is
-- locked is left out.
-- Called by serve_turn.
--
-- It reads along the index in whose order it asks, and nothing may be sorted: whatever the planner believes of the queue,
-- of which it has heard last while it was empty, no other job of the tenant is looked at.

CREATE FUNCTION first_turn_v1(p_tenant uuid, p_rank integer, p_since bigint)
RETURNS TABLE (id bigint, execution uuid, attempt integer)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
SET enable_sort = off
SET enable_incremental_sort = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT j.id, (j.args ->> 'execution_id')::uuid, (j.args ->> 'attempt')::integer
    FROM procrastinate.procrastinate_jobs j
    WHERE j.status = 'todo' AND j.args ->> 'tenant' >= p_tenant::text
        AND (j.args ->> 'tenant', (j.args ->> 'rank')::integer, (j.args ->> 'since')::bigint)
            < (p_tenant::text, p_rank, p_since)
    ORDER BY j.args ->> 'tenant', (j.args ->> 'rank')::integer, (j.args ->> 'since')::bigint LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED;
END
$$;

REVOKE ALL ON FUNCTION first_turn_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION first_turn_v1 TO automation_worker;
