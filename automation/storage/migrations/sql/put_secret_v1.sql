-- Keeps the encrypted value of a secret, and says what is known of the secret then, and whether it is new. No row where
-- a new one would be one more than the tenant may have: its own limit, or else p_most.
-- Called by Secrets.put (automation/storage/secrets/secrets.py).
--
-- One after the other for each tenant, so that two new ones are two. Values are written here and never read: the API has
-- no SELECT on them.

CREATE FUNCTION put_secret_v1(
    p_tenant uuid, p_name text, p_user uuid, p_key_id text, p_data_key bytea, p_ciphertext bytea, p_most bigint)
RETURNS TABLE (created boolean, name text, created_by uuid, created_at timestamp with time zone, updated_by uuid,
               updated_at timestamp with time zone)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    most bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(uuid_hash_extended(p_tenant, 15));
    RETURN QUERY
    UPDATE automation_secrets s SET
        key_id = p_key_id, data_key = p_data_key, ciphertext = p_ciphertext, updated_by = p_user, updated_at = now()
    WHERE s.tenant = p_tenant AND s.name = p_name
    RETURNING false, s.name, s.created_by, s.created_at, s.updated_by, s.updated_at;
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT l.value INTO most FROM tenant_limits l WHERE l.tenant = p_tenant AND l.name = 'max_secrets';
    IF (SELECT count(*) FROM automation_secrets s WHERE s.tenant = p_tenant) >= coalesce(most, p_most) THEN
        RETURN;
    END IF;
    RETURN QUERY
    INSERT INTO automation_secrets AS s (
        tenant, name, number, key_id, data_key, ciphertext, created_by, created_at, updated_by, updated_at)
    SELECT p_tenant, p_name, coalesce(max(o.number), 0) + 1, p_key_id, p_data_key, p_ciphertext, p_user, now(), p_user,
        now()
    FROM automation_secrets o WHERE o.tenant = p_tenant
    RETURNING true, s.name, s.created_by, s.created_at, s.updated_by, s.updated_at;
END
$$;

REVOKE ALL ON FUNCTION put_secret_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION put_secret_v1 TO automation_api;
