"""Row-level security, and the three roles that everything but migrations runs as.

The roles are NOLOGIN groups and belong to the whole cluster; login roles are made members of them:

- ``automation_api`` reads rules, executions and logs of the tenant at hand, and executes the functions for keys;
- ``automation_worker`` also writes executions and logs; what an execution was created with, it cannot change;
- ``automation_directory`` owns the functions that look a key up before the tenant is known. It has no members.

What the operator grants:

- The role that migrates owns the database (``CREATE DATABASE … OWNER …``), so that it owns the schema ``public``. It
  is a superuser, or has CREATEROLE, or neither: then an administrator runs, once in the cluster,
  ``CREATE ROLE automation_api NOLOGIN``, the same for ``automation_worker`` and ``automation_directory``, and
  ``GRANT automation_directory TO <owner>``: from PostgreSQL 16 on ``WITH INHERIT FALSE, SET TRUE``, on 15 revoked
  again after the migration, because its member would see the users of all tenants. From 16 on, an owner with
  CREATEROLE needs that grant too where another role created the three.
- ``GRANT automation_api TO <login role of the service>``, ``GRANT automation_worker TO <login role of the workers>``.

A downgrade takes all privileges in this database away and leaves the roles: other databases may use them.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

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

# The subquery makes PostgreSQL read the setting once a statement and not once a row.
_TENANT_POLICY = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON {table}
    USING (tenant = (SELECT nullif(current_setting('app.tenant', true), '')::uuid))
    WITH CHECK (tenant = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
"""

_DIRECTORY = """
CREATE POLICY directory_reads ON users FOR SELECT TO automation_directory USING (true);
CREATE POLICY directory_reads ON user_roles FOR SELECT TO automation_directory USING (true);
CREATE POLICY directory_reads ON role_permissions FOR SELECT TO automation_directory USING (true);

GRANT SELECT ON api_keys, users, user_roles, role_permissions TO automation_directory;
GRANT UPDATE (usage_count, last_used_at) ON api_keys TO automation_directory;
"""

_GRANTS = """
GRANT USAGE ON SCHEMA public TO automation_api, automation_worker, automation_directory;
GRANT SELECT ON alembic_version TO automation_api, automation_worker;

GRANT SELECT ON automation_rules, automation_executions, automation_execution_logs
    TO automation_api, automation_worker;
GRANT INSERT ON automation_executions, automation_execution_logs TO automation_worker;
GRANT UPDATE (
    status, started_at, completed_at, duration_ms, actions_total, actions_successful, actions_failed,
    error_message, error_stack, failed_action_index, execution_context
) ON automation_executions TO automation_worker;
"""

_REVOKE = """
REVOKE ALL ON automation_rules, automation_executions, automation_execution_logs, alembic_version
    FROM automation_api, automation_worker;
REVOKE ALL ON api_keys, users, user_roles, role_permissions FROM automation_directory;
REVOKE USAGE ON SCHEMA public FROM automation_api, automation_worker, automation_directory;

DROP POLICY directory_reads ON role_permissions;
DROP POLICY directory_reads ON user_roles;
DROP POLICY directory_reads ON users;
"""

_NO_TENANT_POLICY = """
DROP POLICY tenant_only ON {table};
ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;
"""

_TENANT_OWNED = (
    "users",
    "roles",
    "role_permissions",
    "user_roles",
    "automation_rules",
    "automation_executions",
    "automation_execution_logs",
)


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql(_ROLES)
    for table in _TENANT_OWNED:
        connection.exec_driver_sql(_TENANT_POLICY.format(table=table))
    connection.exec_driver_sql(_DIRECTORY)
    connection.exec_driver_sql(_GRANTS)


def downgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql(_REVOKE)
    for table in _TENANT_OWNED:
        connection.exec_driver_sql(_NO_TENANT_POLICY.format(table=table))
