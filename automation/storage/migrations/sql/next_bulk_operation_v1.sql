-- Returns the bulk operation that is worked at next, of any tenant: of the tenant that has waited longest, the one that
-- has. No row where none is open. allowed says whether who asked for it may still do so: the user is active and has the
-- permission, and the key was not revoked.
-- Called by BulkWork.next (automation/storage/bulk_work.py). It runs as its owner, who sees all tenants' and what their
-- keys lead to.

CREATE FUNCTION next_bulk_operation_v1()
RETURNS TABLE (
    tenant uuid, bulk_operation_id uuid, action text, filter text, retry_from text, rule_version text, batches integer,
    position_at timestamp with time zone, position_id uuid, created_at timestamp with time zone, created_by uuid,
    key_prefix text, client_address text, request_id text, allowed boolean)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT o.tenant, o.bulk_operation_id, o.action, o.filter::text, o.retry_from, o.rule_version, o.batches,
        o.position_at, o.position_id, o.created_at, o.created_by, o.key_prefix, o.client_address, o.request_id,
        EXISTS (
            SELECT FROM users u
            JOIN user_roles r ON r.tenant = u.tenant AND r.user_id = u.user_id
            JOIN role_permissions p ON p.tenant = r.tenant AND p.role = r.role
            WHERE u.tenant = o.tenant AND u.user_id = o.created_by AND u.active
                AND p.permission = CASE o.action WHEN 'delete' THEN 'automation:delete' ELSE 'automation:execute' END
        ) AND EXISTS (
            SELECT FROM api_keys k WHERE k.tenant = o.tenant AND k.prefix = o.key_prefix AND k.active)
    FROM automation_bulk_operations o
    WHERE o.status IN ('pending', 'running')
    ORDER BY max(o.worked_at) OVER (PARTITION BY o.tenant) NULLS FIRST, o.worked_at NULLS FIRST, o.created_at,
        o.bulk_operation_id
    LIMIT 1
$$;

REVOKE ALL ON FUNCTION next_bulk_operation_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION next_bulk_operation_v1 TO automation_api;
ALTER FUNCTION next_bulk_operation_v1 OWNER TO automation_directory;
