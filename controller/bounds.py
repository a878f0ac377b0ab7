"""[5, 6] What a request bounds: what its target takes, or what it feeds in. Pure; the one place with signs.

Every kW that a request tells of its target (`limit_kw`, `p_before_kw`, `floor_kw`) is in its own direction
and 0 or more: "feeds in no more than 4.2 kW", and 9 kW were fed in before. So what it takes away, gives back
and leaves over is reckoned alike in both directions. Meters, devices and the load flow count consumption
positive; `turned` leads from one to the other.
"""

from controller.requests import RequestRecord
from customers.registry import Device
from devices.messages import Direction

_FEEDING_IN = frozenset({"pv_inverter"})
"""kinds of which feeding in is bounded; of all others, taking"""


def direction_of(kind: str) -> Direction:
    """What may be bounded at this kind of device."""
    return "production" if kind in _FEEDING_IN else "consumption"


def turned(direction: Direction, kw: float) -> float:
    """kW, consumption positive, as kW in this direction; or the other way round."""
    return -kw if direction == "production" else kw


def feeds_in(record: RequestRecord) -> bool:
    """Whether it bounds what its target feeds in."""
    return record.planned.direction == "production"


def at_point(record: RequestRecord, kw: float) -> float:
    """What `kW` more in the request's direction are more at its service point, consumption positive."""
    return turned(record.planned.direction, kw)


def free_again_kw(record: RequestRecord, device: Device | None) -> float:
    """What the target is to be reckoned with once it is free: what it took before; where an operator limited
    it before it took anything, and of feeding in, all that it can: the sun is higher now than it was then.
    """
    before_kw = record.planned.p_before_kw
    if device is None or (before_kw >= record.limit_kw and not feeds_in(record)):
        return before_kw
    return max(before_kw, device.rated_kw) if feeds_in(record) else device.rated_kw
