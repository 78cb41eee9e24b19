"""What a rule says: its conditions, actions and limits, and every version of it.

A rule that was there before had nothing to run. It gets an action that changes nothing, a wait of one second, and is
created by nobody, the nil UUID.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_RULES = """
ALTER TABLE automation_rules
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD COLUMN trigger_config jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN conditions jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN condition_logic text NOT NULL DEFAULT 'and',
    ADD COLUMN actions jsonb NOT NULL DEFAULT '[{"type": "wait", "config": {"seconds": 1}, "continue_on_error": false,
        "timeout_seconds": 30, "retry_attempts": 0}]',
    ADD COLUMN execution_timeout_seconds integer NOT NULL DEFAULT 3600,
    ADD COLUMN max_concurrent_executions integer,
    ADD COLUMN concurrency_policy text NOT NULL DEFAULT 'queue',
    ADD COLUMN created_by uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    ADD COLUMN status_reason text,
    ADD COLUMN deleted_at timestamp with time zone,
    ADD CONSTRAINT automation_rules_version_check CHECK (version >= 1),
    ADD CONSTRAINT automation_rules_trigger_config_check CHECK (jsonb_typeof(trigger_config) = 'object'),
    ADD CONSTRAINT automation_rules_conditions_check CHECK (jsonb_typeof(conditions) = 'array'),
    ADD CONSTRAINT automation_rules_condition_logic_check CHECK (condition_logic IN ('and', 'or')),
    ADD CONSTRAINT automation_rules_actions_check CHECK (jsonb_typeof(actions) = 'array'),
    ADD CONSTRAINT automation_rules_execution_timeout_seconds_check CHECK (execution_timeout_seconds >= 1),
    ADD CONSTRAINT automation_rules_max_concurrent_executions_check CHECK (max_concurrent_executions >= 1),
    ADD CONSTRAINT automation_rules_concurrency_policy_check CHECK (
        concurrency_policy IN ('queue', 'skip', 'cancel_previous')),
    ADD CONSTRAINT automation_rules_deleted_at_check CHECK (isfinite(deleted_at));

ALTER TABLE automation_rules
    ALTER COLUMN version DROP DEFAULT,
    ALTER COLUMN trigger_config DROP DEFAULT,
    ALTER COLUMN conditions DROP DEFAULT,
    ALTER COLUMN condition_logic DROP DEFAULT,
    ALTER COLUMN actions DROP DEFAULT,
    ALTER COLUMN execution_timeout_seconds DROP DEFAULT,
    ALTER COLUMN concurrency_policy DROP DEFAULT,
    ALTER COLUMN created_by DROP DEFAULT;
"""

_VERSIONS = """
CREATE TABLE automation_rule_versions (
    tenant uuid NOT NULL,
    rule_id uuid NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    description text,
    status text NOT NULL,
    trigger_type text NOT NULL,
    trigger_config jsonb NOT NULL,
    conditions jsonb NOT NULL,
    condition_logic text NOT NULL,
    actions jsonb NOT NULL,
    execution_timeout_seconds integer NOT NULL,
    max_concurrent_executions integer,
    concurrency_policy text NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT automation_rule_versions_pkey PRIMARY KEY (tenant, rule_id, version),
    CONSTRAINT automation_rule_versions_tenant_rule_id_fkey FOREIGN KEY (tenant, rule_id)
        REFERENCES automation_rules (tenant, rule_id) ON DELETE CASCADE,
    CONSTRAINT automation_rule_versions_version_check CHECK (version >= 1)
);
"""

# A forced policy binds the migration too, which is no tenant: it is lifted while every tenant's rules are copied.
_FIRST_VERSIONS = """
ALTER TABLE automation_rules NO FORCE ROW LEVEL SECURITY;

INSERT INTO automation_rule_versions
SELECT tenant, rule_id, version, name, description, status, trigger_type, trigger_config, conditions, condition_logic,
    actions, execution_timeout_seconds, max_concurrent_executions, concurrency_policy, created_by, updated_at
FROM automation_rules;

ALTER TABLE automation_rules FORCE ROW LEVEL SECURITY;
"""

_POLICY = """
ALTER TABLE automation_rule_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE automation_rule_versions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON automation_rule_versions
    USING (tenant = (SELECT nullif(current_setting('app.tenant', true), '')::uuid))
    WITH CHECK (tenant = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
"""

_GET_RULE = """
CREATE FUNCTION get_rule_v2(p_tenant uuid, p_rule uuid)
RETURNS TABLE (rule_id uuid, tenant uuid, version integer, created_by uuid, created_at timestamp with time zone,
               updated_at timestamp with time zone, status_reason text, deleted_at timestamp with time zone,
               content text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    RETURN QUERY
    SELECT r.rule_id, r.tenant, r.version, r.created_by, r.created_at, r.updated_at, r.status_reason, r.deleted_at,
        json_build_object(
            'name', r.name, 'description', r.description, 'status', r.status, 'trigger_type', r.trigger_type,
            'trigger_config', r.trigger_config, 'conditions', r.conditions, 'condition_logic', r.condition_logic,
            'actions', r.actions, 'execution_timeout_seconds', r.execution_timeout_seconds,
            'max_concurrent_executions', r.max_concurrent_executions, 'concurrency_policy', r.concurrency_policy)::text
    FROM automation_rules r
    WHERE r.tenant = p_tenant AND r.rule_id = p_rule;
END
$$
"""

# A version has no grant but these: nobody changes it or takes it back. The workers' UPDATE is for a rule that cannot
# be run, and is what lets them lock a rule while they count its executions.
_GRANTS = """
GRANT SELECT ON automation_rule_versions TO automation_api, automation_worker;
GRANT INSERT ON automation_rules, automation_rule_versions TO automation_api;
GRANT UPDATE (
    version, name, description, status, status_reason, trigger_type, trigger_config, conditions, condition_logic,
    actions, execution_timeout_seconds, max_concurrent_executions, concurrency_policy, updated_at, deleted_at
) ON automation_rules TO automation_api;
GRANT UPDATE (status, status_reason, updated_at) ON automation_rules TO automation_worker;

REVOKE ALL ON FUNCTION get_rule_v2(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION get_rule_v2(uuid, uuid) TO automation_api, automation_worker;
"""

_DROP = """
DROP FUNCTION get_rule_v2(uuid, uuid);

REVOKE INSERT ON automation_rules FROM automation_api;
REVOKE UPDATE (
    version, name, description, status, status_reason, trigger_type, trigger_config, conditions, condition_logic,
    actions, execution_timeout_seconds, max_concurrent_executions, concurrency_policy, updated_at, deleted_at
) ON automation_rules FROM automation_api;
REVOKE UPDATE (status, status_reason, updated_at) ON automation_rules FROM automation_worker;

DROP TABLE automation_rule_versions;

ALTER TABLE automation_rules
    DROP COLUMN version,
    DROP COLUMN trigger_config,
    DROP COLUMN conditions,
    DROP COLUMN condition_logic,
    DROP COLUMN actions,
    DROP COLUMN execution_timeout_seconds,
    DROP COLUMN max_concurrent_executions,
    DROP COLUMN concurrency_policy,
    DROP COLUMN created_by,
    DROP COLUMN status_reason,
    DROP COLUMN deleted_at;
"""


def upgrade() -> None:
    for statements in (_RULES, _VERSIONS, _FIRST_VERSIONS, _POLICY, _GET_RULE, _GRANTS):
        op.get_bind().exec_driver_sql(statements)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(_DROP)
