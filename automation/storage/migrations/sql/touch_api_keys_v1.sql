-- Records that API keys were used just now; one that was recorded within the last minute is left as it is.
-- Called by KeyDirectory.touch (automation/storage/keys.py).
--
-- Rows that another process is writing are skipped: it records the same use, and neither waits for the other.

CREATE FUNCTION touch_api_keys_v1(p_digests bytea[])
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    UPDATE api_keys k SET last_used_at = now()
    FROM (
        SELECT digest FROM api_keys
        WHERE digest = ANY (p_digests)
            AND (last_used_at IS NULL OR last_used_at <= now() - interval '1 minute')
        FOR NO KEY UPDATE SKIP LOCKED
    ) due
    WHERE k.digest = due.digest;
END
$$;

REVOKE ALL ON FUNCTION touch_api_keys_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION touch_api_keys_v1 TO automation_api;
ALTER FUNCTION touch_api_keys_v1 OWNER TO automation_directory;
