-- Sends a token to those who listen for changes of keys: it comes after everything that was told before. False, and
-- nothing is sent, where a trigger that tells of changes is missing or switched off.
-- Called by KeyChanges (automation/storage/key_changes.py).

CREATE FUNCTION prove_key_changes_v1(p_token text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF (SELECT count(*) FROM pg_trigger t
        WHERE t.tgfoid = 'tell_key_change_v1'::regproc AND t.tgenabled = 'A') < 10 THEN
        RETURN false;
    END IF;
    PERFORM pg_notify('automation_keys', p_token);
    RETURN true;
END
$$;

REVOKE ALL ON FUNCTION prove_key_changes_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION prove_key_changes_v1 TO automation_api;
