-- Ends a claimed execution, and lets the oldest one start that its rule's limit held back; false where the claim is
-- lost.
-- Called by Runs.finish (automation/storage/runs.py).
--
-- Where the write is repeated, because its answer was lost, the execution has ended with this claim's number.

CREATE FUNCTION finish_run_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint, p_status text, p_error_message text,
    p_error_stack text, p_failed_action integer, p_keep_call_key boolean, p_logs jsonb)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    limited uuid := lock_limited_rule_v1(p_tenant, p_execution);
    run record;
BEGIN
    SELECT e.next_action, e.log_entries, e.log_bytes, e.logs_cut INTO run
    FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt AND e.fence = p_fence
        AND e.status = 'running' AND e.lease_until IS NOT NULL
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN EXISTS (
            SELECT FROM automation_executions e
            WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt
                AND e.fence = p_fence AND e.status = p_status);
    END IF;
    PERFORM end_execution_v1(p_tenant, p_execution, p_status, p_error_message, p_error_stack, p_failed_action,
        p_keep_call_key, p_logs);
    PERFORM wake_executions_v1(p_tenant, limited);
    RETURN true;
END
$$;

REVOKE ALL ON FUNCTION finish_run_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finish_run_v1 TO automation_worker;
