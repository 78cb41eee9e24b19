-- Says which limit keeps a tenant from asking for one more execution: too_many_pending, executions_per_day or
-- max_stored_bytes; '' where none does. The tenant's own limits count, or else those given.
-- Called by create_execution, retry_execution and begin_events, and by Executions.expect
-- (automation/storage/execution_changes.py), which have set the tenant.
--
-- What others have under way isn't seen. So whoever comes near a limit is let in alone, until the end of the transaction,
-- and counts once more. Far from it nobody waits: there is room for all that is done meanwhile, a request for as many as one
-- may ask for and thousands for one. p_more is how many will be asked for in this transaction.
--
-- The lock comes before those on rules and executions, everywhere: who has it may wait for rows, and nobody who has such
-- rows waits for it. Where the limit is reached as it is, one is refused without waiting.
--
-- The count of what is pending goes no further than the limit, in the index whose order it asks for: it reads no other
-- tenant's.

CREATE FUNCTION reached_limit_v1(
    p_tenant uuid, p_more integer, p_max_pending bigint, p_executions_per_day bigint, p_stored_bytes bigint)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    today constant date := (now() AT TIME ZONE 'UTC')::date;
    margin constant bigint := 2000 + 20 * p_more;
    most record;
    pending bigint;
    used bigint;
BEGIN
    SELECT coalesce(max(l.value) FILTER (WHERE l.name = 'max_pending'), p_max_pending) AS pending,
        coalesce(max(l.value) FILTER (WHERE l.name = 'executions_per_day'), p_executions_per_day) AS a_day
    INTO most
    FROM tenant_limits l WHERE l.tenant = p_tenant;
    FOR turn IN 1..2 LOOP
        SELECT count(*) INTO pending FROM (
            SELECT FROM automation_executions e WHERE e.tenant = p_tenant AND e.status = 'pending'
            ORDER BY e.automation_rule_id, e.queued_at, e.execution_id LIMIT coalesce(most.pending, 0)) pending;
        used := used_v1(p_tenant, 'executions_per_day', today);
        EXIT WHEN turn = 2
            OR coalesce(pending + margin <= most.pending, true) AND coalesce(used + margin <= most.a_day, true)
            OR p_more = 1 AND (pending >= most.pending OR used >= most.a_day);
        PERFORM pg_advisory_xact_lock(hashtextextended(concat('executions of ', p_tenant), 0));
    END LOOP;
    RETURN CASE
        WHEN pending >= most.pending THEN 'too_many_pending'
        WHEN used >= most.a_day THEN 'executions_per_day'
        WHEN over_limit_v1(p_tenant, 'max_stored_bytes', 'epoch', 1, p_stored_bytes) IS NOT NULL THEN 'max_stored_bytes'
        ELSE '' END;
END
$$;

REVOKE ALL ON FUNCTION reached_limit_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reached_limit_v1 TO automation_api, automation_worker;
