-- The same through the service's function, under row-level security.
\set number random(0, :executions - 1)
\set tenant :number % :tenants
SELECT *
FROM get_execution_v1(bench.identifier('tenant ' || :tenant::text), bench.identifier('execution ' || :number::text))
