-- Counts what a tenant has stored, whoever stores or removes it: rules that are not deleted and versions of rules; the
-- bytes of those, of executions that have ended and of their earlier attempts; those of answers to repeated writes.
-- Called by the triggers count_stored (automation/storage/migrations/versions/0001_initial.py).
--
-- Values count as they lie in the table, compressed as they may be. An execution counts when it ends, so that a run has
-- no counter to write. NEW is null of a row that is removed, OLD of a new one. Whoever changes a row is its tenant's by
-- then, but for an administrator: what goes with a row that he removes is removed by the tables' owner, for no tenant.

CREATE FUNCTION count_stored_v1()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    owner constant uuid := coalesce(NEW.tenant, OLD.tenant);
    name text := 'max_stored_bytes';
    scope constant text := current_setting('app.tenant', true);
    amount bigint := 0;
BEGIN
    PERFORM set_config('app.tenant', owner::text, true);
    IF TG_TABLE_NAME = 'automation_rules' THEN
        name := 'max_rules';
        amount := (NEW.rule_id IS NOT NULL AND NEW.deleted_at IS NULL)::integer
            - (OLD.rule_id IS NOT NULL AND OLD.deleted_at IS NULL)::integer;
    ELSIF TG_TABLE_NAME = 'automation_rule_versions' THEN
        PERFORM count_use_v1(owner, 'max_rule_versions', 'epoch', CASE TG_OP WHEN 'DELETE' THEN -1 ELSE 1 END);
        amount := coalesce(
                pg_column_size(NEW.trigger_config) + pg_column_size(NEW.conditions) + pg_column_size(NEW.actions), 0)
            - coalesce(
                pg_column_size(OLD.trigger_config) + pg_column_size(OLD.conditions) + pg_column_size(OLD.actions), 0);
    ELSIF TG_TABLE_NAME = 'automation_executions' THEN
        IF NEW.completed_at IS NOT NULL THEN
            amount := coalesce(pg_column_size(NEW.trigger_data), 0) + NEW.results_bytes + NEW.log_bytes;
        END IF;
        IF OLD.completed_at IS NOT NULL THEN
            amount := amount - (coalesce(pg_column_size(OLD.trigger_data), 0) + OLD.results_bytes + OLD.log_bytes);
        END IF;
    ELSIF TG_TABLE_NAME = 'automation_execution_attempts' THEN
        amount := coalesce(pg_column_size(NEW.trigger_data), 0) + coalesce(NEW.log_bytes, 0)
            - (coalesce(pg_column_size(OLD.trigger_data), 0) + coalesce(OLD.log_bytes, 0));
    ELSE
        name := 'max_answer_bytes';
        amount := coalesce(octet_length(NEW.body), 0) - coalesce(octet_length(OLD.body), 0);
    END IF;
    PERFORM count_use_v1(owner, name, 'epoch', amount);
    PERFORM set_config('app.tenant', scope, true);
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION count_stored_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_stored_v1 TO automation_api, automation_worker, automation_directory;
