-- Stores writes of different runs in one transaction, each as its own function does, under its own claim. The answers
-- come in the order of the writes: that function's, or alone for one that is left to a statement of its own.
-- Called by GroupCommit (automation/storage/runs/group_commit.py).
--
-- One that fails takes back what it did and nothing of its neighbours. Nobody waits for a lock here longer than for two
-- milliseconds: the writes before hold theirs, and no order of locks would hold for the rows of several runs.

CREATE FUNCTION write_runs_v1(p_writes jsonb)
RETURNS text[]
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET lock_timeout = '2ms'
AS $$
DECLARE
    answers text[] := '{}';
    answer text;
    w jsonb;
    tenant uuid;
    execution uuid;
    attempt integer;
    fence bigint;
    first integer;
    logs jsonb;
BEGIN
    FOR w IN SELECT value FROM jsonb_array_elements(p_writes) WITH ORDINALITY ORDER BY ordinality LOOP
        tenant := w ->> 'tenant';
        execution := w ->> 'execution';
        attempt := w ->> 'attempt';
        fence := w ->> 'fence';
        first := w ->> 'first';
        logs := w ->> 'logs';
        BEGIN
            CASE w ->> 'write'
                WHEN 'begin_call' THEN
                    answer := begin_call_v1(tenant, execution, attempt, fence, (w ->> 'lease')::double precision,
                        (w ->> 'tries')::integer, (w ->> 'call_key')::uuid, first, logs);
                WHEN 'record_try' THEN
                    answer := record_try_v1(tenant, execution, attempt, fence, (w ->> 'tries')::integer,
                        (w ->> 'keep_call_key')::boolean, (w ->> 'actions_seconds')::double precision, first, logs);
                WHEN 'record_action' THEN
                    answer := record_action_v1(tenant, execution, attempt, fence, (w ->> 'index')::integer,
                        (w ->> 'result')::json, (w ->> 'failed')::boolean, (w ->> 'next_action')::integer,
                        (w ->> 'actions_seconds')::double precision, first, logs);
                WHEN 'finish' THEN
                    answer := finish_run_v1(tenant, execution, attempt, fence, w ->> 'status', w ->> 'error_message',
                        w ->> 'error_stack', (w ->> 'failed_action')::integer, (w ->> 'keep_call_key')::boolean,
                        first, logs, (w ->> 'last')::jsonb, (w ->> 'done')::integer, (w ->> 'result')::json,
                        (w ->> 'done_failed')::boolean, (w ->> 'actions_seconds')::double precision);
            END CASE;
        EXCEPTION WHEN OTHERS THEN
            answer := 'alone';
        END;
        answers := answers || answer;
    END LOOP;
    RETURN answers;
END
$$;

REVOKE ALL ON FUNCTION write_runs_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION write_runs_v1 TO automation_worker;
