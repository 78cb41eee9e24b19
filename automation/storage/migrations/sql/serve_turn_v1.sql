-- Serves a turn of a tenant, which a job gave out for p_execution: claims the first of the tenant's executions that wait,
-- by rank and then by age, or p_execution itself where it is the first. The other's job stays in the queue, and is
-- p_execution's from then on, also where the other can't begin. No row where there is nothing to run.
-- Called by Claims (automation/storage/runs/claims.py) and serve_turns.
--
-- So what has become urgent comes at the tenant's next turn, and nobody has more turns by calling more of his executions
-- urgent. p_full are tenants that hold their share of the worker's slots: one of them passes its turn while others wait,
-- or in any case where p_pass says so, and p_execution gets another turn, after the tenant's last.
--
-- Jobs of executions that are over or gone, as after a cancel, are removed, a hundred in a turn, and the turn of such a one
-- is that of whichever comes first: each turn leaves fewer jobs than it found. A job that another worker is looking at is left out. Other jobs are written last, when no lock is
-- waited for any more.

CREATE FUNCTION serve_turn_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_rank integer, p_since bigint, p_lease double precision,
    p_full uuid[], p_pass boolean, p_max_running bigint, p_max_run_seconds bigint, p_max_actions_seconds bigint)
RETURNS TABLE (
    execution_id uuid, attempt integer, fence bigint, rule_id uuid, rule_version integer, rule text,
    created_at timestamp with time zone, trigger_data text, results text, next_action integer, tries integer,
    call_key uuid, started_at timestamp with time zone, deadline_at timestamp with time zone,
    override_conditions boolean, retry_from text, actions_total integer, actions_successful integer,
    actions_failed integer, waited boolean, taken_over boolean, lost_workers integer,
    log_entries integer, weight integer, max_run_seconds integer, max_actions_seconds double precision,
    actions_seconds double precision, request_id text, triggered_by text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    first record;
    void integer := 0;
    own_waits boolean;
    before_rank integer := p_rank;
    before_since bigint := p_since;
BEGIN
    IF p_tenant = ANY (p_full) AND (p_pass OR others_wait_v1(p_full)) THEN
        PERFORM defer_execution_v1(p_tenant, p_execution, p_attempt, p_rank, p_since);
        RETURN;
    END IF;
    own_waits := EXISTS (
        SELECT FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt
            AND e.status || '' IN ('pending', 'running'));
    IF NOT own_waits THEN
        before_rank := 2147483647;
    END IF;
    LOOP
        SELECT f.id, f.execution, f.attempt INTO first FROM first_turn_v1(p_tenant, before_rank, before_since) f;
        EXIT WHEN NOT FOUND OR void = 100 OR EXISTS (
            SELECT FROM automation_executions e
            WHERE e.tenant = p_tenant AND e.execution_id = first.execution AND e.attempt = first.attempt
                AND e.status || '' IN ('pending', 'running'));
        DELETE FROM procrastinate.procrastinate_jobs j WHERE j.id = first.id;
        void := void + 1;
    END LOOP;
    RETURN QUERY SELECT claimed.execution, claimed.attempt, c.*
    FROM (SELECT coalesce(first.execution, p_execution), coalesce(first.attempt, p_attempt)) claimed (execution, attempt),
        claim_execution_v1(
            p_tenant, claimed.execution, claimed.attempt, p_lease, p_max_running, p_max_run_seconds,
            p_max_actions_seconds) c;
    IF void > 0 THEN
        PERFORM wake_held_execution_v1(p_tenant);
    END IF;
    IF first.id IS NULL THEN
        RETURN;
    END IF;
    IF NOT own_waits THEN
        DELETE FROM procrastinate.procrastinate_jobs j WHERE j.id = first.id;
        RETURN;
    END IF;
    BEGIN
        UPDATE procrastinate.procrastinate_jobs j SET
            queueing_lock = concat(p_execution, ':', p_attempt),
            args = jsonb_build_object('tenant', p_tenant, 'execution_id', p_execution, 'attempt', p_attempt,
                'rank', p_rank, 'since', p_since)
        WHERE j.id = first.id;
    EXCEPTION WHEN unique_violation THEN -- the sweep has given it another job meanwhile
        DELETE FROM procrastinate.procrastinate_jobs j WHERE j.id = first.id;
    END;
END
$$;

REVOKE ALL ON FUNCTION serve_turn_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION serve_turn_v1 TO automation_worker;
