-- Gives jobs to as many of a rule's oldest pending executions, of those with the concurrency key that p_execution has, as
-- its limit has room for. Without a rule there is no limit, and every pending execution has a job of its own, or gets one
-- when it may begin. Of a paused rule there is nothing to wake.
-- Called by claim_execution, admit_execution, finish_run, cancel_execution and expire_execution, which have set the tenant
-- and locked the rule's row.

CREATE FUNCTION wake_executions_v1(p_tenant uuid, p_rule uuid, p_execution uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    key text;
    room integer;
    oldest record;
BEGIN
    IF p_rule IS NULL THEN
        RETURN;
    END IF;
    SELECT e.concurrency_key INTO key FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    SELECT r.max_concurrent_executions - running_executions_v1(p_tenant, p_rule, key) INTO room
    FROM automation_rules r WHERE r.tenant = p_tenant AND r.rule_id = p_rule AND r.status <> 'paused';
    IF room IS NULL OR room <= 0 THEN
        RETURN;
    END IF;
    FOR oldest IN
        SELECT w.execution_id, w.attempt, w.priority, w.queued_at
        FROM waiting_executions_v1(p_tenant, p_rule, key, room) w
    LOOP
        UPDATE automation_executions e SET due_at = now() + interval '10 seconds'
        WHERE e.tenant = p_tenant AND e.execution_id = oldest.execution_id AND e.status || '' = 'pending';
        PERFORM defer_execution_v1(p_tenant, oldest.execution_id, oldest.attempt, -oldest.priority,
            (extract(epoch FROM oldest.queued_at) * 1000000)::bigint);
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION wake_executions_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wake_executions_v1 TO automation_api, automation_worker;
