-- Keeps what a rule waits for where events look for it: a row for each type that its trigger names, none where it is
-- started otherwise or deleted. What starts no more than that, such as a rule that is paused, is seen from the rule.
-- Called by the trigger keep_event_subscriptions (automation/storage/migrations/versions/0001_initial.py).

CREATE FUNCTION keep_event_subscriptions_v1()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM automation_event_subscriptions s WHERE s.tenant = NEW.tenant AND s.rule_id = NEW.rule_id;
    END IF;
    IF NEW.trigger_type = 'event' AND NEW.deleted_at IS NULL THEN
        INSERT INTO automation_event_subscriptions (tenant, type, source, rule_id)
        SELECT DISTINCT NEW.tenant, named.type, coalesce(NEW.trigger_config ->> 'source', ''), NEW.rule_id
        FROM json_array_elements_text(NEW.trigger_config -> 'types') named(type);
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION keep_event_subscriptions_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keep_event_subscriptions_v1 TO automation_api;
