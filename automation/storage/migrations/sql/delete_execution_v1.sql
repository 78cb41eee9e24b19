-- Deletes an execution that has ended, with its labels, attempts and logs. The outcome is deleted, with a document that
-- says no more than that, not_finished, or changed, where its revision is another one than p_revision; no row for no
-- execution.
-- Called by Executions.delete (automation/storage/execution_changes.py).
--
-- What has not ended is kept by a policy, too.

CREATE FUNCTION delete_execution_v1(p_tenant uuid, p_execution uuid, p_revision text DEFAULT NULL)
RETURNS TABLE (outcome text, document text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
    run record;
BEGIN
    SELECT e.status INTO run FROM automation_executions e
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF p_revision <> (SELECT d.revision FROM get_execution_v1(p_tenant, p_execution, -1) d) THEN
        outcome := 'changed';
        RETURN NEXT;
        RETURN;
    END IF;
    IF run.status IN ('pending', 'running') THEN
        outcome := 'not_finished';
        RETURN NEXT;
        RETURN;
    END IF;
    DELETE FROM automation_executions e WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
    outcome := 'deleted';
    document := '{}';
    RETURN NEXT;
END
$$;

REVOKE ALL ON FUNCTION delete_execution_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION delete_execution_v1 TO automation_api;
