-- Reads the encrypted values of those of a tenant's secrets that have one of the names.
-- Called by SealedSecrets.read (automation/storage/secrets/sealed_secrets.py), before an action begins.

CREATE FUNCTION read_secrets_v1(p_tenant uuid, p_names text[])
RETURNS TABLE (name text, key_id text, data_key bytea, ciphertext bytea)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    RETURN QUERY
    SELECT s.name, s.key_id, s.data_key, s.ciphertext
    FROM automation_secrets s WHERE s.tenant = p_tenant AND s.name = ANY (p_names);
END
$$;

REVOKE ALL ON FUNCTION read_secrets_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read_secrets_v1 TO automation_worker;
