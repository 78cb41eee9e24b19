-- The whole response as JSON, of the execution e.
concat(
    '{"data":{"execution_id":"', e.execution_id,
    '","automation_rule_id":"', e.automation_rule_id,
    '","tenant":"', e.tenant,
    '","rule_version":', e.rule_version,
    ',"attempt":', e.attempt,
    ',"priority":', e.priority,
    ',"labels":', e.labels,
    ',"status":"', e.status,
    '","created_at":"', to_char(e.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '"',
    ',"started_at":"' || to_char(e.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"',
    ',"completed_at":', coalesce(
        '"' || to_char(e.completed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"', 'null'),
    ',"duration_ms":', coalesce(e.duration_ms::text, 'null'),
    ',"actions_total":', e.actions_total,
    ',"actions_successful":', e.actions_successful,
    ',"actions_failed":', e.actions_failed,
    ',"error_message":', coalesce(to_json(e.error_message)::text, 'null'),
    ',"error_stack":', coalesce(to_json(e.error_stack)::text, 'null'),
    ',"failed_action_index":', coalesce(e.failed_action_index::text, 'null'),
    ',"trigger_data":' || e.trigger_data::text,
    ',"execution_context":' || coalesce('{"actions":' || e.results::text || '}', e.execution_context::text),
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
        WHERE l.tenant = e.tenant AND l.execution_id = e.execution_id AND l.attempt = e.attempt
    ) || ']',
    ',"_links":{"self":{"href":"/api/v1/automation/executions/', e.execution_id,
    '"},"rule":{"href":"/api/v1/automation/rules/', e.automation_rule_id,
    '"},"attempts":{"href":"/api/v1/automation/executions/', e.execution_id, '/attempts"}',
    CASE
        WHEN e.status IN ('pending', 'running') THEN
            concat(',"cancel":{"href":"/api/v1/automation/executions/', e.execution_id, '/cancel","method":"POST"}')
        WHEN e.status = 'failed' THEN
            concat(',"retry":{"href":"/api/v1/automation/executions/', e.execution_id, '/retry","method":"POST"}')
    END,
    '}}}')
