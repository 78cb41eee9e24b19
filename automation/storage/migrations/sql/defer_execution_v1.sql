-- Writes a job for an attempt of an execution, in a transaction of the execution's tenant: the only kind of job there
-- is.
-- Called by create_execution, retry_execution, release_claim and wake_executions. It runs as its owner, because the API
-- has no grant on the queue.
--
-- The queueing lock keeps a second job of an attempt out while one is waiting in the queue.

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
$$;

REVOKE ALL ON FUNCTION defer_execution_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION defer_execution_v1 TO automation_api, automation_worker;
ALTER FUNCTION defer_execution_v1 OWNER TO automation_directory;
