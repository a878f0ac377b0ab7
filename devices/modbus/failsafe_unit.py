"""A mapped unit with a failsafe: what it does by itself when no heartbeat comes [6]. No I/O."""

import math

from devices.errors import CommandRejected
from devices.modbus.dialogue import Dialogue, Read, Write
from devices.modbus.limit_map import Failsafe
from devices.modbus.mapped_unit import MappedUnit
from devices.modbus.quantities import RegisterMap
from devices.modbus.set_point import held_s, limit_words, read_kw, timer_words


class FailsafeUnit(MappedUnit):
    """A `MappedUnit` whose map has a `[failsafe]`: a `HasFailsafe` as well."""

    def __init__(self, profile: RegisterMap, *, rated_kw: float | None = None) -> None:
        assert profile.failsafe is not None
        self._failsafe: Failsafe = profile.failsafe
        super().__init__(profile, rated_kw=rated_kw)
        self._beats = 0

    @property
    def heartbeat_timeout_s(self) -> int:
        """See `HasFailsafe.heartbeat_timeout_s`."""
        return self._failsafe.heartbeat.within_s

    def arm(self, failsafe_kw: float, failsafe_s: int) -> Dialogue[None]:
        """See `HasFailsafe.arm`. What is so already is not written: the memory of many units wears."""
        for write in self._arming(failsafe_kw, failsafe_s):
            held = yield Read("holding", write.address, len(write.values))
            if held != write.values:
                yield write

    def armed_kw(self, failsafe_kw: float, failsafe_s: int) -> float:
        """What it shows when it is armed with this: the next step it knows. CommandRejected as `arm`."""
        point, (_, write) = self._failsafe.setpoint, self._arming(failsafe_kw, failsafe_s)
        return read_kw(point, write.values, self._rated_kw, self.profile)

    def _arming(self, failsafe_kw: float, failsafe_s: int) -> tuple[Write, Write]:
        """How long, and how much."""
        point, duration = self._failsafe.setpoint, self._failsafe.duration
        steps = math.ceil(failsafe_s / duration.unit_s)
        seconds = timer_words(duration, steps * duration.unit_s, self.profile)
        if held_s(duration, steps * duration.unit_s) < failsafe_s:
            raise CommandRejected(f"its failsafe cannot last for {failsafe_s} s")
        words = limit_words(point, failsafe_kw, self._rated_kw, self.profile)
        return (
            Write(duration.address, seconds, as_block=duration.as_block),
            Write(point.address, words, as_block=point.as_block),
        )

    def beat(self) -> Dialogue[None]:
        """See `HasFailsafe.beat`."""
        self._beats = self._beats % 0xFFFF + 1
        yield Write(
            self._failsafe.heartbeat.address, (self._beats,), as_block=self._failsafe.heartbeat.as_block
        )


def mapped_unit(profile: RegisterMap, rated_kw: float | None = None) -> MappedUnit:
    """The unit of a map, with a failsafe where it has one."""
    kind = MappedUnit if profile.failsafe is None else FailsafeUnit
    return kind(profile, rated_kw=rated_kw)
