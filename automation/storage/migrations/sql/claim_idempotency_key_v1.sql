-- Claims a user's Idempotency-Key for the transaction at hand. The outcome is claimed, in_flight where another transaction
-- has it, or answered, with what find_idempotency_record_v1 reads.
-- Called by Answers.once (automation/storage/answers.py).
--
-- The claim is a lock that ends with its transaction, however that ends: no process and no server can leave one behind.
-- It is tried, not waited for. What was committed before it was given up is seen by the statement after it.

CREATE FUNCTION claim_idempotency_key_v1(p_tenant uuid, p_user uuid, p_key text)
RETURNS TABLE (outcome text, digest bytea, status smallint, headers text, body bytea)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended(concat_ws(' ', p_tenant, p_user, p_key), 0)) THEN
        outcome := 'in_flight';
        RETURN NEXT;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT 'answered', r.digest, r.status, r.headers, r.body
    FROM find_idempotency_record_v1(p_tenant, p_user, p_key) r;
    IF NOT FOUND THEN
        outcome := 'claimed';
        RETURN NEXT;
    END IF;
END
$$;

REVOKE ALL ON FUNCTION claim_idempotency_key_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_idempotency_key_v1 TO automation_api;
