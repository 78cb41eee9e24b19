-- Gives a job to the first of a tenant's executions that its limit of running ones holds back, now that one of them runs
-- no more.
-- Called by claim_execution, serve_turn, finish_run, begin_wait, expire_execution and cancel_execution, which have set the
-- tenant and written that.
--
-- The lock waits for claims that are about to hold one back because of the one that has just ended: it is seen then.
-- It reads one of them, along their index: nothing may be sorted (first_turn).
-- A row that somebody has locked is left out, so that nobody waits for a second execution while he has locked one.

CREATE FUNCTION wake_held_execution_v1(p_tenant uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET enable_sort = off
SET enable_incremental_sort = off
AS $$
DECLARE
    held record;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(uuid_hash_extended(p_tenant, 0));
    SELECT e.execution_id, e.attempt, e.status, e.priority, e.queued_at INTO held
    FROM automation_executions e WHERE e.tenant = p_tenant AND e.held_back
    ORDER BY e.status DESC, e.priority DESC, e.queued_at, e.execution_id LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
        UPDATE automation_executions e SET held_back = false, due_at = now() + interval '10 seconds'
        WHERE e.tenant = p_tenant AND e.execution_id = held.execution_id;
        PERFORM defer_execution_v1(p_tenant, held.execution_id, held.attempt,
            CASE held.status WHEN 'running' THEN -11 ELSE -held.priority END,
            (extract(epoch FROM held.queued_at) * 1000000)::bigint);
    END IF;
END
$$;

REVOKE ALL ON FUNCTION wake_held_execution_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wake_held_execution_v1 TO automation_api, automation_worker;
