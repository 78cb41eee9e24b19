-- Writes a job for an attempt of an execution, in a transaction of the execution's tenant: the only kind of job there
-- is. Of a tenant's jobs the one of the smallest rank is first: minus the execution's priority, or -11 where it has
-- started already; and of two with the same, the one that is due since earlier, in microseconds.
-- Called by create_execution, retry_execution, serve_turn, release_claim, wake_executions and wake_held_execution.
-- It runs as its owner, because the API has no grant on the queue.
--
-- The queueing lock keeps a second job of an attempt out while one is waiting in the queue.

CREATE FUNCTION defer_execution_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_rank integer, p_since bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF p_tenant IS DISTINCT FROM nullif(current_setting('app.tenant', true), '')::uuid THEN
        RAISE insufficient_privilege USING MESSAGE = 'an execution is deferred in a transaction of its own tenant';
    END IF;
    PERFORM enqueue_execution_v1(p_tenant, p_execution, p_attempt, p_rank, p_since);
END
$$;

REVOKE ALL ON FUNCTION defer_execution_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION defer_execution_v1 TO automation_api, automation_worker;
ALTER FUNCTION defer_execution_v1 OWNER TO automation_directory;
