-- Writes a line of the audit log about what a user did, or was refused p_seconds_ago; where there is no user, it was done
-- by whoever has the token of a hook.
-- Called by Trail (automation/storage/pool/trail.py) in the transaction of what was done, and by
-- AuditLog.record_refusals (automation/storage/audit_log.py).

CREATE FUNCTION record_audit_event_v1(
    p_tenant uuid, p_action text, p_outcome text, p_code text, p_user uuid, p_key_prefix text, p_resource_type text,
    p_resource_id text, p_client_address text, p_request_id text, p_details json, p_seconds_ago double precision)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    INSERT INTO audit_events (
        tenant, event_id, created_at, action, outcome, code, actor, user_id, key_prefix, resource_type, resource_id,
        client_address, request_id, details)
    VALUES (
        p_tenant, gen_random_uuid(), now() - make_interval(secs => p_seconds_ago), p_action, p_outcome, p_code,
        CASE WHEN p_user IS NULL THEN 'hook' ELSE 'user' END, p_user, p_key_prefix, p_resource_type, p_resource_id, p_client_address, p_request_id, p_details);
    RETURN true;
END
$$;

REVOKE ALL ON FUNCTION record_audit_event_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_audit_event_v1 TO automation_api;
