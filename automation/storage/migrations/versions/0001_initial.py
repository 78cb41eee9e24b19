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

from collections.abc import Mapping
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

# What the columns may hold of the tables that runs write, as types: a type's check is made of a value that is written,
# and kept ready by each session, where a table's are read anew by every statement, and made of all columns of the row.
_DOMAINS = """
CREATE DOMAIN finite_time AS timestamp with time zone CHECK (isfinite(VALUE));
CREATE DOMAIN duration AS double precision CHECK (VALUE >= 0 AND VALUE < 'Infinity'::double precision);
CREATE DOMAIN natural_number AS integer CHECK (VALUE >= 0);
CREATE DOMAIN positive_number AS integer CHECK (VALUE >= 1);
CREATE DOMAIN object_json AS json CHECK (json_typeof(VALUE) = 'object');
CREATE DOMAIN object_jsonb AS jsonb CHECK (jsonb_typeof(VALUE) = 'object');
CREATE DOMAIN execution_status AS text CHECK (
    VALUE IN ('pending', 'running', 'completed', 'failed', 'cancelled', 'timeout', 'skipped'));
CREATE DOMAIN execution_priority AS integer CHECK (VALUE BETWEEN -10 AND 10);
CREATE DOMAIN retry_origin AS text CHECK (VALUE IN ('start', 'failed_action'));
CREATE DOMAIN log_level AS text CHECK (VALUE IN ('debug', 'info', 'warn', 'error'));
CREATE DOMAIN audit_outcome AS text CHECK (VALUE IN ('done', 'refused'));
CREATE DOMAIN audit_actor AS text CHECK (VALUE IN ('user', 'operator', 'hook'));
CREATE DOMAIN audit_resource AS text CHECK (
    VALUE IN ('execution', 'key', 'rule', 'secret', 'tenant', 'user'));
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
    requests_per_minute bigint,
    last_used_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    revoked_at timestamp with time zone,
    CONSTRAINT api_keys_pkey PRIMARY KEY (digest),
    CONSTRAINT api_keys_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants (tenant),
    CONSTRAINT api_keys_prefix_key UNIQUE (prefix),
    CONSTRAINT api_keys_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT api_keys_digest_check CHECK (octet_length(digest) = 32),
    CONSTRAINT api_keys_usage_limit_check CHECK (usage_limit >= 0),
    CONSTRAINT api_keys_usage_count_check CHECK (usage_count >= 0 AND usage_count <= usage_limit),
    CONSTRAINT api_keys_requests_per_minute_check CHECK (requests_per_minute >= 1)
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
# automation/domain/limits.py. And the minutes of the limits on requests: since when, and how many were granted.
# And what was used of the others: on a day, or on the day 'epoch' where it is kept. A sum over rows.
_LIMITS = """
CREATE TABLE tenant_limits (
    tenant uuid NOT NULL,
    name text NOT NULL,
    value bigint NOT NULL,
    CONSTRAINT tenant_limits_pkey PRIMARY KEY (tenant, name),
    CONSTRAINT tenant_limits_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants (tenant),
    CONSTRAINT tenant_limits_value_check CHECK (value >= 0)
);

CREATE TABLE rate_windows (
    tenant uuid NOT NULL,
    subject text NOT NULL,
    began_at timestamp with time zone NOT NULL DEFAULT now(),
    granted bigint NOT NULL DEFAULT 0,
    CONSTRAINT rate_windows_pkey PRIMARY KEY (tenant, subject),
    CONSTRAINT rate_windows_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants (tenant),
    CONSTRAINT rate_windows_granted_check CHECK (granted >= 0)
);

CREATE TABLE tenant_usage (
    tenant uuid NOT NULL,
    name text NOT NULL,
    shard smallint NOT NULL,
    day date NOT NULL,
    used bigint NOT NULL,
    CONSTRAINT tenant_usage_pkey PRIMARY KEY (tenant, name, shard),
    CONSTRAINT tenant_usage_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants (tenant)
);
"""

# For how many days something of a tenant is kept where that is not what the settings say, null for ever. What there is
# to be kept is known by automation/domain/retention.py.
_RETENTION = """
CREATE TABLE tenant_retention (
    tenant uuid NOT NULL,
    name text NOT NULL,
    days integer,
    CONSTRAINT tenant_retention_pkey PRIMARY KEY (tenant, name),
    CONSTRAINT tenant_retention_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants (tenant),
    CONSTRAINT tenant_retention_days_check CHECK (days >= 1)
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
    labels jsonb NOT NULL DEFAULT '{}',
    priority integer NOT NULL DEFAULT 0,
    input_schema json,
    concurrency_key text,
    deduplication_key text,
    debounce_seconds integer,
    created_by uuid NOT NULL,
    status_reason text,
    deleted_at timestamp with time zone,
    CONSTRAINT automation_rules_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants (tenant),
    CONSTRAINT automation_rules_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT automation_rules_description_check CHECK (length(description) <= 2000),
    CONSTRAINT automation_rules_status_check CHECK (
        status IN ('active', 'paused', 'inactive', 'draft', 'error')),
    CONSTRAINT automation_rules_trigger_type_check CHECK (
        trigger_type IN ('manual', 'event', 'recurring', 'webhook')),
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
    CONSTRAINT automation_rules_labels_check CHECK (jsonb_typeof(labels) = 'object'),
    CONSTRAINT automation_rules_priority_check CHECK (priority BETWEEN -10 AND 10),
    CONSTRAINT automation_rules_input_schema_check CHECK (json_typeof(input_schema) = 'object'),
    CONSTRAINT automation_rules_keys_check CHECK (
        length(concurrency_key) BETWEEN 1 AND 500 AND length(deduplication_key) BETWEEN 1 AND 500),
    CONSTRAINT automation_rules_debounce_seconds_check CHECK (debounce_seconds >= 1),
    CONSTRAINT automation_rules_deleted_at_check CHECK (isfinite(deleted_at))
);

CREATE INDEX automation_rules_created_idx ON automation_rules (tenant, created_at, rule_id);
ALTER TABLE automation_rules ADD CONSTRAINT automation_rules_pkey PRIMARY KEY (tenant, rule_id);

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
    labels jsonb NOT NULL DEFAULT '{}',
    priority integer NOT NULL DEFAULT 0,
    input_schema json,
    concurrency_key text,
    deduplication_key text,
    debounce_seconds integer,
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
# walk the next two; then come those that a tenant's limit holds back, in the order in which they go on, and those of a
# key of their rule; the others are the sweep's, apart because those that run come first. A key comes after the table's
# other indexes: of two that seem to cost the same, as all do while a table is empty, plans take the last. Of labels
# PostgreSQL is told to expect that all have the same, as a walk along them must: else it reads and sorts all that have
# one that few have on the average.
_EXECUTIONS = """
CREATE TABLE automation_executions (
    tenant uuid NOT NULL,
    execution_id uuid NOT NULL,
    automation_rule_id uuid NOT NULL,
    status execution_status NOT NULL,
    created_at finite_time NOT NULL DEFAULT now(),
    trigger_data object_json,
    started_at finite_time,
    completed_at finite_time,
    duration_ms duration,
    actions_total natural_number NOT NULL DEFAULT 0,
    actions_successful natural_number NOT NULL DEFAULT 0,
    actions_failed natural_number NOT NULL DEFAULT 0,
    error_message text,
    error_stack text,
    failed_action_index integer,
    execution_context object_json,
    rule_version integer NOT NULL DEFAULT 1,
    attempt positive_number NOT NULL DEFAULT 1,
    created_by uuid,
    request_id text,
    triggered_by object_json,
    override_conditions boolean NOT NULL DEFAULT false,
    priority execution_priority NOT NULL DEFAULT 0,
    labels object_jsonb NOT NULL DEFAULT '{}',
    concurrency_key text,
    deduplication_key text,
    retry_from retry_origin,
    results object_json,
    results_bytes natural_number NOT NULL DEFAULT 0,
    next_action natural_number NOT NULL DEFAULT 0,
    tries natural_number NOT NULL DEFAULT 0,
    call_key uuid,
    actions_seconds double precision NOT NULL DEFAULT 0,
    held_back boolean NOT NULL DEFAULT false,
    run_at finite_time,
    expires_at finite_time,
    queued_at finite_time NOT NULL DEFAULT now(),
    due_at finite_time,
    fence bigint NOT NULL DEFAULT 0,
    lost_workers natural_number NOT NULL DEFAULT 0,
    lease_until finite_time,
    resume_at finite_time,
    deadline_at finite_time,
    cancel_requested_at finite_time,
    cancel_reason text,
    log_entries natural_number NOT NULL DEFAULT 0,
    log_bytes natural_number NOT NULL DEFAULT 0,
    logs_cut boolean NOT NULL DEFAULT false,
    CONSTRAINT automation_executions_tenant_automation_rule_id_fkey FOREIGN KEY (tenant, automation_rule_id)
        REFERENCES automation_rules (tenant, rule_id),
    CONSTRAINT automation_executions_rule_version_fkey FOREIGN KEY (tenant, automation_rule_id, rule_version)
        REFERENCES automation_rule_versions (tenant, rule_id, version)
);

CREATE INDEX automation_executions_active_idx
    ON automation_executions (tenant, status, automation_rule_id, queued_at, execution_id) INCLUDE (concurrency_key)
    WHERE status IN ('pending', 'running');
CREATE INDEX automation_executions_status_idx ON automation_executions (tenant, status, created_at, execution_id);
CREATE INDEX automation_executions_rule_idx
    ON automation_executions (tenant, automation_rule_id, status, created_at, execution_id);
CREATE INDEX automation_executions_held_idx
    ON automation_executions (tenant, status DESC, priority DESC, queued_at, execution_id) WHERE held_back;
CREATE INDEX automation_executions_concurrency_idx
    ON automation_executions (tenant, automation_rule_id, concurrency_key, status, queued_at, execution_id)
    WHERE status IN ('pending', 'running') AND concurrency_key IS NOT NULL;
CREATE INDEX automation_executions_deduplication_idx
    ON automation_executions (tenant, automation_rule_id, deduplication_key, queued_at, execution_id)
    WHERE status = 'pending' AND deduplication_key IS NOT NULL;
CREATE INDEX automation_executions_running_due_idx ON automation_executions (due_at) WHERE status = 'running';
CREATE INDEX automation_executions_pending_due_idx ON automation_executions (due_at) WHERE status = 'pending';
CREATE INDEX automation_executions_expiring_idx ON automation_executions (expires_at)
    WHERE status = 'pending' AND expires_at IS NOT NULL;
ALTER TABLE automation_executions ADD CONSTRAINT automation_executions_pkey PRIMARY KEY (tenant, execution_id);

CREATE TABLE automation_execution_labels (
    tenant uuid NOT NULL,
    execution_id uuid NOT NULL,
    key text NOT NULL,
    value text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT automation_execution_labels_tenant_execution_id_fkey FOREIGN KEY (tenant, execution_id)
        REFERENCES automation_executions (tenant, execution_id) ON DELETE CASCADE,
    CONSTRAINT automation_execution_labels_key_check CHECK (length(key) BETWEEN 1 AND 63),
    CONSTRAINT automation_execution_labels_value_check CHECK (length(value) <= 255)
);

CREATE INDEX automation_execution_labels_label_idx
    ON automation_execution_labels (tenant, key, value, created_at, execution_id);
ALTER TABLE automation_execution_labels
    ADD CONSTRAINT automation_execution_labels_pkey PRIMARY KEY (tenant, execution_id, key);
ALTER TABLE automation_execution_labels
    ALTER COLUMN key SET (n_distinct = 1), ALTER COLUMN value SET (n_distinct = 1);

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
    request_id text,
    triggered_by json,
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
    timestamp finite_time NOT NULL,
    level log_level NOT NULL,
    message text NOT NULL,
    action_index integer,
    metadata object_jsonb,
    attempt integer NOT NULL DEFAULT 1,
    CONSTRAINT automation_execution_logs_pkey PRIMARY KEY (tenant, execution_id, attempt, sequence),
    CONSTRAINT automation_execution_logs_tenant_execution_id_fkey FOREIGN KEY (tenant, execution_id)
        REFERENCES automation_executions (tenant, execution_id) ON DELETE CASCADE
);
"""

# How runs ended, until that is counted, and the counts: by rule, quarter of an hour (the finest border of time zones),
# status, and step of the time that they took. Ends come and go, so their pages are cleared early.
_STATISTICS = """
CREATE TABLE automation_run_ends (
    tenant uuid NOT NULL,
    automation_rule_id uuid NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    execution_id uuid NOT NULL,
    status text NOT NULL,
    duration_ms double precision,
    CONSTRAINT automation_run_ends_pkey PRIMARY KEY (tenant, automation_rule_id, ended_at, execution_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

CREATE TABLE automation_rule_statistics (
    tenant uuid NOT NULL,
    automation_rule_id uuid NOT NULL,
    quarter timestamp with time zone NOT NULL,
    status text NOT NULL,
    step integer NOT NULL,
    runs bigint NOT NULL,
    CONSTRAINT automation_rule_statistics_pkey PRIMARY KEY (tenant, automation_rule_id, quarter, status, step)
        INCLUDE (runs)
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

# Who did what, the oldest first. There is no foreign key to tenants: all writes of a tenant would lock its row for it.
_AUDIT = """
CREATE TABLE audit_events (
    tenant uuid NOT NULL,
    event_id uuid NOT NULL,
    created_at finite_time NOT NULL DEFAULT now(),
    action text NOT NULL,
    outcome audit_outcome NOT NULL,
    code text,
    actor audit_actor NOT NULL,
    user_id uuid,
    key_prefix text,
    operator text,
    resource_type audit_resource NOT NULL,
    resource_id text,
    client_address text,
    request_id text,
    details object_json,
    CONSTRAINT audit_events_pkey PRIMARY KEY (tenant, created_at, event_id)
);
"""

# Secrets, each encrypted with a key of its own that one of the operator's keys encrypts (key_id says which), and which
# rules name which: a secret that a rule names can't be deleted. The first 12 bytes of what is encrypted are its nonce,
# the last 16 its tag. Numbers count a tenant's own.
_SECRETS = """
CREATE TABLE automation_secrets (
    tenant uuid NOT NULL,
    name text NOT NULL,
    number bigint NOT NULL,
    key_id text NOT NULL,
    data_key bytea NOT NULL,
    ciphertext bytea NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    updated_by uuid NOT NULL,
    updated_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT automation_secrets_pkey PRIMARY KEY (tenant, name),
    CONSTRAINT automation_secrets_tenant_number_key UNIQUE (tenant, number),
    CONSTRAINT automation_secrets_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants (tenant),
    CONSTRAINT automation_secrets_name_check CHECK (name ~ '^[A-Za-z_][A-Za-z0-9_]{0,63}$'),
    CONSTRAINT automation_secrets_number_check CHECK (number >= 1),
    CONSTRAINT automation_secrets_key_id_check CHECK (key_id ~ '^[A-Za-z0-9]{1,16}$'),
    CONSTRAINT automation_secrets_data_key_check CHECK (octet_length(data_key) = 60),
    CONSTRAINT automation_secrets_ciphertext_check CHECK (octet_length(ciphertext) BETWEEN 36 AND 65564),
    CONSTRAINT automation_secrets_times_check CHECK (isfinite(created_at) AND isfinite(updated_at))
);
ALTER TABLE automation_secrets ALTER COLUMN ciphertext SET STORAGE EXTERNAL;

CREATE TABLE automation_rule_secrets (
    tenant uuid NOT NULL,
    name text NOT NULL,
    rule_id uuid NOT NULL,
    CONSTRAINT automation_rule_secrets_tenant_name_fkey FOREIGN KEY (tenant, name)
        REFERENCES automation_secrets (tenant, name),
    CONSTRAINT automation_rule_secrets_tenant_rule_id_fkey FOREIGN KEY (tenant, rule_id)
        REFERENCES automation_rules (tenant, rule_id) ON DELETE CASCADE
);

CREATE INDEX automation_rule_secrets_rule_idx ON automation_rule_secrets (tenant, rule_id);
ALTER TABLE automation_rule_secrets ADD CONSTRAINT automation_rule_secrets_pkey PRIMARY KEY (tenant, name, rule_id);
"""

# What is done to more executions than one request changes, how far it came, and what was refused. The first index finds
# what is open, the other what has been over for long enough.
_BULK = """
CREATE TABLE automation_bulk_operations (
    tenant uuid NOT NULL,
    bulk_operation_id uuid NOT NULL,
    action text NOT NULL,
    filter json NOT NULL,
    retry_from text,
    rule_version text,
    status text NOT NULL DEFAULT 'pending',
    matched integer NOT NULL,
    matched_exact boolean NOT NULL,
    done integer NOT NULL DEFAULT 0,
    refused integer NOT NULL DEFAULT 0,
    batches integer NOT NULL DEFAULT 0,
    position_at timestamp with time zone,
    position_id uuid,
    created_by uuid NOT NULL,
    key_prefix text NOT NULL,
    client_address text,
    request_id text,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    started_at timestamp with time zone,
    worked_at timestamp with time zone,
    completed_at timestamp with time zone,
    failure text,
    CONSTRAINT automation_bulk_operations_pkey PRIMARY KEY (tenant, bulk_operation_id),
    CONSTRAINT automation_bulk_operations_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants (tenant),
    CONSTRAINT automation_bulk_operations_action_check CHECK (action IN ('cancel', 'delete', 'retry')),
    CONSTRAINT automation_bulk_operations_status_check CHECK (
        status IN ('pending', 'running', 'completed', 'failed')),
    CONSTRAINT automation_bulk_operations_filter_check CHECK (json_typeof(filter) = 'object'),
    CONSTRAINT automation_bulk_operations_completed_at_check CHECK (
        (completed_at IS NOT NULL) = (status IN ('completed', 'failed')))
);

CREATE INDEX automation_bulk_operations_open_idx ON automation_bulk_operations (tenant)
    WHERE status IN ('pending', 'running');
CREATE INDEX automation_bulk_operations_completed_idx ON automation_bulk_operations (completed_at);

CREATE TABLE automation_bulk_refusals (
    tenant uuid NOT NULL,
    bulk_operation_id uuid NOT NULL,
    number integer NOT NULL,
    execution_id uuid NOT NULL,
    code text NOT NULL,
    detail text NOT NULL,
    CONSTRAINT automation_bulk_refusals_pkey PRIMARY KEY (tenant, bulk_operation_id, number),
    CONSTRAINT automation_bulk_refusals_tenant_bulk_operation_id_fkey FOREIGN KEY (tenant, bulk_operation_id)
        REFERENCES automation_bulk_operations (tenant, bulk_operation_id)
);
"""

# What the tokens of hooks lead to, by their hashes, for all tenants: nobody but functions looks at it. A rule has one
# token that holds for good, and beside it one at the most that ends. And what was delivered, by the hashes of ids, for
# as long as the executions are kept.
_HOOKS = """
CREATE TABLE automation_hook_tokens (
    digest bytea NOT NULL,
    tenant uuid NOT NULL,
    rule_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    expires_at timestamp with time zone,
    CONSTRAINT automation_hook_tokens_pkey PRIMARY KEY (digest),
    CONSTRAINT automation_hook_tokens_tenant_rule_id_fkey FOREIGN KEY (tenant, rule_id)
        REFERENCES automation_rules (tenant, rule_id) ON DELETE CASCADE,
    CONSTRAINT automation_hook_tokens_digest_check CHECK (octet_length(digest) = 32),
    CONSTRAINT automation_hook_tokens_times_check CHECK (isfinite(created_at) AND isfinite(expires_at))
);

CREATE INDEX automation_hook_tokens_rule_idx ON automation_hook_tokens (tenant, rule_id);
CREATE UNIQUE INDEX automation_hook_tokens_current_idx ON automation_hook_tokens (tenant, rule_id)
    WHERE expires_at IS NULL;

CREATE TABLE automation_hook_deliveries (
    tenant uuid NOT NULL,
    rule_id uuid NOT NULL,
    delivery bytea NOT NULL,
    execution_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT automation_hook_deliveries_pkey PRIMARY KEY (tenant, rule_id, delivery),
    CONSTRAINT automation_hook_deliveries_tenant_execution_id_fkey FOREIGN KEY (tenant, execution_id)
        REFERENCES automation_executions (tenant, execution_id) ON DELETE CASCADE,
    CONSTRAINT automation_hook_deliveries_delivery_check CHECK (octet_length(delivery) = 32)
);

CREATE INDEX automation_hook_deliveries_execution_idx ON automation_hook_deliveries (tenant, execution_id);
"""

# What rules wait for, a row for each type that one names, where an event finds it: by its type, then by the beginning
# of its source. And the events of the last 24 hours, by the hash of source and id, with what they have started.
_EVENTS = """
CREATE TABLE automation_event_subscriptions (
    tenant uuid NOT NULL,
    type text NOT NULL,
    source text NOT NULL,
    rule_id uuid NOT NULL,
    CONSTRAINT automation_event_subscriptions_tenant_rule_id_fkey FOREIGN KEY (tenant, rule_id)
        REFERENCES automation_rules (tenant, rule_id) ON DELETE CASCADE
);

CREATE INDEX automation_event_subscriptions_rule_idx ON automation_event_subscriptions (tenant, rule_id);
ALTER TABLE automation_event_subscriptions
    ADD CONSTRAINT automation_event_subscriptions_pkey PRIMARY KEY (tenant, type, source, rule_id);

CREATE TABLE automation_events (
    tenant uuid NOT NULL,
    digest bytea NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    expires_at timestamp with time zone NOT NULL,
    receipt json NOT NULL,
    CONSTRAINT automation_events_pkey PRIMARY KEY (tenant, digest),
    CONSTRAINT automation_events_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants (tenant),
    CONSTRAINT automation_events_digest_check CHECK (octet_length(digest) = 32),
    CONSTRAINT automation_events_receipt_check CHECK (json_typeof(receipt) = 'object'),
    CONSTRAINT automation_events_times_check CHECK (isfinite(created_at) AND isfinite(expires_at))
);

CREATE INDEX automation_events_expires_at_idx ON automation_events (expires_at);
"""

# When recurring rules are due next: by their schedule, and with what chance adds to it. The index is the tickers'.
_SCHEDULES = """
CREATE TABLE automation_schedules (
    tenant uuid NOT NULL,
    rule_id uuid NOT NULL,
    scheduled_at timestamp with time zone NOT NULL,
    fire_at timestamp with time zone NOT NULL,
    CONSTRAINT automation_schedules_pkey PRIMARY KEY (tenant, rule_id),
    CONSTRAINT automation_schedules_tenant_rule_id_fkey FOREIGN KEY (tenant, rule_id)
        REFERENCES automation_rules (tenant, rule_id) ON DELETE CASCADE,
    CONSTRAINT automation_schedules_times_check CHECK (isfinite(scheduled_at) AND isfinite(fire_at))
);

CREATE INDEX automation_schedules_fire_idx ON automation_schedules (fire_at);
"""

_TABLES = (
    *(_ACCOUNTS, _LIMITS, _RETENTION, _PROBES, _RULES, _EXECUTIONS, _STATISTICS, _ANSWERS, _AUDIT, _SECRETS, _BULK),
    *(_HOOKS, _EVENTS, _SCHEDULES),
)

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
    "tenant_retention",
    "rate_windows",
    "tenant_usage",
    "automation_rules",
    "automation_rule_versions",
    "automation_executions",
    "automation_execution_labels",
    "automation_execution_attempts",
    "automation_execution_logs",
    "automation_run_ends",
    "automation_rule_statistics",
    "automation_schedules",
    "idempotency_records",
    "audit_events",
    "automation_secrets",
    "automation_rule_secrets",
    "automation_hook_deliveries",
    "automation_bulk_operations",
    "automation_bulk_refusals",
    "automation_event_subscriptions",
    "automation_events",
)

# What is not over is removed by nobody, whatever a query says: neither an execution that has not ended, nor a line of
# the audit log from the last 30 days. These policies narrow what the others let pass.
_KEPT = """
CREATE POLICY only_finished ON automation_executions AS RESTRICTIVE FOR DELETE
    USING (status NOT IN ('pending', 'running'));
CREATE POLICY only_old ON audit_events AS RESTRICTIVE FOR DELETE USING (created_at < now() - interval '30 days');
"""

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
GRANT SELECT (tenant, execution_id, attempt, status, priority, queued_at, due_at, expires_at), UPDATE (due_at)
    ON automation_executions TO automation_directory;

CREATE POLICY directory_folds ON automation_run_ends TO automation_directory USING (true);
CREATE POLICY directory_folds ON automation_rule_statistics TO automation_directory USING (true);
GRANT SELECT, DELETE ON automation_run_ends TO automation_directory;
GRANT SELECT, INSERT, UPDATE (runs) ON automation_rule_statistics TO automation_directory;

CREATE POLICY directory_reads ON tenant_limits FOR SELECT TO automation_directory USING (true);
GRANT SELECT ON tenant_limits TO automation_directory;

CREATE POLICY directory_reads ON automation_rules FOR SELECT TO automation_directory
    USING (trigger_type = 'webhook');
GRANT SELECT (tenant, rule_id, trigger_type, trigger_config, deleted_at) ON automation_rules TO automation_directory;
GRANT SELECT, INSERT, UPDATE (expires_at), DELETE ON automation_hook_tokens TO automation_directory;
CREATE POLICY directory_reads ON automation_secrets FOR SELECT TO automation_directory USING (true);
GRANT SELECT (tenant, name, key_id, data_key, ciphertext) ON automation_secrets TO automation_directory;

CREATE POLICY directory_reads ON tenant_retention FOR SELECT TO automation_directory USING (true);
GRANT SELECT ON tenant_retention TO automation_directory;

CREATE POLICY directory_counts ON rate_windows TO automation_directory USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE (began_at, granted) ON rate_windows TO automation_directory;
CREATE POLICY directory_counts ON tenant_usage TO automation_directory USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE (day, used) ON tenant_usage TO automation_directory;

CREATE POLICY directory_works ON automation_bulk_operations TO automation_directory USING (true);
CREATE POLICY directory_works ON automation_bulk_refusals TO automation_directory USING (true);
GRANT SELECT, DELETE ON automation_bulk_operations, automation_bulk_refusals TO automation_directory;

CREATE POLICY directory_reads ON automation_schedules FOR SELECT TO automation_directory USING (true);
GRANT SELECT ON automation_schedules TO automation_directory;

CREATE POLICY directory_reads ON idempotency_records FOR SELECT TO automation_directory USING (expires_at <= now());
CREATE POLICY directory_prunes ON idempotency_records FOR DELETE TO automation_directory USING (expires_at <= now());
CREATE POLICY directory_locks ON idempotency_records FOR UPDATE TO automation_directory USING (expires_at <= now());
GRANT SELECT (tenant, user_id, idempotency_key, expires_at), DELETE, UPDATE (expires_at)
    ON idempotency_records TO automation_directory;

CREATE POLICY directory_reads ON automation_events FOR SELECT TO automation_directory USING (expires_at <= now());
CREATE POLICY directory_prunes ON automation_events FOR DELETE TO automation_directory USING (expires_at <= now());
CREATE POLICY directory_locks ON automation_events FOR UPDATE TO automation_directory USING (expires_at <= now());
GRANT SELECT (tenant, digest, expires_at), DELETE, UPDATE (expires_at) ON automation_events TO automation_directory;
"""

# A version of a rule, a label, an attempt, a log entry and a line of the audit log have no UPDATE and no DELETE: nobody
# changes them or takes them back. What an execution was created with has none either: created_at, automation_rule_id,
# rule_version, trigger_data, override_conditions, priority, labels and created_by. The workers' UPDATE of rules is for
# one that cannot be run, and is what lets them lock a rule while they count its executions. Executions that have ended
# are deleted, with their labels, attempts and logs, by who asks for it, and by workers that remove what has been kept
# for long enough: those, and lines of the audit log, of which they read no more than how old they are.
# The API writes the values of secrets and reads none, not even encrypted, but for one that deliveries to a hook are
# signed with, for whoever has the hook's token; the workers read them and write none.
_GRANTS = """
GRANT USAGE ON SCHEMA public TO automation_api, automation_worker, automation_directory;
GRANT SELECT ON alembic_version, tenant_limits, automation_rules, automation_rule_versions, automation_executions,
    automation_execution_labels, automation_execution_attempts, automation_execution_logs
    TO automation_api, automation_worker;

GRANT INSERT ON automation_rules, automation_rule_versions, automation_executions, automation_execution_labels,
    automation_execution_attempts, automation_execution_logs TO automation_api;
GRANT UPDATE (
    version, name, description, status, status_reason, trigger_type, trigger_config, conditions, condition_logic,
    actions, execution_timeout_seconds, max_concurrent_executions, concurrency_policy, labels, priority, input_schema,
    concurrency_key, deduplication_key, debounce_seconds, updated_at, deleted_at
) ON automation_rules TO automation_api;
GRANT UPDATE (
    status, trigger_data, started_at, completed_at, duration_ms, actions_total, actions_successful, actions_failed,
    error_message, error_stack, failed_action_index, execution_context, rule_version, attempt, request_id, triggered_by,
    retry_from, results, results_bytes, next_action, tries, call_key, actions_seconds, held_back, run_at, expires_at,
    queued_at, due_at, lease_until, resume_at, deadline_at, cancel_requested_at, cancel_reason, log_entries, log_bytes,
    logs_cut
) ON automation_executions TO automation_api;

GRANT SELECT, INSERT, UPDATE (digest, status, headers, body, created_at, expires_at)
    ON idempotency_records TO automation_api;

GRANT SELECT, INSERT, DELETE ON automation_event_subscriptions TO automation_api;
GRANT SELECT, INSERT, UPDATE (created_at, expires_at, receipt) ON automation_events TO automation_api;

GRANT SELECT, INSERT ON audit_events TO automation_api;
GRANT SELECT (tenant, name, number, created_by, created_at, updated_by, updated_at), INSERT, DELETE,
    UPDATE (key_id, data_key, ciphertext, updated_by, updated_at) ON automation_secrets TO automation_api;
GRANT SELECT, INSERT, DELETE ON automation_rule_secrets TO automation_api;
GRANT SELECT, INSERT ON automation_hook_deliveries TO automation_api;
GRANT SELECT (tenant, name, key_id, data_key, ciphertext) ON automation_secrets TO automation_worker;

GRANT SELECT, INSERT, UPDATE (
    status, done, refused, batches, position_at, position_id, started_at, worked_at, completed_at, failure
) ON automation_bulk_operations TO automation_api;
GRANT SELECT, INSERT ON automation_bulk_refusals TO automation_api;

GRANT SELECT, INSERT, UPDATE (scheduled_at, fire_at), DELETE ON automation_schedules TO automation_api;
GRANT SELECT, UPDATE (scheduled_at, fire_at), DELETE ON automation_schedules TO automation_worker;
GRANT SELECT ON rate_windows TO automation_api;
GRANT SELECT, INSERT, UPDATE (day, used) ON tenant_usage TO automation_api, automation_worker;

GRANT INSERT ON automation_executions, automation_execution_labels, automation_execution_logs TO automation_worker;
GRANT DELETE ON automation_executions TO automation_api, automation_worker;
GRANT SELECT (tenant, created_at, event_id), DELETE ON audit_events TO automation_worker;
GRANT INSERT ON automation_run_ends TO automation_api, automation_worker;
GRANT SELECT ON automation_run_ends, automation_rule_statistics TO automation_api;
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
# ours: a tenant's last turn, and the first of its executions that wait. A job's history is not kept, which would end
# with it (decision 66): five of its triggers are off, and what they wrote to stays empty.
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

ALTER TABLE procrastinate.procrastinate_jobs
    DISABLE TRIGGER procrastinate_trigger_status_events_insert_v1,
    DISABLE TRIGGER procrastinate_trigger_status_events_update_v1,
    DISABLE TRIGGER procrastinate_trigger_scheduled_events_v1,
    DISABLE TRIGGER procrastinate_trigger_abort_requested_events_v1,
    DISABLE TRIGGER procrastinate_trigger_delete_jobs_v1;

GRANT USAGE ON SCHEMA procrastinate TO automation_directory, automation_worker;
GRANT SELECT (queueing_lock, status, priority, args), INSERT (queue_name, task_name, priority, queueing_lock, args)
    ON procrastinate.procrastinate_jobs TO automation_directory;
GRANT USAGE ON SEQUENCE procrastinate.procrastinate_jobs_id_seq TO automation_directory;

GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate.procrastinate_jobs, procrastinate.procrastinate_workers,
    procrastinate.procrastinate_periodic_defers TO automation_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA procrastinate TO automation_worker;
"""

_FUNCTIONS = (
    "admit_execution_v1",
    "append_execution_logs_v1",
    "begin_bulk_operation_v1",
    "begin_call_v1",
    "begin_events_v1",
    "begin_wait_v1",
    "cancel_execution_v1",
    "cancel_previous_executions_v1",
    "claim_execution_v1",
    "claim_idempotency_key_v1",
    "count_mails_v1",
    "count_removed_executions_v1",
    "count_stored_v1",
    "count_use_v1",
    "create_delivered_execution_v1",
    "create_execution_v1",
    "defer_execution_v1",
    "delete_execution_v1",
    "describe_principal_v1",
    "end_execution_saying_v1",
    "end_execution_v1",
    "enqueue_execution_v1",
    "expire_execution_v1",
    "fetch_jobs_v1",
    "find_due_schedules_v1",
    "find_expired_executions_v1",
    "fire_schedule_v1",
    "first_turn_v1",
    "find_idempotency_record_v1",
    "fold_run_ends_v1",
    "finish_run_v1",
    "get_execution_v1",
    "get_rule_v1",
    "keep_event_subscriptions_v1",
    "keep_hook_v1",
    "last_turn_v1",
    "lease_requests_v1",
    "list_execution_attempts_v1",
    "list_retention_v1",
    "lock_limited_rule_v1",
    "log_run_v1",
    "mark_rule_error_v1",
    "next_bulk_operation_v1",
    "others_wait_v1",
    "over_limit_v1",
    "pass_bulk_operation_v1",
    "probe_writes_v1",
    "prove_key_changes_v1",
    "prune_audit_events_v1",
    "prune_bulk_operations_v1",
    "prune_events_v1",
    "prune_executions_v1",
    "prune_idempotency_records_v1",
    "publish_events_v1",
    "put_secret_v1",
    "read_rule_statistics_v1",
    "read_secrets_v1",
    "reached_limit_v1",
    "record_action_v1",
    "record_audit_event_v1",
    "record_bulk_batch_v1",
    "record_try_v1",
    "release_claim_v1",
    "renew_claim_v1",
    "resolve_api_key_v1",
    "resolve_hook_v1",
    "retry_execution_v1",
    "rotate_hook_v1",
    "running_executions_v1",
    "serve_turn_v1",
    "serve_turns_v1",
    "sweep_due_executions_v1",
    "take_bulk_operation_v1",
    "tell_key_change_v1",
    "tenant_usage_v1",
    "touch_api_keys_v1",
    "use_secrets_v1",
    "used_v1",
    "waiting_executions_v1",
    "wake_executions_v1",
    "wake_held_execution_v1",
    "with_result_v1",
    "write_runs_v1",
)

# What is stored is counted whoever stores it. Executions count as they end, or begin another attempt.
_TRIGGERS = """
CREATE TRIGGER count_stored_inserted AFTER INSERT ON automation_executions
    FOR EACH ROW WHEN (NEW.completed_at IS NOT NULL) EXECUTE FUNCTION count_stored_v1();
CREATE TRIGGER count_stored_updated AFTER UPDATE OF completed_at ON automation_executions
    FOR EACH ROW WHEN (OLD.completed_at IS DISTINCT FROM NEW.completed_at) EXECUTE FUNCTION count_stored_v1();
CREATE TRIGGER count_stored_deleted AFTER DELETE ON automation_executions
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION count_removed_executions_v1();
CREATE TRIGGER count_stored AFTER INSERT OR DELETE ON automation_execution_attempts
    FOR EACH ROW EXECUTE FUNCTION count_stored_v1();
CREATE TRIGGER count_stored AFTER INSERT OR UPDATE OF deleted_at OR DELETE ON automation_rules
    FOR EACH ROW EXECUTE FUNCTION count_stored_v1();
CREATE TRIGGER count_stored AFTER INSERT OR DELETE ON automation_rule_versions
    FOR EACH ROW EXECUTE FUNCTION count_stored_v1();
CREATE TRIGGER count_stored AFTER INSERT OR UPDATE OF body OR DELETE ON idempotency_records
    FOR EACH ROW EXECUTE FUNCTION count_stored_v1();

CREATE TRIGGER keep_event_subscriptions
    AFTER INSERT OR UPDATE OF trigger_type, trigger_config, deleted_at ON automation_rules
    FOR EACH ROW EXECUTE FUNCTION keep_event_subscriptions_v1();
"""

# What resolve_api_key_v1 reads, but for what uses of keys write, is told when it changes, whoever changes it. A new
# key and a new user tell nothing: refusals are not remembered. ALWAYS: also where changes are replicated to here.
_KEY_COLUMNS = "digest, tenant, user_id, prefix, active, expires_at, usage_limit, requests_per_minute, revoked_at"
_KEY_CHANGES: Mapping[str, tuple[str, str]] = {
    "api_keys": (f"UPDATE OF {_KEY_COLUMNS} OR DELETE", "user_id"),
    "users": ("UPDATE OF tenant, user_id, active OR DELETE", "user_id"),
    "user_roles": ("INSERT OR UPDATE OR DELETE", "user_id"),
    "role_permissions": ("INSERT OR UPDATE OR DELETE", "tenant"),
    "tenant_limits": ("INSERT OR UPDATE OR DELETE", "tenant"),
}
_TELL_KEY_CHANGE = """
CREATE TRIGGER tell_key_change AFTER {events} ON {table}
    FOR EACH ROW EXECUTE FUNCTION tell_key_change_v1('{subject}');
CREATE TRIGGER tell_key_change_to_everybody AFTER TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION tell_key_change_v1();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER tell_key_change, ENABLE ALWAYS TRIGGER tell_key_change_to_everybody;
"""
_TELL_NO_KEY_CHANGE = """
DROP TRIGGER tell_key_change ON {table};
DROP TRIGGER tell_key_change_to_everybody ON {table};
"""

_DROP_TRIGGERS = """
DROP TRIGGER keep_event_subscriptions ON automation_rules;
DROP TRIGGER count_stored_inserted ON automation_executions;
DROP TRIGGER count_stored_updated ON automation_executions;
DROP TRIGGER count_stored_deleted ON automation_executions;
DROP TRIGGER count_stored ON automation_execution_attempts;
DROP TRIGGER count_stored ON automation_rules;
DROP TRIGGER count_stored ON automation_rule_versions;
DROP TRIGGER count_stored ON idempotency_records;
"""

_DROP = """
DROP SCHEMA procrastinate CASCADE;
DROP TABLE audit_events;
DROP TABLE idempotency_records;
DROP TABLE automation_rule_secrets, automation_secrets;
DROP TABLE automation_bulk_refusals, automation_bulk_operations;
DROP TABLE automation_run_ends, automation_rule_statistics;
DROP TABLE automation_hook_deliveries;
DROP TABLE automation_execution_logs, automation_execution_attempts, automation_execution_labels;
DROP TABLE automation_executions;
DROP TABLE automation_schedules;
DROP TABLE automation_hook_tokens;
DROP TABLE automation_events, automation_event_subscriptions;
DROP TABLE automation_rule_versions, automation_rules;
DROP TABLE tenant_usage, rate_windows, tenant_limits, tenant_retention;
DROP TABLE api_keys, user_roles, role_permissions, roles, users, tenants;
DROP TABLE write_probes;
DROP DOMAIN finite_time, duration, natural_number, positive_number, object_json, object_jsonb, execution_status,
    execution_priority, retry_origin, log_level, audit_outcome, audit_actor, audit_resource;
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
    for statements in (_ENCODING, _ROLES, _EVERYBODY, _DOMAINS, *_TABLES):
        connection.exec_driver_sql(statements)
    for table in _TENANT_OWNED:
        connection.exec_driver_sql(_TENANT_POLICY.format(table=table))
    connection.exec_driver_sql(_KEPT)
    connection.exec_driver_sql(_DIRECTORY)
    connection.exec_driver_sql(_GRANTS)
    _create_queue()
    functions.install(*_FUNCTIONS)
    connection.exec_driver_sql(_TRIGGERS)
    for table, (events, subject) in _KEY_CHANGES.items():
        connection.exec_driver_sql(_TELL_KEY_CHANGE.format(table=table, events=events, subject=subject))


def _create_queue() -> None:
    connection = op.get_bind()
    before = connection.exec_driver_sql("SELECT current_setting('search_path')").scalar_one()
    connection.exec_driver_sql("CREATE SCHEMA procrastinate; SET LOCAL search_path = procrastinate, pg_temp")
    connection.exec_driver_sql(_PROCRASTINATE.read_text(encoding="utf-8"))
    connection.exec_driver_sql(f"SELECT set_config('search_path', $before${before}$before$, true)")
    connection.exec_driver_sql(_QUEUE)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(_DROP_TRIGGERS)
    for table in _KEY_CHANGES:
        op.get_bind().exec_driver_sql(_TELL_NO_KEY_CHANGE.format(table=table))
    functions.drop(*_FUNCTIONS)
    op.get_bind().exec_driver_sql(_DROP)
