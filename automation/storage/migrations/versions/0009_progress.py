"""What a run writes on its way to its end. Each write names the claim, and is not done twice where it is repeated.

A repeated write is one whose first answer was lost with the connection: it finds what it wrote, and says true again.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SCOPED = "scope text := set_config('app.tenant', p_tenant::text, true)"

# The row as the claim's holder finds it, locked.
_HELD = """
    SELECT e.next_action, e.log_entries, e.log_bytes, e.logs_cut INTO run
    FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt AND e.fence = p_fence
        AND e.status = 'running' AND e.lease_until IS NOT NULL
    FOR NO KEY UPDATE;"""

_LOGGED = """
    SELECT entries, bytes, cut INTO run.log_entries, run.log_bytes, run.logs_cut
    FROM append_execution_logs_v1(
        p_tenant, p_execution, p_attempt, p_logs, run.log_entries, run.log_bytes, run.logs_cut);"""

_LOG_COLUMNS = "log_entries = run.log_entries, log_bytes = run.log_bytes, logs_cut = run.logs_cut"

# The results are a JSON object that only grows at its end: what is in it stays as the action returned it.
_RESULTS = """CASE WHEN p_result IS NULL THEN e.results ELSE concat(
            coalesce(left(e.results::text, -1) || ',', '{'), '"', index, '":', p_result::text, '}')::json END"""

_PARTS = {
    "<scoped>": _SCOPED,
    "<held>": _HELD,
    "<logged>": _LOGGED,
    "<log_columns>": _LOG_COLUMNS,
    "<results>": _RESULTS,
}

_BEGIN_CALL = """
CREATE FUNCTION begin_call_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint, p_tries integer, p_call_key uuid)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    <scoped>;
BEGIN
    UPDATE automation_executions e SET tries = p_tries, call_key = p_call_key
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt AND e.fence = p_fence
        AND e.status = 'running' AND e.lease_until IS NOT NULL;
    RETURN FOUND;
END
$$
"""

_RECORD_TRY = """
CREATE FUNCTION record_try_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint, p_tries integer, p_keep_call_key boolean,
    p_logs jsonb)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    <scoped>;
    run record;
BEGIN
    <held>
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    <logged>
    UPDATE automation_executions e SET
        tries = p_tries, call_key = CASE WHEN p_keep_call_key THEN e.call_key END, <log_columns>
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    RETURN true;
END
$$
"""

# An action before next_action is recorded already.
_RECORD_ACTION = """
CREATE FUNCTION record_action_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint, index integer, p_result json,
    p_failed boolean, p_next_action integer, p_logs jsonb)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    <scoped>;
    run record;
BEGIN
    <held>
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF index < run.next_action THEN
        RETURN true;
    END IF;
    <logged>
    UPDATE automation_executions e SET
        results = <results>,
        next_action = p_next_action,
        tries = 0,
        call_key = NULL,
        actions_successful = e.actions_successful + (NOT p_failed)::integer,
        actions_failed = e.actions_failed + p_failed::integer,
        <log_columns>
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    RETURN true;
END
$$
"""

# The claim ends here, not its number: that the wait began is known by it.
_BEGIN_WAIT = """
CREATE FUNCTION begin_wait_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint, p_next_action integer,
    p_resume_at timestamp with time zone, p_result json, p_logs jsonb)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    <scoped>;
    index constant integer := p_next_action - 1;
    run record;
BEGIN
    <held>
    IF NOT FOUND THEN
        RETURN EXISTS (
            SELECT FROM automation_executions e
            WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt
                AND e.fence = p_fence AND e.status = 'running' AND e.lease_until IS NULL
                AND e.next_action = p_next_action);
    END IF;
    <logged>
    UPDATE automation_executions e SET
        results = <results>,
        next_action = p_next_action,
        tries = 0,
        call_key = NULL,
        resume_at = p_resume_at,
        lease_until = NULL,
        due_at = least(p_resume_at, e.deadline_at),
        <log_columns>
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    RETURN true;
END
$$
"""

_LOG = """
CREATE FUNCTION log_run_v1(p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint, p_logs jsonb)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    <scoped>;
    run record;
BEGIN
    <held>
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    <logged>
    UPDATE automation_executions e SET <log_columns> WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    RETURN true;
END
$$
"""

_FINISH = """
CREATE FUNCTION finish_run_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_fence bigint, p_status text, p_error_message text,
    p_error_stack text, p_failed_action integer, p_keep_call_key boolean, p_logs jsonb)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    <scoped>;
    limited uuid := lock_limited_rule_v1(p_tenant, p_execution);
    run record;
BEGIN
    <held>
    IF NOT FOUND THEN
        RETURN EXISTS (
            SELECT FROM automation_executions e
            WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND e.attempt = p_attempt
                AND e.fence = p_fence AND e.status = p_status);
    END IF;
    PERFORM end_execution_v1(p_tenant, p_execution, p_status, p_error_message, p_error_stack, p_failed_action,
        p_keep_call_key, p_logs);
    PERFORM wake_executions_v1(p_tenant, limited);
    RETURN true;
END
$$
"""

# A rule that was changed since is not the one that could not be run.
_MARK_RULE = """
CREATE FUNCTION mark_rule_error_v1(p_tenant uuid, p_rule uuid, p_version integer, p_reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    <scoped>;
BEGIN
    UPDATE automation_rules r SET status = 'error', status_reason = p_reason, updated_at = now()
    WHERE r.tenant = p_tenant AND r.rule_id = p_rule AND r.version = p_version AND r.deleted_at IS NULL
        AND r.status <> 'error';
END
$$
"""

_FUNCTIONS = """begin_call_v1(uuid, uuid, integer, bigint, integer, uuid),
    record_try_v1(uuid, uuid, integer, bigint, integer, boolean, jsonb),
    record_action_v1(uuid, uuid, integer, bigint, integer, json, boolean, integer, jsonb),
    begin_wait_v1(uuid, uuid, integer, bigint, integer, timestamp with time zone, json, jsonb),
    log_run_v1(uuid, uuid, integer, bigint, jsonb),
    finish_run_v1(uuid, uuid, integer, bigint, text, text, text, integer, boolean, jsonb),
    mark_rule_error_v1(uuid, uuid, integer, text)"""

_GRANTS = f"""
REVOKE ALL ON FUNCTION {_FUNCTIONS} FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {_FUNCTIONS} TO automation_worker;
"""


def upgrade() -> None:
    for statements in (
        _BEGIN_CALL,
        _RECORD_TRY,
        _RECORD_ACTION,
        _BEGIN_WAIT,
        _LOG,
        _FINISH,
        _MARK_RULE,
        _GRANTS,
    ):
        op.get_bind().exec_driver_sql(_with_parts(statements))


def downgrade() -> None:
    op.get_bind().exec_driver_sql(f"DROP FUNCTION {_FUNCTIONS}")


def _with_parts(statements: str) -> str:
    for name, part in _PARTS.items():
        statements = statements.replace(name, part)
    return statements
