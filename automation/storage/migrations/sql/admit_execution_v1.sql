-- Says whether a pending execution may start under its rule's limit; at the limit the rule's concurrency policy
-- decides.
-- Called by claim_execution, which has set the tenant and locked the rule's and the execution's row.
--
-- A queue is first come, first served: room is for the oldest. What stays pending gets another job when an execution of
-- the rule ends; the sweep looks at it once a minute in case that one is lost.
--
-- Executions with different concurrency keys don't limit each other, nor do those with one and those without.
--
-- Under skip a retry waits its turn: skipped, it would have destroyed the failed execution that somebody wants to mend.

CREATE FUNCTION admit_execution_v1(p_tenant uuid, p_rule uuid, p_execution uuid)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    slots integer;
    policy text;
    running integer;
    ahead integer;
    since timestamp with time zone;
    retried boolean;
    key text;
BEGIN
    SELECT r.max_concurrent_executions, r.concurrency_policy INTO slots, policy
    FROM automation_rules r WHERE r.tenant = p_tenant AND r.rule_id = p_rule;
    IF slots IS NULL THEN
        RETURN true; -- the limit was lifted while the lock was waited for
    END IF;
    SELECT e.queued_at, e.attempt > 1, e.concurrency_key INTO since, retried, key
    FROM automation_executions e WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    running := running_executions_v1(p_tenant, p_rule, key);
    IF policy = 'cancel_previous' AND running >= slots THEN
        IF cancel_previous_executions_v1(p_tenant, p_rule, p_execution, since, slots) THEN
            PERFORM wake_executions_v1(p_tenant, p_rule, p_execution);
            RETURN false;
        END IF;
        running := running_executions_v1(p_tenant, p_rule, key);
    END IF;
    SELECT count(*) INTO ahead FROM waiting_executions_v1(p_tenant, p_rule, key, slots) older
    WHERE (older.queued_at, older.execution_id) < (since, p_execution);

    IF running < slots AND (policy <> 'queue' OR running + ahead < slots) THEN
        RETURN true;
    END IF;
    IF policy = 'skip' AND NOT retried THEN
        PERFORM end_execution_saying_v1(p_tenant, p_execution, 'skipped', 'info', format(
            'The execution was skipped: the rule''s limit of %s executions at the same time was reached.', slots),
            NULL);
        RETURN false;
    END IF;
    UPDATE automation_executions e SET due_at = now() + interval '1 minute'
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    PERFORM wake_executions_v1(p_tenant, p_rule, p_execution);
    RETURN false;
END
$$;

REVOKE ALL ON FUNCTION admit_execution_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION admit_execution_v1 TO automation_worker;
