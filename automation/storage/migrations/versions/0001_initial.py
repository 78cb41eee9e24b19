"""The schema of the first release: tables, row-level security, roles and what they may do, the functions, the queue.

Everything but migrations and administration runs as one of three roles. They are NOLOGIN groups and belong to the whole
cluster; login roles are made members of them:

- ``automation_api`` reads and changes rules, and creates, retries and cancels executions, of the tenant at hand; it
  executes the functions for keys;
- ``automation_worker`` runs executions; what an execution was created with, it cannot change;
- ``automation_directory`` owns the functions that must see more than one tenant. It has no members.

What the operator grants:

- The role that migrates owns the database (``CREATE DATABASE … OWNER …``), so that it owns the schema ``public``. It
  is a superuser, or has CREATEROLE, or neither: then an administrator runs, once in the cluster,
  ``CREATE ROLE automation_api NOLOGIN``, the same for ``automation_worker`` and ``automation_directory``, and
  ``GRANT automation_directory TO <owner>``: from PostgreSQL 16 on ``WITH INHERIT FALSE, SET TRUE``, on 15 revoked
  again after the migration, because its member would see the users of all tenants. From 16 on, an owner with
  CREATEROLE needs that grant too where another role created the three.
- ``GRANT automation_api TO <login role of the service>``, ``GRANT automation_worker TO <login role of the workers>``.

A downgrade takes everything in this database away and leaves the roles: other databases may use them.
"""

from pathlib import Path

from alembic import op

from automation.storage.migrations import functions

revision = "0001_initial"
down_revision = None
branch_labels = None
depends_on = None

_ENCODING = """
DO $$
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'the database has the encoding %, it must be UTF8', current_setting('server_encoding');
    END IF;
END
$$
"""

_ROLES = """
DO $$
DECLARE
    missing text;
BEGIN
    FOREACH missing IN ARRAY ARRAY['automation_api', 'automation_worker', 'automation_directory'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = missing);
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', missing);
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL; -- a migration of another database of this cluster was faster
            WHEN insufficient_privilege THEN
                RAISE insufficient_privilege USING MESSAGE = format(
                    'this role may not create roles; an administrator runs: CREATE ROLE %I NOLOGIN', missing);
        END;
    END LOOP;
END
$$
"""

# What everybody may do in a new database, and nobody here needs: fill the disk with tables of one's own.
_EVERYBODY = """
DO $$
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
END
$$
"""

# Who may do what. An API key stays when its user is deleted, and is refused as such: it has no foreign key to users.
_ACCOUNTS = """
CREATE TABLE tenants (
    tenant uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT tenants_pkey PRIMARY KEY (tenant),
    CONSTRAINT tenants_name_key UNIQUE (name),
    CONSTRAINT tenants_name_check CHECK (length(name) BETWEEN 1 AND 200)
);

CREATE TABLE users (
    tenant uuid NOT NULL,
    user_id uuid NOT NULL,
    email text NOT NULL,
    active boolean NOT NULL DEFAULT true,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT users_pkey PRIMARY KEY (tenant, user_id),
    CONSTRAINT users_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants (tenant),
    CONSTRAINT users_tenant_email_key UNIQUE (tenant, email),
    CONSTRAINT users_email_check CHECK (length(email) BETWEEN 3 AND 320)
);

CREATE TABLE roles (
    tenant uuid NOT NULL,
    role text NOT NULL,
    CONSTRAINT roles_pkey PRIMARY KEY (tenant, role),
    CONSTRAINT roles_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants (tenant),
    CONSTRAINT roles_role_check CHECK (length(role) BETWEEN 1 AND 100)
);

CREATE TABLE role_permissions (
    tenant uuid NOT NULL,
    role text NOT NULL,
    permission text NOT NULL,
    CONSTRAINT role_permissions_pkey PRIMARY KEY (tenant, role, permission),
    CONSTRAINT role_permissions_tenant_role_fkey FOREIGN KEY (tenant, role)
        REFERENCES roles (tenant, role) ON DELETE CASCADE,
    CONSTRAINT role_permissions_permission_check CHECK (permission ~ '^[a-z_]+:[a-z_]+$')
);

CREATE TABLE user_roles (
    tenant uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    CONSTRAINT user_roles_pkey PRIMARY KEY (tenant, user_id, role),
    CONSTRAINT user_roles_tenant_user_id_fkey FOREIGN KEY (tenant, user_id)
        REFERENCES users (tenant, user_id) ON DELETE CASCADE,
    CONSTRAINT user_roles_tenant_role_fkey FOREIGN KEY (tenant, role)
        REFERENCES roles (tenant, role) ON DELETE CASCADE
);

CREATE TABLE api_keys (
    digest bytea NOT NULL,
    tenant uuid NOT NULL,
    user_id uuid NOT NULL,
    prefix text NOT NULL,
    name text,
    active boolean NOT NULL DEFAULT true,
    expires_at timestamp with time zone,
    usage_limit bigint,
    usage_count bigint NOT NULL DEFAULT 0,
    last_used_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    revoked_at timestamp with time zone,
    CONSTRAINT api_keys_pkey PRIMARY KEY (digest),
    CONSTRAINT api_keys_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants (tenant),
    CONSTRAINT api_keys_prefix_key UNIQUE (prefix),
    CONSTRAINT api_keys_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT api_keys_digest_check CHECK (octet_length(digest) = 32),
    CONSTRAINT api_keys_usage_limit_check CHECK (usage_limit >= 0),
    CONSTRAINT api_keys_usage_count_check CHECK (usage_count >= 0 AND usage_count <= usage_limit)
);
"""

# Where somebody writes who wants to know whether anything can be written, and leaves nothing. EXTERNAL: not compressed.
_PROBES = """
CREATE TABLE write_probes (
    filling text NOT NULL
);
ALTER TABLE write_probes ALTER COLUMN filling SET STORAGE EXTERNAL;
"""

# What a tenant may use where that is not what the settings say. Which limits there are is known by
# automation/domain/limits.py.
_LIMITS = """
CREATE TABLE tenant_limits (
    tenant uuid NOT NULL,
    name text NOT NULL,
    value bigint NOT NULL,
    CONSTRAINT tenant_limits_pkey PRIMARY KEY (tenant, name),
    CONSTRAINT tenant_limits_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants (tenant),
    CONSTRAINT tenant_limits_value_check CHECK (value >= 0)
);
"""

# A rule as it is, and every version of it, by the executions that pin one.
_RULES = """
CREATE TABLE automation_rules (
    tenant uuid NOT NULL,
    rule_id uuid NOT NULL,
    name text NOT NULL,
    description text,
    status text NOT NULL,
    trigger_type text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    updated_at timestamp with time zone NOT NULL DEFAULT now(),
    version integer NOT NULL,
    trigger_config json NOT NULL,
    conditions json NOT NULL,
    condition_logic text NOT NULL,
    actions json NOT NULL,
    execution_timeout_seconds integer NOT NULL,
    max_concurrent_executions integer,
    concurrency_policy text NOT NULL,
    priority integer NOT NULL DEFAULT 0,
    created_by uuid NOT NULL,
    status_reason text,
    deleted_at timestamp with time zone,
    CONSTRAINT automation_rules_pkey PRIMARY KEY (tenant, rule_id),
    CONSTRAINT automation_rules_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants (tenant),
    CONSTRAINT automation_rules_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT automation_rules_description_check CHECK (length(description) <= 2000),
    CONSTRAINT automation_rules_status_check CHECK (status IN ('active', 'inactive', 'draft', 'error')),
    CONSTRAINT automation_rules_trigger_type_check CHECK (trigger_type IN ('manual')),
    CONSTRAINT automation_rules_times_check CHECK (isfinite(created_at) AND isfinite(updated_at)),
    CONSTRAINT automation_rules_version_check CHECK (version >= 1),
    CONSTRAINT automation_rules_trigger_config_check CHECK (json_typeof(trigger_config) = 'object'),
    CONSTRAINT automation_rules_conditions_check CHECK (json_typeof(conditions) = 'array'),
    CONSTRAINT automation_rules_condition_logic_check CHECK (condition_logic IN ('and', 'or')),
    CONSTRAINT automation_rules_actions_check CHECK (json_typeof(actions) = 'array'),
    CONSTRAINT automation_rules_execution_timeout_seconds_check CHECK (execution_timeout_seconds >= 1),
    CONSTRAINT automation_rules_max_concurrent_executions_check CHECK (max_concurrent_executions >= 1),
    CONSTRAINT automation_rules_concurrency_policy_check CHECK (
        concurrency_policy IN ('queue', 'skip', 'cancel_previous')),
    CONSTRAINT automation_rules_priority_check CHECK (priority BETWEEN -10 AND 10),
    CONSTRAINT automation_rules_deleted_at_check CHECK (isfinite(deleted_at))
);

CREATE INDEX automation_rules_created_idx ON automation_rules (tenant, created_at, rule_id);

CREATE TABLE automation_rule_versions (
    tenant uuid NOT NULL,
    rule_id uuid NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    description text,
    status text NOT NULL,
    trigger_type text NOT NULL,
    trigger_config json NOT NULL,
    conditions json NOT NULL,
    condition_logic text NOT NULL,
    actions json NOT NULL,
    execution_timeout_seconds integer NOT NULL,
    max_concurrent_executions integer,
    concurrency_policy text NOT NULL,
    priority integer NOT NULL DEFAULT 0,
    created_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT automation_rule_versions_pkey PRIMARY KEY (tenant, rule_id, version),
    CONSTRAINT automation_rule_versions_tenant_rule_id_fkey FOREIGN KEY (tenant, rule_id)
        REFERENCES automation_rules (tenant, rule_id) ON DELETE CASCADE,
    CONSTRAINT automation_rule_versions_version_check CHECK (version >= 1)
);
"""

# An execution with the attempt that is its current one, the attempts before, and what was logged in each. The first
# index counts a tenant's pending executions and a rule's running ones, and finds a rule's oldest pending one; lists
# walk the next two; then come those that a tenant's limit holds back; the others are the sweep's, apart because those
# that run come first.
_EXECUTIONS = """
CREATE TABLE automation_executions (
    tenant uuid NOT NULL,
    execution_id uuid NOT NULL,
    automation_rule_id uuid NOT NULL,
    status text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    trigger_data json,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    duration_ms double precision,
    actions_total integer NOT NULL DEFAULT 0,
    actions_successful integer NOT NULL DEFAULT 0,
    actions_failed integer NOT NULL DEFAULT 0,
    error_message text,
    error_stack text,
    failed_action_index integer,
    execution_context json,
    rule_version integer NOT NULL DEFAULT 1,
    attempt integer NOT NULL DEFAULT 1,
    created_by uuid,
    override_conditions boolean NOT NULL DEFAULT false,
    priority integer NOT NULL DEFAULT 0,
    retry_from text,
    results json,
    results_bytes integer NOT NULL DEFAULT 0,
    next_action integer NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0,
    call_key uuid,
    actions_seconds double precision NOT NULL DEFAULT 0,
    held_back boolean NOT NULL DEFAULT false,
    queued_at timestamp with time zone NOT NULL DEFAULT now(),
    due_at timestamp with time zone,
    fence bigint NOT NULL DEFAULT 0,
    lost_workers integer NOT NULL DEFAULT 0,
    lease_until timestamp with time zone,
    resume_at timestamp with time zone,
    deadline_at timestamp with time zone,
    cancel_requested_at timestamp with time zone,
    cancel_reason text,
    log_entries integer NOT NULL DEFAULT 0,
    log_bytes integer NOT NULL DEFAULT 0,
    logs_cut boolean NOT NULL DEFAULT false,
    CONSTRAINT automation_executions_pkey PRIMARY KEY (tenant, execution_id),
    CONSTRAINT automation_executions_tenant_automation_rule_id_fkey FOREIGN KEY (tenant, automation_rule_id)
        REFERENCES automation_rules (tenant, rule_id),
    CONSTRAINT automation_executions_rule_version_fkey FOREIGN KEY (tenant, automation_rule_id, rule_version)
        REFERENCES automation_rule_versions (tenant, rule_id, version),
    CONSTRAINT automation_executions_status_check CHECK (
        status IN ('pending', 'running', 'completed', 'failed', 'cancelled', 'timeout', 'skipped')),
    CONSTRAINT automation_executions_trigger_data_check CHECK (json_typeof(trigger_data) = 'object'),
    CONSTRAINT automation_executions_execution_context_check CHECK (json_typeof(execution_context) = 'object'),
    CONSTRAINT automation_executions_times_check CHECK (
        isfinite(created_at) AND isfinite(started_at) AND isfinite(completed_at)),
    CONSTRAINT automation_executions_duration_ms_check CHECK (
        duration_ms >= 0 AND duration_ms < 'Infinity'::double precision),
    CONSTRAINT automation_executions_actions_check CHECK (
        actions_total >= 0 AND actions_successful >= 0 AND actions_failed >= 0),
    CONSTRAINT automation_executions_attempt_check CHECK (attempt >= 1),
    CONSTRAINT automation_executions_priority_check CHECK (priority BETWEEN -10 AND 10),
    CONSTRAINT automation_executions_retry_from_check CHECK (retry_from IN ('start', 'failed_action')),
    CONSTRAINT automation_executions_results_check CHECK (json_typeof(results) = 'object'),
    CONSTRAINT automation_executions_progress_check CHECK (
        next_action >= 0 AND tries >= 0 AND results_bytes >= 0 AND lost_workers >= 0),
    CONSTRAINT automation_executions_run_times_check CHECK (
        isfinite(queued_at) AND isfinite(due_at) AND isfinite(lease_until) AND isfinite(resume_at)
        AND isfinite(deadline_at) AND isfinite(cancel_requested_at)),
    CONSTRAINT automation_executions_log_check CHECK (log_entries >= 0 AND log_bytes >= 0)
);

CREATE INDEX automation_executions_active_idx
    ON automation_executions (tenant, status, automation_rule_id, queued_at, execution_id)
    WHERE status IN ('pending', 'running');
CREATE INDEX automation_executions_status_idx ON automation_executions (tenant, status, created_at, execution_id);
CREATE INDEX automation_executions_rule_idx
    ON automation_executions (tenant, automation_rule_id, status, created_at, execution_id);
CREATE INDEX automation_executions_held_idx ON automation_executions (tenant, priority, queued_at) WHERE held_back;
CREATE INDEX automation_executions_running_due_idx ON automation_executions (due_at) WHERE status = 'running';
CREATE INDEX automation_executions_pending_due_idx ON automation_executions (due_at) WHERE status = 'pending';

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
    rule_version integer NOT NULL,
    trigger_data json,
    log_bytes integer NOT NULL DEFAULT 0,
    CONSTRAINT automation_execution_attempts_pkey PRIMARY KEY (tenant, execution_id, attempt),
    CONSTRAINT automation_execution_attempts_tenant_execution_id_fkey FOREIGN KEY (tenant, execution_id)
        REFERENCES automation_executions (tenant, execution_id) ON DELETE CASCADE,
    CONSTRAINT automation_execution_attempts_attempt_check CHECK (attempt >= 1),
    CONSTRAINT automation_execution_attempts_status_check CHECK (
        status IN ('completed', 'failed', 'cancelled', 'timeout', 'skipped'))
);

CREATE TABLE automation_execution_logs (
    tenant uuid NOT NULL,
    execution_id uuid NOT NULL,
    sequence integer NOT NULL,
    timestamp timestamp with time zone NOT NULL,
    level text NOT NULL,
    message text NOT NULL,
    action_index integer,
    metadata jsonb,
    attempt integer NOT NULL DEFAULT 1,
    CONSTRAINT automation_execution_logs_pkey PRIMARY KEY (tenant, execution_id, attempt, sequence),
    CONSTRAINT automation_execution_logs_tenant_execution_id_fkey FOREIGN KEY (tenant, execution_id)
        REFERENCES automation_executions (tenant, execution_id) ON DELETE CASCADE,
    CONSTRAINT automation_execution_logs_level_check CHECK (level IN ('debug', 'info', 'warn', 'error')),
    CONSTRAINT automation_execution_logs_timestamp_check CHECK (isfinite(timestamp)),
    CONSTRAINT automation_execution_logs_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);
"""

# The answers to writes that may be repeated, by user and Idempotency-Key. The body is null where it was too large. The
# index is the pruning's.
_ANSWERS = """
CREATE TABLE idempotency_records (
    tenant uuid NOT NULL,
    user_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    digest bytea NOT NULL,
    status smallint NOT NULL,
    headers json NOT NULL,
    body bytea,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_records_pkey PRIMARY KEY (tenant, user_id, idempotency_key),
    CONSTRAINT idempotency_records_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants (tenant),
    CONSTRAINT idempotency_records_idempotency_key_check CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_records_digest_check CHECK (octet_length(digest) = 32),
    CONSTRAINT idempotency_records_status_check CHECK (status BETWEEN 200 AND 299),
    CONSTRAINT idempotency_records_headers_check CHECK (json_typeof(headers) = 'array'),
    CONSTRAINT idempotency_records_body_check CHECK (octet_length(body) <= 1048576),
    CONSTRAINT idempotency_records_times_check CHECK (isfinite(created_at) AND isfinite(expires_at))
);

CREATE INDEX idempotency_records_expires_at_idx ON idempotency_records (expires_at);
"""

# A policy binds the tables' owner too. The subquery makes PostgreSQL read the setting once a statement and not once a
# row.
_TENANT_POLICY = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON {table}
    USING (tenant = (SELECT nullif(current_setting('app.tenant', true), '')::uuid))
    WITH CHECK (tenant = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
"""
_TENANT_OWNED = (
    "users",
    "roles",
    "role_permissions",
    "user_roles",
    "tenant_limits",
    "automation_rules",
    "automation_rule_versions",
    "automation_executions",
    "automation_execution_attempts",
    "automation_execution_logs",
    "idempotency_records",
)

# What the functions see that serve all tenants: what keys lead to, no more of executions than when they are due, and of
# answers only whose time is over.
_DIRECTORY = """
CREATE POLICY directory_reads ON users FOR SELECT TO automation_directory USING (true);
CREATE POLICY directory_reads ON user_roles FOR SELECT TO automation_directory USING (true);
CREATE POLICY directory_reads ON role_permissions FOR SELECT TO automation_directory USING (true);
GRANT SELECT ON api_keys, users, user_roles, role_permissions TO automation_directory;
GRANT SELECT (tenant, name) ON tenants TO automation_directory;
GRANT UPDATE (usage_count, last_used_at) ON api_keys TO automation_directory;
GRANT INSERT, DELETE ON write_probes TO automation_directory;

CREATE POLICY directory_reads ON automation_executions FOR SELECT TO automation_directory
    USING (status IN ('pending', 'running'));
CREATE POLICY directory_takes ON automation_executions FOR UPDATE TO automation_directory
    USING (status IN ('pending', 'running'));
GRANT SELECT (tenant, execution_id, attempt, status, priority, queued_at, due_at), UPDATE (due_at)
    ON automation_executions TO automation_directory;

CREATE POLICY directory_reads ON tenant_limits FOR SELECT TO automation_directory USING (true);
GRANT SELECT ON tenant_limits TO automation_directory;

CREATE POLICY directory_reads ON idempotency_records FOR SELECT TO automation_directory USING (expires_at <= now());
CREATE POLICY directory_prunes ON idempotency_records FOR DELETE TO automation_directory USING (expires_at <= now());
CREATE POLICY directory_locks ON idempotency_records FOR UPDATE TO automation_directory USING (expires_at <= now());
GRANT SELECT (tenant, user_id, idempotency_key, expires_at), DELETE, UPDATE (expires_at)
    ON idempotency_records TO automation_directory;
"""

# A version of a rule, an attempt and a log entry have no UPDATE and no DELETE: nobody changes them or takes them back.
# What an execution was created with has none either: created_at, automation_rule_id, rule_version, trigger_data,
# override_conditions, priority and created_by. The workers' UPDATE of rules is for one that cannot be run, and is what
# lets them lock a rule while they count its executions.
_GRANTS = """
GRANT USAGE ON SCHEMA public TO automation_api, automation_worker, automation_directory;
GRANT SELECT ON alembic_version, tenant_limits, automation_rules, automation_rule_versions, automation_executions,
    automation_execution_attempts, automation_execution_logs TO automation_api, automation_worker;

GRANT INSERT ON automation_rules, automation_rule_versions, automation_executions, automation_execution_attempts,
    automation_execution_logs TO automation_api;
GRANT UPDATE (
    version, name, description, status, status_reason, trigger_type, trigger_config, conditions, condition_logic,
    actions, execution_timeout_seconds, max_concurrent_executions, concurrency_policy, priority, updated_at, deleted_at
) ON automation_rules TO automation_api;
GRANT UPDATE (
    status, trigger_data, started_at, completed_at, duration_ms, actions_total, actions_successful, actions_failed,
    error_message, error_stack, failed_action_index, execution_context, rule_version, attempt, retry_from, results,
    results_bytes, next_action, tries, call_key, actions_seconds, held_back, queued_at, due_at, lease_until, resume_at,
    deadline_at, cancel_requested_at, cancel_reason, log_entries, log_bytes, logs_cut
) ON automation_executions TO automation_api;

GRANT SELECT, INSERT, UPDATE (digest, status, headers, body, created_at, expires_at)
    ON idempotency_records TO automation_api;

GRANT INSERT ON automation_executions, automation_execution_logs TO automation_worker;
GRANT UPDATE (status, status_reason, updated_at) ON automation_rules TO automation_worker;
GRANT UPDATE (
    status, started_at, completed_at, duration_ms, actions_total, actions_successful, actions_failed, error_message,
    error_stack, failed_action_index, execution_context, results, results_bytes, next_action, tries, call_key,
    actions_seconds, held_back, due_at, fence, lost_workers, lease_until, resume_at, deadline_at, cancel_requested_at,
    cancel_reason, log_entries, log_bytes, logs_cut
) ON automation_executions TO automation_worker;
"""

# Procrastinate 3.10's schema, word for word; a release that changes it brings a migration of its own. Its names are
# unqualified, so its functions are given the search path that finds them; the workers' connections set it themselves.
# The API has no grant on the queue: defer_execution_v1 writes the one kind of job that there is. The two indexes are
# ours: a tenant's last turn, and the first of its executions that wait.
_PROCRASTINATE = Path(__file__).parent.parent / "procrastinate_3_10.sql"
_QUEUE = """
DO $$
DECLARE
    function regprocedure;
BEGIN
    FOR function IN SELECT oid FROM pg_proc WHERE pronamespace = 'procrastinate'::regnamespace LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, procrastinate, pg_temp', function);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', function);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO automation_worker', function);
    END LOOP;
END
$$;

CREATE INDEX automation_turns_idx ON procrastinate.procrastinate_jobs ((args ->> 'tenant'), priority)
    WHERE status = 'todo';
CREATE INDEX automation_order_idx ON procrastinate.procrastinate_jobs (
    (args ->> 'tenant'), ((args ->> 'rank')::integer), ((args ->> 'since')::bigint)) WHERE status = 'todo';

GRANT USAGE ON SCHEMA procrastinate TO automation_directory, automation_worker;
GRANT SELECT (queueing_lock, status, priority, args), INSERT (queue_name, task_name, priority, queueing_lock, args)
    ON procrastinate.procrastinate_jobs TO automation_directory;
GRANT INSERT ON procrastinate.procrastinate_events TO automation_directory;
GRANT USAGE ON SEQUENCE procrastinate.procrastinate_jobs_id_seq, procrastinate.procrastinate_events_id_seq
    TO automation_directory;

GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate.procrastinate_jobs, procrastinate.procrastinate_workers,
    procrastinate.procrastinate_periodic_defers TO automation_worker;
GRANT SELECT, INSERT ON procrastinate.procrastinate_events TO automation_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA procrastinate TO automation_worker;
"""

_FUNCTIONS = (
    "admit_execution_v1",
    "append_execution_logs_v1",
    "begin_call_v1",
    "begin_wait_v1",
    "cancel_execution_v1",
    "cancel_previous_executions_v1",
    "claim_execution_v1",
    "claim_idempotency_key_v1",
    "create_execution_v1",
    "defer_execution_v1",
    "describe_principal_v1",
    "end_execution_saying_v1",
    "end_execution_v1",
    "enqueue_execution_v1",
    "find_idempotency_record_v1",
    "finish_run_v1",
    "get_execution_v1",
    "get_rule_v1",
    "list_execution_attempts_v1",
    "lock_limited_rule_v1",
    "log_run_v1",
    "mark_rule_error_v1",
    "others_wait_v1",
    "probe_writes_v1",
    "prune_idempotency_records_v1",
    "record_action_v1",
    "record_try_v1",
    "release_claim_v1",
    "renew_claim_v1",
    "resolve_api_key_v1",
    "retry_execution_v1",
    "serve_turn_v1",
    "sweep_due_executions_v1",
    "too_many_pending_v1",
    "touch_api_keys_v1",
    "wake_executions_v1",
    "wake_held_execution_v1",
)

_DROP = """
DROP SCHEMA procrastinate CASCADE;
DROP TABLE idempotency_records;
DROP TABLE automation_execution_logs, automation_execution_attempts, automation_executions;
DROP TABLE automation_rule_versions, automation_rules;
DROP TABLE tenant_limits;
DROP TABLE api_keys, user_roles, role_permissions, roles, users, tenants;
DROP TABLE write_probes;
DO $$
BEGIN
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
END
$$;
REVOKE ALL ON alembic_version FROM automation_api, automation_worker;
REVOKE USAGE ON SCHEMA public FROM automation_api, automation_worker, automation_directory;
"""


def upgrade() -> None:
    connection = op.get_bind()
    for statements in (_ENCODING, _ROLES, _EVERYBODY, _ACCOUNTS, _LIMITS, _PROBES, _RULES, _EXECUTIONS, _ANSWERS):
        connection.exec_driver_sql(statements)
    for table in _TENANT_OWNED:
        connection.exec_driver_sql(_TENANT_POLICY.format(table=table))
    connection.exec_driver_sql(_DIRECTORY)
    connection.exec_driver_sql(_GRANTS)
    _create_queue()
    functions.install(*_FUNCTIONS)


def _create_queue() -> None:
    connection = op.get_bind()
    before = connection.exec_driver_sql("SELECT current_setting('search_path')").scalar_one()
    connection.exec_driver_sql("CREATE SCHEMA procrastinate; SET LOCAL search_path = procrastinate, pg_temp")
    connection.exec_driver_sql(_PROCRASTINATE.read_text(encoding="utf-8"))
    connection.exec_driver_sql(f"SELECT set_config('search_path', $before${before}$before$, true)")
    connection.exec_driver_sql(_QUEUE)


def downgrade() -> None:
    functions.drop(*_FUNCTIONS)
    op.get_bind().exec_driver_sql(_DROP)
