-- Reads how the runs of a rule ended from p_from on and before p_to: a row for all of them, without a start, and one for
-- each hour or day (p_bucket) of a time zone in which any ended. No row for no rule. p50 and p95 are the steps (see
-- fold_run_ends) that half, and 95 of a hundred, of the completed, failed and timed out runs did not exceed.
-- Called by RuleStatistics.read (automation/storage/rule_statistics.py).
--
-- The index of the primary key has all that is read here, so that nothing else is touched of periods long ago.
--
-- All that had ended by as_of is counted: what ended after that may not be, as yet. An end is written within seconds of
-- its time, or not at all. as_of moves on in steps of five seconds and not beyond the period, so that an answer in which
-- nothing else is new is the same.

CREATE FUNCTION read_rule_statistics_v1(
    p_tenant uuid, p_rule uuid, p_from timestamp with time zone, p_to timestamp with time zone, p_bucket text,
    p_zone text)
RETURNS TABLE (starts_at timestamp with time zone, completed bigint, failed bigint, timeout bigint, cancelled bigint,
               skipped bigint, p50 integer, p95 integer, as_of timestamp with time zone)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    complete constant timestamp with time zone := least(
        p_to, date_bin('5 seconds', now() - interval '5 seconds', '2000-01-01T00:00:00Z'), (
            SELECT min(n.ended_at) FROM automation_run_ends n
            WHERE n.tenant = p_tenant AND n.automation_rule_id = p_rule));
BEGIN
    IF NOT EXISTS (SELECT FROM automation_rules r WHERE r.tenant = p_tenant AND r.rule_id = p_rule) THEN
        RETURN;
    END IF;
    PERFORM now() AT TIME ZONE p_zone; -- an unknown one fails, also where nothing ended
    RETURN QUERY
    WITH found AS (
        SELECT date_trunc(p_bucket, s.quarter, p_zone) AS starts_at, s.status, s.step, sum(s.runs)::bigint AS runs
        FROM automation_rule_statistics s
        WHERE s.tenant = p_tenant AND s.automation_rule_id = p_rule AND s.quarter >= p_from AND s.quarter < p_to
        GROUP BY 1, 2, 3
    ), each AS (
        SELECT f.starts_at, f.status, f.step, f.runs FROM found f
        UNION ALL
        SELECT NULL, f.status, f.step, sum(f.runs)::bigint FROM found f GROUP BY 2, 3
    ), timed AS (
        SELECT e.starts_at, e.step, sum(sum(e.runs)) OVER (PARTITION BY e.starts_at ORDER BY e.step) AS upto,
            sum(sum(e.runs)) OVER (PARTITION BY e.starts_at) AS all_runs
        FROM each e WHERE e.step >= 0 AND e.status IN ('completed', 'failed', 'timeout')
        GROUP BY e.starts_at, e.step
    ), ranked AS (
        SELECT t.starts_at, min(t.step) FILTER (WHERE t.upto >= t.all_runs * 0.5) AS p50,
            min(t.step) FILTER (WHERE t.upto >= t.all_runs * 0.95) AS p95
        FROM timed t GROUP BY t.starts_at
    ), counted AS (
        SELECT e.starts_at, sum(e.runs) FILTER (WHERE e.status = 'completed') AS completed,
            sum(e.runs) FILTER (WHERE e.status = 'failed') AS failed,
            sum(e.runs) FILTER (WHERE e.status = 'timeout') AS timeout,
            sum(e.runs) FILTER (WHERE e.status = 'cancelled') AS cancelled,
            sum(e.runs) FILTER (WHERE e.status = 'skipped') AS skipped
        FROM each e GROUP BY e.starts_at
        UNION ALL
        SELECT NULL, 0, 0, 0, 0, 0 WHERE NOT EXISTS (SELECT FROM each)
    )
    SELECT c.starts_at, coalesce(c.completed, 0)::bigint, coalesce(c.failed, 0)::bigint, coalesce(c.timeout, 0)::bigint,
        coalesce(c.cancelled, 0)::bigint, coalesce(c.skipped, 0)::bigint, r.p50, r.p95, complete
    FROM counted c LEFT JOIN ranked r ON r.starts_at IS NOT DISTINCT FROM c.starts_at
    ORDER BY c.starts_at NULLS FIRST;
END
$$;

REVOKE ALL ON FUNCTION read_rule_statistics_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read_rule_statistics_v1 TO automation_api;
