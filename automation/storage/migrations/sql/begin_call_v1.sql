-- Stores how often the next action has been tried, this try included, and its call's Idempotency-Key; false where the
-- claim is lost.
-- Called by Runs.begin_call (automation/storage/runs.py), before the call is made.

CREATE FUNCTION begin_call_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint, p_tries integer, p_call_key uuid)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    UPDATE automation_executions e SET tries = p_tries, call_key = p_call_key
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt AND e.fence = p_fence
        AND e.status = 'running' AND e.lease_until IS NOT NULL;
    RETURN FOUND;
END
$$;

REVOKE ALL ON FUNCTION begin_call_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_call_v1 TO automation_worker;
