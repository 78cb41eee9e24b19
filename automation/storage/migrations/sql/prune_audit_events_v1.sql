-- Removes lines of a tenant's audit log that are older than p_days, the oldest first, p_limit at the most, and returns how
-- many; no row where somebody else prunes at the moment.
-- Called by RetentionStore.prune_audit_events (automation/storage/retention.py) and Pruning
-- (automation/storage/accounts/pruning.py).
--
-- Lines of the last 30 days are removed by nobody: a policy keeps them.

CREATE FUNCTION prune_audit_events_v1(p_tenant uuid, p_days integer, p_limit integer)
RETURNS TABLE (removed integer)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('automation retention', 0)) THEN
        RETURN;
    END IF;
    DELETE FROM audit_events a USING (
        SELECT o.created_at, o.event_id FROM audit_events o
        WHERE o.tenant = p_tenant AND o.created_at < now() - make_interval(days => p_days)
        ORDER BY o.created_at, o.event_id LIMIT p_limit
    ) over
    WHERE a.tenant = p_tenant AND a.created_at = over.created_at AND a.event_id = over.event_id;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN NEXT;
END
$$;

REVOKE ALL ON FUNCTION prune_audit_events_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION prune_audit_events_v1 TO automation_worker;
