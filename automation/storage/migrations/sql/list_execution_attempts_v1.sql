-- Lists the attempts of an execution, first to last, as a JSON array of the contract's AutomationExecutionAttempt. NULL
-- for no execution: every execution has its current attempt.
-- Called by Executions.attempts (automation/storage/executions.py).
--
-- The text is made as in get_execution.

CREATE FUNCTION list_execution_attempts_v1(p_tenant uuid, p_execution uuid)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    RETURN (
        SELECT '[' || string_agg(
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
                '}'),
            ',' ORDER BY e.attempt) || ']'
        FROM (
            SELECT a.attempt, a.status, a.created_at, a.started_at, a.completed_at, a.duration_ms, a.actions_total,
                a.actions_successful, a.actions_failed, a.error_message, a.error_stack, a.failed_action_index,
                a.rule_version, a.trigger_data
            FROM automation_execution_attempts a
            WHERE a.tenant = p_tenant AND a.execution_id = p_execution
            UNION ALL
            SELECT c.attempt, c.status, c.queued_at, c.started_at, c.completed_at, c.duration_ms, c.actions_total,
                c.actions_successful, c.actions_failed, c.error_message, c.error_stack, c.failed_action_index,
                c.rule_version, NULL
            FROM automation_executions c
            WHERE c.tenant = p_tenant AND c.execution_id = p_execution
        ) e
    );
END
$$;

REVOKE ALL ON FUNCTION list_execution_attempts_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION list_execution_attempts_v1 TO automation_api, automation_worker;
