-- Says what an API key stands for, before the tenant is known. No row for an unknown key.
-- Called by KeyDirectory.resolve (automation/storage/keys.py).
--
-- The order of the outcomes is the order of refusal. A key with a limit is counted here, in the same round trip, and
-- the row's lock makes the count exact across processes; a key without one is only read.

CREATE FUNCTION resolve_api_key_v1(p_digest bytea, p_tenant uuid, p_count boolean)
RETURNS TABLE (outcome text, tenant uuid, user_id uuid, prefix text, permissions text[], limited boolean,
               expires_in double precision, tenant_requests bigint, key_requests bigint)
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
        extract(epoch FROM k.expires_at - now())::double precision,
        (SELECT l.value FROM tenant_limits l WHERE l.tenant = k.tenant AND l.name = 'requests_per_minute'),
        k.requests_per_minute
    INTO outcome, tenant, user_id, prefix, permissions, limited, expires_in, tenant_requests, key_requests
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
$$;

REVOKE ALL ON FUNCTION resolve_api_key_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION resolve_api_key_v1 TO automation_api;
ALTER FUNCTION resolve_api_key_v1 OWNER TO automation_directory;
