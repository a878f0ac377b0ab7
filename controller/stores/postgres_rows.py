"""Rows as the columns that PostgreSQL takes at once: one statement for a whole batch. Pure."""

from collections.abc import Sequence

from controller.stores.port import FeederSample, LateReading
from controller.stores.rows import sample_row

INSERT_JOURNAL = (
    "INSERT INTO gridward.journal (seq, body, previous, hash)"
    " SELECT * FROM unnest(%b::bigint[], %b::text[], %b::bytea[], %b::bytea[])"
)
INSERT_LEDGER = (
    "INSERT INTO gridward.transactions (key, seq) SELECT * FROM unnest(%b::text[], %b::bigint[])",
    "INSERT INTO gridward.postings (key, line, account, unit, amount)"
    " SELECT * FROM unnest(%b::text[], %b::int[], %b::text[], %b::text[], %b::bigint[])",
)
INSERT_SAMPLES = (
    "INSERT INTO gridward.samples (feeder, at, p_kw, transformer_loading_percent, max_line_loading_percent,"
    " without_control_percent, curtailed_kw, substation_p_kw) SELECT * FROM unnest(%b::text[],"
    " %s::timestamptz[], %b::bytea[], %s::float8[], %s::float8[], %s::float8[], %s::float8[], %s::float8[])"
    " ON CONFLICT DO NOTHING"
)
INSERT_LATE = (
    "INSERT INTO gridward.late_readings (feeder, meter, at, source, p_kw) SELECT * FROM"
    " unnest(%b::text[], %b::text[], %s::timestamptz[], %b::text[], %s::float8[]) ON CONFLICT DO NOTHING"
)


def columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    """(n, k) rows as k columns of n."""
    return [list(column) for column in zip(*rows, strict=True)]


def sample_columns(samples: Sequence[FeederSample]) -> list[list[object]]:
    """Columns of `INSERT_SAMPLES`."""
    return columns([_row(sample) for sample in samples])


def late_columns(readings: Sequence[LateReading]) -> list[list[object]]:
    """Columns of `INSERT_LATE`."""
    return columns([(one.feeder, one.meter, one.at, one.source, one.p_kw) for one in readings])


def _row(sample: FeederSample) -> tuple[object, ...]:
    feeder, _, *rest = sample_row(sample)
    return (feeder, sample.at, *rest, sample.substation_p_kw)
