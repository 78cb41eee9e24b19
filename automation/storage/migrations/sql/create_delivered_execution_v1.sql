-- Creates the execution that a delivery asks for, as create_execution does, unless the rule has one of this delivery
-- already: then the outcome is delivered_before, with that one and without a document. p_delivery is the hash of the
-- delivery's id.
-- Called by Executions.create (automation/storage/execution_changes.py).
--
-- Of several at once, the lock lets in one after the other. A delivery is remembered for as long as its execution is kept.

CREATE FUNCTION create_delivered_execution_v1(
    p_delivery bytea,
    p_tenant uuid, p_execution uuid, p_rule uuid, p_user uuid, p_trigger_data json, p_override_conditions boolean,
    p_priority integer, p_request_id text, p_triggered_by json, p_max_pending bigint,
    p_executions_per_day bigint, p_stored_bytes bigint, p_labels jsonb,
    p_made jsonb DEFAULT NULL, p_made_of integer DEFAULT NULL, p_told jsonb DEFAULT NULL)
RETURNS TABLE (outcome text, execution_id uuid, automation_rule_id uuid, status text, document text, wanted text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(concat(p_tenant, p_rule, encode(p_delivery, 'hex')), 0));
    SELECT 'delivered_before', e.execution_id, e.automation_rule_id, e.status
    INTO outcome, execution_id, automation_rule_id, status
    FROM automation_hook_deliveries d
    JOIN automation_executions e ON e.tenant = d.tenant AND e.execution_id = d.execution_id
    WHERE d.tenant = p_tenant AND d.rule_id = p_rule AND d.delivery = p_delivery;
    IF FOUND THEN
        RETURN NEXT;
        RETURN;
    END IF;
    SELECT c.outcome, c.execution_id, c.automation_rule_id, c.status, c.document, c.wanted
    INTO outcome, execution_id, automation_rule_id, status, document, wanted
    FROM create_execution_v1(
        p_tenant => p_tenant, p_execution => p_execution, p_rule => p_rule, p_user => p_user,
        p_trigger_data => p_trigger_data, p_override_conditions => p_override_conditions, p_priority => p_priority,
        p_request_id => p_request_id, p_triggered_by => p_triggered_by, p_max_pending => p_max_pending,
        p_executions_per_day => p_executions_per_day, p_stored_bytes => p_stored_bytes, p_labels => p_labels,
        p_made => p_made, p_made_of => p_made_of, p_told => p_told) c;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF outcome IN ('created', 'already_pending') THEN
        INSERT INTO automation_hook_deliveries (tenant, rule_id, delivery, execution_id)
        VALUES (p_tenant, p_rule, p_delivery, execution_id);
    END IF;
    RETURN NEXT;
END
$$;

REVOKE ALL ON FUNCTION create_delivered_execution_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION create_delivered_execution_v1 TO automation_api;
