-- Says whether a job waits of a tenant that is none of these.
-- Called by serve_turn and Due.others_wait (automation/storage/due.py).
--
-- It goes from tenant to tenant in the index, and looks at one job of each: nothing may be sorted (first_turn).

CREATE FUNCTION others_wait_v1(p_tenants uuid[])
RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET enable_sort = off
SET enable_incremental_sort = off
AS $$
DECLARE
    these constant text[] := p_tenants;
    tenant text := '';
BEGIN
    LOOP
        tenant := (
            SELECT j.args ->> 'tenant' FROM procrastinate.procrastinate_jobs j
            WHERE j.status = 'todo' AND j.args ->> 'tenant' > tenant
            ORDER BY j.args ->> 'tenant' LIMIT 1);
        IF tenant IS NULL OR tenant <> ALL (these) THEN
            RETURN tenant IS NOT NULL;
        END IF;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION others_wait_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION others_wait_v1 TO automation_worker;
