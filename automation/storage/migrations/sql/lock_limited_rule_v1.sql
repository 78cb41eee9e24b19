-- Locks the rule of an execution where the rule has a limit, and returns it; NULL for a rule without one, which needs
-- no lock.
-- Called by claim_execution, finish_run, cancel_execution and expire_execution, before they lock the execution's row.
--
-- The lock excludes other claims and ends of the rule's executions, but not that executions are created.
--
-- The order of locks, which keeps deadlocks out: a rule before its executions, and several executions of a rule only
-- under its lock. Who has locked an execution locks no rule.

CREATE FUNCTION lock_limited_rule_v1(p_tenant uuid, p_execution uuid)
RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    limited uuid;
BEGIN
    SELECT r.rule_id INTO limited
    FROM automation_executions e
    JOIN automation_rules r ON r.tenant = e.tenant AND r.rule_id = e.automation_rule_id
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND r.max_concurrent_executions IS NOT NULL;
    IF limited IS NOT NULL THEN
        PERFORM FROM automation_rules r WHERE r.tenant = p_tenant AND r.rule_id = limited FOR NO KEY UPDATE;
    END IF;
    RETURN limited;
END
$$;

REVOKE ALL ON FUNCTION lock_limited_rule_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_limited_rule_v1 TO automation_api, automation_worker;
