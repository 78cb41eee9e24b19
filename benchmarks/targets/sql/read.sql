-- Whom a key stands for, whether it may read, and its tenant's execution with the log entries: one round trip.
-- $1: the key's SHA-256; $2: the execution's id. No row for no such key; no execution_id for no such execution.
SELECT
    k.tenant,
    EXISTS (
        SELECT FROM user_roles m JOIN role_permissions g ON g.tenant = m.tenant AND g.role = m.role
        WHERE m.tenant = k.tenant AND m.user_id = k.user_id AND g.permission = 'automation:read'
    ) AS may_read,
    e.execution_id, e.automation_rule_id, e.rule_version, e.attempt, e.priority, e.labels::json AS labels, e.status,
    e.created_at, e.started_at, e.completed_at, e.duration_ms, e.actions_total, e.actions_successful, e.actions_failed, e.error_message,
    e.error_stack, e.failed_action_index, e.trigger_data, e.results, e.execution_context,
    (
        SELECT json_agg(json_build_object(
            'timestamp', l.timestamp, 'level', l.level, 'message', l.message,
            'action_index', l.action_index, 'metadata', l.metadata) ORDER BY l.sequence)
        FROM automation_execution_logs l
        WHERE l.tenant = e.tenant AND l.execution_id = e.execution_id AND l.attempt = e.attempt
    ) AS logs
FROM api_keys k
JOIN users u ON u.tenant = k.tenant AND u.user_id = k.user_id AND u.active
LEFT JOIN automation_executions e ON e.tenant = k.tenant AND e.execution_id = $2
WHERE k.digest = $1
    AND k.active AND k.revoked_at IS NULL
    AND (k.expires_at IS NULL OR k.expires_at > now())
    AND (k.usage_limit IS NULL OR k.usage_count < k.usage_limit)
