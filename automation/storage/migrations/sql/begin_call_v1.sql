-- Lets a call of the next action begin: stores how often that was tried before and the call's Idempotency-Key, and holds
-- the execution for another p_lease seconds. The answer is stored; or cancelled where a cancel was asked for, or
-- out_of_time where the execution's time is over: then nothing is stored, and no call may begin. NULL where the claim is
-- lost.
-- Called by Runs.write, for CallBegins (automation/storage/runs/writes.py), and by write_runs, before the call is made.
--
-- The lease is written once a third of it is gone, as by renew_claim. It counts from the moment of the write, not from
-- the transaction's beginning: a database that was stopped in between must not grant what is over already.

CREATE FUNCTION begin_call_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint, p_lease double precision, p_tries integer,
    p_call_key uuid, p_first integer, p_logs jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    run record;
    moment timestamp with time zone;
    renewed timestamp with time zone;
BEGIN
    SELECT e.lease_until, e.deadline_at, e.cancel_requested_at, e.log_entries, e.log_bytes, e.logs_cut INTO run
    FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt AND e.fence = p_fence
        AND e.status || '' = 'running' AND e.lease_until IS NOT NULL
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    moment := clock_timestamp();
    IF run.cancel_requested_at IS NOT NULL THEN
        RETURN 'cancelled';
    END IF;
    IF run.deadline_at <= moment THEN
        RETURN 'out_of_time';
    END IF;
    IF p_logs IS NOT NULL THEN
        SELECT entries, bytes, cut INTO run.log_entries, run.log_bytes, run.logs_cut
        FROM append_execution_logs_v1(
            p_tenant, p_execution, p_attempt, p_first, p_logs, run.log_entries, run.log_bytes, run.logs_cut);
    END IF;
    IF run.lease_until < moment + make_interval(secs => p_lease * 2 / 3) THEN
        renewed := moment + make_interval(secs => p_lease);
    END IF;
    UPDATE automation_executions e SET
        tries = p_tries,
        call_key = p_call_key,
        lease_until = coalesce(renewed, e.lease_until),
        due_at = coalesce(renewed, e.due_at),
        log_entries = run.log_entries,
        log_bytes = run.log_bytes,
        logs_cut = run.logs_cut
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    RETURN 'stored';
END
$$;

REVOKE ALL ON FUNCTION begin_call_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_call_v1 TO automation_worker;
