-- Takes a bulk operation for the length of a transaction that does a batch of it, and returns whether it may: not where
-- another batch is done at the moment, of any tenant, nor where it is over, or had another batch since p_batches of them.
-- Called by BulkWork.batch (automation/storage/bulk_work.py).
--
-- One batch at a time in the whole database is enough of a load, however many servers there are. So none waits for long for
-- what its tenant's requests hold: others' have their turn.

CREATE FUNCTION take_bulk_operation_v1(p_tenant uuid, p_bulk_operation uuid, p_batches integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('bulk operations', 0)) THEN
        RETURN false;
    END IF;
    PERFORM set_config('lock_timeout', '500ms', true);
    PERFORM FROM automation_bulk_operations o
    WHERE o.tenant = p_tenant AND o.bulk_operation_id = p_bulk_operation AND o.batches = p_batches
        AND o.status IN ('pending', 'running')
    FOR UPDATE;
    RETURN FOUND;
END
$$;

REVOKE ALL ON FUNCTION take_bulk_operation_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_bulk_operation_v1 TO automation_api;
