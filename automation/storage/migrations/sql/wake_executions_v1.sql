-- Gives jobs to as many of a rule's oldest pending executions as its limit has room for. Without a rule there is no
-- limit, and every pending execution has a job of its own.
-- Called by claim_execution, admit_execution, finish_run and cancel_execution, which have set the tenant and locked the
-- rule's row.

CREATE FUNCTION wake_executions_v1(p_tenant uuid, p_rule uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    room integer;
    oldest record;
BEGIN
    SELECT r.max_concurrent_executions - (
        SELECT count(*) FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'running')
    INTO room
    FROM automation_rules r WHERE r.tenant = p_tenant AND r.rule_id = p_rule;
    IF room IS NULL OR room <= 0 THEN
        RETURN;
    END IF;
    FOR oldest IN
        SELECT e.execution_id, e.attempt, e.priority, e.queued_at FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'pending'
        ORDER BY e.queued_at, e.execution_id LIMIT room
    LOOP
        UPDATE automation_executions e SET due_at = now() + interval '10 seconds'
        WHERE e.tenant = p_tenant AND e.execution_id = oldest.execution_id AND e.status = 'pending';
        PERFORM defer_execution_v1(p_tenant, oldest.execution_id, oldest.attempt, -oldest.priority,
            (extract(epoch FROM oldest.queued_at) * 1000000)::bigint);
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION wake_executions_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wake_executions_v1 TO automation_api, automation_worker;
