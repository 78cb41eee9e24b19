-- Notes what became of a batch of a bulk operation, in the transaction that did it: how many were done, which were refused
-- and why, how far it came, and whether that was all (p_status).
-- Called by BulkWork.batch (automation/storage/bulk_work.py).

CREATE FUNCTION record_bulk_batch_v1(
    p_tenant uuid, p_bulk_operation uuid, p_status text, p_done integer, p_position_at timestamp with time zone,
    p_position_id uuid, p_executions uuid[], p_codes text[], p_details text[])
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    before integer;
BEGIN
    SELECT o.refused INTO before FROM automation_bulk_operations o
    WHERE o.tenant = p_tenant AND o.bulk_operation_id = p_bulk_operation;
    INSERT INTO automation_bulk_refusals (tenant, bulk_operation_id, number, execution_id, code, detail)
    SELECT p_tenant, p_bulk_operation, before + r.place, r.execution, r.code, r.detail
    FROM unnest(p_executions, p_codes, p_details) WITH ORDINALITY AS r(execution, code, detail, place);
    UPDATE automation_bulk_operations o SET
        status = p_status, done = o.done + p_done, refused = o.refused + cardinality(p_executions),
        batches = o.batches + 1, position_at = p_position_at, position_id = p_position_id,
        worked_at = clock_timestamp(), started_at = coalesce(o.started_at, now()),
        completed_at = CASE WHEN p_status = 'completed' THEN clock_timestamp() END
    WHERE o.tenant = p_tenant AND o.bulk_operation_id = p_bulk_operation;
END
$$;

REVOKE ALL ON FUNCTION record_bulk_batch_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_bulk_batch_v1 TO automation_api;
