"""How a worker gets an execution, keeps it and hands it back.

A claim is a number, the fence, that each claim of an execution makes greater, and a time until which it holds, the
lease. A worker that was believed dead has a smaller fence than its successor, and writes nothing any more.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# At a rule's limit the policy decides. A queue is first come, first served: room is for the oldest. What stays pending
# gets another job when an execution of the rule ends; the sweep looks at it once a minute in case that one is lost.
_ADMIT = """
CREATE FUNCTION admit_execution_v1(p_tenant uuid, p_rule uuid, p_execution uuid)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    slots integer;
    policy text;
    running integer;
    ahead integer;
    since timestamp with time zone;
BEGIN
    SELECT r.max_concurrent_executions, r.concurrency_policy INTO slots, policy
    FROM automation_rules r WHERE r.tenant = p_tenant AND r.rule_id = p_rule;
    IF slots IS NULL THEN
        RETURN true; -- the limit was lifted while the lock was waited for
    END IF;
    SELECT e.queued_at INTO since
    FROM automation_executions e WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    IF policy = 'cancel_previous' THEN
        PERFORM cancel_previous_executions_v1(p_tenant, p_rule, p_execution, since, slots);
    END IF;
    SELECT count(*) INTO running FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'running';
    SELECT count(*) INTO ahead FROM (
        SELECT FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'pending'
            AND (e.queued_at, e.execution_id) < (since, p_execution)
        LIMIT slots) older;

    IF running < slots AND (policy <> 'queue' OR running + ahead < slots) THEN
        RETURN true;
    END IF;
    IF policy = 'skip' THEN
        PERFORM end_execution_saying_v1(p_tenant, p_execution, 'skipped', 'info', format(
            'The execution was skipped: the rule''s limit of %s executions at the same time was reached.', slots),
            NULL);
        RETURN false;
    END IF;
    UPDATE automation_executions e SET due_at = now() + interval '1 minute'
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    PERFORM wake_executions_v1(p_tenant, p_rule);
    RETURN false;
END
$$
"""

# Those that nobody holds end at once, a worker learns of it with its next renewal.
_CANCEL_PREVIOUS = """
CREATE FUNCTION cancel_previous_executions_v1(
    p_tenant uuid, p_rule uuid, p_execution uuid, p_since timestamp with time zone, p_slots integer)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    reason constant text := 'The execution was cancelled: a newer one of its rule takes its place.';
    excess integer;
    previous record;
BEGIN
    SELECT count(*) - p_slots + 1 INTO excess FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'running';
    IF excess <= 0 THEN
        RETURN;
    END IF;
    FOR previous IN
        SELECT e.execution_id FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'pending'
            AND (e.queued_at, e.execution_id) < (p_since, p_execution)
        FOR NO KEY UPDATE
    LOOP
        PERFORM end_execution_saying_v1(p_tenant, previous.execution_id, 'cancelled', 'info', reason, NULL);
    END LOOP;
    FOR previous IN
        SELECT e.execution_id, coalesce(e.lease_until < now(), true) AS idle FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'running'
        ORDER BY e.queued_at, e.execution_id LIMIT excess
        FOR NO KEY UPDATE
    LOOP
        IF previous.idle THEN
            PERFORM end_execution_saying_v1(p_tenant, previous.execution_id, 'cancelled', 'info', reason, NULL);
        ELSE
            UPDATE automation_executions e SET
                cancel_requested_at = coalesce(e.cancel_requested_at, now()),
                cancel_reason = coalesce(e.cancel_reason, reason)
            WHERE e.tenant = p_tenant AND e.execution_id = previous.execution_id;
        END IF;
    END LOOP;
END
$$
"""

_CLAIM = """
CREATE FUNCTION claim_execution_v1(p_tenant uuid, p_execution uuid, p_attempt integer, p_lease double precision)
RETURNS TABLE (
    fence bigint, rule_id uuid, rule_version integer, rule text, created_at timestamp with time zone,
    trigger_data text, results text, next_action integer, tries integer, call_key uuid,
    started_at timestamp with time zone, deadline_at timestamp with time zone, override_conditions boolean,
    retry_from text, actions_total integer, actions_successful integer, actions_failed integer, waited boolean,
    taken_over boolean)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    limited uuid := lock_limited_rule_v1(p_tenant, p_execution);
    run record;
    timeout integer;
BEGIN
    SELECT e.status, e.lease_until, e.deadline_at, e.cancel_requested_at, e.cancel_reason, e.automation_rule_id,
        e.rule_version
    INTO run
    FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt
        AND (e.status = 'pending' OR e.status = 'running' AND (
            e.lease_until < now() OR e.lease_until IS NULL AND (e.resume_at <= now() OR e.deadline_at <= now())))
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT v.execution_timeout_seconds INTO timeout
    FROM automation_rule_versions v
    WHERE v.tenant = p_tenant AND v.rule_id = run.automation_rule_id AND v.version = run.rule_version;

    IF run.cancel_requested_at IS NOT NULL THEN
        PERFORM end_execution_saying_v1(p_tenant, p_execution, 'cancelled', 'info', run.cancel_reason, NULL);
        PERFORM wake_executions_v1(p_tenant, limited);
        RETURN;
    END IF;
    IF run.deadline_at <= now() THEN
        PERFORM end_execution_saying_v1(p_tenant, p_execution, 'timeout', 'error',
            format('The execution''s time of %s s is over.', timeout),
            format('The execution took longer than %s s.', timeout));
        PERFORM wake_executions_v1(p_tenant, limited);
        RETURN;
    END IF;
    IF run.status = 'pending' AND limited IS NOT NULL AND NOT admit_execution_v1(p_tenant, limited, p_execution) THEN
        RETURN;
    END IF;

    UPDATE automation_executions e SET
        status = 'running',
        fence = e.fence + 1,
        lease_until = now() + make_interval(secs => p_lease),
        due_at = now() + make_interval(secs => p_lease),
        resume_at = NULL,
        started_at = coalesce(e.started_at, now()),
        deadline_at = coalesce(e.deadline_at, coalesce(e.started_at, now()) + make_interval(secs => timeout)),
        actions_successful = e.actions_successful + (run.status = 'running' AND run.lease_until IS NULL)::integer
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    RETURN QUERY
    SELECT e.fence, e.automation_rule_id, e.rule_version,
        json_build_object(
            'name', v.name, 'description', v.description, 'status', v.status, 'trigger_type', v.trigger_type,
            'trigger_config', v.trigger_config, 'conditions', v.conditions, 'condition_logic', v.condition_logic,
            'actions', v.actions, 'execution_timeout_seconds', v.execution_timeout_seconds,
            'max_concurrent_executions', v.max_concurrent_executions, 'concurrency_policy', v.concurrency_policy)::text,
        e.created_at, e.trigger_data::text, e.results::text, e.next_action, e.tries, e.call_key, e.started_at,
        e.deadline_at, e.override_conditions, e.retry_from, e.actions_total, e.actions_successful, e.actions_failed,
        run.status = 'running' AND run.lease_until IS NULL,
        run.status = 'running' AND run.lease_until IS NOT NULL
    FROM automation_executions e
    JOIN automation_rule_versions v
        ON v.tenant = e.tenant AND v.rule_id = e.automation_rule_id AND v.version = e.rule_version
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
END
$$
"""

# Asked every second, it writes once a third of the lease is gone.
_RENEW = """
CREATE FUNCTION renew_claim_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint, p_lease double precision)
RETURNS TABLE (cancel_requested boolean, cancel_reason text, deadline_passed boolean)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    UPDATE automation_executions e SET
        lease_until = now() + make_interval(secs => p_lease),
        due_at = now() + make_interval(secs => p_lease)
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt AND e.fence = p_fence
        AND e.status = 'running' AND e.lease_until < now() + make_interval(secs => p_lease * 2 / 3);
    RETURN QUERY
    SELECT e.cancel_requested_at IS NOT NULL, e.cancel_reason, coalesce(e.deadline_at <= now(), false)
    FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt AND e.fence = p_fence
        AND e.status = 'running' AND e.lease_until IS NOT NULL;
END
$$
"""

_RELEASE = """
CREATE FUNCTION release_claim_v1(p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    UPDATE automation_executions e SET lease_until = now() - interval '1 microsecond', due_at = now()
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt AND e.fence = p_fence
        AND e.status = 'running' AND e.lease_until IS NOT NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM defer_execution_v1(p_tenant, p_execution, p_attempt);
    RETURN true;
END
$$
"""

_FUNCTIONS = """admit_execution_v1(uuid, uuid, uuid),
    cancel_previous_executions_v1(uuid, uuid, uuid, timestamp with time zone, integer),
    claim_execution_v1(uuid, uuid, integer, double precision),
    renew_claim_v1(uuid, uuid, integer, bigint, double precision),
    release_claim_v1(uuid, uuid, integer, bigint)"""

_GRANTS = f"""
REVOKE ALL ON FUNCTION {_FUNCTIONS} FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {_FUNCTIONS} TO automation_worker;
"""


def upgrade() -> None:
    for statements in (_CANCEL_PREVIOUS, _ADMIT, _CLAIM, _RENEW, _RELEASE, _GRANTS):
        op.get_bind().exec_driver_sql(statements)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(f"DROP FUNCTION {_FUNCTIONS}")
