-- The execution with its log entries, as the response's JSON: what the floor asks, less the key.
\set number random(0, :executions - 1)
\set tenant :number % :tenants
SELECT <document>
FROM automation_executions e
WHERE e.tenant = bench.identifier('tenant ' || :tenant::text)
    AND e.execution_id = bench.identifier('execution ' || :number::text)
