-- Adds an action's result to the results of an execution, or nothing where there is none.
-- Called by record_action and end_execution.
--
-- The results are a JSON object that only grows at its end: what is in it stays as the action returned it.

CREATE FUNCTION with_result_v1(p_results json, p_index integer, p_result json)
RETURNS json
LANGUAGE sql STABLE SECURITY INVOKER
AS $$
    SELECT CASE WHEN p_result IS NULL THEN p_results ELSE concat(
        coalesce(left(p_results::text, -1) || ',', '{'), '"', p_index, '":', p_result::text, '}')::json END
$$;

REVOKE ALL ON FUNCTION with_result_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION with_result_v1 TO automation_api, automation_worker;
