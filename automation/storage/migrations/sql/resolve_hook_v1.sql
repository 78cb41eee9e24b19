-- Says which rule's hook a token is, before the tenant is known, and what its trigger is set to; with the encrypted value
-- of the secret that its deliveries are signed with, if they are: of those that the API has written it can read no other.
-- No row for an unknown token, one whose time is over, and one of a rule that has no hook any more.
-- Called by HookDirectory.find (automation/storage/hooks.py).

CREATE FUNCTION resolve_hook_v1(p_digest bytea)
RETURNS TABLE (tenant uuid, rule_id uuid, trigger_config text, tenant_requests bigint, secret text, key_id text,
               data_key bytea, ciphertext bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT t.tenant, t.rule_id, r.trigger_config::text,
        (SELECT l.value FROM tenant_limits l WHERE l.tenant = t.tenant AND l.name = 'requests_per_minute'),
        s.name, s.key_id, s.data_key, s.ciphertext
    FROM automation_hook_tokens t
    JOIN automation_rules r ON r.tenant = t.tenant AND r.rule_id = t.rule_id
    LEFT JOIN automation_secrets s ON s.tenant = t.tenant
        AND s.name = substring(r.trigger_config #>> '{verification,secret}' FROM '^\$\{secrets\.(\w+)\}$')
    WHERE t.digest = p_digest AND (t.expires_at IS NULL OR t.expires_at > now()) AND r.deleted_at IS NULL;
END
$$;

REVOKE ALL ON FUNCTION resolve_hook_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION resolve_hook_v1 TO automation_api;
ALTER FUNCTION resolve_hook_v1 OWNER TO automation_directory;
