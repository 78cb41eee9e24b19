-- Returns tenants in the order of their ids, after p_after and p_limit at the most, each with the days of its own for
-- which something is kept, as a JSON object in which null is for ever.
-- Called by RetentionStore.tenants (automation/storage/retention.py). It runs as its owner, who sees all tenants.

CREATE FUNCTION list_retention_v1(p_after uuid, p_limit integer)
RETURNS TABLE (tenant uuid, own text)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT t.tenant, (
        SELECT coalesce(json_object_agg(r.name, r.days), '{}')::text FROM tenant_retention r WHERE r.tenant = t.tenant)
    FROM tenants t WHERE t.tenant > p_after ORDER BY t.tenant LIMIT p_limit
$$;

REVOKE ALL ON FUNCTION list_retention_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION list_retention_v1 TO automation_worker;
ALTER FUNCTION list_retention_v1 OWNER TO automation_directory;
