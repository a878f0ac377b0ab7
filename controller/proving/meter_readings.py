"""What one feeder's meters showed, as arrays for settlement: step [7] of the path. Pure.

Made once from the stored samples of a stretch of time, in whatever order they come, and then asked for one
meter after the other. A late reading is one that came when its cycle was over: it stands beside the samples,
and counts only where they show nothing (`verification`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from controller.baselines import MeterSample
from controller.stores.port import LateReading

Floats = NDArray[np.float64]
_NOTHING: Floats = np.zeros(0)
_NOT_READ = 0x7FC00000


@dataclass(frozen=True, slots=True, eq=False)
class MeterSeries:
    """One meter in one stretch of time."""

    at_s: Floats
    """(n,) Unix time of the samples, ascending"""
    p_kw: Floats
    """(n,) NaN where no fresh reading was there"""
    late_at_s: Floats = field(default_factory=lambda: _NOTHING)
    """(m,) ascending"""
    late_p_kw: Floats = field(default_factory=lambda: _NOTHING)

    def digest(self) -> str:
        """Of the samples, without late readings: 32 hexadecimal digits, BLAKE2b of 16 bytes.

        Over all times, then all powers, both in order of time. A time is a signed 64-bit integer of
        microseconds since 1970 (UTC), a power a 32-bit float of kW, both little-endian; where no reading was
        there, the float's bits are 7FC00000.
        """
        at_us = np.rint(self.at_s * 1e6).astype("<i8")
        bits = self.p_kw.astype("<f4").view("<u4")
        bits = np.where(np.isnan(self.p_kw), _NOT_READ, bits).astype("<u4")
        return blake2b(at_us.tobytes() + bits.tobytes(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class MeterReadings:
    """All meters of a feeder in one stretch of time."""

    at_s: Floats
    """(n,) ascending"""
    p_kw: NDArray[np.float32]
    """(n_sp, n): a meter's readings lie side by side"""
    late: Mapping[int, tuple[Floats, Floats]] = field(default_factory=dict)
    """position → times and powers, ascending"""

    @classmethod
    def of(
        cls,
        samples: Sequence[MeterSample],
        late: Iterable[LateReading] = (),
        meter_position: Mapping[str, int] | None = None,
    ) -> "MeterReadings":
        """Samples of one width in any order; late readings of meters without a position are left out."""
        at_s = np.array([sample.at.timestamp() for sample in samples])
        order = np.argsort(at_s, kind="stable")
        rows = [samples[place].p_kw for place in order]
        table = np.array(rows, dtype=np.float32) if rows else np.zeros((0, 0), dtype=np.float32)
        return cls(at_s[order], np.ascontiguousarray(table.T), _by_position(late, meter_position or {}))

    def with_late(self, late: Iterable[LateReading], meter_position: Mapping[str, int]) -> "MeterReadings":
        """The same samples with these late readings beside them."""
        return replace(self, late=_by_position(late, meter_position))

    def series(self, position: int, window: tuple[datetime, datetime]) -> MeterSeries:
        """One meter from the window's start until before its end."""
        start_s, end_s = window[0].timestamp(), window[1].timestamp()
        first, last = np.searchsorted(self.at_s, (start_s, end_s))
        p_kw = self.p_kw[position, first:last] if len(self.at_s) else _NOTHING
        late_at_s, late_p_kw = self.late.get(position, (_NOTHING, _NOTHING))
        begin, end = np.searchsorted(late_at_s, (start_s, end_s))
        return MeterSeries(
            self.at_s[first:last], p_kw.astype(np.float64), late_at_s[begin:end], late_p_kw[begin:end]
        )


def _by_position(
    late: Iterable[LateReading], meter_position: Mapping[str, int]
) -> dict[int, tuple[Floats, Floats]]:
    found: dict[int, dict[float, float]] = defaultdict(dict)
    for reading in late:
        position = meter_position.get(reading.meter)
        if position is not None:
            found[position][reading.at.timestamp()] = reading.p_kw
    return {
        position: (np.array(sorted(powers)), np.array([powers[at_s] for at_s in sorted(powers)]))
        for position, powers in found.items()
    }
