-- Reads one execution of a tenant: the service's hottest read. The document is the contract's AutomationExecution
-- without _links, the logs are those of the current attempt.
-- Called by Executions.read (automation/storage/executions.py), create_execution, retry_execution, cancel_execution and
-- delete_execution.
--
-- It sets the tenant for the transaction and then reads under the policies: one round trip. concat() skips what is
-- null, which leaves out an unset optional field together with its name; unset nullable fields are written as null. It
-- copies the text once, where a chain of || copies it at each step. Names, identifiers and enumerations need no
-- escaping, to_json() escapes the rest. to_char() does not depend on the session's settings, as a time's own text
-- would. The context is made of the actions' results, which stay as the actions returned them.
--
-- Where the results, the log and what triggered it have more than p_most bytes, as counted when they were written, the
-- document is NULL: for whoever reads others in the same statement, and comes back for this one. Of data that is stored
-- compressed, 2 kB at the least, the bytes are counted here.
--
-- The revision is another one after each change of what the document shows: every change of an execution, its log's too,
-- writes its row, and xmin is the transaction that did so last. A database that was set back counts transactions anew,
-- so what the row tells of the progress is a part of it. Where the revision is p_known, the document is NULL.

CREATE FUNCTION get_execution_v1(p_tenant uuid, p_execution uuid, p_most integer DEFAULT NULL, p_known text DEFAULT NULL)
RETURNS TABLE (execution_id uuid, automation_rule_id uuid, status text, document text, revision text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    RETURN QUERY
    SELECT e.execution_id, e.automation_rule_id, e.status::text,
    CASE WHEN e.results_bytes + e.log_bytes > p_most - CASE
        WHEN p_most < 2147483647 AND pg_column_size(e.trigger_data) > 2000 THEN octet_length(e.trigger_data::text)
        ELSE 0 END OR p_known IS NOT NULL AND r.revision = p_known THEN NULL
    ELSE concat(
        '{"execution_id":"', e.execution_id,
        '","automation_rule_id":"', e.automation_rule_id,
        '","tenant":"', e.tenant,
        '","rule_version":', e.rule_version,
        ',"attempt":', e.attempt,
        ',"status":"', e.status,
        '","priority":', e.priority,
        ',"labels":', e.labels,
        ',"created_at":"', to_char(e.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '"',
        ',"run_at":"' || to_char(e.run_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"',
        ',"expires_at":"' || to_char(e.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"',
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
        ',"request_id":' || to_json(e.request_id)::text,
        ',"triggered_by":' || e.triggered_by::text,
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
            WHERE l.tenant = p_tenant AND l.execution_id = p_execution AND l.attempt = e.attempt
        ) || ']',
        '}')
    END, r.revision
    FROM automation_executions e,
        LATERAL (SELECT concat(e.xmin, '.', e.attempt, '.', e.log_entries, '.', e.results_bytes) AS revision) r
    WHERE e.tenant = p_tenant AND e.execution_id = p_execution;
END
$$;

REVOKE ALL ON FUNCTION get_execution_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION get_execution_v1 TO automation_api, automation_worker;
