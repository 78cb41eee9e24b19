-- Counts mails that a tenant is about to send today, one for each recipient, unless that would exceed its limit
-- mails_per_day: then the limit is the answer, and nothing is counted. NULL where they may be sent.
-- Called by Runs.count_mails (automation/storage/runs/runs.py).
--
-- One message of a tenant is counted after the other, so the limit is exact.

CREATE FUNCTION count_mails_v1(p_tenant uuid, p_mails bigint, p_most bigint)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    today constant date := (now() AT TIME ZONE 'UTC')::date;
    most bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(concat('mails ', p_tenant), 0));
    most := over_limit_v1(p_tenant, 'mails_per_day', today, p_mails, p_most);
    IF most IS NULL THEN
        PERFORM count_use_v1(p_tenant, 'mails_per_day', today, p_mails);
    END IF;
    RETURN most;
END
$$;

REVOKE ALL ON FUNCTION count_mails_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_mails_v1 TO automation_worker;
