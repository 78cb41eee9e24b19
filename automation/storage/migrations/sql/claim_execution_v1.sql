-- Gives an execution to a worker: one that is pending and may begin by now, that waited long enough, or whose worker let its lease run out.
-- What cannot go on is ended here. No row where there is nothing to do.
-- Called by serve_turn.
--
-- The tenant's limits are its own, or else those given. At its limit of running executions one is held back, until
-- another of them runs no more: claims of that tenant are one after the other. One that is taken over runs already.
-- Where one that was woken for that doesn't begin, for whatever other reason, the next that is held back is woken.
--
-- Of a paused rule nothing begins: what is pending is due never, until the rule is resumed (Rules.update). The rule's lock
-- waits for whoever pauses it, and makes him wait: once that was answered, nothing begins any more. What has begun goes on.
--
-- A claim is a number, the fence, that each claim of an execution makes greater, and a time until which it holds, the
-- lease. A worker that was believed dead has a smaller fence than its successor, and writes nothing any more.
--
-- What the claim changes is told in the log at the same time: that the attempt started, that its wait is over, and
-- counts, or that another worker goes on with it. log_entries is where the run's own entries begin. It is told, and the
-- attempt starts, when the claim is written: the transaction may have waited for the rule.
--
-- lost_workers counts the leases that ran out, one after the other, at the same action of the attempt. One that was
-- handed back (release_claim) did not: it ended with the epoch.

CREATE FUNCTION claim_execution_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_lease double precision, p_max_running bigint,
    p_max_run_seconds bigint, p_max_actions_seconds bigint)
RETURNS TABLE (
    fence bigint, rule_id uuid, rule_version integer, rule text, created_at timestamp with time zone,
    trigger_data text, results text, next_action integer, tries integer, call_key uuid,
    started_at timestamp with time zone, deadline_at timestamp with time zone, override_conditions boolean,
    retry_from text, actions_total integer, actions_successful integer, actions_failed integer, waited boolean,
    taken_over boolean, lost_workers integer, log_entries integer, weight integer, max_run_seconds integer,
    max_actions_seconds double precision, actions_seconds double precision, request_id text, triggered_by text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    most record;
    limited uuid;
    rule_status text;
    run record;
    told jsonb;
    version record;
    moment timestamp with time zone;
BEGIN
    SELECT coalesce(max(l.value) FILTER (WHERE l.name = 'weight'), 10)::integer AS weight,
        coalesce(max(l.value) FILTER (WHERE l.name = 'max_running'), p_max_running) AS running,
        coalesce(max(l.value) FILTER (WHERE l.name = 'max_run_seconds'), p_max_run_seconds)::integer AS run_seconds,
        coalesce(max(l.value) FILTER (WHERE l.name = 'max_actions_seconds'), p_max_actions_seconds) AS actions_seconds
    INTO most
    FROM tenant_limits l WHERE l.tenant = p_tenant;
    IF most.running IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(uuid_hash_extended(p_tenant, 0));
    END IF;
    limited := lock_limited_rule_v1(p_tenant, p_execution);
    SELECT r.status INTO rule_status FROM automation_rules r
    WHERE r.tenant = p_tenant AND r.rule_id = (
        SELECT e.automation_rule_id FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.status || '' = 'pending')
    FOR SHARE;
    SELECT e.status, e.lease_until, e.deadline_at, e.cancel_requested_at, e.cancel_reason, e.automation_rule_id,
        e.rule_version, e.expires_at, e.fence, e.next_action, e.actions_total, e.log_entries, e.log_bytes, e.logs_cut,
        e.status = 'running' AND e.lease_until IS NULL AS waited,
        e.status = 'running' AND e.lease_until IS NOT NULL AS taken_over,
        e.status = 'running' AND coalesce(e.lease_until > 'epoch', false) AS lost
    INTO run
    FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt
        AND (e.status || '' = 'pending' AND coalesce(e.run_at <= clock_timestamp(), true) OR e.status || '' = 'running' AND (
            e.lease_until < now() OR e.lease_until IS NULL AND (e.resume_at <= now() OR e.deadline_at <= now())))
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM wake_held_execution_v1(p_tenant);
        RETURN;
    END IF;
    SELECT least(v.execution_timeout_seconds, most.run_seconds) AS timeout, json_build_object(
            'name', v.name, 'description', v.description, 'status', v.status, 'trigger_type', v.trigger_type,
            'trigger_config', v.trigger_config, 'conditions', v.conditions, 'condition_logic', v.condition_logic,
            'actions', v.actions, 'execution_timeout_seconds', v.execution_timeout_seconds,
            'max_concurrent_executions', v.max_concurrent_executions, 'concurrency_policy', v.concurrency_policy,
            'labels', v.labels, 'priority', v.priority)::text AS content
    INTO version
    FROM automation_rule_versions v
    WHERE v.tenant = p_tenant AND v.rule_id = run.automation_rule_id AND v.version = run.rule_version;

    IF run.cancel_requested_at IS NOT NULL THEN
        PERFORM end_execution_saying_v1(p_tenant, p_execution, 'cancelled', 'info', run.cancel_reason, NULL);
        PERFORM wake_executions_v1(p_tenant, limited, p_execution);
        PERFORM wake_held_execution_v1(p_tenant);
        RETURN;
    END IF;
    IF run.deadline_at <= now() THEN
        PERFORM end_execution_saying_v1(p_tenant, p_execution, 'timeout', 'error',
            format('The execution''s time of %s s is over.', version.timeout),
            format('The execution took longer than %s s%s.', version.timeout, CASE
                WHEN version.timeout = most.run_seconds THEN ', the tenant''s limit max_run_seconds' ELSE '' END));
        PERFORM wake_executions_v1(p_tenant, limited, p_execution);
        PERFORM wake_held_execution_v1(p_tenant);
        RETURN;
    END IF;
    IF run.status = 'pending' AND run.expires_at <= clock_timestamp() THEN
        PERFORM expire_execution_v1(p_tenant, p_execution);
        RETURN;
    END IF;
    IF run.status = 'pending' AND rule_status = 'paused' THEN
        UPDATE automation_executions e SET held_back = false, due_at = NULL
        WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
        PERFORM wake_held_execution_v1(p_tenant);
        RETURN;
    END IF;
    IF NOT run.taken_over AND most.running IS NOT NULL AND most.running <= (
        SELECT count(*) FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.status = 'running' AND e.lease_until IS NOT NULL)
    THEN
        UPDATE automation_executions e SET held_back = true, due_at = now() + interval '1 minute'
        WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
        RETURN;
    END IF;
    IF run.status = 'pending' AND limited IS NOT NULL AND NOT admit_execution_v1(p_tenant, limited, p_execution) THEN
        PERFORM wake_held_execution_v1(p_tenant);
        RETURN;
    END IF;

    moment := clock_timestamp();
    told := jsonb_build_object('timestamp', moment, 'level', 'info') || CASE
        WHEN run.waited THEN jsonb_build_object(
            'message', 'The wait is over.', 'action_index', run.next_action - 1)
        WHEN run.taken_over THEN jsonb_build_object(
            'level', 'warn', 'message', 'The execution goes on with another worker.',
            'metadata', jsonb_build_object('claim', run.fence + 1))
        ELSE jsonb_build_object(
            'message', format('Attempt %s started with version %s of the rule.', p_attempt, run.rule_version),
            'metadata', jsonb_build_object('actions', run.actions_total)) END;
    SELECT entries, bytes, cut INTO run.log_entries, run.log_bytes, run.logs_cut
    FROM append_execution_logs_v1(p_tenant, p_execution, p_attempt, NULL, jsonb_build_array(told), run.log_entries,
        run.log_bytes, run.logs_cut);
    RETURN QUERY
    UPDATE automation_executions e SET
        status = 'running',
        fence = e.fence + 1,
        lease_until = moment + make_interval(secs => p_lease),
        due_at = moment + make_interval(secs => p_lease),
        resume_at = NULL,
        held_back = false,
        started_at = coalesce(e.started_at, moment),
        deadline_at = coalesce(e.deadline_at, coalesce(e.started_at, moment) + make_interval(secs => version.timeout)),
        actions_successful = e.actions_successful + run.waited::integer,
        lost_workers = CASE WHEN run.lost THEN e.lost_workers + 1 ELSE 0 END,
        log_entries = run.log_entries,
        log_bytes = run.log_bytes,
        logs_cut = run.logs_cut
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution
    RETURNING e.fence, e.automation_rule_id, e.rule_version, version.content,
        e.created_at::timestamptz, e.trigger_data::text, e.results::text, e.next_action::integer, e.tries::integer,
        e.call_key, e.started_at::timestamptz, e.deadline_at::timestamptz, e.override_conditions, e.retry_from::text,
        e.actions_total::integer, e.actions_successful::integer, e.actions_failed::integer, run.waited, run.taken_over,
        e.lost_workers::integer, e.log_entries::integer, most.weight, most.run_seconds,
        most.actions_seconds::double precision, e.actions_seconds, e.request_id, e.triggered_by::text;
END
$$;

REVOKE ALL ON FUNCTION claim_execution_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_execution_v1 TO automation_worker;
