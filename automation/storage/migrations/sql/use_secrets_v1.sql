-- Stores which secrets a rule names, in the transaction that writes the rule, and returns the names that the tenant has
-- no secret of: with one of those, the rule must not be written.
-- Called by Rules.create, Rules.update and Rules.delete (automation/storage/secrets/uses.py).
--
-- Whoever deletes a secret at the same moment waits, and then finds the rule that names it.

CREATE FUNCTION use_secrets_v1(p_tenant uuid, p_rule uuid, p_names text[])
RETURNS text[]
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    DELETE FROM automation_rule_secrets u
    WHERE u.tenant = p_tenant AND u.rule_id = p_rule AND u.name <> ALL (p_names);
    PERFORM FROM automation_secrets s
    WHERE s.tenant = p_tenant AND s.name = ANY (p_names) ORDER BY s.name FOR KEY SHARE;
    INSERT INTO automation_rule_secrets (tenant, rule_id, name)
    SELECT p_tenant, p_rule, s.name FROM automation_secrets s WHERE s.tenant = p_tenant AND s.name = ANY (p_names)
    ON CONFLICT DO NOTHING;
    RETURN ARRAY(
        SELECT named FROM unnest(p_names) named
        WHERE NOT EXISTS (SELECT FROM automation_secrets s WHERE s.tenant = p_tenant AND s.name = named)
        ORDER BY named
    );
END
$$;

REVOKE ALL ON FUNCTION use_secrets_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION use_secrets_v1 TO automation_api;
