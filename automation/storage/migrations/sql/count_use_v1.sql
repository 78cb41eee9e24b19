-- Adds to what a tenant has used of a limit: of one by the day on p_day, of one that is kept on the day 'epoch'.
-- Called by create_execution, publish_events, retry_execution, count_mails, count_stored and count_removed_executions.
--
-- A sum over rows, to one of which is added that no other transaction holds, the backend's own where that is free; where
-- all are held there is a new one, with another number where somebody else holds the backend's own. So nobody waits here, for whom others may wait: a change of many executions holds its
-- rows for seconds, and who counts holds executions by then. A new day's first use takes the place of an earlier day's.

CREATE FUNCTION count_use_v1(p_tenant uuid, p_name text, p_day date, p_amount bigint)
RETURNS void
LANGUAGE sql VOLATILE SECURITY INVOKER
AS $$
    WITH free AS (
        SELECT u.shard FROM tenant_usage u WHERE u.tenant = p_tenant AND u.name = p_name
        ORDER BY u.shard <> pg_backend_pid() % 32768, u.shard LIMIT 1
        FOR UPDATE SKIP LOCKED
    ), added AS (
        UPDATE tenant_usage u SET used = CASE WHEN u.day = p_day THEN u.used ELSE 0 END + p_amount, day = p_day
        FROM free f WHERE u.tenant = p_tenant AND u.name = p_name AND u.shard = f.shard
        RETURNING 1
    )
    INSERT INTO tenant_usage AS u (tenant, name, shard, day, used)
    SELECT p_tenant, p_name, (
        SELECT n.shard::smallint
        FROM unnest(ARRAY[
            pg_backend_pid() % 32768, -1 - pg_backend_pid() % 32768,
            (random() * 65535)::integer - 32768]) WITH ORDINALITY n(shard, place)
        WHERE n.place = 3 OR NOT EXISTS (
            SELECT FROM tenant_usage u WHERE u.tenant = p_tenant AND u.name = p_name AND u.shard = n.shard)
        ORDER BY n.place LIMIT 1), p_day, p_amount
    WHERE NOT EXISTS (SELECT FROM added)
    ON CONFLICT (tenant, name, shard) DO UPDATE SET
        used = CASE WHEN u.day = excluded.day THEN u.used ELSE 0 END + excluded.used, day = excluded.day
$$;

REVOKE ALL ON FUNCTION count_use_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_use_v1 TO automation_api, automation_worker, automation_directory;
