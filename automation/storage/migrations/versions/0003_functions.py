"""The functions that the service calls: a rule and an execution of one tenant, and keys before the tenant is known.

They are versioned: one that returns something else gets a new name, so that processes of two versions run side by side.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_GET_RULE = """
CREATE FUNCTION get_rule_v1(p_tenant uuid, p_rule uuid)
RETURNS TABLE (rule_id uuid, tenant uuid, name text, description text, status text, trigger_type text,
               created_at timestamp with time zone, updated_at timestamp with time zone)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    RETURN QUERY
    SELECT r.rule_id, r.tenant, r.name, r.description, r.status, r.trigger_type, r.created_at, r.updated_at
    FROM automation_rules r
    WHERE r.tenant = p_tenant AND r.rule_id = p_rule;
END
$$
"""

# The document is the contract's AutomationExecution without _links. concat() skips what is null, which leaves out an
# unset optional field together with its name; unset nullable fields are written as null. It copies the text once,
# where a chain of || copies it at each step. Names, identifiers and enumerations need no escaping, to_json() escapes
# the rest. to_char() does not depend on the session's settings, as a time's own text would.
_GET_EXECUTION = """
CREATE FUNCTION get_execution_v1(p_tenant uuid, p_execution uuid)
RETURNS TABLE (execution_id uuid, automation_rule_id uuid, status text, document text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    RETURN QUERY
    SELECT e.execution_id, e.automation_rule_id, e.status, concat(
        '{"execution_id":"', e.execution_id,
        '","automation_rule_id":"', e.automation_rule_id,
        '","tenant":"', e.tenant,
        '","status":"', e.status,
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
        ',"failed_action_index":', coalesce(e.failed_action_index::text, 'null'),
        ',"trigger_data":' || e.trigger_data::text,
        ',"execution_context":' || e.execution_context::text,
        ',"logs":[' || (
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
            WHERE l.tenant = p_tenant AND l.execution_id = p_execution
        ) || ']',
        '}')
    FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
END
$$
"""

# The order of the outcomes is the order of refusal. A key with a limit is counted here, in the same round trip, and
# the row's lock makes the count exact across processes; a key without one is only read.
_RESOLVE_API_KEY = """
CREATE FUNCTION resolve_api_key_v1(p_digest bytea, p_tenant uuid, p_count boolean)
RETURNS TABLE (outcome text, tenant uuid, user_id uuid, prefix text, permissions text[], limited boolean,
               expires_in double precision)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    SELECT
        CASE
            WHEN NOT k.active OR k.revoked_at IS NOT NULL THEN 'invalid'
            WHEN k.expires_at <= now() THEN 'expired'
            WHEN u.active IS NOT TRUE THEN 'user_not_found'
            WHEN k.tenant <> p_tenant THEN 'tenant_mismatch'
            WHEN k.usage_count >= k.usage_limit THEN 'over_limit'
            ELSE 'accepted'
        END,
        k.tenant, k.user_id, k.prefix,
        ARRAY(
            SELECT DISTINCT g.permission
            FROM user_roles m JOIN role_permissions g ON g.tenant = m.tenant AND g.role = m.role
            WHERE m.tenant = k.tenant AND m.user_id = k.user_id
        ),
        k.usage_limit IS NOT NULL,
        extract(epoch FROM k.expires_at - now())::double precision
    INTO outcome, tenant, user_id, prefix, permissions, limited, expires_in
    FROM api_keys k LEFT JOIN users u ON u.tenant = k.tenant AND u.user_id = k.user_id
    WHERE k.digest = p_digest;

    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF p_count AND limited AND outcome = 'accepted' THEN
        UPDATE api_keys k SET usage_count = k.usage_count + 1, last_used_at = now()
        WHERE k.digest = p_digest AND k.usage_count < k.usage_limit;
        IF NOT FOUND THEN
            outcome := 'over_limit';
        END IF;
    END IF;
    RETURN NEXT;
END
$$
"""

# Rows that another process is writing are skipped: it records the same use, and neither waits for the other.
_TOUCH_API_KEYS = """
CREATE FUNCTION touch_api_keys_v1(p_digests bytea[])
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    UPDATE api_keys k SET last_used_at = now()
    FROM (
        SELECT digest FROM api_keys
        WHERE digest = ANY (p_digests)
            AND (last_used_at IS NULL OR last_used_at <= now() - interval '1 minute')
        FOR NO KEY UPDATE SKIP LOCKED
    ) due
    WHERE k.digest = due.digest;
END
$$
"""

_GRANTS = """
REVOKE ALL ON FUNCTION get_rule_v1(uuid, uuid), get_execution_v1(uuid, uuid),
    resolve_api_key_v1(bytea, uuid, boolean), touch_api_keys_v1(bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION get_rule_v1(uuid, uuid), get_execution_v1(uuid, uuid) TO automation_api, automation_worker;
GRANT EXECUTE ON FUNCTION resolve_api_key_v1(bytea, uuid, boolean), touch_api_keys_v1(bytea[]) TO automation_api;
"""

# To give a function away one must be able to become its new owner, who must be allowed to create in the schema: both
# for this moment only. A role with CREATEROLE may grant itself that, a superuser need not.
_GIVE_AWAY = """
DO $$
DECLARE
    sixteen constant boolean := current_setting('server_version_num')::integer >= 160000;
    able constant boolean := pg_has_role(
        current_user, 'automation_directory', CASE WHEN sixteen THEN 'SET' ELSE 'MEMBER' END);
BEGIN
    IF NOT able THEN
        EXECUTE 'GRANT automation_directory TO CURRENT_USER'
            || CASE WHEN sixteen THEN ' WITH INHERIT FALSE, SET TRUE' ELSE '' END;
    END IF;
    GRANT CREATE ON SCHEMA public TO automation_directory;
    ALTER FUNCTION resolve_api_key_v1(bytea, uuid, boolean) OWNER TO automation_directory;
    ALTER FUNCTION touch_api_keys_v1(bytea[]) OWNER TO automation_directory;
    REVOKE CREATE ON SCHEMA public FROM automation_directory;
    IF NOT able THEN
        REVOKE automation_directory FROM CURRENT_USER;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE insufficient_privilege USING MESSAGE = format(
            'this role may not give functions to automation_directory (%s); '
            'it must own the database, and an administrator runs: GRANT automation_directory TO %I',
            SQLERRM, current_user);
END
$$
"""

_DROP = """
DROP FUNCTION touch_api_keys_v1(bytea[]);
DROP FUNCTION resolve_api_key_v1(bytea, uuid, boolean);
DROP FUNCTION get_execution_v1(uuid, uuid);
DROP FUNCTION get_rule_v1(uuid, uuid);
"""


def upgrade() -> None:
    for statements in (_GET_RULE, _GET_EXECUTION, _RESOLVE_API_KEY, _TOUCH_API_KEYS, _GRANTS, _GIVE_AWAY):
        op.get_bind().exec_driver_sql(statements)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(_DROP)
