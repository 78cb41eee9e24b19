-- Writes a job: a turn of its tenant, at which a worker runs the first of those of the tenant's executions that wait
-- (take_turn). The job's priority is minus the virtual time of that turn, so that the queue gives it out in its order.
-- Called by defer_execution and sweep_due_executions, as their owner.
--
-- A tenant's turns follow each other at a distance of 1000 / weight. The first one of a tenant that has none waiting comes
-- a step after the first that waits of anybody, less one: after everybody's first, before anybody's second. So a tenant
-- that was idle has neither saved anything up nor fallen behind, and where nothing waits time begins anew.
--
-- Several requests of a tenant at the same moment don't see each other's turns. So each takes a place, the first that is
-- free, and counts its turn from the last one that it sees by as many steps. The lock is never waited for.

CREATE FUNCTION enqueue_execution_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_rank integer, p_since bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    step constant bigint := 1000 / coalesce(
        (SELECT l.value FROM tenant_limits l WHERE l.tenant = p_tenant AND l.name = 'weight'), 10);
    place bigint := 1;
    last_of_its_own bigint;
    first_of_all bigint;
    turn bigint;
BEGIN
    WHILE place < 64 AND NOT pg_try_advisory_xact_lock(uuid_hash_extended(p_tenant, place)) LOOP
        place := place + 1;
    END LOOP;
    last_of_its_own := last_turn_v1(p_tenant);
    IF last_of_its_own IS NOT NULL THEN
        turn := last_of_its_own - step * place;
    ELSE
        first_of_all := (
            SELECT max(j.priority) FROM procrastinate.procrastinate_jobs j WHERE j.status = 'todo');
        turn := coalesce(first_of_all - step * place + 1, step * (1 - place));
    END IF;
    INSERT INTO procrastinate.procrastinate_jobs (queue_name, task_name, priority, queueing_lock, args)
    VALUES ('executions', 'run_execution', greatest(turn, -2147483648), concat(p_execution, ':', p_attempt),
        jsonb_build_object('tenant', p_tenant, 'execution_id', p_execution, 'attempt', p_attempt,
            'rank', p_rank, 'since', p_since))
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING;
END
$$;

REVOKE ALL ON FUNCTION enqueue_execution_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION enqueue_execution_v1 TO automation_directory;
