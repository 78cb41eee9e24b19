-- Tells whose keys may stand for something else by now: the user's or the tenant's whose id the trigger names, or, where
-- a table was emptied, everybody's. Whoever remembers such keys looks them up again.
-- Called by the triggers tell_key_change (automation/storage/migrations/versions/0001_initial.py).
--
-- Everybody who may connect can listen, so nothing is said but the id.

CREATE FUNCTION tell_key_change_v1()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM pg_notify('automation_keys', 'everybody');
    END IF;
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        PERFORM pg_notify('automation_keys', to_jsonb(OLD) ->> TG_ARGV[0]);
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        PERFORM pg_notify('automation_keys', to_jsonb(NEW) ->> TG_ARGV[0]);
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION tell_key_change_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tell_key_change_v1 TO automation_directory;
