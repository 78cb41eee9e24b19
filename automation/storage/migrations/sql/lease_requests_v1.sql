-- Grants a process a part of the requests that a limit lets in a minute: as many as it wants, but no more than an eighth of
-- what is left, so that the last ones are shared by all processes. p_subject is what is limited: 'tenant', or the prefix
-- of a key. A minute begins with the first request after the one before.
-- Called by RateWindows.lease (automation/storage/rate_windows.py).
--
-- The row's lock makes the sum exact across processes. It is not waited for until it is on disk: a server that crashes
-- may forget what was granted in its last half second.

CREATE FUNCTION lease_requests_v1(p_tenant uuid, p_subject text, p_quota bigint, p_wanted bigint)
RETURNS TABLE (granted bigint, remaining bigint, seconds double precision)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    begin_at timestamp with time zone;
    used bigint;
    moment timestamp with time zone;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    FOR turn IN 1..2 LOOP
        SELECT w.began_at, w.granted INTO begin_at, used
        FROM rate_windows w WHERE w.tenant = p_tenant AND w.subject = p_subject
        FOR UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO rate_windows (tenant, subject) VALUES (p_tenant, p_subject) ON CONFLICT DO NOTHING;
    END LOOP;
    moment := clock_timestamp();
    IF moment NOT BETWEEN begin_at AND begin_at + interval '60 seconds' THEN
        begin_at := moment;
        used := 0;
    END IF;
    granted := greatest(0, least(p_wanted, p_quota - used, greatest(1, (p_quota - used) / 8)));
    UPDATE rate_windows w SET began_at = begin_at, granted = used + lease_requests_v1.granted
    WHERE w.tenant = p_tenant AND w.subject = p_subject;
    remaining := greatest(0, p_quota - used - granted);
    seconds := extract(epoch FROM begin_at + interval '60 seconds' - moment)::double precision;
    RETURN NEXT;
END
$$;

REVOKE ALL ON FUNCTION lease_requests_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lease_requests_v1 TO automation_api;
ALTER FUNCTION lease_requests_v1 OWNER TO automation_directory;
