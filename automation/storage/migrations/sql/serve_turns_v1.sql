-- Serves several turns in one transaction, one after the other, each as serve_turn does. A row for each that gave
-- something to run, and for each that is left to a statement of its own; place is the turn's, from 1.
-- Called by Claims (automation/storage/runs/claims.py).
--
-- One that fails takes back what it did and nothing of its neighbours. Nobody waits for a lock here longer than for two
-- milliseconds: the turns before hold theirs, and no order of locks would hold for the rows of several rules.

CREATE FUNCTION serve_turns_v1(
    p_turns jsonb, p_lease double precision, p_max_running bigint, p_max_run_seconds bigint,
    p_max_actions_seconds bigint)
RETURNS TABLE (
    place integer, alone boolean,
    execution_id uuid, attempt integer, fence bigint, rule_id uuid, rule_version integer, rule text,
    created_at timestamp with time zone, trigger_data text, results text, next_action integer, tries integer,
    call_key uuid, started_at timestamp with time zone, deadline_at timestamp with time zone,
    override_conditions boolean, retry_from text, actions_total integer, actions_successful integer,
    actions_failed integer, waited boolean, taken_over boolean, lost_workers integer,
    log_entries integer, weight integer, max_run_seconds integer, max_actions_seconds double precision,
    actions_seconds double precision, request_id text, triggered_by text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET lock_timeout = '2ms'
AS $$
#variable_conflict use_column
DECLARE
    turn record;
    c record;
BEGIN
    FOR turn IN SELECT t.value, t.ordinality::integer AS place
        FROM jsonb_array_elements(p_turns) WITH ORDINALITY AS t ORDER BY t.ordinality
    LOOP
        BEGIN
            SELECT s.* INTO c FROM serve_turn_v1(
                (turn.value ->> 'tenant')::uuid, (turn.value ->> 'execution')::uuid,
                (turn.value ->> 'attempt')::integer, (turn.value ->> 'rank')::integer,
                (turn.value ->> 'since')::bigint, p_lease, (turn.value ->> 'full')::uuid[],
                (turn.value ->> 'passes')::boolean, p_max_running, p_max_run_seconds, p_max_actions_seconds) s;
        EXCEPTION WHEN OTHERS THEN
            place := turn.place;
            alone := true;
            RETURN NEXT;
            CONTINUE;
        END;
        IF c.execution_id IS NOT NULL THEN
            RETURN QUERY SELECT turn.place, false, c.execution_id, c.attempt, c.fence, c.rule_id, c.rule_version, c.rule,
                c.created_at, c.trigger_data, c.results, c.next_action, c.tries, c.call_key, c.started_at, c.deadline_at,
                c.override_conditions, c.retry_from, c.actions_total, c.actions_successful, c.actions_failed, c.waited,
                c.taken_over, c.lost_workers, c.log_entries, c.weight, c.max_run_seconds, c.max_actions_seconds,
                c.actions_seconds, c.request_id, c.triggered_by;
        END IF;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION serve_turns_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION serve_turns_v1 TO automation_worker;
