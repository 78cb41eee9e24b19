-- Hands a claimed execution back as it is, together with a job. The answer is stored, or cancelled where a cancel was
-- asked for: then nothing is stored, and the run ends. NULL where the claim is lost.
-- Called by Runs.release (automation/storage/runs/runs.py).
--
-- The lease ends with the epoch: any worker may have the execution, and none was lost.

CREATE FUNCTION release_claim_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint, p_first integer, p_logs jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    run record;
BEGIN
    SELECT e.cancel_requested_at, e.queued_at, e.log_entries, e.log_bytes, e.logs_cut INTO run
    FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt AND e.fence = p_fence
        AND e.status || '' = 'running' AND e.lease_until IS NOT NULL
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF run.cancel_requested_at IS NOT NULL THEN
        RETURN 'cancelled';
    END IF;
    SELECT entries, bytes, cut INTO run.log_entries, run.log_bytes, run.logs_cut
    FROM append_execution_logs_v1(
        p_tenant, p_execution, p_attempt, p_first, p_logs, run.log_entries, run.log_bytes, run.logs_cut);
    UPDATE automation_executions e SET
        lease_until = 'epoch',
        due_at = now(),
        log_entries = run.log_entries,
        log_bytes = run.log_bytes,
        logs_cut = run.logs_cut
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    PERFORM defer_execution_v1(
        p_tenant, p_execution, p_attempt, -11, (extract(epoch FROM run.queued_at) * 1000000)::bigint);
    RETURN 'stored';
END
$$;

REVOKE ALL ON FUNCTION release_claim_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION release_claim_v1 TO automation_worker;
