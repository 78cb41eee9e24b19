-- Ends an execution that has not begun by the time at which it expires: it is skipped, and its log and its message say so.
-- Says whether that was done; NULL where somebody else holds what it needs for longer than p_patience, a lock_timeout.
-- Called by claim_execution and Due.expire (automation/storage/due.py).
--
-- Those that waited behind it, at its rule's limit or its tenant's, are woken. A retry expires no more (retry_execution).

CREATE FUNCTION expire_execution_v1(p_tenant uuid, p_execution uuid, p_patience text DEFAULT NULL)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    limited uuid;
    over timestamp with time zone;
    message text;
BEGIN
    IF p_patience IS NOT NULL THEN
        PERFORM set_config('lock_timeout', p_patience, true);
    END IF;
    limited := lock_limited_rule_v1(p_tenant, p_execution);
    SELECT e.expires_at INTO over FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.status || '' = 'pending'
        AND e.expires_at <= clock_timestamp()
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    message := format('The execution was skipped: it had not begun when it expired, at %s.',
        to_char(over AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'));
    PERFORM end_execution_saying_v1(p_tenant, p_execution, 'skipped', 'warn', message, message);
    PERFORM wake_executions_v1(p_tenant, limited, p_execution);
    PERFORM wake_held_execution_v1(p_tenant);
    RETURN true;
EXCEPTION
    WHEN lock_not_available THEN
        RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION expire_execution_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION expire_execution_v1 TO automation_worker;
