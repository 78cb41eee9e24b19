-- Whether the key may read, and the response's JSON where the key's tenant has the execution; no row for no such key.
SELECT
    EXISTS (
        SELECT FROM user_roles m JOIN role_permissions g ON g.tenant = m.tenant AND g.role = m.role
        WHERE m.tenant = k.tenant AND m.user_id = k.user_id AND g.permission = 'automation:read'
    ),
    (
        SELECT <document>
        FROM automation_executions e
        WHERE e.tenant = k.tenant AND e.execution_id = %(id)s
    )
FROM api_keys k JOIN users u ON u.tenant = k.tenant AND u.user_id = k.user_id AND u.active
WHERE k.digest = %(digest)s
    AND k.active AND k.revoked_at IS NULL
    AND (k.expires_at IS NULL OR k.expires_at > now())
    AND (k.usage_limit IS NULL OR k.usage_count < k.usage_limit)
