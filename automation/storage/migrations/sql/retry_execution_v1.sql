-- Makes an execution that failed, timed out or was cancelled pending again as its next attempt, together with its job, and
-- keeps what became of the attempt before. The outcome is retried, other_attempt, not_retriable, retries_exhausted (after
-- 100 of them), rule_deleted, rule_not_active, actions_changed, too_many_pending, check_wanted, or the name of another
-- limit that is reached; no row for no execution. p_attempt is the attempt that is meant, null for the last. p_triggered_by is who or
-- what asked for it, by the request p_request_id, where that is known.
-- Called by Executions.retry (automation/storage/execution_changes.py).
--
-- The failed action is the one that the attempt came to and did not get over: it failed, or was under way, or was to
-- begin next. From there, the results before it stay, and those actions must be the same in both versions. Where none
-- had begun, the attempt begins with the conditions, as from the start.
--
-- A call's Idempotency-Key stays where its outcome is unknown and the same action is what begins now.
--
-- What the attempt runs with is held outside to the input_schema of the version that it runs, where it is other data or
-- another version than before: then nothing is retried, and wanted is that version, with the data. Whoever comes back
-- with that attempt and with p_checked, the version, has done so.
--
-- Near a limit the tenant's requests are one after the other (reached_limit), before anything is locked.
--
-- The lock on the rule waits for its deletion, and makes that wait and see the new attempt. It comes before the lock on
-- the execution, as everywhere. Of a paused rule the attempt is stored alone, as create_execution does it.

CREATE FUNCTION retry_execution_v1(
    p_tenant uuid, p_execution uuid, p_from text, p_rule_version text, p_trigger_data json,
    p_attempt integer, p_request_id text, p_triggered_by json, p_max_pending bigint,
    p_executions_per_day bigint, p_stored_bytes bigint, p_checked integer DEFAULT NULL)
RETURNS TABLE (outcome text, execution_id uuid, automation_rule_id uuid, status text, document text, wanted text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    rule record;
    run record;
    chosen integer;
    ran json;
    runs json;
    first integer;
    reached constant text := reached_limit_v1(p_tenant, 1, p_max_pending, p_executions_per_day, p_stored_bytes);
BEGIN
    SELECT r.rule_id, r.version, r.status, r.deleted_at INTO rule
    FROM automation_rules r
    WHERE r.tenant = p_tenant AND r.rule_id = (
        SELECT e.automation_rule_id FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.execution_id = p_execution)
    FOR KEY SHARE;
    IF rule.status = 'paused' THEN
        SELECT r.rule_id, r.version, r.status, r.deleted_at INTO rule
        FROM automation_rules r WHERE r.tenant = p_tenant AND r.rule_id = rule.rule_id
        FOR SHARE;
    END IF;
    SELECT e.status, e.attempt, e.priority, e.rule_version, coalesce(e.failed_action_index, e.next_action) AS stopped,
        e.next_action > 0 OR e.tries > 0 OR coalesce(e.retry_from = 'failed_action', false)
            OR num_nonnulls(e.failed_action_index, e.call_key, e.results) > 0 AS begun
    INTO run
    FROM automation_executions e WHERE e.tenant = p_tenant AND e.execution_id = p_execution
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    first := CASE p_from WHEN 'failed_action' THEN run.stopped ELSE 0 END;
    chosen := CASE p_rule_version WHEN 'latest' THEN rule.version ELSE run.rule_version END;
    SELECT v.actions INTO ran FROM automation_rule_versions v
    WHERE v.tenant = p_tenant AND v.rule_id = rule.rule_id AND v.version = run.rule_version;
    SELECT v.actions INTO runs FROM automation_rule_versions v
    WHERE v.tenant = p_tenant AND v.rule_id = rule.rule_id AND v.version = chosen;
    outcome := CASE
        WHEN run.attempt <> p_attempt THEN 'other_attempt'
        WHEN run.status NOT IN ('failed', 'timeout', 'cancelled') THEN 'not_retriable'
        WHEN rule.deleted_at IS NOT NULL THEN 'rule_deleted'
        WHEN run.attempt > 100 THEN 'retries_exhausted'
        WHEN rule.status NOT IN ('active', 'paused') THEN 'rule_not_active'
        WHEN EXISTS (
            SELECT FROM generate_series(0, first - 1) place
            WHERE ((ran -> place -> 'type')::text, (ran -> place -> 'config')::text)
                IS DISTINCT FROM ((runs -> place -> 'type')::text, (runs -> place -> 'config')::text))
        THEN 'actions_changed'
        ELSE 'retried' END;
    IF outcome <> 'retried' THEN
        RETURN NEXT;
        RETURN;
    END IF;
    IF (p_trigger_data IS NOT NULL OR chosen <> run.rule_version) AND chosen IS DISTINCT FROM p_checked THEN
        SELECT json_build_object('attempt', run.attempt, 'rule_id', rule.rule_id, 'version', chosen,
            'input_schema', v.input_schema, 'trigger_data', coalesce(p_trigger_data, e.trigger_data))::text
        INTO wanted
        FROM automation_rule_versions v
        JOIN automation_executions e ON e.tenant = p_tenant AND e.execution_id = p_execution
        WHERE v.tenant = p_tenant AND v.rule_id = rule.rule_id AND v.version = chosen AND v.input_schema IS NOT NULL;
        IF FOUND THEN
            outcome := 'check_wanted';
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;
    IF reached <> '' THEN
        outcome := reached;
        RETURN NEXT;
        RETURN;
    END IF;
    PERFORM count_use_v1(p_tenant, 'executions_per_day', (now() AT TIME ZONE 'UTC')::date, 1);
    INSERT INTO automation_execution_attempts
    SELECT e.tenant, e.execution_id, e.attempt, e.status,
        CASE WHEN e.attempt = 1 THEN e.created_at ELSE e.queued_at END, e.started_at, e.completed_at, e.duration_ms,
        e.actions_total, e.actions_successful, e.actions_failed, e.error_message, e.error_stack, e.failed_action_index,
        e.rule_version, CASE WHEN p_trigger_data IS NOT NULL THEN e.trigger_data END, e.request_id, e.triggered_by,
        e.log_bytes
    FROM automation_executions e WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    UPDATE automation_executions e SET
        status = 'pending', attempt = e.attempt + 1, rule_version = chosen,
        retry_from = CASE WHEN run.begun THEN p_from ELSE 'start' END,
        trigger_data = coalesce(p_trigger_data, e.trigger_data),
        request_id = p_request_id, triggered_by = p_triggered_by,
        run_at = NULL, expires_at = NULL, queued_at = clock_timestamp(),
        due_at = CASE rule.status WHEN 'active' THEN now() + interval '10 seconds' END,
        started_at = NULL, completed_at = NULL, duration_ms = NULL,
        actions_total = json_array_length(runs), actions_successful = 0, actions_failed = 0,
        error_message = NULL, error_stack = NULL, failed_action_index = NULL, execution_context = NULL,
        results = (
            SELECT json_object_agg(r.key, r.value) FROM json_each(e.results) r WHERE r.key::integer < first),
        results_bytes = (
            SELECT coalesce(sum(octet_length(r.value::text)), 0)
            FROM json_each(e.results) r WHERE r.key::integer < first),
        call_key = CASE
            WHEN first = e.next_action AND p_trigger_data IS NULL
                AND (ran -> first)::text IS NOT DISTINCT FROM (runs -> first)::text
            THEN e.call_key END,
        next_action = first, tries = 0, actions_seconds = 0, held_back = false,
        lease_until = NULL, resume_at = NULL, deadline_at = NULL,
        cancel_requested_at = NULL, cancel_reason = NULL, log_entries = 0, log_bytes = 0, logs_cut = false
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    IF rule.status = 'active' THEN
        PERFORM defer_execution_v1(
            p_tenant, p_execution, run.attempt + 1, -run.priority, (extract(epoch FROM now()) * 1000000)::bigint);
    END IF;
    RETURN QUERY
    SELECT outcome, d.execution_id, d.automation_rule_id, d.status, d.document, NULL
    FROM get_execution_v1(p_tenant, p_execution) d;
END
$$;

REVOKE ALL ON FUNCTION retry_execution_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retry_execution_v1 TO automation_api;
