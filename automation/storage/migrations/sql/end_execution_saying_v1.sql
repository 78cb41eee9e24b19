-- Ends an execution of which nothing is known but that it is over now, with one entry in its log. The key stays of a call
-- of which nobody told how it went.
-- Called by claim_execution, admit_execution, cancel_previous_executions, cancel_execution and expire_execution,
-- which have set the tenant and locked the execution's row.

CREATE FUNCTION end_execution_saying_v1(
    p_tenant uuid, p_execution uuid, p_status text, p_level text, p_message text, p_error_message text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
BEGIN
    PERFORM end_execution_v1(p_tenant, p_execution, p_status, p_error_message, NULL, NULL, true, NULL,
        jsonb_build_array(jsonb_build_object('timestamp', clock_timestamp(), 'level', p_level, 'message', p_message)));
END
$$;

REVOKE ALL ON FUNCTION end_execution_saying_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_execution_saying_v1 TO automation_api, automation_worker;
