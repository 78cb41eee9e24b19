"""How an execution ends, and what is logged on the way: what the API and the workers do alike.

These functions are called by others, which have set the tenant and locked the execution's row before, and the rule's
row before that where the rule has a limit.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Entries and bytes are those that the attempt has; the caller stores what becomes of them. At most 1,000 entries or
# 256 KiB are kept, the last of which says that others are missing.
_APPEND_LOGS = """
CREATE FUNCTION append_execution_logs_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_logs jsonb,
    INOUT entries integer, INOUT bytes integer, INOUT cut boolean)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    entry jsonb;
BEGIN
    FOR entry IN SELECT value FROM jsonb_array_elements(p_logs) LOOP
        EXIT WHEN cut;
        IF entries >= 999 OR bytes + octet_length(entry::text) > 262144 THEN
            cut := true;
            entry := jsonb_build_object('timestamp', entry->'timestamp', 'level', 'warn',
                'message', 'The log is full: no more entries are kept.');
        END IF;
        INSERT INTO automation_execution_logs (
            tenant, execution_id, attempt, sequence, timestamp, level, message, action_index, metadata)
        VALUES (
            p_tenant, p_execution, p_attempt, entries, (entry->>'timestamp')::timestamp with time zone,
            entry->>'level', entry->>'message', (entry->>'action_index')::integer,
            nullif(entry->'metadata', 'null'::jsonb));
        entries := entries + 1;
        bytes := bytes + octet_length(entry::text);
    END LOOP;
END
$$
"""

# A rule without a limit needs no lock. The lock excludes other claims and ends of the rule's executions, but not that
# executions are created.
_LOCK_RULE = """
CREATE FUNCTION lock_limited_rule_v1(p_tenant uuid, p_execution uuid)
RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    limited uuid;
BEGIN
    SELECT r.rule_id INTO limited
    FROM automation_executions e
    JOIN automation_rules r ON r.tenant = e.tenant AND r.rule_id = e.automation_rule_id
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution AND r.max_concurrent_executions IS NOT NULL;
    IF limited IS NOT NULL THEN
        PERFORM FROM automation_rules r WHERE r.tenant = p_tenant AND r.rule_id = limited FOR NO KEY UPDATE;
    END IF;
    RETURN limited;
END
$$
"""

# As many of the oldest pending executions get a job as there is room for. Without a rule there is no limit, and every
# pending execution has a job of its own.
_WAKE = """
CREATE FUNCTION wake_executions_v1(p_tenant uuid, p_rule uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    room integer;
    oldest record;
BEGIN
    SELECT r.max_concurrent_executions - (
        SELECT count(*) FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'running')
    INTO room
    FROM automation_rules r WHERE r.tenant = p_tenant AND r.rule_id = p_rule;
    IF room IS NULL OR room <= 0 THEN
        RETURN;
    END IF;
    FOR oldest IN
        SELECT e.execution_id, e.attempt FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.automation_rule_id = p_rule AND e.status = 'pending'
        ORDER BY e.queued_at, e.execution_id LIMIT room
    LOOP
        UPDATE automation_executions e SET due_at = now() + interval '10 seconds'
        WHERE e.tenant = p_tenant AND e.execution_id = oldest.execution_id AND e.status = 'pending';
        PERFORM defer_execution_v1(p_tenant, oldest.execution_id, oldest.attempt);
    END LOOP;
END
$$
"""

# A failed action that was recorded before it ended the execution is not counted twice.
_END = """
CREATE FUNCTION end_execution_v1(
    p_tenant uuid, p_execution uuid, p_status text, p_error_message text, p_error_stack text, p_failed_action integer,
    p_keep_call_key boolean, p_logs jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    run record;
BEGIN
    SELECT e.attempt, e.log_entries, e.log_bytes, e.logs_cut INTO run
    FROM automation_executions e WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    SELECT entries, bytes, cut INTO run.log_entries, run.log_bytes, run.logs_cut
    FROM append_execution_logs_v1(
        p_tenant, p_execution, run.attempt, p_logs, run.log_entries, run.log_bytes, run.logs_cut);
    UPDATE automation_executions e SET
        status = p_status,
        completed_at = now(),
        duration_ms = CASE WHEN e.started_at IS NOT NULL THEN
            greatest(0, extract(epoch FROM now() - e.started_at) * 1000)::double precision END,
        actions_failed = e.actions_failed + coalesce(p_failed_action >= e.next_action, false)::integer,
        error_message = p_error_message,
        error_stack = p_error_stack,
        failed_action_index = p_failed_action,
        call_key = CASE WHEN p_keep_call_key THEN e.call_key END,
        lease_until = NULL,
        resume_at = NULL,
        due_at = NULL,
        log_entries = run.log_entries,
        log_bytes = run.log_bytes,
        logs_cut = run.logs_cut
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
END
$$
"""

# Ends one of which nothing is known but that it is over now, with one entry in its log.
_END_WITH_ENTRY = """
CREATE FUNCTION end_execution_saying_v1(
    p_tenant uuid, p_execution uuid, p_status text, p_level text, p_message text, p_error_message text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
BEGIN
    PERFORM end_execution_v1(p_tenant, p_execution, p_status, p_error_message, NULL, NULL, false,
        jsonb_build_array(jsonb_build_object('timestamp', now(), 'level', p_level, 'message', p_message)));
END
$$
"""

_FUNCTIONS = """append_execution_logs_v1(uuid, uuid, integer, jsonb, integer, integer, boolean),
    lock_limited_rule_v1(uuid, uuid), wake_executions_v1(uuid, uuid),
    end_execution_v1(uuid, uuid, text, text, text, integer, boolean, jsonb),
    end_execution_saying_v1(uuid, uuid, text, text, text, text)"""

_GRANTS = f"""
REVOKE ALL ON FUNCTION {_FUNCTIONS} FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {_FUNCTIONS} TO automation_api, automation_worker;
"""


def upgrade() -> None:
    for statements in (_APPEND_LOGS, _LOCK_RULE, _WAKE, _END, _END_WITH_ENTRY, _GRANTS):
        op.get_bind().exec_driver_sql(statements)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(f"DROP FUNCTION {_FUNCTIONS}")
