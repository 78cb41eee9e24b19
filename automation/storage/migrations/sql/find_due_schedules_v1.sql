-- Finds the recurring rules, of any tenant, that are due or will be within p_ahead seconds, p_limit at the most: of each
-- tenant the one that is due first, then the second of each, so that many of one keep no other waiting.
-- Called by Schedules.due (automation/storage/schedules.py). It runs as its owner, who sees of all tenants' schedules when
-- they are due.

CREATE FUNCTION find_due_schedules_v1(p_limit integer, p_ahead double precision)
RETURNS TABLE (
    tenant uuid, rule_id uuid, scheduled_at timestamp with time zone, seconds_left double precision,
    looked_at timestamp with time zone)
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT s.tenant, s.rule_id, s.scheduled_at, extract(epoch FROM s.fire_at - now())::double precision, now()
    FROM (
        SELECT d.*, row_number() OVER (PARTITION BY d.tenant ORDER BY d.fire_at) AS turn
        FROM automation_schedules d WHERE d.fire_at <= now() + make_interval(secs => p_ahead)
    ) s
    ORDER BY s.turn, s.fire_at LIMIT p_limit
$$;

REVOKE ALL ON FUNCTION find_due_schedules_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_due_schedules_v1 TO automation_worker;
ALTER FUNCTION find_due_schedules_v1 OWNER TO automation_directory;
