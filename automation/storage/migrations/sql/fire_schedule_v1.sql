-- Makes the run of a recurring rule that is due at p_scheduled_at, and has the rule be due at p_next, or no more where that
-- is null. Without p_execution no run is made: the time is passed over. The outcome is create_execution's, passed, or locked,
-- where somebody else holds what it needs for longer than p_patience, a lock_timeout; no row where another worker was
-- faster, or the rule is not p_version any more.
-- Called by Schedules.fire (automation/storage/schedules.py).
--
-- Whoever changes the time from p_scheduled_at makes the run: that is done once, and both are or neither is. A worker that
-- comes at the same moment waits for nobody. The rule is locked first, as by whoever changes it, and both schedules and
-- rules stay as they are meanwhile.
--
-- Where a limit is reached there is no run, and the rule is due at its next time all the same; a rule that can't be run is
-- due no more.

CREATE FUNCTION fire_schedule_v1(
    p_tenant uuid, p_rule uuid, p_version integer, p_scheduled_at timestamp with time zone,
    p_next timestamp with time zone, p_fire_at timestamp with time zone, p_execution uuid, p_trigger_data json,
    p_triggered_by json, p_max_pending bigint, p_executions_per_day bigint, p_stored_bytes bigint,
    p_made jsonb, p_made_of integer, p_told jsonb, p_patience text DEFAULT NULL)
RETURNS TABLE (outcome text, wanted text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    IF p_patience IS NOT NULL THEN
        PERFORM set_config('lock_timeout', p_patience, true);
    END IF;
    PERFORM FROM automation_rules r WHERE r.tenant = p_tenant AND r.rule_id = p_rule AND r.version = p_version
    FOR SHARE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM FROM automation_schedules s
    WHERE s.tenant = p_tenant AND s.rule_id = p_rule AND s.scheduled_at = p_scheduled_at AND s.fire_at <= now()
    FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    outcome := 'passed';
    IF p_execution IS NOT NULL THEN
        SELECT c.outcome, c.wanted INTO outcome, wanted
        FROM create_execution_v1(
            p_tenant, p_execution, p_rule, NULL, p_trigger_data, false, NULL, NULL, p_triggered_by, p_max_pending,
            p_executions_per_day, p_stored_bytes, '{}', p_made, p_made_of, p_told) c;
    END IF;
    IF outcome = 'labels_wanted' THEN
        RETURN NEXT;
        RETURN;
    END IF;
    IF p_next IS NULL OR outcome IN ('rule_deleted', 'rule_not_active') THEN
        DELETE FROM automation_schedules s WHERE s.tenant = p_tenant AND s.rule_id = p_rule;
    ELSE
        UPDATE automation_schedules s SET scheduled_at = p_next, fire_at = p_fire_at
        WHERE s.tenant = p_tenant AND s.rule_id = p_rule;
    END IF;
    RETURN NEXT;
EXCEPTION
    WHEN lock_not_available THEN
        outcome := 'locked';
        wanted := NULL;
        RETURN NEXT;
END
$$;

REVOKE ALL ON FUNCTION fire_schedule_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fire_schedule_v1 TO automation_worker;
