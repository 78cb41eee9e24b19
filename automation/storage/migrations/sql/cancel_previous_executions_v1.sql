-- Cancels as many of a rule's older executions as it takes to start this one.
-- Called by admit_execution, for the policy cancel_previous.
--
-- Those that nobody holds end at once, a worker learns of it with its next renewal.

CREATE FUNCTION cancel_previous_executions_v1(
    p_tenant uuid, p_rule uuid, p_execution uuid, p_since timestamp with time zone, p_slots integer)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    reason constant text := 'The execution was cancelled: a newer one of its rule takes its place.';
    excess integer;
    previous record;
BEGIN
    SELECT count(*) - p_slots + 1 INTO excess FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'running';
    IF excess <= 0 THEN
        RETURN;
    END IF;
    FOR previous IN
        SELECT e.execution_id FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'pending'
            AND (e.queued_at, e.execution_id) < (p_since, p_execution)
        FOR NO KEY UPDATE
    LOOP
        PERFORM end_execution_saying_v1(p_tenant, previous.execution_id, 'cancelled', 'info', reason, NULL);
    END LOOP;
    FOR previous IN
        SELECT e.execution_id, coalesce(e.lease_until < now(), true) AS idle FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'running'
        ORDER BY e.queued_at, e.execution_id LIMIT excess
        FOR NO KEY UPDATE
    LOOP
        IF previous.idle THEN
            PERFORM end_execution_saying_v1(p_tenant, previous.execution_id, 'cancelled', 'info', reason, NULL);
        ELSE
            UPDATE automation_executions e SET
                cancel_requested_at = coalesce(e.cancel_requested_at, now()),
                cancel_reason = coalesce(e.cancel_reason, reason)
            WHERE e.tenant = p_tenant AND e.execution_id = previous.execution_id;
        END IF;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION cancel_previous_executions_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cancel_previous_executions_v1 TO automation_worker;
