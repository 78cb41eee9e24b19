-- Lists attempts of an execution: a page of them, from a position on, each as JSON, the contract's
-- AutomationExecutionAttempt. No row for no execution.
-- Called by read_attempts (automation/storage/attempt_pages.py).
--
-- p_after is the number of an attempt before the page, or, where p_backward, after it: then the page is read against its
-- order. There is one attempt more than p_limit where there are as many. A page ends before the attempt with which its
-- logs, errors and data have more than p_most bytes as JSON, but has one in any case; cut says so.
--
-- The text is made as in get_execution. So is the revision, which is the execution's: each attempt begins and ends with a
-- change of the execution's row. Where it is p_known, there are no attempts.

CREATE FUNCTION list_execution_attempts_v1(
    p_tenant uuid, p_execution uuid, p_after integer, p_backward boolean, p_limit integer, p_most integer,
    p_known text DEFAULT NULL)
RETURNS TABLE (numbers integer[], documents text[], cut boolean, revision text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    RETURN QUERY
    WITH execution AS MATERIALIZED (
        SELECT x.*, concat(x.xmin, '.', x.attempt, '.', x.log_entries, '.', x.results_bytes) AS revision
        FROM automation_executions x WHERE x.tenant = p_tenant AND x.execution_id = p_execution
    ), news AS (
        SELECT FROM execution x WHERE x.revision IS DISTINCT FROM p_known
    ), asked AS (
        SELECT a.attempt, a.status, a.created_at, a.started_at, a.completed_at, a.duration_ms, a.actions_total,
            a.actions_successful, a.actions_failed, a.error_message, a.error_stack, a.failed_action_index, a.log_bytes,
            a.rule_version, a.trigger_data, a.request_id, a.triggered_by
        FROM automation_execution_attempts a
        WHERE a.tenant = p_tenant AND a.execution_id = p_execution AND EXISTS (SELECT FROM news)
        UNION ALL
        SELECT c.attempt, c.status, CASE WHEN c.attempt = 1 THEN c.created_at ELSE c.queued_at END, c.started_at,
            c.completed_at, c.duration_ms, c.actions_total,
            c.actions_successful, c.actions_failed, c.error_message, c.error_stack, c.failed_action_index, c.log_bytes,
            c.rule_version, NULL, c.request_id, c.triggered_by
        FROM execution c
        WHERE EXISTS (SELECT FROM news)
    ), placed AS (
        SELECT s.*, row_number() OVER reading AS place,
            sum(s.log_bytes + coalesce(octet_length(to_json(s.error_message)::text), 0)
                + coalesce(octet_length(to_json(s.error_stack)::text), 0)
                + coalesce(octet_length(s.trigger_data::text), 0)) OVER reading AS bytes
        FROM asked s
        WHERE CASE WHEN p_backward THEN s.attempt < p_after ELSE s.attempt > p_after END
        WINDOW reading AS (ORDER BY CASE WHEN p_backward THEN -s.attempt ELSE s.attempt END)
    ), page AS (
        SELECT p.*, p.place > 1 AND p.bytes > p_most AS beyond FROM placed p WHERE p.place <= p_limit + 1
    )
    SELECT
        coalesce(array_agg(e.attempt ORDER BY e.place) FILTER (WHERE NOT e.beyond), '{}'),
        coalesce(array_agg(
            concat(
                '{"attempt":', e.attempt,
                ',"status":"', e.status,
                '","created_at":"', to_char(e.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '"',
                ',"started_at":"' || to_char(e.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"',
                ',"completed_at":', coalesce(
                    '"' || to_char(e.completed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"', 'null'),
                ',"duration_ms":', coalesce(e.duration_ms::text, 'null'),
                ',"rule_version":', e.rule_version,
                ',"actions_total":', e.actions_total,
                ',"actions_successful":', e.actions_successful,
                ',"actions_failed":', e.actions_failed,
                ',"error_message":', coalesce(to_json(e.error_message)::text, 'null'),
                ',"error_stack":', coalesce(to_json(e.error_stack)::text, 'null'),
                ',"failed_action_index":', coalesce(e.failed_action_index::text, 'null'),
                ',"request_id":' || to_json(e.request_id)::text,
                ',"triggered_by":' || e.triggered_by::text,
                ',"trigger_data":' || e.trigger_data::text,
                ',"logs":[' || (
                    SELECT string_agg(
                        concat(
                            '{"timestamp":"', to_char(l.timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                            '","level":"', l.level,
                            '","message":', to_json(l.message),
                            ',"action_index":' || l.action_index::text,
                            ',"metadata":' || l.metadata::text,
                            '}'),
                        ',' ORDER BY l.sequence)
                    FROM automation_execution_logs l
                    WHERE l.tenant = p_tenant AND l.execution_id = p_execution AND l.attempt = e.attempt
                ) || ']',
                '}')
            ORDER BY e.place) FILTER (WHERE NOT e.beyond), '{}'),
        coalesce(bool_or(e.beyond), false),
        x.revision
    FROM execution x LEFT JOIN page e ON true
    GROUP BY x.revision;
END
$$;

REVOKE ALL ON FUNCTION list_execution_attempts_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION list_execution_attempts_v1 TO automation_api, automation_worker;
