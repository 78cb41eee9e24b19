-- Fetches up to p_most jobs for a worker, in the order in which Procrastinate's own function gives them out.
-- Called by PatientManager (automation/engine/runs/patient_manager.py), in a session whose search path is procrastinate's.

CREATE FUNCTION fetch_jobs_v1(p_queues character varying[], p_worker bigint, p_most integer)
RETURNS SETOF procrastinate.procrastinate_jobs
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
AS $$
DECLARE
    job procrastinate.procrastinate_jobs;
BEGIN
    FOR number IN 1 .. p_most LOOP
        job := procrastinate.procrastinate_fetch_job_v2(p_queues, p_worker);
        EXIT WHEN job.id IS NULL;
        RETURN NEXT job;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION fetch_jobs_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fetch_jobs_v1 TO automation_worker;
