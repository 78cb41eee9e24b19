-- Reads one rule of a tenant, a deleted one too: what it says (content) is one JSON object.
-- Called by Rules.get, Rules.create and Rules.update (automation/storage/rules.py), by create_execution, and by Schedules.read
-- (automation/storage/schedules.py).
--
-- It sets the tenant for the transaction and then reads under the policies: one round trip. The revision is another one
-- after each change of the row, or of when the rule is due, by which transaction it was; where it is p_known, the content is NULL.

CREATE FUNCTION get_rule_v1(p_tenant uuid, p_rule uuid, p_known text DEFAULT NULL)
RETURNS TABLE (rule_id uuid, tenant uuid, version integer, created_by uuid, created_at timestamp with time zone,
               updated_at timestamp with time zone, status_reason text, deleted_at timestamp with time zone,
               next_fire_at timestamp with time zone, content text, revision text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    RETURN QUERY
    SELECT r.rule_id, r.tenant, r.version, r.created_by, r.created_at, r.updated_at, r.status_reason, r.deleted_at,
        s.scheduled_at,
        CASE WHEN p_known IS NULL OR v.revision <> p_known THEN json_build_object(
            'name', r.name, 'description', r.description, 'status', r.status, 'trigger_type', r.trigger_type,
            'trigger_config', r.trigger_config, 'conditions', r.conditions, 'condition_logic', r.condition_logic,
            'actions', r.actions, 'execution_timeout_seconds', r.execution_timeout_seconds,
            'max_concurrent_executions', r.max_concurrent_executions, 'concurrency_policy', r.concurrency_policy,
            'labels', r.labels, 'priority', r.priority, 'input_schema', r.input_schema,
            'concurrency_key', r.concurrency_key, 'deduplication_key', r.deduplication_key,
            'debounce_seconds', r.debounce_seconds)::text END, v.revision
    FROM automation_rules r
    LEFT JOIN automation_schedules s ON s.tenant = r.tenant AND s.rule_id = r.rule_id,
        LATERAL (SELECT concat('v', r.version, '-', r.xmin, lpad(s.xmin::text, 10, '0')) AS revision) v
    WHERE r.tenant = p_tenant AND r.rule_id = p_rule;
END
$$;

REVOKE ALL ON FUNCTION get_rule_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION get_rule_v1 TO automation_api, automation_worker;
