-- Says whether a tenant has as many pending executions as it may have: its own max_pending, or else p_max_pending, the
-- settings' default.
-- Called by create_execution and retry_execution, which have set the tenant.
--
-- The count goes no further than the limit, in the index whose order it asks for: it reads no other tenant's. Those that are being created at the same moment don't
-- see each other: a tenant may exceed its limit by as many as it has requests under way, which costs nobody anything,
-- where a lock would make each of its requests wait for the one before.

CREATE FUNCTION too_many_pending_v1(p_tenant uuid, p_max_pending bigint)
RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY INVOKER
AS $$
DECLARE
    most constant bigint := coalesce(
        (SELECT l.value FROM tenant_limits l WHERE l.tenant = p_tenant AND l.name = 'max_pending'), p_max_pending);
BEGIN
    RETURN most IS NOT NULL AND most <= (
        SELECT count(*) FROM (
            SELECT FROM automation_executions e WHERE e.tenant = p_tenant AND e.status = 'pending'
            ORDER BY e.automation_rule_id, e.queued_at, e.execution_id LIMIT most) pending);
END
$$;

REVOKE ALL ON FUNCTION too_many_pending_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION too_many_pending_v1 TO automation_api, automation_worker;
