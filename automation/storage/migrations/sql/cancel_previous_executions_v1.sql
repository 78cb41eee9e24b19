-- Cancels, when an execution finds no room, what is no longer among the newest of its rule and its concurrency key, as many
-- as the limit allows;
-- true where the execution itself is not among them, and has ended.
-- Called by admit_execution, for the policy cancel_previous, which has set the tenant and locked the rule's and the
-- execution's row.
--
-- Newer is what was asked for later, by queued_at and then by id, whether it runs already or not, in whatever order the
-- queue brings them; what is being cancelled, or is to begin later, doesn't count. Nothing newer than the execution is cancelled. Those that
-- nobody holds end at once, a worker learns of it by whichever statement it makes next.

CREATE FUNCTION cancel_previous_executions_v1(
    p_tenant uuid, p_rule uuid, p_execution uuid, p_since timestamp with time zone, p_slots integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    reason constant text := 'The execution was cancelled: a newer one of its rule takes its place.';
    key constant text := (
        SELECT e.concurrency_key FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.execution_id = p_execution);
    superseded boolean := false;
    oldest record;
    previous record;
BEGIN
    -- The oldest that keeps its place.
    SELECT newest.queued_at, newest.execution_id INTO oldest
    FROM (
        (SELECT e.queued_at, e.execution_id FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'running'
            AND e.cancel_requested_at IS NULL AND e.concurrency_key IS NOT DISTINCT FROM key
        ORDER BY e.queued_at DESC, e.execution_id DESC LIMIT p_slots)
        UNION ALL
        (SELECT e.queued_at, e.execution_id FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'pending'
            AND e.queued_at <= clock_timestamp() AND e.concurrency_key IS NOT DISTINCT FROM key
        ORDER BY e.queued_at DESC, e.execution_id DESC LIMIT p_slots)
    ) newest
    ORDER BY newest.queued_at DESC, newest.execution_id DESC OFFSET p_slots - 1 LIMIT 1;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    FOR previous IN
        SELECT e.execution_id, coalesce(e.lease_until < now(), true) AS idle FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status IN ('pending', 'running')
            AND e.cancel_requested_at IS NULL AND e.concurrency_key IS NOT DISTINCT FROM key
            AND (e.queued_at, e.execution_id) < (oldest.queued_at, oldest.execution_id)
            AND (e.queued_at, e.execution_id) <= (p_since, p_execution)
        FOR NO KEY UPDATE
    LOOP
        IF previous.idle THEN
            PERFORM end_execution_saying_v1(p_tenant, previous.execution_id, 'cancelled', 'info', reason, NULL);
        ELSE
            UPDATE automation_executions e SET cancel_requested_at = now(), cancel_reason = reason
            WHERE e.tenant = p_tenant AND e.execution_id = previous.execution_id;
        END IF;
        superseded := superseded OR previous.execution_id = p_execution;
    END LOOP;
    RETURN superseded;
END
$$;

REVOKE ALL ON FUNCTION cancel_previous_executions_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cancel_previous_executions_v1 TO automation_worker;
