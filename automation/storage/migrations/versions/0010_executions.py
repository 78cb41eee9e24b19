"""The API's functions: an execution with its attempt, all its attempts, and how one is created, retried and cancelled.

Each is one round trip and one transaction. ``get_execution_v1`` stays for processes of the former version.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_SCOPED = "scope text := set_config('app.tenant', p_tenant::text, true)"
_OUTCOME = "outcome text, execution_id uuid, automation_rule_id uuid, status text, document text"
_RETURN = """RETURN QUERY
    SELECT outcome, d.execution_id, d.automation_rule_id, d.status, d.document
    FROM get_execution_v2(p_tenant, p_execution) d;"""

# What an execution and each of its attempts have in common: the rest of an object that was begun with a member.
_STANDING = """',"status":"', e.status,
        '","created_at":"', to_char(e.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '"',
        ',"started_at":"' || to_char(e.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"',
        ',"completed_at":', coalesce(
            '"' || to_char(e.completed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"', 'null'),
        ',"duration_ms":', coalesce(e.duration_ms::text, 'null'),
        ',"actions_total":', e.actions_total,
        ',"actions_successful":', e.actions_successful,
        ',"actions_failed":', e.actions_failed,
        ',"error_message":', coalesce(to_json(e.error_message)::text, 'null'),
        ',"error_stack":', coalesce(to_json(e.error_stack)::text, 'null'),
        ',"failed_action_index":', coalesce(e.failed_action_index::text, 'null')"""

_LOGS = """',"logs":[' || (
            SELECT string_agg(
                concat(
                    '{"timestamp":"', to_char(l.timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                    '","level":"', l.level,
                    '","message":', to_json(l.message),
                    ',"action_index":' || l.action_index::text,
                    ',"metadata":' || l.metadata::text,
                    '}'),
                ',' ORDER BY l.sequence)
            FROM automation_execution_logs l
            WHERE l.tenant = p_tenant AND l.execution_id = p_execution AND l.attempt = e.attempt
        ) || ']'"""

_PARTS = {
    "<scoped>": _SCOPED,
    "<outcome>": _OUTCOME,
    "<return>": _RETURN,
    "<standing>": _STANDING,
    "<logs>": _LOGS,
}

# As in revision 0003, with the version and the attempt; the context is made of the actions' results.
_GET_EXECUTION = """
CREATE FUNCTION get_execution_v2(p_tenant uuid, p_execution uuid)
RETURNS TABLE (execution_id uuid, automation_rule_id uuid, status text, document text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    <scoped>;
BEGIN
    RETURN QUERY
    SELECT e.execution_id, e.automation_rule_id, e.status, concat(
        '{"execution_id":"', e.execution_id,
        '","automation_rule_id":"', e.automation_rule_id,
        '","tenant":"', e.tenant,
        '","rule_version":', e.rule_version,
        ',"attempt":', e.attempt,
        <standing>,
        ',"trigger_data":' || e.trigger_data::text,
        ',"execution_context":' || coalesce('{"actions":' || e.results::text || '}', e.execution_context::text),
        <logs>,
        '}')
    FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
END
$$
"""

# No row for no execution: every execution has its current attempt.
_LIST_ATTEMPTS = """
CREATE FUNCTION list_execution_attempts_v1(p_tenant uuid, p_execution uuid)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    <scoped>;
BEGIN
    RETURN (
        SELECT '[' || string_agg(
            concat('{"attempt":', e.attempt, <standing>, <logs>, '}'),
            ',' ORDER BY e.attempt) || ']'
        FROM (
            SELECT a.attempt, a.status, a.created_at, a.started_at, a.completed_at, a.duration_ms, a.actions_total,
                a.actions_successful, a.actions_failed, a.error_message, a.error_stack, a.failed_action_index
            FROM automation_execution_attempts a
            WHERE a.tenant = p_tenant AND a.execution_id = p_execution
            UNION ALL
            SELECT c.attempt, c.status, c.queued_at, c.started_at, c.completed_at, c.duration_ms, c.actions_total,
                c.actions_successful, c.actions_failed, c.error_message, c.error_stack, c.failed_action_index
            FROM automation_executions c
            WHERE c.tenant = p_tenant AND c.execution_id = p_execution
        ) e
    );
END
$$
"""

# The lock waits for a deletion, and makes one wait.
_CREATE = """
CREATE FUNCTION create_execution_v1(
    p_tenant uuid, p_execution uuid, p_rule uuid, p_user uuid, p_trigger_data jsonb, p_override_conditions boolean)
RETURNS TABLE (<outcome>)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    <scoped>;
    rule record;
BEGIN
    SELECT r.version, r.status, r.deleted_at, jsonb_array_length(r.actions) AS actions INTO rule
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
    INSERT INTO automation_executions (
        tenant, execution_id, automation_rule_id, rule_version, status, trigger_data, override_conditions, created_by,
        actions_total, due_at)
    VALUES (
        p_tenant, p_execution, p_rule, rule.version, 'pending', p_trigger_data, p_override_conditions, p_user,
        rule.actions, now() + interval '10 seconds');
    PERFORM defer_execution_v1(p_tenant, p_execution, 1);
    outcome := 'created';
    <return>
END
$$
"""

# From the failed action, the results before it stay. Its call's Idempotency-Key stays where its outcome is unknown.
_RETRY = """
CREATE FUNCTION retry_execution_v1(p_tenant uuid, p_execution uuid, p_from text)
RETURNS TABLE (<outcome>)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    <scoped>;
    run record;
    first integer;
BEGIN
    SELECT e.status, e.attempt, e.failed_action_index INTO run
    FROM automation_executions e WHERE e.tenant = p_tenant AND e.execution_id = p_execution
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF run.status <> 'failed' THEN
        outcome := 'not_failed';
        RETURN NEXT;
        RETURN;
    END IF;
    first := CASE p_from WHEN 'failed_action' THEN coalesce(run.failed_action_index, 0) ELSE 0 END;
    INSERT INTO automation_execution_attempts
    SELECT e.tenant, e.execution_id, e.attempt, e.status, e.queued_at, e.started_at, e.completed_at, e.duration_ms,
        e.actions_total, e.actions_successful, e.actions_failed, e.error_message, e.error_stack, e.failed_action_index
    FROM automation_executions e WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    UPDATE automation_executions e SET
        status = 'pending', attempt = e.attempt + 1, retry_from = p_from,
        queued_at = now(), due_at = now() + interval '10 seconds',
        started_at = NULL, completed_at = NULL, duration_ms = NULL, actions_successful = 0, actions_failed = 0,
        error_message = NULL, error_stack = NULL, failed_action_index = NULL, execution_context = NULL,
        results = (
            SELECT json_object_agg(r.key, r.value) FROM json_each(e.results) r WHERE r.key::integer < first),
        call_key = CASE WHEN first = e.next_action THEN e.call_key END,
        next_action = first, tries = 0, lease_until = NULL, resume_at = NULL, deadline_at = NULL,
        cancel_requested_at = NULL, cancel_reason = NULL, log_entries = 0, log_bytes = 0, logs_cut = false
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    PERFORM defer_execution_v1(p_tenant, p_execution, run.attempt + 1);
    outcome := 'retried';
    <return>
END
$$
"""

_CANCEL = """
CREATE FUNCTION cancel_execution_v1(p_tenant uuid, p_execution uuid, p_reason text)
RETURNS TABLE (<outcome>)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    <scoped>;
    limited uuid := lock_limited_rule_v1(p_tenant, p_execution);
    run record;
BEGIN
    SELECT e.status, coalesce(e.lease_until < now(), true) AS idle INTO run
    FROM automation_executions e WHERE e.tenant = p_tenant AND e.execution_id = p_execution
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF run.status NOT IN ('pending', 'running') THEN
        outcome := 'finished';
        RETURN NEXT;
        RETURN;
    END IF;
    IF run.idle THEN
        PERFORM end_execution_saying_v1(p_tenant, p_execution, 'cancelled', 'info', p_reason, NULL);
        PERFORM wake_executions_v1(p_tenant, limited);
    ELSE
        UPDATE automation_executions e SET
            cancel_requested_at = coalesce(e.cancel_requested_at, now()),
            cancel_reason = coalesce(e.cancel_reason, p_reason)
        WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    END IF;
    outcome := CASE WHEN run.idle THEN 'cancelled' ELSE 'requested' END;
    <return>
END
$$
"""

_READING = "get_execution_v2(uuid, uuid), list_execution_attempts_v1(uuid, uuid)"
_WRITING = """create_execution_v1(uuid, uuid, uuid, uuid, jsonb, boolean), retry_execution_v1(uuid, uuid, text),
    cancel_execution_v1(uuid, uuid, text)"""

_GRANTS = f"""
REVOKE ALL ON FUNCTION {_READING}, {_WRITING} FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {_READING} TO automation_api, automation_worker;
GRANT EXECUTE ON FUNCTION {_WRITING} TO automation_api;
"""


def upgrade() -> None:
    for statements in (_GET_EXECUTION, _LIST_ATTEMPTS, _CREATE, _RETRY, _CANCEL, _GRANTS):
        op.get_bind().exec_driver_sql(_with_parts(statements))


def downgrade() -> None:
    op.get_bind().exec_driver_sql(f"DROP FUNCTION {_WRITING}, {_READING}")


def _with_parts(statements: str) -> str:
    for name, part in _PARTS.items():
        statements = statements.replace(name, part)
    return statements
