"""What one controller heard of the field, and the judge's own opinion of what a plausible reading is."""

import math
from collections import deque
from datetime import datetime

from devices.messages import SUBSTATION, DeviceStatus, Inbound, Reading, ReadingBatch
from simulations.faults.device_words import NEVER, DeviceWords
from simulations.faults.promises import Promised

OVER_BOUND = 1.2
REGISTER_ROUNDS_KWH = 0.1
REMEMBERED = 40
"""readings of one meter that a sample may show: what came while the cycle was under way as well"""
DEAD_SHARE = 0.5
PHASES = 3
Said = tuple[datetime, float, float | None]
"""time, power, and the mean voltage of its phases where it shows three that live"""


class Ears:
    """Of one controller process."""

    def __init__(self, promised: Promised) -> None:
        self._promised = promised
        self.meters: dict[str, deque[Said]] = {}
        """plausible readings, the latest heard last"""
        self.words = DeviceWords(promised)
        self.busbar: datetime | None = None
        """the time of the latest voltage that the RTU showed"""
        self._looked_at = NEVER
        """by its clock, since that last jumped: what was heard before that it has looked at"""
        self._jumped = False
        """and no sample was written since"""
        self._registers: dict[str, list[tuple[datetime, float, datetime]]] = {}
        """energy by meter, of what counted as plausible, and when it was heard, by its clock; NEVER: before
        that jumped, and it was looked at by then"""
        self._gone_back: list[Reading] = []
        """what is not plausible for its register alone"""

    def hear(self, message: Inbound, by_its_clock: datetime) -> None:
        """Something is delivered."""
        match message:
            case ReadingBatch(at=at, meters=meters, p_kw=p_kw, v_v=v_v):
                volts = (None,) * len(meters) if v_v is None else v_v
                for meter, kw, v in zip(meters, p_kw, volts, strict=True):
                    self._take(meter, at, kw, v)
            case Reading(meter=meter, at=at, v_v=v_v) if meter == SUBSTATION:
                if v_v is not None and (self.busbar is None or at > self.busbar):
                    self.busbar = at
            case Reading(meter=meter, at=at, p_kw=kw):
                age_s = (by_its_clock - at).total_seconds()
                timely = -self._promised.skew_s <= age_s <= self._promised.fresh_s
                if self._can_be(meter, kw):
                    self._hear_alone(message, by_its_clock if timely else None)
            case DeviceStatus():
                self.words.hear(message, by_its_clock)
            case _:
                pass

    def looks(self, at: datetime) -> None:
        """It wrote a sample; one that is written after a jump may be of a look before."""
        if not self._jumped:
            self._looked_at = at
        self._jumped = False

    def clock_jumps(self) -> None:
        """The controller's clock did: what it has not looked at yet it may refuse as too old, or as of the
        future, so nothing is measured by that.
        """
        self.words.clock_jumps()
        for meter, known in self._registers.items():
            self._registers[meter] = [
                (at, kwh, NEVER)
                for at, kwh, heard_at in known
                if heard_at == NEVER or heard_at < self._looked_at
            ]
        self._looked_at, self._jumped = NEVER, True
        gone_back, self._gone_back = self._gone_back, []
        for reading in gone_back:
            self._hear_alone(reading, None)

    def said(self, place: int, kw: float) -> list[Said]:
        """Readings of the meter there that show this power; samples are kept in half the digits."""
        return [
            one for one in self.meters.get(f"M{place}", ()) if abs(one[1] - kw) < 1e-3 + 1e-5 * abs(one[1])
        ]

    def _hear_alone(self, reading: Reading, timely_at: datetime | None) -> None:
        """One with a register. What is not timely may not be used, so nothing is measured by it."""
        if self._goes_back(reading):
            self._gone_back.append(reading)
            return
        self._take(reading.meter, reading.at, reading.p_kw, _mean_v(reading.v_v))
        if timely_at is not None and reading.energy_kwh is not None:
            known = self._registers.setdefault(reading.meter, [])
            known.append((reading.at, reading.energy_kwh, timely_at))

    def _take(self, meter: str, at: datetime, kw: float, v: float | None) -> None:
        if self._can_be(meter, kw):
            self.meters.setdefault(meter, deque(maxlen=REMEMBERED)).append((at, kw, v))

    def _can_be(self, meter: str, kw: float) -> bool:
        return math.isfinite(kw) and abs(kw) <= OVER_BOUND * self._promised.bound_kw[int(meter[1:])]

    def _goes_back(self, reading: Reading) -> bool:
        """Whether its register is below what the meter said of a time before."""
        energy_kwh = reading.energy_kwh
        return energy_kwh is not None and any(
            at <= reading.at and kwh > energy_kwh + REGISTER_ROUNDS_KWH
            for at, kwh, _ in self._registers.get(reading.meter, ())
        )


def _mean_v(v_v: tuple[float, ...] | None) -> float | None:
    if v_v is None or len(v_v) < PHASES or min(v_v) < DEAD_SHARE * max(v_v):
        return None
    return sum(v_v) / PHASES
