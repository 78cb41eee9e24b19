-- Puts a bulk operation off, so that others come before it; with p_failure it ends as failed, for that reason. What was
-- done stays done.
-- Called by BulkWork.put_off and BulkWork.fail (automation/storage/bulk_work.py).

CREATE FUNCTION pass_bulk_operation_v1(p_tenant uuid, p_bulk_operation uuid, p_failure text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    UPDATE automation_bulk_operations o SET
        worked_at = clock_timestamp(),
        status = CASE WHEN p_failure IS NULL THEN o.status ELSE 'failed' END,
        failure = p_failure,
        completed_at = CASE WHEN p_failure IS NOT NULL THEN clock_timestamp() END
    WHERE o.tenant = p_tenant AND o.bulk_operation_id = p_bulk_operation AND o.status IN ('pending', 'running');
END
$$;

REVOKE ALL ON FUNCTION pass_bulk_operation_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pass_bulk_operation_v1 TO automation_api;
