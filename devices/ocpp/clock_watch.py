"""Is a charger's clock right? Its limits start and end by it. Pure.

Every time stamp is a witness. One ahead of ours is enough to say that the clock is ahead. One behind may be
of something that waited while there was no connection, so the clock is behind only when even the newest of
all time stamps since the last judgement is.
"""

from dataclasses import replace
from datetime import datetime

from devices.ocpp.heard import Charging, ConnectorSaid, Heard, Measured, Measurement


class ClockWatch:
    """Of one connection."""

    def __init__(self, tolerance_s: float) -> None:
        self.off_s: float | None = None
        """how far it is ahead (or, negative, behind); None while it is right, as far as is known"""
        self._tolerance_s = tolerance_s
        self._newest_s: float | None = None
        """the least that any time stamp was behind since the last judgement, as a negative number"""

    def look(self, heard: Heard, now: datetime) -> tuple[Heard, float | None]:
        """What may be believed of this, and how far it is ahead of our time when it is too far.

        Measurements from the future are left out.
        """
        match heard:
            case ConnectorSaid(at=at) if at is not None:
                return heard, self._witness(at, now)
            case Measured(values=values):
                believed, ahead_s = self._believed(values, now)
                return replace(heard, values=believed), ahead_s
            case Charging():
                ahead_s = None if heard.buffered else self._witness(heard.at, now)
                believed, values_ahead_s = self._believed(heard.values, now)
                return replace(heard, values=believed), ahead_s if ahead_s is not None else values_ahead_s
            case _:
                return heard, None

    def judge(self) -> float | None:
        """How far it is off, by all that was heard since the last call; without news as before."""
        if self._newest_s is not None:
            right = abs(self._newest_s) <= self._tolerance_s
            self.off_s = None if right else self._newest_s
        self._newest_s = None
        return self.off_s

    def _believed(
        self, values: tuple[Measurement, ...], now: datetime
    ) -> tuple[tuple[Measurement, ...], float | None]:
        ahead = [self._witness(value.at, now) for value in values]
        believed = tuple(v for v, ahead_s in zip(values, ahead, strict=True) if ahead_s is None)
        return believed, max((a for a in ahead if a is not None), default=None)

    def _witness(self, at: datetime, now: datetime) -> float | None:
        offset_s = (at - now).total_seconds()
        self._newest_s = offset_s if self._newest_s is None else max(self._newest_s, offset_s)
        if offset_s <= self._tolerance_s:
            return None
        self.off_s = offset_s
        return offset_s
