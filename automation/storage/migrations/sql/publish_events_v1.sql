-- Creates the executions that events start, each as create_execution does, and says what became of each event: its receipt
-- is which execution each rule has started, or which one takes its place. An event that was seen in the last 24 hours starts nothing and has the receipt
-- that it had. Where the outcome is another one than published, whoever asks takes all of it back: the name of a limit that
-- is reached, or labels_wanted where a rule has changed since its labels were made.
-- Called by Events.publish (automation/storage/events.py).
--
-- Events are taken in one order everywhere, so that of two requests with the same ones the second waits for the first and
-- then sees its receipts. A rule that is not in use any more, or deleted, is started by nothing.

CREATE FUNCTION publish_events_v1(
    p_tenant uuid, p_user uuid, p_digests bytea[], p_triggers text[], p_places integer[], p_rules uuid[],
    p_executions uuid[], p_made text[], p_made_of integer[], p_told text[], p_request_id text, p_triggered_by json,
    p_max_pending bigint, p_executions_per_day bigint, p_stored_bytes bigint)
RETURNS TABLE (outcome text, digest bytea, receipt text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    event record;
    start record;
    execution uuid;
    started jsonb;
BEGIN
    FOR event IN
        SELECT e.digest, e.trigger_data, e.place
        FROM unnest(p_digests, p_triggers) WITH ORDINALITY e(digest, trigger_data, place)
        ORDER BY e.digest, e.place
    LOOP
        outcome := 'published';
        digest := event.digest;
        INSERT INTO automation_events AS seen (tenant, digest, expires_at, receipt)
        VALUES (p_tenant, event.digest, now() + interval '24 hours', '{}')
        ON CONFLICT (tenant, digest) DO UPDATE SET
            created_at = now(), expires_at = excluded.expires_at, receipt = excluded.receipt
        WHERE seen.expires_at <= now();
        IF NOT FOUND THEN
            SELECT seen.receipt::text INTO receipt FROM automation_events seen
            WHERE seen.tenant = p_tenant AND seen.digest = event.digest;
            RETURN NEXT;
            CONTINUE;
        END IF;
        started := '{}';
        FOR start IN
            SELECT s.rule, s.execution, s.made::jsonb AS made, s.made_of, s.told::jsonb AS told
            FROM unnest(p_places, p_rules, p_executions, p_made, p_made_of, p_told)
                s(place, rule, execution, made, made_of, told)
            WHERE s.place = event.place ORDER BY s.rule
        LOOP
            execution := start.execution;
            LOOP -- a second time where it is another one that begins later
                SELECT c.outcome, c.execution_id INTO outcome, execution FROM create_execution_v1(
                    p_tenant => p_tenant, p_execution => execution, p_rule => start.rule, p_user => p_user,
                    p_trigger_data => event.trigger_data::json, p_override_conditions => false, p_priority => NULL,
                    p_request_id => p_request_id, p_triggered_by => p_triggered_by, p_max_pending => p_max_pending,
                    p_executions_per_day => p_executions_per_day, p_stored_bytes => p_stored_bytes, p_labels => '{}',
                    p_made => start.made, p_made_of => start.made_of, p_told => start.told) c;
                EXIT WHEN outcome IS DISTINCT FROM 'postpones';
            END LOOP;
            IF outcome IN ('created', 'already_pending') THEN
                started := started || jsonb_build_object(start.rule, execution);
            ELSIF outcome <> 'rule_not_active' THEN
                RETURN NEXT;
                RETURN;
            END IF;
        END LOOP;
        UPDATE automation_events seen SET receipt = started::json
        WHERE seen.tenant = p_tenant AND seen.digest = event.digest;
        outcome := 'published';
        receipt := started::text;
        RETURN NEXT;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION publish_events_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION publish_events_v1 TO automation_api;
