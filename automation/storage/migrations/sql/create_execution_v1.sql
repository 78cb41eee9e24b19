-- Creates a pending execution of a rule's last version together with its job. The outcome is created, rule_deleted,
-- rule_not_active, already_pending, postpones, too_many_pending, too_many_labels, labels_wanted, or the name of another limit that is
-- reached; no row for no rule. Where one of the rule with the same deduplication_key is pending already, nothing is created, and wanted is
-- that one.
-- Without a priority of its own it has the rule's. p_triggered_by is who or what asked for it, by the request
-- p_request_id, where that is known.
-- Called by Executions.create (automation/storage/execution_changes.py), create_delivered_execution, publish_events and
-- fire_schedule.
--
-- The rule's lock waits for a deletion, and makes one wait. Of a paused rule the execution is stored alone, without a job
-- and due never: the second lock waits for whoever resumes the rule, and has him see the execution.
--
-- Labels in which something is put in are made outside, of what the rule says, and what an execution is created with is
-- held to the rule's input_schema there, and so are the keys made by which it is limited and skipped: where there are such,
-- nothing is created, and wanted is that version of the rule, as JSON. Whoever comes back with p_made, the labels and the
-- keys that were made of version p_made_of, is asked once more where the rule has another one by now. p_told goes to the
-- log: what could not be made.
--
-- Of a rule with debounce_seconds each begins after a quiet of so long, where it is not told when. One that is triggered in
-- the quiet becomes the one that waits: the outcome is postpones, with that one's id, or none where it waits no more;
-- whoever comes back with it as p_execution has given it the latest data, and a quiet that begins anew.
--
-- Whoever creates many at once looks at the limits and counts the use of them by itself: p_reached is the name of the one
-- that is reached by now, or '' for none, and the documents are left out, which nobody would read.
--
-- One that is to begin later, at p_run_at, has no job before: it takes its place in all orders by then, and the sweep finds
-- it. p_expires_at is until when it has to begin (expire_execution).

CREATE FUNCTION create_execution_v1(
    p_tenant uuid, p_execution uuid, p_rule uuid, p_user uuid, p_trigger_data json, p_override_conditions boolean,
    p_priority integer, p_request_id text, p_triggered_by json, p_max_pending bigint,
    p_executions_per_day bigint, p_stored_bytes bigint, p_labels jsonb,
    p_made jsonb DEFAULT NULL, p_made_of integer DEFAULT NULL, p_told jsonb DEFAULT NULL,
    p_run_at timestamp with time zone DEFAULT NULL, p_expires_at timestamp with time zone DEFAULT NULL,
    p_reached text DEFAULT NULL)
RETURNS TABLE (outcome text, execution_id uuid, automation_rule_id uuid, status text, document text, wanted text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    rule record;
    reached constant text := coalesce(
        p_reached, reached_limit_v1(p_tenant, 1, p_max_pending, p_executions_per_day, p_stored_bytes));
    later boolean;
    labels jsonb;
    quiet interval;
    key text;
    same uuid;
    log record;
BEGIN
    SELECT r.version, r.status, r.deleted_at, r.priority, json_array_length(r.actions) AS actions, r.labels,
        num_nonnulls(r.input_schema, r.concurrency_key, r.deduplication_key) > 0 AS asks,
        num_nonnulls(r.deduplication_key, r.debounce_seconds) > 0 AS skips,
        r.deduplication_key IS NOT NULL AS keyed, r.debounce_seconds
    INTO rule
    FROM automation_rules r WHERE r.tenant = p_tenant AND r.rule_id = p_rule
    FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF rule.status = 'paused' THEN
        SELECT r.version, r.status, r.deleted_at, r.priority, json_array_length(r.actions) AS actions, r.labels,
            num_nonnulls(r.input_schema, r.concurrency_key, r.deduplication_key) > 0 AS asks,
            num_nonnulls(r.deduplication_key, r.debounce_seconds) > 0 AS skips,
            r.deduplication_key IS NOT NULL AS keyed, r.debounce_seconds
        INTO rule
        FROM automation_rules r WHERE r.tenant = p_tenant AND r.rule_id = p_rule
        FOR SHARE;
    END IF;
    IF rule.status NOT IN ('active', 'paused') OR rule.deleted_at IS NOT NULL THEN
        outcome := CASE WHEN rule.deleted_at IS NULL THEN 'rule_not_active' ELSE 'rule_deleted' END;
        RETURN NEXT;
        RETURN;
    END IF;
    IF NOT rule.skips AND reached = 'too_many_pending' THEN
        outcome := 'too_many_pending';
        RETURN NEXT;
        RETURN;
    END IF;
    IF (rule.asks OR strpos(rule.labels::text, '${') > 0) AND rule.version IS DISTINCT FROM p_made_of THEN
        outcome := 'labels_wanted';
        SELECT json_build_object('version', g.version, 'content', g.content::json)::text INTO wanted
        FROM get_rule_v1(p_tenant, p_rule) g;
        RETURN NEXT;
        RETURN;
    END IF;
    IF rule.version IS DISTINCT FROM p_made_of THEN -- what was made of another version is nothing to this one
        p_made := NULL;
        p_told := NULL;
    END IF;
    quiet := CASE WHEN p_run_at IS NULL THEN make_interval(secs => rule.debounce_seconds) END;
    labels := coalesce(p_made -> 'labels', rule.labels) || p_labels;
    IF (SELECT count(*) FROM jsonb_object_keys(labels)) > 20 THEN
        outcome := 'too_many_labels';
        RETURN NEXT;
        RETURN;
    END IF;
    key := CASE WHEN quiet IS NULL AND rule.debounce_seconds IS NOT NULL THEN NULL -- what was told when is not put off
        ELSE coalesce(p_made ->> 'deduplication_key', CASE WHEN quiet IS NOT NULL AND NOT rule.keyed THEN '' END) END;
    IF key IS NOT NULL THEN
        -- One with the same key that is being created is waited for, and so is a claim: what has begun is not pending.
        PERFORM pg_advisory_xact_lock(hashtextextended(concat(p_rule, ' ', key), 1));
        SELECT e.execution_id INTO same FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'pending' AND e.deduplication_key = key
            AND CASE WHEN quiet IS NULL THEN e.queued_at <= greatest(clock_timestamp(), p_run_at) ELSE e.attempt = 1 END
        ORDER BY e.queued_at, e.execution_id LIMIT 1
        FOR NO KEY UPDATE;
        IF quiet IS NOT NULL AND same IS DISTINCT FROM p_execution AND (same IS NOT NULL OR EXISTS (
            SELECT FROM automation_executions e WHERE e.tenant = p_tenant AND e.execution_id = p_execution))
        THEN
            outcome := 'postpones';
            execution_id := same;
            RETURN NEXT;
            RETURN;
        END IF;
        IF same IS NOT NULL AND quiet IS NOT NULL THEN
            UPDATE automation_executions e SET
                trigger_data = p_trigger_data, rule_version = rule.version, actions_total = rule.actions,
                request_id = p_request_id, triggered_by = p_triggered_by, held_back = false,
                run_at = clock_timestamp() + quiet, queued_at = clock_timestamp() + quiet,
                due_at = CASE rule.status WHEN 'active' THEN clock_timestamp() + quiet END
            WHERE e.tenant = p_tenant AND e.execution_id = same;
        END IF;
        IF same IS NOT NULL THEN
            outcome := 'already_pending';
            IF p_reached IS NOT NULL THEN
                execution_id := same;
                RETURN NEXT;
                RETURN;
            END IF;
            RETURN QUERY
            SELECT outcome, d.execution_id, d.automation_rule_id, d.status,
                CASE WHEN quiet IS NOT NULL THEN d.document END, d.document
            FROM get_execution_v1(p_tenant, same) d;
            RETURN;
        END IF;
    END IF;
    IF quiet IS NOT NULL THEN
        p_run_at := clock_timestamp() + quiet;
    END IF;
    later := coalesce(p_run_at > now(), false);
    IF reached <> '' THEN
        outcome := reached;
        RETURN NEXT;
        RETURN;
    END IF;
    IF p_reached IS NULL THEN
        PERFORM count_use_v1(p_tenant, 'executions_per_day', (now() AT TIME ZONE 'UTC')::date, 1);
    END IF;
    INSERT INTO automation_executions (
        tenant, execution_id, automation_rule_id, rule_version, status, trigger_data, override_conditions, priority,
        labels, concurrency_key, deduplication_key, created_by, request_id, triggered_by, actions_total, run_at,
        expires_at, queued_at, due_at)
    VALUES (
        p_tenant, p_execution, p_rule, rule.version, 'pending', p_trigger_data, p_override_conditions,
        coalesce(p_priority, rule.priority), labels, p_made ->> 'concurrency_key', key,
        p_user, p_request_id, p_triggered_by, rule.actions,
        p_run_at, p_expires_at, CASE WHEN later THEN p_run_at ELSE now() END, CASE
            WHEN rule.status = 'paused' THEN NULL WHEN later THEN p_run_at ELSE now() + interval '10 seconds' END);
    IF labels <> '{}' THEN
        INSERT INTO automation_execution_labels (tenant, execution_id, key, value, created_at)
        SELECT p_tenant, p_execution, l.key, l.value, now() FROM jsonb_each_text(labels) l;
    END IF;
    IF p_told IS NOT NULL THEN
        SELECT entries, bytes, cut INTO log FROM append_execution_logs_v1(
            p_tenant, p_execution, 1, NULL, p_told, 0, 0, false);
        UPDATE automation_executions e SET log_entries = log.entries, log_bytes = log.bytes, logs_cut = log.cut
        WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    END IF;
    IF rule.status = 'active' AND NOT later THEN
        PERFORM defer_execution_v1(p_tenant, p_execution, 1, -coalesce(p_priority, rule.priority),
            (extract(epoch FROM now()) * 1000000)::bigint);
    END IF;
    outcome := 'created';
    IF p_reached IS NOT NULL THEN
        execution_id := p_execution;
        RETURN NEXT;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT outcome, d.execution_id, d.automation_rule_id, d.status, d.document, NULL
    FROM get_execution_v1(p_tenant, p_execution) d;
END
$$;

REVOKE ALL ON FUNCTION create_execution_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION create_execution_v1 TO automation_api, automation_worker;
