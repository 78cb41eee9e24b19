-- Says how much a tenant has used of a limit: on a day, or, of one that is kept, on the day 'epoch'.
-- Called by over_limit, publish_events, reached_limit and tenant_usage.

CREATE FUNCTION used_v1(p_tenant uuid, p_name text, p_day date)
RETURNS bigint
LANGUAGE sql STABLE SECURITY INVOKER
AS $$
    SELECT greatest(0, coalesce(sum(u.used), 0))::bigint FROM tenant_usage u
    WHERE u.tenant = p_tenant AND u.name = p_name AND u.day = p_day
$$;

REVOKE ALL ON FUNCTION used_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION used_v1 TO automation_api, automation_worker;
