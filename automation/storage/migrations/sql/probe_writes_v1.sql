-- Writes 64 KiB and takes them back, so that whoever asks knows whether the database can write at all.
-- Called by Readiness (automation/storage/readiness.py), after a write has failed.
--
-- They are stored as they are, in pages of their own: where the disk is full there is room for small changes still, in
-- pages that exist. The commit writes the log. What was deleted is vacuumed as everywhere.

CREATE FUNCTION probe_writes_v1()
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO write_probes (filling) VALUES (repeat('.', 65536));
    DELETE FROM write_probes;
END
$$;

REVOKE ALL ON FUNCTION probe_writes_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION probe_writes_v1 TO automation_api;
ALTER FUNCTION probe_writes_v1 OWNER TO automation_directory;
