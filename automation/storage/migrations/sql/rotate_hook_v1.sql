-- Gives a rule's hook a new token, and returns when the one before ends: p_overlap seconds from now. Of tokens that were
-- to end anyway none is left. NULL for a rule that has no hook.
-- Called by RuleHooks.rotate (automation/storage/hooks.py), which holds the rule's lock.

CREATE FUNCTION rotate_hook_v1(p_tenant uuid, p_rule uuid, p_digest bytea, p_overlap double precision)
RETURNS timestamp with time zone
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    ends constant timestamp with time zone := now() + make_interval(secs => p_overlap);
BEGIN
    DELETE FROM automation_hook_tokens t
    WHERE t.tenant = p_tenant AND t.rule_id = p_rule AND t.expires_at IS NOT NULL;
    UPDATE automation_hook_tokens t SET expires_at = ends
    WHERE t.tenant = p_tenant AND t.rule_id = p_rule AND t.expires_at IS NULL;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO automation_hook_tokens (digest, tenant, rule_id) VALUES (p_digest, p_tenant, p_rule);
    RETURN ends;
END
$$;

REVOKE ALL ON FUNCTION rotate_hook_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rotate_hook_v1 TO automation_api;
ALTER FUNCTION rotate_hook_v1 OWNER TO automation_directory;
