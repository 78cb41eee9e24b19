-- Creates executions that events start, each as create_execution does, and says which: p_places are of p_events,
-- the places of the events whose data are p_triggers.
-- Where the outcome is another one than published, whoever asks takes all of it back: the name of a limit that is reached,
-- labels_wanted where a rule has changed since its labels were made, or postpones where its runs have.
-- Called by Events.publish (automation/storage/events.py), after begin_events.
--
-- A rule that is not in use any more, or deleted, is started by nothing. Of many executions the limits are looked at and
-- their use is counted once.

CREATE FUNCTION publish_events_v1(
    p_tenant uuid, p_user uuid, p_events integer[], p_triggers text[], p_places integer[], p_rules uuid[], p_executions uuid[],
    p_made text[], p_made_of integer[], p_told text[], p_request_id text, p_triggered_by json,
    p_max_pending bigint, p_executions_per_day bigint, p_stored_bytes bigint)
RETURNS TABLE (outcome text, rule uuid, place integer, execution uuid)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    today constant date := (now() AT TIME ZONE 'UTC')::date;
    most record;
    pending bigint;
    used bigint;
    full_up boolean;
    created bigint := 0;
    start record;
BEGIN
    SELECT coalesce(max(l.value) FILTER (WHERE l.name = 'max_pending'), p_max_pending) AS pending,
        coalesce(max(l.value) FILTER (WHERE l.name = 'executions_per_day'), p_executions_per_day) AS a_day
    INTO most
    FROM tenant_limits l WHERE l.tenant = p_tenant;
    SELECT count(*) INTO pending FROM (
        SELECT FROM automation_executions e WHERE e.tenant = p_tenant AND e.status = 'pending'
        ORDER BY e.automation_rule_id, e.queued_at, e.execution_id LIMIT coalesce(most.pending, 0)) pending;
    used := used_v1(p_tenant, 'executions_per_day', today);
    full_up := over_limit_v1(p_tenant, 'max_stored_bytes', 'epoch', 1, p_stored_bytes) IS NOT NULL;
    FOR start IN
        SELECT s.place, s.rule, s.execution, s.made::jsonb AS made, s.made_of, s.told::jsonb AS told
        FROM unnest(p_places, p_rules, p_executions, p_made, p_made_of, p_told)
            WITH ORDINALITY s(place, rule, execution, made, made_of, told, number)
        ORDER BY s.number
    LOOP
        rule := start.rule;
        place := start.place;
        execution := start.execution;
        FOR turn IN 1..2 LOOP -- a second time where it is another one that begins later
            SELECT c.outcome, c.execution_id INTO outcome, execution FROM create_execution_v1(
                p_tenant => p_tenant, p_execution => execution, p_rule => start.rule, p_user => p_user,
                p_trigger_data => p_triggers[array_position(p_events, start.place)]::json, p_override_conditions => false, p_priority => NULL,
                p_request_id => p_request_id, p_triggered_by => p_triggered_by, p_max_pending => p_max_pending,
                p_executions_per_day => p_executions_per_day, p_stored_bytes => p_stored_bytes, p_labels => '{}',
                p_made => start.made, p_made_of => start.made_of, p_told => start.told,
                p_reached => CASE
                    WHEN pending + created >= most.pending THEN 'too_many_pending'
                    WHEN used + created >= most.a_day THEN 'executions_per_day'
                    WHEN full_up THEN 'max_stored_bytes'
                    ELSE '' END) c;
            EXIT WHEN outcome IS DISTINCT FROM 'postpones';
        END LOOP;
        created := created + (outcome IS NOT DISTINCT FROM 'created')::integer;
        IF outcome IN ('created', 'already_pending') THEN
            outcome := 'published';
            RETURN NEXT;
        ELSIF outcome NOT IN ('rule_deleted', 'rule_not_active') THEN
            RETURN NEXT;
            RETURN;
        END IF;
    END LOOP;
    IF created > 0 THEN
        PERFORM count_use_v1(p_tenant, 'executions_per_day', today, created);
    END IF;
END
$$;

REVOKE ALL ON FUNCTION publish_events_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION publish_events_v1 TO automation_api;
