"""The tables of tenants, users, roles and keys, of rules, executions and their logs."""

from alembic import op

revision = "0001"
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

_ACCESS = """
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
    CONSTRAINT api_keys_digest_check CHECK (octet_length(digest) = 32),
    CONSTRAINT api_keys_usage_limit_check CHECK (usage_limit >= 0),
    CONSTRAINT api_keys_usage_count_check CHECK (usage_count >= 0 AND usage_count <= usage_limit)
);
"""

_AUTOMATION = """
CREATE TABLE automation_rules (
    tenant uuid NOT NULL,
    rule_id uuid NOT NULL,
    name text NOT NULL,
    description text,
    status text NOT NULL,
    trigger_type text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    updated_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT automation_rules_pkey PRIMARY KEY (tenant, rule_id),
    CONSTRAINT automation_rules_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants (tenant),
    CONSTRAINT automation_rules_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT automation_rules_description_check CHECK (length(description) <= 2000),
    CONSTRAINT automation_rules_status_check CHECK (status IN ('active', 'inactive', 'draft', 'error')),
    CONSTRAINT automation_rules_trigger_type_check CHECK (trigger_type IN ('manual')),
    CONSTRAINT automation_rules_times_check CHECK (isfinite(created_at) AND isfinite(updated_at))
);

CREATE TABLE automation_executions (
    tenant uuid NOT NULL,
    execution_id uuid NOT NULL,
    automation_rule_id uuid NOT NULL,
    status text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    trigger_data jsonb,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    duration_ms double precision,
    actions_total integer NOT NULL DEFAULT 0,
    actions_successful integer NOT NULL DEFAULT 0,
    actions_failed integer NOT NULL DEFAULT 0,
    error_message text,
    error_stack text,
    failed_action_index integer,
    execution_context jsonb,
    CONSTRAINT automation_executions_pkey PRIMARY KEY (tenant, execution_id),
    CONSTRAINT automation_executions_tenant_automation_rule_id_fkey FOREIGN KEY (tenant, automation_rule_id)
        REFERENCES automation_rules (tenant, rule_id),
    CONSTRAINT automation_executions_status_check CHECK (
        status IN ('pending', 'running', 'completed', 'failed', 'cancelled', 'timeout', 'skipped')),
    CONSTRAINT automation_executions_trigger_data_check CHECK (jsonb_typeof(trigger_data) = 'object'),
    CONSTRAINT automation_executions_execution_context_check CHECK (jsonb_typeof(execution_context) = 'object'),
    CONSTRAINT automation_executions_times_check CHECK (
        isfinite(created_at) AND isfinite(started_at) AND isfinite(completed_at)),
    CONSTRAINT automation_executions_duration_ms_check CHECK (
        duration_ms >= 0 AND duration_ms < 'Infinity'::double precision),
    CONSTRAINT automation_executions_actions_check CHECK (
        actions_total >= 0 AND actions_successful >= 0 AND actions_failed >= 0)
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
    CONSTRAINT automation_execution_logs_pkey PRIMARY KEY (tenant, execution_id, sequence),
    CONSTRAINT automation_execution_logs_tenant_execution_id_fkey FOREIGN KEY (tenant, execution_id)
        REFERENCES automation_executions (tenant, execution_id) ON DELETE CASCADE,
    CONSTRAINT automation_execution_logs_level_check CHECK (level IN ('debug', 'info', 'warn', 'error')),
    CONSTRAINT automation_execution_logs_timestamp_check CHECK (isfinite(timestamp)),
    CONSTRAINT automation_execution_logs_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);
"""

_DROP = """
DROP TABLE automation_execution_logs, automation_executions, automation_rules;
DROP TABLE api_keys, user_roles, role_permissions, roles, users, tenants;
"""


def upgrade() -> None:
    for statements in (_ENCODING, _ACCESS, _AUTOMATION):
        op.get_bind().exec_driver_sql(statements)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(_DROP)
