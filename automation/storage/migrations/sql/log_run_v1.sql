-- Appends to the log of a claimed execution. The answer is stored, or cancelled where a cancel was asked for; NULL where
-- the claim is lost.
-- Called by Runs.log (automation/storage/runs/runs.py).

CREATE FUNCTION log_run_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint, p_first integer, p_logs jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    run record;
BEGIN
    SELECT e.next_action, e.cancel_requested_at, e.log_entries, e.log_bytes, e.logs_cut INTO run
    FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt AND e.fence = p_fence
        AND e.status || '' = 'running' AND e.lease_until IS NOT NULL
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT entries, bytes, cut INTO run.log_entries, run.log_bytes, run.logs_cut
    FROM append_execution_logs_v1(
        p_tenant, p_execution, p_attempt, p_first, p_logs, run.log_entries, run.log_bytes, run.logs_cut);
    UPDATE automation_executions e SET
        log_entries = run.log_entries,
        log_bytes = run.log_bytes,
        logs_cut = run.logs_cut
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    RETURN CASE WHEN run.cancel_requested_at IS NULL THEN 'stored' ELSE 'cancelled' END;
END
$$;

REVOKE ALL ON FUNCTION log_run_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION log_run_v1 TO automation_worker;
