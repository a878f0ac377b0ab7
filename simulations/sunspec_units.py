"""Emulated SunSpec units: inverter, battery, meter, with live values and limits that run out. No sockets.

A limit's timer runs by the clock that is given, whether anybody asks or not: the unit ends it by itself, as
models 123, 124 and 704 say. It is started anew by every write to the limit while that is on.
"""

import math
from collections.abc import Iterable
from typing import Literal

from devices.messages import Direction
from devices.modbus.sunspec.control import CONTROLS, ControlPoints
from devices.ports import Clock
from simulations.sunspec_image import SunSpecImage

ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3
Edition = Literal["integers", "floats", "der"]
"""models 103 and 123, 113 and 123, or 701 and 704"""

_V = 230.0
_SCALES = {"A_SF": -2, "V_SF": -1, "Hz_SF": -2, "VA_SF": 1, "TotWh_SF": 0, "WH_SF": 0, "InOutWRte_SF": -2}
_IN_TENS = ("W_SF", "VAr_SF", "VAR_SF", "Var_SF", "WMax_SF", "WRtg_SF", "WChaMax_SF", "MaxChaRte_SF")
_NEVER_CUT = 1.0


class VirtualUnit:
    """Any unit: registers, and the timers of its limits."""

    def __init__(self, image: SunSpecImage, clock: Clock, *, serial: str = "0001") -> None:
        self.image = image
        self.deaf: set[str] = set()
        """points whose writes are answered and lost"""
        self.answers_with: int | None = None
        """the exception that everything is answered with"""
        self.writes: list[tuple[int, tuple[int, ...]]] = []
        self._clock = clock
        self._ends: dict[ControlPoints, float] = {}
        for name, text in (("Mn", "Gridward"), ("Md", type(self).__name__), ("Vr", "1.0"), ("SN", serial)):
            image.put_raw(1, name, text)
        for model in image.models:
            for name in model.layout.points:
                if name in _SCALES or name in _IN_TENS:
                    image.put_raw(model.id, name, _SCALES.get(name, 1))

    def measure(self) -> None:
        """Bring the measured points up to date."""

    def read(self, address: int, count: int) -> list[int] | int:
        """Registers as they are now, or the code of an exception."""
        if self.answers_with is not None:
            return self.answers_with
        first = address - self.image.base
        if first < 0 or first + count > len(self.image.registers):
            return ILLEGAL_ADDRESS
        self.refresh()
        return self.image.registers[first : first + count]

    def write(self, address: int, values: Iterable[int]) -> int | None:
        """Takes whole writable points; else the code of an exception."""
        if self.answers_with is not None:
            return self.answers_with
        words = tuple(values)
        points = self.image.points_at(address, len(words))
        if points is None or not all(model.layout.points[name].writable for model, name in points):
            return ILLEGAL_ADDRESS
        self.refresh()
        self.writes.append((address, words))
        for model, name in points:
            if name not in self.deaf:
                point = model.layout.points[name]
                at = model.address + point.at
                first = at - self.image.base
                self.image.registers[first : first + point.registers] = words[at - address :][
                    : point.registers
                ]
        self._start_timers({(model.id, name) for model, name in points})
        self.refresh()
        return None

    def refresh(self) -> None:
        """What time has done since: timers that ran out, values that were measured."""
        now_s = self._clock.monotonic()
        for control in [control for control, end_s in self._ends.items() if end_s <= now_s]:
            del self._ends[control]
            self._run_out(control)
        for control in self._controls():
            if (
                control.remaining is not None
                and self.image.raw(control.model_id, control.remaining) is not None
            ):
                left_s = math.ceil(self._ends.get(control, now_s) - now_s)
                self.image.put_raw(control.model_id, control.remaining, left_s)
        self.measure()

    def share(self, direction: Direction) -> float:
        """The share of the rating that its limits leave: 1 without a limit."""
        shares = (
            (self.image.get(control.model_id, control.percent) or 0.0) / 100.0
            for control in self._controls()
            if control.direction == direction and self._enabled(control)
        )
        return min((_NEVER_CUT, *shares))

    def _controls(self) -> list[ControlPoints]:
        return [control for control in CONTROLS if control.model_id in self.image]

    def _enabled(self, control: ControlPoints) -> bool:
        return bool((self.image.raw(control.model_id, control.enable) or 0) & 1)

    def _start_timers(self, written: set[tuple[int, str]]) -> None:
        for control in self._controls():
            if written.isdisjoint((control.model_id, name) for name in control.written):
                continue
            timer_s = self.image.raw(control.model_id, control.timer) or 0
            if self._enabled(control) and timer_s > 0:
                self._ends[control] = self._clock.monotonic() + timer_s
            else:
                self._ends.pop(control, None)

    def _run_out(self, control: ControlPoints) -> None:
        image, model_id = self.image, control.model_id
        stays_on = control.enable_after is not None and image.raw(model_id, control.enable_after) == 1
        if stays_on and control.percent_after is not None:
            image.put_raw(model_id, control.percent, image.raw(model_id, control.percent_after))
        else:
            image.put_raw(model_id, control.enable, (image.raw(model_id, control.enable) or 0) & ~1)


class VirtualInverter(VirtualUnit):
    """Gives what the sun gives, as far as its limit lets it."""

    def __init__(
        self, clock: Clock, rated_kw: float = 10.0, edition: Edition = "integers", *, base: int = 40000
    ) -> None:
        super().__init__(SunSpecImage(_MODELS[edition], base), clock)
        self.rated_kw = rated_kw
        self.available_kw = 0.0
        self._measuring = _MODELS[edition][1]
        _rate(self.image, rated_kw)

    @property
    def p_kw(self) -> float:
        """Our sign: negative for what is given to the network."""
        return -min(self.available_kw, self.rated_kw * self.share("production"))

    def measure(self) -> None:
        """See `VirtualUnit.measure`."""
        _put_three_phases(self.image, self._measuring, -self.p_kw)


class VirtualBattery(VirtualUnit):
    """Takes or gives what is wanted, as far as its limits let it: models 103, 123 and 124."""

    def __init__(
        self, clock: Clock, rated_kw: float = 10.0, charge_kw: float = 8.0, *, base: int = 40000
    ) -> None:
        super().__init__(SunSpecImage((*_MODELS["integers"], 124), base), clock)
        self.rated_kw = rated_kw
        self.charge_kw = charge_kw
        self.wanted_kw = 0.0
        """positive: charging"""
        _rate(self.image, rated_kw)
        self.image.put(124, "WChaMax", charge_kw * 1000.0)
        for name, value in (
            ("StorCtl_Mod", 0),
            ("InWRte", 10_000),
            ("OutWRte", 10_000),
            ("InOutWRte_RvrtTms", 0),
        ):
            self.image.put_raw(124, name, value)

    @property
    def p_kw(self) -> float:
        """Our sign: positive for charging."""
        least_kw = -self.rated_kw * self.share("production")
        most_kw = self.charge_kw * self.share("consumption")
        return max(least_kw, min(self.wanted_kw, most_kw))

    def measure(self) -> None:
        """See `VirtualUnit.measure`."""
        _put_three_phases(self.image, 103, -self.p_kw)


class VirtualMeter(VirtualUnit):
    """Says what it is set to; import is positive."""

    def __init__(self, clock: Clock, *, floats: bool = False, base: int = 40000) -> None:
        self.p_kw = 0.0
        self.q_kvar = 0.0
        self.imported_kwh = 0.0
        self._model_id = 213 if floats else 203
        super().__init__(SunSpecImage((1, self._model_id), base), clock)

    def measure(self) -> None:
        """See `VirtualUnit.measure`."""
        _put_three_phases(self.image, self._model_id, self.p_kw)
        self.image.put(self._model_id, "VAR", self.q_kvar * 1000.0)
        self.image.put(self._model_id, "TotWhImp", self.imported_kwh * 1000.0)


_MODELS: dict[Edition, tuple[int, ...]] = {
    "integers": (1, 103, 120, 121, 123),
    "floats": (1, 113, 120, 121, 123),
    "der": (1, 701, 702, 704),
}


def _rate(image: SunSpecImage, rated_kw: float) -> None:
    """The ratings, and a limit that is off."""
    for model_id, name in ((120, "WRtg"), (121, "WMax"), (702, "WMaxRtg"), (702, "WMax")):
        if model_id in image:
            image.put(model_id, name, rated_kw * 1000.0)
    if 123 in image:
        image.put_raw(123, "WMaxLimPct_SF", -2)
        image.put_raw(123, "WMaxLimPct", 10_000)
        image.put_raw(123, "WMaxLimPct_RvrtTms", 0)
        image.put_raw(123, "WMaxLim_Ena", 0)
    if 704 in image:
        image.put_raw(704, "WMaxLimPct_SF", -1)
        for name, value in (("WMaxLimPct", 1000), ("WMaxLimPctRvrt", 1000), ("WMaxLimPctEna", 0)):
            image.put_raw(704, name, value)
        for name in ("WMaxLimPctEnaRvrt", "WMaxLimPctRvrtTms", "WMaxLimPctRvrtRem"):
            image.put_raw(704, name, 0)


def _put_three_phases(image: SunSpecImage, model_id: int, given_kw: float) -> None:
    """W in the model's own sign, with phases that fit it."""
    image.put(model_id, "W", given_kw * 1000.0)
    der = model_id == 701
    q = "Var" if der else "VAR" if model_id > 200 else "VAr"
    image.put(model_id, q, 0.0)
    for number, letter in enumerate("ABC", start=1):
        image.put(model_id, f"VL{number}" if der else f"PhVph{letter}", _V)
        image.put(model_id, f"AL{number}" if der else f"Aph{letter}", abs(given_kw) * 1000.0 / 3.0 / _V)
