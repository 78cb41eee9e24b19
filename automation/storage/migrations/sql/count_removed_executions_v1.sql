-- Takes executions that are removed out of what their tenants have stored, all of a statement at once: a retention removes
-- many.
-- Called by a trigger count_stored_deleted (automation/storage/migrations/versions/0001_initial.py).

CREATE FUNCTION count_removed_executions_v1()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
BEGIN
    PERFORM count_use_v1(g.tenant, 'max_stored_bytes', 'epoch',
        -sum(coalesce(pg_column_size(g.trigger_data), 0) + g.results_bytes + g.log_bytes)::bigint)
    FROM gone g WHERE g.completed_at IS NOT NULL
    GROUP BY g.tenant;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION count_removed_executions_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_removed_executions_v1 TO automation_worker;
