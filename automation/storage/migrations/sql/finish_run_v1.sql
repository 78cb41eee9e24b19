-- Ends a claimed execution, lets the oldest one start that its rule's limit held back, and returns the status that it
-- ended with: p_status, or cancelled where a cancel was asked for before. NULL where the claim is lost.
-- p_done is the action after which nothing was left to do, where it isn't recorded yet: that is done with it.
-- Called by Runs.finish (automation/storage/runs/runs.py) and write_runs.
--
-- A cancel that was asked for is kept, whatever the run came to since: what it did is told and counted, and its last
-- word, p_last, is replaced by the cancel's reason. Where the write is repeated, because its answer was lost, the
-- execution has ended with this claim's number.

CREATE FUNCTION finish_run_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint, p_status text, p_error_message text,
    p_error_stack text, p_failed_action integer, p_keep_call_key boolean, p_first integer, p_logs jsonb, p_last jsonb,
    p_done integer DEFAULT NULL, p_result json DEFAULT NULL, p_done_failed boolean DEFAULT NULL,
    p_actions_seconds double precision DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    limited uuid := lock_limited_rule_v1(p_tenant, p_execution);
    logs constant jsonb := coalesce(p_logs, '[]');
    place constant integer := CASE WHEN p_logs IS NOT NULL THEN p_first END;
    run record;
BEGIN
    SELECT e.cancel_requested_at, e.cancel_reason, e.next_action INTO run
    FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt AND e.fence = p_fence
        AND e.status || '' = 'running' AND e.lease_until IS NOT NULL
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN (
            SELECT e.status FROM automation_executions e
            WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt
                AND e.fence = p_fence
                AND (e.status || '' = p_status OR e.status || '' = 'cancelled' AND e.cancel_requested_at IS NOT NULL));
    END IF;
    IF p_done < run.next_action THEN -- recorded already
        p_done := NULL;
    END IF;
    IF run.cancel_requested_at IS NULL THEN
        PERFORM end_execution_v1(p_tenant, p_execution, p_status, p_error_message, p_error_stack, p_failed_action,
            p_keep_call_key, place, logs || coalesce(p_last, '[]'), p_done, p_result, p_done_failed,
            p_actions_seconds);
    ELSE
        p_status := 'cancelled';
        PERFORM end_execution_v1(p_tenant, p_execution, p_status, NULL, NULL, p_failed_action, p_keep_call_key, place,
            logs || jsonb_build_object('timestamp', clock_timestamp(), 'level', 'info', 'message', run.cancel_reason),
            p_done, p_result, p_done_failed, p_actions_seconds);
    END IF;
    PERFORM wake_executions_v1(p_tenant, limited, p_execution);
    PERFORM wake_held_execution_v1(p_tenant);
    RETURN p_status;
END
$$;

REVOKE ALL ON FUNCTION finish_run_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finish_run_v1 TO automation_worker;
