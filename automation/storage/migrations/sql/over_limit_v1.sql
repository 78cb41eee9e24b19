-- Says which limit a tenant would exceed by some more of it, and how much that is: its own, or else p_most, the settings'
-- default. NULL where it would not.
-- Called by reached_limit, publish_events and count_mails, by RuleQuotas (automation/storage/quotas.py) and by Answers.once
-- (automation/storage/answers.py), each of which has set the tenant.
--
-- What is being done at the same moment is not seen: whose limit is exact lets in one after the other before he asks.

CREATE FUNCTION over_limit_v1(p_tenant uuid, p_name text, p_day date, p_more bigint, p_most bigint)
RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY INVOKER
AS $$
DECLARE
    most constant bigint := coalesce(
        (SELECT l.value FROM tenant_limits l WHERE l.tenant = p_tenant AND l.name = p_name), p_most);
BEGIN
    IF most IS NULL OR used_v1(p_tenant, p_name, p_day) + p_more <= most THEN
        RETURN NULL;
    END IF;
    RETURN most;
END
$$;

REVOKE ALL ON FUNCTION over_limit_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION over_limit_v1 TO automation_api, automation_worker;
