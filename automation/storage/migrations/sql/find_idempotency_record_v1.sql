-- Reads the answer that a user's Idempotency-Key stands for, and the digest of the request that it was given to. No row
-- for a key that is free, or was forgotten by now.
-- Called by Answers.once (automation/storage/answers.py) and claim_idempotency_key.
--
-- It sets the tenant for the transaction and then reads under the policies: one round trip.

CREATE FUNCTION find_idempotency_record_v1(p_tenant uuid, p_user uuid, p_key text)
RETURNS TABLE (digest bytea, status smallint, headers text, body bytea)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    scope text := set_config('app.tenant', p_tenant::text, true);
BEGIN
    RETURN QUERY
    SELECT r.digest, r.status, r.headers::text, r.body
    FROM idempotency_records r
    WHERE r.tenant = p_tenant AND r.user_id = p_user AND r.idempotency_key = p_key AND r.expires_at > now();
END
$$;

REVOKE ALL ON FUNCTION find_idempotency_record_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_idempotency_record_v1 TO automation_api;
