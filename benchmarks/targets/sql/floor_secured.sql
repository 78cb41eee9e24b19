-- The same through the service's functions, which set the tenant and read under row-level security.
SELECT
    'automation:read' = ANY (k.permissions),
    (
        SELECT concat(
            '{"data":', left(e.document, -1),
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
        FROM get_execution_v1(k.tenant, %(id)s) e
    )
FROM resolve_api_key_v1(%(digest)s, NULL, false) k
WHERE k.outcome = 'accepted'
