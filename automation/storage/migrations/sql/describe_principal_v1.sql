-- Says whom an API key stands for and what is left of it, for its holder. No row for a key that is not the tenant's.
-- Called by Principals.describe (automation/storage/principals.py).
--
-- The key was accepted for this request; what a use counts was counted then.

CREATE FUNCTION describe_principal_v1(p_tenant uuid, p_prefix text)
RETURNS TABLE (tenant_name text, email text, roles text[], permissions text[], key_name text,
               expires_at timestamp with time zone, usage_limit bigint, usage_count bigint,
               requests_per_minute bigint)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT
        t.name, u.email,
        ARRAY(
            SELECT m.role FROM user_roles m WHERE m.tenant = k.tenant AND m.user_id = k.user_id ORDER BY m.role
        ),
        ARRAY(
            SELECT DISTINCT g.permission
            FROM user_roles m JOIN role_permissions g ON g.tenant = m.tenant AND g.role = m.role
            WHERE m.tenant = k.tenant AND m.user_id = k.user_id
            ORDER BY g.permission
        ),
        k.name, k.expires_at, k.usage_limit, k.usage_count, k.requests_per_minute
    FROM api_keys k
    JOIN tenants t ON t.tenant = k.tenant
    JOIN users u ON u.tenant = k.tenant AND u.user_id = k.user_id
    WHERE k.tenant = p_tenant AND k.prefix = p_prefix
$$;

REVOKE ALL ON FUNCTION describe_principal_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION describe_principal_v1 TO automation_api;
ALTER FUNCTION describe_principal_v1 OWNER TO automation_directory;
