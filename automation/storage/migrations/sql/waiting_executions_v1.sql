-- Finds the oldest pending executions of a rule that may begin by now and have a concurrency_key, p_limit at the most; those
-- without one, where p_key is null.
-- Called by admit_execution and wake_executions, which have set the tenant and locked the rule's row.

CREATE FUNCTION waiting_executions_v1(p_tenant uuid, p_rule uuid, p_key text, p_limit integer)
RETURNS TABLE (execution_id uuid, attempt integer, priority integer, queued_at timestamp with time zone)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
#variable_conflict use_column
BEGIN
    IF p_key IS NULL THEN
        RETURN QUERY
        SELECT e.execution_id, e.attempt::integer, e.priority::integer, e.queued_at::timestamptz FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'pending'
            AND e.queued_at <= clock_timestamp() AND e.concurrency_key IS NULL
        ORDER BY e.queued_at, e.execution_id LIMIT p_limit;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT e.execution_id, e.attempt::integer, e.priority::integer, e.queued_at::timestamptz FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'pending'
        AND e.queued_at <= clock_timestamp() AND e.concurrency_key = p_key
    ORDER BY e.queued_at, e.execution_id LIMIT p_limit;
END
$$;

REVOKE ALL ON FUNCTION waiting_executions_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION waiting_executions_v1 TO automation_api, automation_worker;
