-- Gives a rule that can't be run the status error, and the reason. A rule that was changed since is not that one.
-- Called by Runs.mark_rule_error (automation/storage/runs/runs.py).

CREATE FUNCTION mark_rule_error_v1(p_tenant uuid, p_rule uuid, p_version integer, p_reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    UPDATE automation_rules r SET status = 'error', status_reason = p_reason, updated_at = now()
    WHERE r.tenant = p_tenant AND r.rule_id = p_rule AND r.version = p_version AND r.deleted_at IS NULL
        AND r.status <> 'error';
END
$$;

REVOKE ALL ON FUNCTION mark_rule_error_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mark_rule_error_v1 TO automation_worker;
