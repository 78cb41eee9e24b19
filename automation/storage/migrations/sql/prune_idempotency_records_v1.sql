-- Removes answers, of any tenant, whose time is over, p_limit at the most, and returns how many.
-- Called by Due.prune (automation/storage/due.py). It runs as its owner, who sees of all tenants' answers no
-- more than those whose time is over.
--
-- What another prunes or replaces at the moment is left to it.

CREATE FUNCTION prune_idempotency_records_v1(p_limit integer)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    pruned integer;
BEGIN
    DELETE FROM idempotency_records r USING (
        SELECT o.tenant, o.user_id, o.idempotency_key FROM idempotency_records o
        WHERE o.expires_at <= now() ORDER BY o.expires_at LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    ) over
    WHERE r.tenant = over.tenant AND r.user_id = over.user_id AND r.idempotency_key = over.idempotency_key;
    GET DIAGNOSTICS pruned = ROW_COUNT;
    RETURN pruned;
END
$$;

REVOKE ALL ON FUNCTION prune_idempotency_records_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION prune_idempotency_records_v1 TO automation_worker;
ALTER FUNCTION prune_idempotency_records_v1 OWNER TO automation_directory;
