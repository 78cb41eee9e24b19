-- Stores that the execution waits until a time, at which any worker may go on with it. The answer is stored, or cancelled
-- where a cancel was asked for: then nothing is stored, and the run ends. NULL where the claim is lost.
-- Called by Runs.wait (automation/storage/runs/runs.py).
--
-- The claim ends here, not its number: that the wait began is known by it where the write is repeated, because its
-- answer was lost.

CREATE FUNCTION begin_wait_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint, p_next_action integer,
    p_resume_at timestamp with time zone, p_result json, p_first integer, p_logs jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    index constant integer := p_next_action - 1;
    run record;
BEGIN
    SELECT e.next_action, e.cancel_requested_at, e.log_entries, e.log_bytes, e.logs_cut INTO run
    FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt AND e.fence = p_fence
        AND e.status || '' = 'running' AND e.lease_until IS NOT NULL
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN (
            SELECT 'stored' FROM automation_executions e
            WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt
                AND e.fence = p_fence AND e.status || '' = 'running' AND e.lease_until IS NULL
                AND e.next_action = p_next_action);
    END IF;
    IF run.cancel_requested_at IS NOT NULL THEN
        RETURN 'cancelled';
    END IF;
    SELECT entries, bytes, cut INTO run.log_entries, run.log_bytes, run.logs_cut
    FROM append_execution_logs_v1(
        p_tenant, p_execution, p_attempt, p_first, p_logs, run.log_entries, run.log_bytes, run.logs_cut);
    UPDATE automation_executions e SET
        results = CASE WHEN p_result IS NULL THEN e.results ELSE concat(
            coalesce(left(e.results::text, -1) || ',', '{'), '"', index, '":', p_result::text, '}')::json END,
        results_bytes = e.results_bytes + coalesce(octet_length(p_result::text), 0),
        next_action = p_next_action,
        tries = 0,
        call_key = NULL,
        resume_at = p_resume_at,
        lease_until = NULL,
        due_at = least(p_resume_at, e.deadline_at),
        log_entries = run.log_entries,
        log_bytes = run.log_bytes,
        logs_cut = run.logs_cut
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    PERFORM wake_held_execution_v1(p_tenant);
    RETURN 'stored';
END
$$;

REVOKE ALL ON FUNCTION begin_wait_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_wait_v1 TO automation_worker;
