-- Holds a claimed execution for another p_lease seconds, and says what is wanted of the run. No row where the claim is
-- lost.
-- Called by Runs.renew (automation/storage/runs/runs.py).
--
-- Asked every second, it writes once a third of the lease is gone. The lease counts from now on, not from the
-- transaction's beginning: a database that was stopped in between must not grant what is over already.

CREATE FUNCTION renew_claim_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint, p_lease double precision)
RETURNS TABLE (cancel_requested boolean, deadline_passed boolean)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    renewed constant timestamp with time zone := clock_timestamp() + make_interval(secs => p_lease);
BEGIN
    UPDATE automation_executions e SET
        lease_until = renewed,
        due_at = renewed
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt AND e.fence = p_fence
        AND e.status || '' = 'running' AND e.lease_until < now() + make_interval(secs => p_lease * 2 / 3);
    RETURN QUERY
    SELECT e.cancel_requested_at IS NOT NULL, coalesce(e.deadline_at <= now(), false)
    FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt AND e.fence = p_fence
        AND e.status || '' = 'running' AND e.lease_until IS NOT NULL;
END
$$;

REVOKE ALL ON FUNCTION renew_claim_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION renew_claim_v1 TO automation_worker;
