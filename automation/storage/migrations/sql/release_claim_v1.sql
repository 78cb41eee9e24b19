-- Hands a claimed execution back as it is, together with a job; false where the claim is lost.
-- Called by Runs.release (automation/storage/runs.py).

CREATE FUNCTION release_claim_v1(p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    UPDATE automation_executions e SET lease_until = now() - interval '1 microsecond', due_at = now()
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt AND e.fence = p_fence
        AND e.status = 'running' AND e.lease_until IS NOT NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM defer_execution_v1(p_tenant, p_execution, p_attempt);
    RETURN true;
END
$$;

REVOKE ALL ON FUNCTION release_claim_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION release_claim_v1 TO automation_worker;
