"""Limits that a SunSpec unit holds by itself and gives up by itself: models 704, 123 and 124. Dialogues.

Each is a percentage of a rating, an enable mark and a reversion timer in seconds. The order is what makes a
limit safe: the timer is written first, then the value, and the enable mark last, so that there is no instant
with a limit and no end, and a unit arms its timer whether it does so on the value or on the mark (SunSpec DER
Information Model Specification, 3.2; sunspec/models issue 215). Then all is read back. What a unit does not
hold as asked is taken back and rejected: an end that nobody keeps is no end.

The percentage is rounded up to the unit's step: never below what was asked. The seconds are rounded down,
but for the last one: the limit never outlasts its end by more than a second.
"""

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from devices.errors import CommandRejected, DeviceError, MalformedMessage
from devices.messages import Direction
from devices.modbus.dialogue import Dialogue
from devices.modbus.sunspec.asking import write
from devices.modbus.sunspec.discovery import FoundModel
from devices.modbus.sunspec.points import Value, Values, encode, scaled

READ_BACKS = 3
"""A unit may need a moment until it shows what was written."""
TIMER_RAN_S = 10
"""A timer that counts down in its own register may have run this long before it is read back."""
_NOTHING_LOST = 1e-6
"""What a limit may lie over a step of the unit and still be that step: the noise of a division."""


def whole_seconds(hold_s: float) -> int:
    """What a timer is set to: rounded down, but never to 0, which is "for ever"."""
    return max(1, math.floor(hold_s + _NOTHING_LOST))


@dataclass(frozen=True, slots=True)
class ControlPoints:
    """Which points of a model are a limit."""

    model_id: int
    direction: Direction
    percent: str
    enable: str
    enable_bit: int | None
    """the bit of `enable` that switches the limit on; None: the whole point is 1 or 0"""
    timer: str
    remaining: str | None = None
    percent_after: str | None = None
    enable_after: str | None = None
    """what counts when the timer has run out, where that can be said; elsewhere it is "no limit" """
    ratings: tuple[tuple[int, str], ...] = ()
    """models and points that the percentage may be of, the best first"""

    @property
    def names(self) -> tuple[str, ...]:
        """All points that are there."""
        asked = (self.percent, self.enable, self.timer, self.remaining, self.percent_after, self.enable_after)
        return tuple(name for name in asked if name is not None)

    @property
    def written(self) -> tuple[str, ...]:
        """Those that are ever written."""
        return tuple(name for name in self.names if name != self.remaining)


_W_MAX = ((702, "WMax"), (702, "WMaxRtg"), (121, "WMax"), (120, "WRtg"))
CONTROLS = (
    ControlPoints(
        704, "production", "WMaxLimPct", "WMaxLimPctEna", None, "WMaxLimPctRvrtTms", "WMaxLimPctRvrtRem",
        "WMaxLimPctRvrt", "WMaxLimPctEnaRvrt", _W_MAX,
    ),
    ControlPoints(
        123, "production", "WMaxLimPct", "WMaxLim_Ena", None, "WMaxLimPct_RvrtTms",
        ratings=(*_W_MAX[2:], *_W_MAX[:2]),
    ),
    ControlPoints(
        124, "consumption", "InWRte", "StorCtl_Mod", 0, "InOutWRte_RvrtTms",
        ratings=((124, "WChaMax"), (120, "MaxChaRte")),
    ),
)  # fmt: skip
"""Those that can say what comes after the end first."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a unit says of its limit. `share` of the rating; None: no limit."""

    known: bool
    share: float | None


@dataclass(frozen=True, slots=True)
class Control:
    """The limit of one direction on one unit."""

    points: ControlPoints
    model: FoundModel

    @property
    def writes(self) -> Iterator[int]:
        """The registers that are ever written."""
        layout = self.model.layout
        for point in (layout.points[name] for name in self.points.written):
            yield from range(self.model.address + point.at, self.model.address + point.at + point.registers)

    def held(self) -> Dialogue[Held]:
        """What the unit holds now."""
        values = yield from self.model.read(self.points.enable, self.points.percent)
        enabled, percent = self._enabled(values), values.number(self.points.percent)
        if enabled is None or (enabled and percent is None):
            return Held(known=False, share=None)
        return Held(known=True, share=percent / 100.0 if enabled and percent is not None else None)

    def hold(self, share: float, hold_s: float) -> Dialogue[None]:
        """Hold `share` (0 to 1) of the rating for `hold_s` from now."""
        before = yield from self.model.read(*self.points.names)
        self._must_be_able(before)
        ends, limit = self._ends(before, hold_s), self._limit(before, share)
        for name, value in ends + limit:
            self._registers(name, value)
        for name, value in ends:
            yield from self._write(name, value)
        try:
            for name, value in limit:
                yield from self._write(name, value)
            yield from self._read_back(dict(ends + limit), before)
        except (CommandRejected, MalformedMessage):
            yield from self._take_back(before)
            raise

    def let_go(self) -> Dialogue[None]:
        """No limit any more; nothing is written when there is none."""
        values = yield from self.model.read(self.points.enable)
        if not self._enabled(values):
            return
        yield from self._write(self.points.enable, self._mark(values, on=False))
        for _ in range(READ_BACKS):
            if not self._enabled((yield from self.model.read(self.points.enable))):
                return
        raise CommandRejected(f"{self.model}: {self.points.enable} does not go off")

    def _must_be_able(self, values: Values) -> None:
        """CommandRejected: the unit has no such limit, or none that ends by itself."""
        points = self.points
        for name in (points.enable, points.percent, points.timer):
            if values.number(name) is None:
                raise CommandRejected(f"{self.model}: {name} is not implemented: no limit with an end")
        after = [name for name in (points.enable_after, points.percent_after) if name is not None]
        if after and all(values.raw(name) is None for name in after):
            raise CommandRejected(f"{self.model}: nothing says what comes after the end ({', '.join(after)})")

    def _ends(self, before: Values, hold_s: float) -> list[tuple[str, int]]:
        """What to write first: when the limit ends, and that it then is none."""
        points = self.points
        wanted = [(points.timer, whole_seconds(hold_s))]
        if points.enable_after is not None and before.raw(points.enable_after) is not None:
            wanted.append((points.enable_after, 0))
        elif points.percent_after is not None:
            wanted.append((points.percent_after, self._steps(before, points.percent_after, 1.0)))
        return wanted

    def _limit(self, before: Values, share: float) -> list[tuple[str, int]]:
        """What to write then: the value, and last the mark that switches it on."""
        steps = self._steps(before, self.points.percent, share)
        return [(self.points.percent, steps), (self.points.enable, self._mark(before, on=True))]

    def _steps(self, values: Values, name: str, share: float) -> int:
        step_percent = scaled(1.0, values.scale(name))
        if step_percent > 100.0:
            raise CommandRejected(f"{self.model}: a step of {name} is {step_percent:g} %: too coarse")
        return math.ceil(min(share, 1.0) * 100.0 / step_percent - _NOTHING_LOST)

    def _read_back(self, wanted: dict[str, int], before: Values) -> Dialogue[None]:
        faults: list[str] = []
        for _ in range(READ_BACKS):
            after = yield from self.model.read(*self.points.names)
            faults = list(self._differences(wanted, before, after))
            if not faults:
                return
        raise CommandRejected(f"{self.model} does not hold the limit as asked: " + "; ".join(faults))

    def _differences(self, wanted: dict[str, int], before: Values, after: Values) -> Iterator[str]:
        points = self.points
        for name, value in wanted.items():
            got = after.raw(name)
            if name == points.timer:
                right = got is not None and max(1, value - TIMER_RAN_S) <= got <= value
            elif name == points.enable:
                right = self._enabled(after) is True
            else:
                right = got == value and after.scale(name) == before.scale(name)
            if not right:
                yield f"{name} is {got}, {value} was written"
        left_s = None if points.remaining is None else after.raw(points.remaining)
        if left_s is not None and not 1 <= left_s <= wanted[points.timer]:
            yield f"{points.remaining} is {left_s}, the timer does not run"

    def _take_back(self, before: Values) -> Dialogue[None]:
        """As well as it goes: what is held, if anything is, has its timer."""
        with suppress(DeviceError):
            yield from self._write(self.points.enable, self._mark(before, on=False))

    def _enabled(self, values: Values) -> bool | None:
        raw, bit = values.raw(self.points.enable), self.points.enable_bit
        if raw is None:
            return None
        return raw == 1 if bit is None else bool(raw >> bit & 1)

    def _mark(self, values: Values, *, on: bool) -> int:
        """The value that switches the limit on or off and leaves other bits as they are."""
        bit = self.points.enable_bit
        if bit is None:
            return int(on)
        others = (values.raw(self.points.enable) or 0) & ~(1 << bit)
        return others | on << bit

    def _write(self, name: str, value: int) -> Dialogue[None]:
        point = self.model.layout.points[name]
        yield from write(self.model.address + point.at, self._registers(name, value))

    def _registers(self, name: str, value: Value) -> tuple[int, ...]:
        try:
            return encode(self.model.layout.points[name], value)
        except ValueError as error:
            raise CommandRejected(f"{self.model}: {name} cannot be {value}: {error}") from None
