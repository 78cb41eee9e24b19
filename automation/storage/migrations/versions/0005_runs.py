"""How far a run has come, whose it is and until when; its former attempts; and which attempt an entry was logged in.

An execution that had not ended before gets a worker: its rule's only action is a wait.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_EXECUTIONS = """
ALTER TABLE automation_executions
    ADD COLUMN rule_version integer NOT NULL DEFAULT 1,
    ADD COLUMN attempt integer NOT NULL DEFAULT 1,
    ADD COLUMN created_by uuid,
    ADD COLUMN override_conditions boolean NOT NULL DEFAULT false,
    ADD COLUMN retry_from text,
    ADD COLUMN results json,
    ADD COLUMN next_action integer NOT NULL DEFAULT 0,
    ADD COLUMN tries integer NOT NULL DEFAULT 0,
    ADD COLUMN call_key uuid,
    ADD COLUMN queued_at timestamp with time zone NOT NULL DEFAULT now(),
    ADD COLUMN due_at timestamp with time zone,
    ADD COLUMN fence bigint NOT NULL DEFAULT 0,
    ADD COLUMN lease_until timestamp with time zone,
    ADD COLUMN resume_at timestamp with time zone,
    ADD COLUMN deadline_at timestamp with time zone,
    ADD COLUMN cancel_requested_at timestamp with time zone,
    ADD COLUMN cancel_reason text,
    ADD COLUMN log_entries integer NOT NULL DEFAULT 0,
    ADD COLUMN log_bytes integer NOT NULL DEFAULT 0,
    ADD COLUMN logs_cut boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT automation_executions_rule_version_fkey
        FOREIGN KEY (tenant, automation_rule_id, rule_version)
        REFERENCES automation_rule_versions (tenant, rule_id, version),
    ADD CONSTRAINT automation_executions_attempt_check CHECK (attempt >= 1),
    ADD CONSTRAINT automation_executions_retry_from_check CHECK (retry_from IN ('start', 'failed_action')),
    ADD CONSTRAINT automation_executions_results_check CHECK (json_typeof(results) = 'object'),
    ADD CONSTRAINT automation_executions_progress_check CHECK (next_action >= 0 AND tries >= 0),
    ADD CONSTRAINT automation_executions_run_times_check CHECK (
        isfinite(queued_at) AND isfinite(due_at) AND isfinite(lease_until) AND isfinite(resume_at)
        AND isfinite(deadline_at) AND isfinite(cancel_requested_at)),
    ADD CONSTRAINT automation_executions_log_check CHECK (log_entries >= 0 AND log_bytes >= 0);
"""

_ATTEMPTS = """
CREATE TABLE automation_execution_attempts (
    tenant uuid NOT NULL,
    execution_id uuid NOT NULL,
    attempt integer NOT NULL,
    status text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    duration_ms double precision,
    actions_total integer NOT NULL,
    actions_successful integer NOT NULL,
    actions_failed integer NOT NULL,
    error_message text,
    error_stack text,
    failed_action_index integer,
    CONSTRAINT automation_execution_attempts_pkey PRIMARY KEY (tenant, execution_id, attempt),
    CONSTRAINT automation_execution_attempts_tenant_execution_id_fkey FOREIGN KEY (tenant, execution_id)
        REFERENCES automation_executions (tenant, execution_id) ON DELETE CASCADE,
    CONSTRAINT automation_execution_attempts_attempt_check CHECK (attempt >= 1),
    CONSTRAINT automation_execution_attempts_status_check CHECK (
        status IN ('completed', 'failed', 'cancelled', 'timeout', 'skipped'))
);

ALTER TABLE automation_execution_attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE automation_execution_attempts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON automation_execution_attempts
    USING (tenant = (SELECT nullif(current_setting('app.tenant', true), '')::uuid))
    WITH CHECK (tenant = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));

ALTER TABLE automation_execution_logs
    ADD COLUMN attempt integer NOT NULL DEFAULT 1,
    DROP CONSTRAINT automation_execution_logs_pkey,
    ADD CONSTRAINT automation_execution_logs_pkey PRIMARY KEY (tenant, execution_id, attempt, sequence);
"""

# A forced policy binds the migration too, which is no tenant: it is lifted meanwhile.
_FORMER_EXECUTIONS = """
ALTER TABLE automation_executions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE automation_execution_logs NO FORCE ROW LEVEL SECURITY;

UPDATE automation_executions e SET
    queued_at = e.created_at,
    due_at = CASE WHEN e.status IN ('pending', 'running') THEN now() END,
    lease_until = CASE WHEN e.status = 'running' THEN now() END,
    log_entries = (
        SELECT count(*) FROM automation_execution_logs l
        WHERE l.tenant = e.tenant AND l.execution_id = e.execution_id);

ALTER TABLE automation_execution_logs FORCE ROW LEVEL SECURITY;
ALTER TABLE automation_executions FORCE ROW LEVEL SECURITY;
"""

# The first counts a rule's running executions and finds its oldest pending one; the others are the sweep's, apart
# because those that run come first.
_INDEXES = """
CREATE INDEX automation_executions_active_idx
    ON automation_executions (tenant, automation_rule_id, status, queued_at, execution_id)
    WHERE status IN ('pending', 'running');
CREATE INDEX automation_executions_running_due_idx ON automation_executions (due_at) WHERE status = 'running';
CREATE INDEX automation_executions_pending_due_idx ON automation_executions (due_at) WHERE status = 'pending';
"""

# What an execution was created with never changes: created_at, automation_rule_id, rule_version, trigger_data,
# override_conditions and created_by have no UPDATE.
_GRANTS = """
GRANT SELECT ON automation_execution_attempts TO automation_api, automation_worker;
GRANT INSERT ON automation_executions, automation_execution_attempts, automation_execution_logs TO automation_api;
GRANT UPDATE (
    status, started_at, completed_at, duration_ms, actions_successful, actions_failed, error_message, error_stack,
    failed_action_index, execution_context, attempt, retry_from, results, next_action, tries, call_key, queued_at,
    due_at, lease_until, resume_at, deadline_at, cancel_requested_at, cancel_reason, log_entries, log_bytes, logs_cut
) ON automation_executions TO automation_api;
GRANT UPDATE (
    results, next_action, tries, call_key, due_at, fence, lease_until, resume_at, deadline_at, cancel_requested_at,
    cancel_reason, log_entries, log_bytes, logs_cut
) ON automation_executions TO automation_worker;
"""

_DROP = """
REVOKE INSERT ON automation_executions, automation_execution_logs FROM automation_api;
REVOKE UPDATE (
    status, started_at, completed_at, duration_ms, actions_successful, actions_failed, error_message, error_stack,
    failed_action_index, execution_context
) ON automation_executions FROM automation_api;

DROP TABLE automation_execution_attempts;

ALTER TABLE automation_execution_logs NO FORCE ROW LEVEL SECURITY;
DELETE FROM automation_execution_logs l USING (
    SELECT tenant, execution_id, max(attempt) AS attempt FROM automation_execution_logs GROUP BY tenant, execution_id
) last
WHERE l.tenant = last.tenant AND l.execution_id = last.execution_id AND l.attempt < last.attempt;
ALTER TABLE automation_execution_logs FORCE ROW LEVEL SECURITY;

ALTER TABLE automation_execution_logs
    DROP CONSTRAINT automation_execution_logs_pkey,
    DROP COLUMN attempt,
    ADD CONSTRAINT automation_execution_logs_pkey PRIMARY KEY (tenant, execution_id, sequence);

ALTER TABLE automation_executions
    DROP COLUMN rule_version,
    DROP COLUMN attempt,
    DROP COLUMN created_by,
    DROP COLUMN override_conditions,
    DROP COLUMN retry_from,
    DROP COLUMN results,
    DROP COLUMN next_action,
    DROP COLUMN tries,
    DROP COLUMN call_key,
    DROP COLUMN queued_at,
    DROP COLUMN due_at,
    DROP COLUMN fence,
    DROP COLUMN lease_until,
    DROP COLUMN resume_at,
    DROP COLUMN deadline_at,
    DROP COLUMN cancel_requested_at,
    DROP COLUMN cancel_reason,
    DROP COLUMN log_entries,
    DROP COLUMN log_bytes,
    DROP COLUMN logs_cut;

DROP INDEX IF EXISTS automation_executions_active_idx;
"""


def upgrade() -> None:
    for statements in (_EXECUTIONS, _ATTEMPTS, _FORMER_EXECUTIONS, _INDEXES, _GRANTS):
        op.get_bind().exec_driver_sql(statements)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(_DROP)
