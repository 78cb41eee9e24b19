-- Makes a failed execution pending again as its next attempt, together with its job, and keeps what became of the
-- attempt before. The outcome is retried, not_failed or rule_deleted; no row for no execution.
-- Called by Executions.retry (automation/storage/executions.py).
--
-- From the failed action, the results before it stay. Its call's Idempotency-Key stays where the call's outcome is
-- unknown.
--
-- The lock on the rule waits for its deletion, and makes that wait and see the new attempt. It comes before the lock on
-- the execution, as everywhere.

CREATE FUNCTION retry_execution_v1(p_tenant uuid, p_execution uuid, p_from text)
RETURNS TABLE (outcome text, execution_id uuid, automation_rule_id uuid, status text, document text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    rule record;
    run record;
    first integer;
BEGIN
    SELECT r.deleted_at INTO rule
    FROM automation_rules r
    WHERE r.tenant = p_tenant AND r.rule_id = (
        SELECT e.automation_rule_id FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.execution_id = p_execution)
    FOR KEY SHARE;
    SELECT e.status, e.attempt, e.failed_action_index INTO run
    FROM automation_executions e WHERE e.tenant = p_tenant AND e.execution_id = p_execution
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF run.status <> 'failed' THEN
        outcome := 'not_failed';
        RETURN NEXT;
        RETURN;
    END IF;
    IF rule.deleted_at IS NOT NULL THEN
        outcome := 'rule_deleted';
        RETURN NEXT;
        RETURN;
    END IF;
    first := CASE p_from WHEN 'failed_action' THEN coalesce(run.failed_action_index, 0) ELSE 0 END;
    INSERT INTO automation_execution_attempts
    SELECT e.tenant, e.execution_id, e.attempt, e.status, e.queued_at, e.started_at, e.completed_at, e.duration_ms,
        e.actions_total, e.actions_successful, e.actions_failed, e.error_message, e.error_stack, e.failed_action_index
    FROM automation_executions e WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    UPDATE automation_executions e SET
        status = 'pending', attempt = e.attempt + 1, retry_from = p_from,
        queued_at = now(), due_at = now() + interval '10 seconds',
        started_at = NULL, completed_at = NULL, duration_ms = NULL, actions_successful = 0, actions_failed = 0,
        error_message = NULL, error_stack = NULL, failed_action_index = NULL, execution_context = NULL,
        results = (
            SELECT json_object_agg(r.key, r.value) FROM json_each(e.results) r WHERE r.key::integer < first),
        call_key = CASE WHEN first = e.next_action THEN e.call_key END,
        next_action = first, tries = 0, lease_until = NULL, resume_at = NULL, deadline_at = NULL,
        cancel_requested_at = NULL, cancel_reason = NULL, log_entries = 0, log_bytes = 0, logs_cut = false
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    PERFORM defer_execution_v1(p_tenant, p_execution, run.attempt + 1);
    outcome := 'retried';
    RETURN QUERY
    SELECT outcome, d.execution_id, d.automation_rule_id, d.status, d.document
    FROM get_execution_v1(p_tenant, p_execution) d;
END
$$;

REVOKE ALL ON FUNCTION retry_execution_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retry_execution_v1 TO automation_api;
