"""Journal, ledger, samples by day, and the epoch in force.

Nothing that was written can be altered or taken away (reliability L4): by rights, which are taken from the
owner too, and by triggers, for whoever has all rights. What somebody alters in the files, the hash chain
shows (`chain.py`). Text is compared byte by byte, as SQLite does, so that orders are the same.
"""

from alembic import op

revision = "0001"
down_revision = None

_TABLES = """
CREATE TABLE gridward.journal (
    seq      bigint PRIMARY KEY,
    body     text NOT NULL,
    previous bytea NOT NULL,
    hash     bytea NOT NULL
);
CREATE TABLE gridward.transactions (
    key text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL UNIQUE
);
CREATE TABLE gridward.postings (
    key     text COLLATE "C" NOT NULL,
    line    integer NOT NULL,
    account text COLLATE "C" NOT NULL,
    unit    text COLLATE "C" NOT NULL,
    amount  bigint NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (key, line)
);
CREATE TABLE gridward.control (
    one    boolean PRIMARY KEY CHECK (one),
    epoch  bigint NOT NULL,
    holder text NOT NULL
);
INSERT INTO gridward.control VALUES (true, 0, '');
"""

_SAMPLES = """
CREATE TABLE gridward.samples (
    feeder text COLLATE "C" NOT NULL,
    at     timestamptz NOT NULL,
    p_kw   bytea NOT NULL,
    transformer_loading_percent double precision,
    max_line_loading_percent    double precision,
    without_control_percent     double precision,
    curtailed_kw    double precision NOT NULL,
    substation_p_kw double precision,
    PRIMARY KEY (feeder, at)
) PARTITION BY RANGE (at);
CREATE TABLE gridward.late_readings (
    feeder text COLLATE "C" NOT NULL,
    meter  text COLLATE "C" NOT NULL,
    at     timestamptz NOT NULL,
    source text COLLATE "C" NOT NULL,
    p_kw   double precision NOT NULL,
    PRIMARY KEY (feeder, meter, at, source)
);
CREATE INDEX late_readings_at ON gridward.late_readings (at);
COMMENT ON COLUMN gridward.samples.p_kw IS 'little-endian 32-bit floats, one per service point';
"""

# jsonb cannot hold the character 0, which a meter's sender may put into what is kept of it as a sample: one
# such entry would make the view fail for ever
_LOOK = r"""
CREATE VIEW gridward.entries AS
SELECT seq, (body ->> 'at')::timestamptz AS at, body ->> 'entry' AS tag,
       body ->> 'feeder' AS feeder, body ->> 'request' AS request, body
FROM (SELECT seq, replace(body, '\u0000', '\ufffd')::jsonb AS body FROM gridward.journal) AS told;
"""

_DAYS = """
CREATE FUNCTION gridward.make_samples_day(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    part text := 'samples_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass('gridward.' || part) IS NOT NULL THEN
        RETURN;
    END IF;
    -- made apart and then attached: that keeps neither readers nor writers out
    EXECUTE format('CREATE TABLE gridward.%I (LIKE gridward.samples INCLUDING ALL)', part);
    EXECUTE format('ALTER TABLE gridward.samples ATTACH PARTITION gridward.%I FOR VALUES FROM (%L) TO (%L)',
                   part, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
END $$;
CREATE FUNCTION gridward.drop_samples_days(before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts text[];
    part  text;
    gone  bigint := 0;
    n     bigint;
BEGIN
    SELECT array_agg(c.relname) INTO parts
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'gridward.samples'::regclass
          AND (to_date(right(c.relname, 8), 'YYYYMMDD') + 1)::timestamp AT TIME ZONE 'UTC' <= before;
    -- all are counted before the first is dropped: from there on others wait
    FOREACH part IN ARRAY coalesce(parts, '{}') LOOP
        EXECUTE format('SELECT count(*) FROM gridward.%I', part) INTO n;
        gone := gone + n;
    END LOOP;
    FOREACH part IN ARRAY coalesce(parts, '{}') LOOP
        EXECUTE format('DROP TABLE gridward.%I', part);
    END LOOP;
    RETURN gone;
END $$;
CREATE FUNCTION gridward.delete_samples(before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone bigint;
BEGIN
    DELETE FROM gridward.late_readings WHERE at < before;
    DELETE FROM gridward.samples WHERE at < before;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END $$;
REVOKE ALL ON FUNCTION gridward.make_samples_day(date), gridward.drop_samples_days(timestamptz),
    gridward.delete_samples(timestamptz) FROM PUBLIC;
"""

_APPEND_ONLY = """
CREATE FUNCTION gridward.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""


def _append_only(table: str) -> str:
    return f"""
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON gridward.{table}
    FOR EACH STATEMENT EXECUTE FUNCTION gridward.refuse();
    ALTER TABLE gridward.{table} ENABLE ALWAYS TRIGGER append_only;
    REVOKE ALL ON gridward.{table} FROM PUBLIC, CURRENT_USER;
    GRANT SELECT, INSERT ON gridward.{table} TO CURRENT_USER;
    """


def upgrade() -> None:
    """Make everything."""
    for script in (_TABLES, _SAMPLES, _LOOK, _DAYS, _APPEND_ONLY):
        op.execute(script)
    for table in ("journal", "transactions", "postings"):
        op.execute(_append_only(table))
