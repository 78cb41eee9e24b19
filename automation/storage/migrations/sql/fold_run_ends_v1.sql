-- Counts ends of runs, of any tenant, p_limit at the most, in the statistics of their rules, and returns how many.
-- Called by Due.fold (automation/storage/due.py). It runs as its owner, who sees of all tenants' runs no more than how
-- they ended.
--
-- One at a time does so: others find nothing to do. What is counted goes in the same statement, so nothing counts twice.
-- A run's time falls into a step: the eighth part of a doubling of a millisecond, or -1 where it never started.

CREATE FUNCTION fold_run_ends_v1(p_limit integer)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    folded integer;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('fold_run_ends', 0)) THEN
        RETURN 0;
    END IF;
    WITH taken AS (
        DELETE FROM automation_run_ends n
        WHERE n.ctid = ANY (ARRAY(SELECT o.ctid FROM automation_run_ends o LIMIT p_limit))
        RETURNING n.tenant, n.automation_rule_id, n.ended_at, n.status, n.duration_ms
    ), counted AS (
        SELECT t.tenant, t.automation_rule_id, date_bin('15 minutes', t.ended_at, 'epoch') AS quarter, t.status,
            coalesce(floor(8 * log(2, greatest(t.duration_ms, 1)::numeric)), -1)::integer AS step, count(*) AS runs
        FROM taken t
        GROUP BY 1, 2, 3, 4, 5
    ), kept AS (
        INSERT INTO automation_rule_statistics AS s (tenant, automation_rule_id, quarter, status, step, runs)
        SELECT c.tenant, c.automation_rule_id, c.quarter, c.status, c.step, c.runs FROM counted c
        ON CONFLICT (tenant, automation_rule_id, quarter, status, step) DO UPDATE SET runs = s.runs + excluded.runs
    )
    SELECT count(*) INTO folded FROM taken;
    RETURN folded;
END
$$;

REVOKE ALL ON FUNCTION fold_run_ends_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fold_run_ends_v1 TO automation_worker;
ALTER FUNCTION fold_run_ends_v1 OWNER TO automation_directory;
