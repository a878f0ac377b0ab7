"""Samples to rows of a store and back, and the ledger's rows as transactions. Pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from controller.stores.port import FeederSample, LateReading

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

SampleRow = tuple[str, int, bytes, float | None, float | None, float | None, float]
SubstationRow = tuple[str, int, float]
LateRow = tuple[str, str, int, str, float]


def to_us(at: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (at - _EPOCH) // _MICROSECOND


def from_us(at_us: int) -> datetime:
    """The inverse of `to_us`, in UTC."""
    return _EPOCH + at_us * _MICROSECOND


def sample_row(sample: FeederSample) -> SampleRow:
    """A sample as a row; the power as little-endian 32-bit floats."""
    return (
        sample.feeder,
        to_us(sample.at),
        np.asarray(sample.p_kw, dtype="<f4").tobytes(),
        sample.transformer_loading_percent,
        sample.max_line_loading_percent,
        sample.without_control_percent,
        sample.curtailed_kw,
    )


def late_row(reading: LateReading) -> LateRow:
    """A late reading as a row."""
    return reading.feeder, reading.meter, to_us(reading.at), reading.source, reading.p_kw


def late_of(row: LateRow) -> LateReading:
    """The inverse of `late_row`."""
    feeder, meter, at_us, source, p_kw = row
    return LateReading(feeder, meter, from_us(at_us), p_kw, source)


def substation_rows(samples: Iterable[FeederSample]) -> Iterator[SubstationRow]:
    """Of those samples that have a reading of the substation."""
    for sample in samples:
        if sample.substation_p_kw is not None:
            yield sample.feeder, to_us(sample.at), sample.substation_p_kw


def sample_of(row: tuple[*SampleRow, float | None]) -> FeederSample:
    """The inverse of `sample_row`, from a row with the substation's power at its end."""
    feeder, at_us, p_kw, transformer, line, without_control, curtailed_kw, substation_p_kw = row
    return FeederSample(
        feeder=feeder,
        at=from_us(at_us),
        p_kw=np.frombuffer(p_kw, dtype="<f4").astype(np.float32),
        transformer_loading_percent=transformer,
        max_line_loading_percent=line,
        without_control_percent=without_control,
        curtailed_kw=curtailed_kw,
        substation_p_kw=substation_p_kw,
    )


def transactions_of(
    rows: Iterable[tuple[str, int, str | None, str, int]],
) -> dict[str, tuple[int, tuple[tuple[str, str, int], ...]]]:
    """Key → (number of its entry, its postings), from rows of key, number, account, unit, amount in the order
    of key and line; account is None where a transaction has no postings."""
    found: dict[str, tuple[int, tuple[tuple[str, str, int], ...]]] = {}
    for key, seq, account, unit, amount in rows:
        _, lines = found.get(key, (seq, ()))
        found[key] = (seq, lines if account is None else (*lines, (account, unit, amount)))
    return found
