-- Remembers events for 24 hours, and returns those that were seen in that time before, each with the receipt that it had:
-- which execution each rule has started, or which one takes its place.
-- Called by Events.publish (automation/storage/events.py), which then creates the executions and keeps the receipts.
--
-- Events are taken in one order everywhere, so that of two requests with the same ones the second waits for the first and
-- then sees its receipts. So are the keys of executions that create_execution looks for under a lock of their own: all that
-- the rules' starts will need are locked here, before anything else is, in whatever order they come later. Before those, near
-- a limit, comes the lock that lets in one request after the other (reached_limit).

CREATE FUNCTION begin_events_v1(p_tenant uuid, p_digests bytea[], p_rules uuid[], p_made text[], p_max_pending bigint,
    p_executions_per_day bigint)
RETURNS TABLE (digest bytea, receipt text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    key bigint;
    event bytea;
BEGIN
    -- Also for one: publish_events counts by itself, and may find room that wasn't there before.
    PERFORM reached_limit_v1(p_tenant, greatest(2, cardinality(p_rules)), p_max_pending, p_executions_per_day, NULL);
    FOR key IN
        SELECT DISTINCT hashtextextended(
            concat(s.rule, ' ', coalesce(s.made::jsonb ->> 'deduplication_key', '')), 1)
        FROM unnest(p_rules, p_made) s(rule, made)
        JOIN automation_rules r ON r.tenant = p_tenant AND r.rule_id = s.rule
        WHERE num_nonnulls(r.deduplication_key, r.debounce_seconds) > 0
        ORDER BY 1
    LOOP
        PERFORM pg_advisory_xact_lock(key);
    END LOOP;
    FOR event IN SELECT e.digest FROM unnest(p_digests) e(digest) ORDER BY e.digest LOOP
        INSERT INTO automation_events AS seen (tenant, digest, expires_at, receipt)
        VALUES (p_tenant, event, now() + interval '24 hours', '{}')
        ON CONFLICT (tenant, digest) DO UPDATE SET
            created_at = now(), expires_at = excluded.expires_at, receipt = excluded.receipt
        WHERE seen.expires_at <= now();
        IF NOT FOUND THEN
            RETURN QUERY
            SELECT seen.digest, seen.receipt::text FROM automation_events seen
            WHERE seen.tenant = p_tenant AND seen.digest = event;
        END IF;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION begin_events_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_events_v1 TO automation_api;
