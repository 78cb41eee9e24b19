-- Ends an execution: its status, its errors, its time, its last log entries, of which the last is the log's last word.
-- How it ended is told to whoever counts the runs of rules (fold_run_ends), by a row of its own: nothing is queued for.
-- Called by finish_run and end_execution_saying, which have set the tenant and locked the execution's row.
--
-- p_done is an action that is recorded with the end, as record_action would have before it: its result, whether it failed,
-- and how long actions took by then.
--
-- A failed action that was recorded before it ended the execution is not counted twice. The end is when it is written,
-- not when the transaction began: that may have waited for the rule, while the run went on and told of it. A wait that is
-- not over by then is what a retry from there begins with.

CREATE FUNCTION end_execution_v1(
    p_tenant uuid, p_execution uuid, p_status text, p_error_message text, p_error_stack text, p_failed_action integer,
    p_keep_call_key boolean, p_first integer, p_logs jsonb, p_done integer DEFAULT NULL, p_result json DEFAULT NULL,
    p_done_failed boolean DEFAULT NULL, p_actions_seconds double precision DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    run record;
    over timestamp with time zone := clock_timestamp();
BEGIN
    SELECT e.attempt, e.log_entries, e.log_bytes, e.logs_cut INTO run
    FROM automation_executions e WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    SELECT entries, bytes, cut INTO run.log_entries, run.log_bytes, run.logs_cut
    FROM append_execution_logs_v1(
        p_tenant, p_execution, run.attempt, p_first, p_logs, run.log_entries, run.log_bytes, run.logs_cut,
        true);
    WITH ended AS (UPDATE automation_executions e SET
        status = p_status,
        completed_at = over,
        duration_ms = CASE WHEN e.started_at IS NOT NULL THEN
            greatest(0, extract(epoch FROM over - e.started_at) * 1000)::double precision END,
        actions_failed = e.actions_failed + (p_done IS NOT NULL AND p_done_failed)::integer
            + coalesce(p_failed_action >= coalesce(p_done + 1, e.next_action), false)::integer,
        error_message = p_error_message,
        error_stack = p_error_stack,
        failed_action_index = p_failed_action,
        next_action = coalesce(p_done + 1, e.next_action) - coalesce(e.resume_at > over, false)::integer,
        call_key = CASE WHEN p_keep_call_key AND p_done IS NULL THEN e.call_key END,
        lease_until = NULL,
        resume_at = NULL,
        due_at = NULL,
        held_back = false,
        log_entries = run.log_entries,
        log_bytes = run.log_bytes,
        logs_cut = run.logs_cut,
        results = CASE WHEN p_done IS NULL THEN e.results ELSE with_result_v1(e.results, p_done, p_result) END,
        results_bytes = e.results_bytes
            + CASE WHEN p_done IS NULL THEN 0 ELSE coalesce(octet_length(p_result::text), 0) END,
        tries = CASE WHEN p_done IS NULL THEN e.tries ELSE 0 END,
        actions_seconds = CASE WHEN p_done IS NULL THEN e.actions_seconds ELSE p_actions_seconds END,
        actions_successful = e.actions_successful + (p_done IS NOT NULL AND NOT p_done_failed)::integer
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution
    RETURNING e.automation_rule_id, e.duration_ms)
    INSERT INTO automation_run_ends (tenant, automation_rule_id, ended_at, execution_id, status, duration_ms)
    SELECT p_tenant, d.automation_rule_id, over, p_execution, p_status, d.duration_ms FROM ended d;
END
$$;

REVOKE ALL ON FUNCTION end_execution_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_execution_v1 TO automation_api, automation_worker;
