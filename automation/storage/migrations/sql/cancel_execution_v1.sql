-- Cancels an execution: at once where no worker holds it, else its worker is told by whichever statement it makes next,
-- and cannot but end it as cancelled. One that was cancelled before is left as it is. The outcome is cancelled, requested or
-- finished; no row for no execution.
-- Called by Executions.cancel (automation/storage/execution_changes.py).

CREATE FUNCTION cancel_execution_v1(p_tenant uuid, p_execution uuid, p_reason text)
RETURNS TABLE (outcome text, execution_id uuid, automation_rule_id uuid, status text, document text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    limited uuid := lock_limited_rule_v1(p_tenant, p_execution);
    run record;
BEGIN
    SELECT e.status, coalesce(e.lease_until < now(), true) AS idle INTO run
    FROM automation_executions e WHERE e.tenant = p_tenant AND e.execution_id = p_execution
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF run.status NOT IN ('pending', 'running', 'cancelled') THEN
        outcome := 'finished';
        RETURN NEXT;
        RETURN;
    END IF;
    IF run.status <> 'cancelled' AND run.idle THEN
        PERFORM end_execution_saying_v1(p_tenant, p_execution, 'cancelled', 'info', p_reason, NULL);
        PERFORM wake_executions_v1(p_tenant, limited, p_execution);
        IF run.status = 'running' THEN -- its worker has ended, and frees no place any more
            PERFORM wake_held_execution_v1(p_tenant);
        END IF;
    ELSIF run.status = 'running' THEN
        UPDATE automation_executions e SET
            cancel_requested_at = coalesce(e.cancel_requested_at, now()),
            cancel_reason = coalesce(e.cancel_reason, p_reason)
        WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    END IF;
    outcome := CASE WHEN run.idle OR run.status = 'cancelled' THEN 'cancelled' ELSE 'requested' END;
    RETURN QUERY
    SELECT outcome, d.execution_id, d.automation_rule_id, d.status, d.document
    FROM get_execution_v1(p_tenant, p_execution) d;
END
$$;

REVOKE ALL ON FUNCTION cancel_execution_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cancel_execution_v1 TO automation_api;
