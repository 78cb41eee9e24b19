-- The execution's row, by its primary key.
\set number random(0, :executions - 1)
\set tenant :number % :tenants
SELECT *
FROM automation_executions e
WHERE e.tenant = bench.identifier('tenant ' || :tenant::text)
    AND e.execution_id = bench.identifier('execution ' || :number::text)
