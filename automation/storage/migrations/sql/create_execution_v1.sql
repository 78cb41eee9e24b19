-- Creates a pending execution of a rule's last version together with its job. The outcome is created, rule_not_active
-- or too_many_pending; no row for no rule. Without a priority of its own it has the rule's.
-- Called by Executions.create (automation/storage/executions.py).
--
-- The rule's lock waits for a deletion, and makes one wait.

CREATE FUNCTION create_execution_v1(
    p_tenant uuid, p_execution uuid, p_rule uuid, p_user uuid, p_trigger_data json, p_override_conditions boolean,
    p_priority integer, p_max_pending bigint)
RETURNS TABLE (outcome text, execution_id uuid, automation_rule_id uuid, status text, document text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    rule record;
BEGIN
    SELECT r.version, r.status, r.deleted_at, r.priority, json_array_length(r.actions) AS actions INTO rule
    FROM automation_rules r WHERE r.tenant = p_tenant AND r.rule_id = p_rule
    FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF rule.status <> 'active' OR rule.deleted_at IS NOT NULL THEN
        outcome := 'rule_not_active';
        RETURN NEXT;
        RETURN;
    END IF;
    IF too_many_pending_v1(p_tenant, p_max_pending) THEN
        outcome := 'too_many_pending';
        RETURN NEXT;
        RETURN;
    END IF;
    INSERT INTO automation_executions (
        tenant, execution_id, automation_rule_id, rule_version, status, trigger_data, override_conditions, priority,
        created_by, actions_total, due_at)
    VALUES (
        p_tenant, p_execution, p_rule, rule.version, 'pending', p_trigger_data, p_override_conditions,
        coalesce(p_priority, rule.priority), p_user, rule.actions, now() + interval '10 seconds');
    PERFORM defer_execution_v1(
        p_tenant, p_execution, 1, -coalesce(p_priority, rule.priority), (extract(epoch FROM now()) * 1000000)::bigint);
    outcome := 'created';
    RETURN QUERY
    SELECT outcome, d.execution_id, d.automation_rule_id, d.status, d.document
    FROM get_execution_v1(p_tenant, p_execution) d;
END
$$;

REVOKE ALL ON FUNCTION create_execution_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION create_execution_v1 TO automation_api;
