-- Says what limits a tenant has of its own, and how much it uses of each that can be used up; p_tenant sees its own,
-- whoever asks.
-- Called by Principals.limits (automation/storage/principals.py) and accounts.limits_in_use
-- (automation/storage/accounts/accounts.py).

CREATE FUNCTION tenant_usage_v1(p_tenant uuid)
RETURNS TABLE (name text, used bigint, own bigint)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 10
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    today constant date := (now() AT TIME ZONE 'UTC')::date;
BEGIN
    RETURN QUERY
    SELECT coalesce(uses.name, own.name), uses.used, own.value
    FROM (
        SELECT 'max_running', count(*) FROM automation_executions e
        WHERE e.tenant = p_tenant AND e.status = 'running' AND e.lease_until IS NOT NULL
        UNION ALL
        SELECT 'max_pending', count(*) FROM automation_executions e WHERE e.tenant = p_tenant AND e.status = 'pending'
        UNION ALL
        SELECT 'requests_per_minute', coalesce(sum(w.granted), 0)::bigint FROM rate_windows w
        WHERE w.tenant = p_tenant AND w.subject = 'tenant' AND w.began_at > now() - interval '60 seconds'
        UNION ALL
        SELECT 'max_secrets', count(*) FROM automation_secrets s WHERE s.tenant = p_tenant
        UNION ALL
        SELECT kept, used_v1(p_tenant, kept, 'epoch')
        FROM unnest(ARRAY['max_rules', 'max_rule_versions', 'max_stored_bytes', 'max_answer_bytes']) kept
        UNION ALL
        SELECT daily, used_v1(p_tenant, daily, today) FROM unnest(ARRAY['executions_per_day', 'mails_per_day']) daily
    ) uses(name, used)
    FULL JOIN (
        SELECT l.name, l.value FROM tenant_limits l WHERE l.tenant = p_tenant
    ) own ON own.name = uses.name;
END
$$;

REVOKE ALL ON FUNCTION tenant_usage_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenant_usage_v1 TO automation_api;
