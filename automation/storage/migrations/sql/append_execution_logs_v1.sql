-- Appends entries to the log of an attempt, and returns how many entries and bytes it has then, and whether it was cut;
-- the caller stores that.
-- Called by create_execution, claim_execution, begin_call, record_try, record_action, begin_wait, log_run, release_claim and
-- end_execution, which have set the tenant and locked the execution's row.
--
-- p_first is the place in the log of the first of them, as a run counts that alone writes it: what is stored already is
-- not stored again where a write is repeated, because its answer was lost. NULL appends them wherever the log ends.
-- At most 1,000 entries or 256 KiB are kept, of which one says that others are missing, at last or before the log's last
-- word: where p_ends is true, the last entry is that, and always kept.

CREATE FUNCTION append_execution_logs_v1(
    p_tenant uuid, p_execution uuid, p_attempt integer, p_first integer, p_logs jsonb,
    INOUT entries integer, INOUT bytes integer, INOUT cut boolean, p_ends boolean DEFAULT false)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    stored constant integer := greatest(0, entries - coalesce(p_first, entries));
    entry jsonb;
    ends boolean;
BEGIN
    FOR entry, ends IN
        SELECT value, p_ends AND ordinality = jsonb_array_length(p_logs)
        FROM jsonb_array_elements(p_logs) WITH ORDINALITY WHERE ordinality > stored ORDER BY ordinality
    LOOP
        CONTINUE WHEN cut AND NOT ends;
        IF NOT ends AND (entries >= 998 OR bytes + octet_length(entry::text) > 262144) THEN
            cut := true;
            entry := jsonb_build_object('timestamp', entry->'timestamp', 'level', 'warn',
                'message', 'The log is full: no more entries are kept.');
        END IF;
        INSERT INTO automation_execution_logs (
            tenant, execution_id, attempt, sequence, timestamp, level, message, action_index, metadata)
        VALUES (
            p_tenant, p_execution, p_attempt, entries, (entry->>'timestamp')::timestamp with time zone,
            entry->>'level', entry->>'message', (entry->>'action_index')::integer,
            nullif(entry->'metadata', 'null'::jsonb));
        entries := entries + 1;
        bytes := bytes + octet_length(entry::text);
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION append_execution_logs_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append_execution_logs_v1 TO automation_api, automation_worker;
