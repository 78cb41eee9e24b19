-- Stores a bulk operation that servers work off: what is done to which executions, and who asked for it. The outcome is
-- begun, with a document that says no more than that, or too_many, where p_most of the tenant's are not over.
-- Called by BulkOperations.begin (automation/storage/bulk_operations.py).
--
-- One request of a tenant after the other counts and stores: the lock is let go with its transaction.

CREATE FUNCTION begin_bulk_operation_v1(
    p_tenant uuid, p_bulk_operation uuid, p_action text, p_filter json, p_from text, p_rule_version text,
    p_matched integer, p_matched_exact boolean, p_user uuid, p_key_prefix text, p_client_address text,
    p_request_id text, p_most integer)
RETURNS TABLE (outcome text, document text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(concat('bulk operations of ', p_tenant), 0));
    IF (SELECT count(*) FROM automation_bulk_operations o
        WHERE o.tenant = p_tenant AND o.status IN ('pending', 'running')) >= p_most THEN
        outcome := 'too_many';
        RETURN NEXT;
        RETURN;
    END IF;
    INSERT INTO automation_bulk_operations (
        tenant, bulk_operation_id, action, filter, retry_from, rule_version, matched, matched_exact, created_by,
        key_prefix, client_address, request_id)
    VALUES (
        p_tenant, p_bulk_operation, p_action, p_filter, p_from, p_rule_version, p_matched, p_matched_exact, p_user,
        p_key_prefix, p_client_address, p_request_id);
    outcome := 'begun';
    document := '{}';
    RETURN NEXT;
END
$$;

REVOKE ALL ON FUNCTION begin_bulk_operation_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_bulk_operation_v1 TO automation_api;
