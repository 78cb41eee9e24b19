-- Removes bulk operations of any tenant that have been over for a week, and what they were refused, p_limit rows at the
-- most; returns how many refusals went.
-- Called by BulkWork.prune (automation/storage/bulk_work.py). It runs as its owner, who sees all tenants'.

CREATE FUNCTION prune_bulk_operations_v1(p_limit integer)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    removed integer;
    over constant timestamp with time zone := now() - interval '7 days';
BEGIN
    DELETE FROM automation_bulk_refusals r
    WHERE r.ctid = ANY (ARRAY(
        SELECT n.ctid FROM automation_bulk_operations o
        JOIN automation_bulk_refusals n ON n.tenant = o.tenant AND n.bulk_operation_id = o.bulk_operation_id
        WHERE o.completed_at < over LIMIT p_limit));
    GET DIAGNOSTICS removed = ROW_COUNT;
    DELETE FROM automation_bulk_operations o
    WHERE o.completed_at < over AND removed < p_limit
        AND NOT EXISTS (
            SELECT FROM automation_bulk_refusals n
            WHERE n.tenant = o.tenant AND n.bulk_operation_id = o.bulk_operation_id);
    RETURN removed;
END
$$;

REVOKE ALL ON FUNCTION prune_bulk_operations_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION prune_bulk_operations_v1 TO automation_api;
ALTER FUNCTION prune_bulk_operations_v1 OWNER TO automation_directory;
