-- Stores that an action is over and the run could go on. The answer is stored, or cancelled where a cancel was asked for,
-- and the run ends; NULL where the claim is lost.
-- Called by Runs.write, for ActionDone (automation/storage/runs/writes.py), and by write_runs.
--
-- An action before next_action is recorded already: the write is repeated, because its answer was lost.

CREATE FUNCTION record_action_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint, index integer, p_result json,
    p_failed boolean, p_next_action integer, p_actions_seconds double precision, p_first integer, p_logs jsonb)
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
    IF index < run.next_action THEN
        RETURN CASE WHEN run.cancel_requested_at IS NULL THEN 'stored' ELSE 'cancelled' END;
    END IF;
    SELECT entries, bytes, cut INTO run.log_entries, run.log_bytes, run.logs_cut
    FROM append_execution_logs_v1(
        p_tenant, p_execution, p_attempt, p_first, p_logs, run.log_entries, run.log_bytes, run.logs_cut);
    UPDATE automation_executions e SET
        results = with_result_v1(e.results, index, p_result),
        results_bytes = e.results_bytes + coalesce(octet_length(p_result::text), 0),
        next_action = p_next_action,
        tries = 0,
        lost_workers = 0,
        actions_seconds = p_actions_seconds,
        call_key = NULL,
        actions_successful = e.actions_successful + (NOT p_failed)::integer,
        actions_failed = e.actions_failed + p_failed::integer,
        log_entries = run.log_entries,
        log_bytes = run.log_bytes,
        logs_cut = run.logs_cut
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    RETURN CASE WHEN run.cancel_requested_at IS NULL THEN 'stored' ELSE 'cancelled' END;
END
$$;

REVOKE ALL ON FUNCTION record_action_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_action_v1 TO automation_worker;
