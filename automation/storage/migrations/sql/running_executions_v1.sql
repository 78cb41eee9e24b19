-- Counts the running executions of a rule that have a concurrency_key; those without one, where p_key is null.
-- Called by admit_execution and wake_executions, which have set the tenant and locked the rule's row.
--
-- Those with a key have an index, in which no others are: so the two are asked for apart.

CREATE FUNCTION running_executions_v1(p_tenant uuid, p_rule uuid, p_key text)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
BEGIN
    IF p_key IS NULL THEN
        RETURN (
            SELECT count(*) FROM automation_executions e
            WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'running'
                AND e.concurrency_key IS NULL);
    END IF;
    RETURN (
        SELECT count(*) FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'running'
            AND e.concurrency_key = p_key);
END
$$;

REVOKE ALL ON FUNCTION running_executions_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION running_executions_v1 TO automation_api, automation_worker;
