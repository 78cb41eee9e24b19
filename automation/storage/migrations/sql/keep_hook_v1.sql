-- Sees to it that a rule has a hook, or that it has none: where p_digest is null its tokens end at once. A rule that has a
-- token keeps it, and the one of p_digest is not taken: only then the answer is false for a rule that has a hook.
-- Called by keep_hook (automation/storage/hooks.py), for Rules, which holds the lock of the rule.

CREATE FUNCTION keep_hook_v1(p_tenant uuid, p_rule uuid, p_digest bytea)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF p_digest IS NULL THEN
        DELETE FROM automation_hook_tokens t WHERE t.tenant = p_tenant AND t.rule_id = p_rule;
        RETURN false;
    END IF;
    IF EXISTS (
        SELECT FROM automation_hook_tokens t
        WHERE t.tenant = p_tenant AND t.rule_id = p_rule AND t.expires_at IS NULL) THEN
        RETURN false;
    END IF;
    INSERT INTO automation_hook_tokens (digest, tenant, rule_id) VALUES (p_digest, p_tenant, p_rule);
    RETURN true;
END
$$;

REVOKE ALL ON FUNCTION keep_hook_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keep_hook_v1 TO automation_api;
ALTER FUNCTION keep_hook_v1 OWNER TO automation_directory;
