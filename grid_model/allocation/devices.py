"""[5] What the allocation may move: devices, with the range of their power and how they keep their word.

Power is positive for consumption, so one range serves all: a charger goes down from 11 kW to its floor, an
inverter up from −8 kW to the feed-in it is left with, a battery either way.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FlexibleDevice:
    """A device as the allocation sees it: what it takes now, and how far it may be moved from there.

    Only `p_kw` and `min_kw` say something of an ordinary load. One that feeds in, or may be asked to take
    more, also has a `max_kw`; only such a one may have a `min_kw` below 0.
    """

    device: str
    service_point: int
    """position in `Network.service_points`"""
    p_kw: float
    min_kw: float
    """the least it must be left with; for a battery the most that it can discharge, below 0"""
    critical: bool = False
    weight: float = 1.0
    """cost of one kW moved here, relative to the others"""
    max_kw: float | None = None
    """The most it may be asked to take: 0 for feed-in that may be stopped, −2 where 2 kW of feed-in are
    guaranteed. None: never more than now."""
    steps_kw: tuple[float, ...] | None = None
    """The only powers it can be set to, besides the present one: (0.0,) for on and off. None: any."""
    q_kvar: float = 0.0
    """what it takes now"""
    min_q_kvar: float | None = None
    """the range of its reactive power; None: it stays as it is"""
    max_q_kvar: float | None = None
    q_weight: float = 0.02
    """cost of one kvar moved here: reactive power costs losses only"""
    s_kva: float | None = None
    """apparent power that must not be exceeded where reactive power is moved"""
    comply: float = 1.0
    """probability that it does what it is asked; counts only where a reserve is wanted"""

    @property
    def lowest_kw(self) -> float:
        """How far down it may go from `p_kw`."""
        return min(self.min_kw, self.p_kw)

    @property
    def highest_kw(self) -> float:
        """How far up it may go from `p_kw`."""
        return self.p_kw if self.max_kw is None else max(self.max_kw, self.p_kw)


def is_known(device: FlexibleDevice) -> bool:
    """Whether it is known what the device takes now; a broken meter says NaN."""
    return math.isfinite(device.p_kw) and math.isfinite(device.q_kvar)


def check_device(device: FlexibleDevice) -> FlexibleDevice:
    """The device itself. Raises ValueError with all that is impossible about it."""
    wrong = [message for message, holds in _rules(device) if not holds]
    if wrong:
        raise ValueError(f"device {device.device!r} needs {', '.join(wrong)}")
    return device


def _rules(device: FlexibleDevice) -> list[tuple[str, bool]]:
    optional = (device.max_kw, device.min_q_kvar, device.max_q_kvar, device.s_kva)
    numbers = [device.p_kw, device.min_kw, device.weight, device.q_kvar, device.q_weight, device.comply]
    numbers += [number for number in optional if number is not None]
    finite = all(map(math.isfinite, [*numbers, *(device.steps_kw or ())]))
    two_sided = device.max_kw is not None
    return [
        ("finite numbers", finite),
        ("a min_kw of 0 or more, or a max_kw", device.min_kw >= 0 or two_sided),
        ("a min_kw not above its max_kw", device.max_kw is None or device.min_kw <= device.max_kw),
        ("weight and q_weight above 0", device.weight > 0 and device.q_weight > 0),
        ("a comply above 0 and up to 1", 0 < device.comply <= 1),
        ("an s_kva above 0", device.s_kva is None or device.s_kva > 0),
        ("both ends of its range of reactive power", _both_or_none(device)),
    ]


def _both_or_none(device: FlexibleDevice) -> bool:
    if device.min_q_kvar is None or device.max_q_kvar is None:
        return device.min_q_kvar is device.max_q_kvar
    return device.min_q_kvar <= device.max_q_kvar
