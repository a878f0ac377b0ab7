"""What may be written to a unit: the part of a profile that says how a limit is set and how it ends. Data.

The unit itself must hold a limit's end, so a map says which of two ways it has (`hold`):

* `revert_timer`: a register takes the seconds (or minutes) after which the unit returns by itself.
* `refresh`: the unit forgets a set-point that is not written again within `forgets_after_s`. The driver
  writes it again until the end; with us dead it ends in time all the same.

A limit without either is refused when the map is loaded (`map_faults.py`).
"""

from typing import Annotated, Literal

import msgspec

from devices.messages import Direction

WholeEncoding = Literal["int16", "uint16", "int32", "uint32", "int64", "uint64"]
AnyEncoding = WholeEncoding | Literal["float32", "float64"]
PowerUnit = Literal["kW", "W", "A", "percent"]
"""Of a set-point: power in all, ampere on each phase, or percent of the rated power."""
Hold = Literal["revert_timer", "refresh"]
_Address = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
_Register = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
_Positive = Annotated[float, msgspec.Meta(gt=0)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class SetPoint(_Table, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The holding registers that take a limit."""

    address: _Address
    encoding: AnyEncoding
    unit: PowerUnit
    scale: float = 1.0
    """value in `unit` = raw value x scale"""
    step: _Positive | None = None
    """in `unit`: the unit takes multiples of it only"""
    min: float | None = None
    max: float | None = None
    """in `unit`: what the unit can be limited to at all"""
    phases: Literal[1, 2, 3] = 3
    nominal_v: _Positive = 230.0
    """phase to neutral; both for ampere only"""
    released: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """the raw pattern, as a whole number without sign, that means "no limit" """
    as_block: bool = False
    """written with function 16 even where it is a single register"""


class Timer(_Table, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The holding register that takes a time."""

    address: _Address
    encoding: WholeEncoding = "uint16"
    unit_s: _Positive = 1.0
    """seconds of one raw step: 60 for minutes"""
    max_s: _Positive | None = None
    readable: bool = True
    """it is read again before a limit is set: a unit that kept nothing gets none"""
    as_block: bool = False


class Switch(_Table, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What puts a set-point in force."""

    address: _Address
    table: Literal["holding", "coil"] = "holding"
    on: _Register = 1
    off: _Register = 0
    as_block: bool = False


class SgReady(_Table, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A heat pump's states by two contacts (bwp, regulations of the "SG Ready" label): one is for a limit.

    The maker, not the contacts, says what a heat pump still takes in that state.
    """

    table: Literal["holding", "coil"] = "coil"
    addresses: tuple[_Address, _Address]
    limit_state: tuple[_Register, _Register]
    normal_state: tuple[_Register, _Register]
    guaranteed_kw: Annotated[float, msgspec.Meta(ge=0)]
    """what it may still take in that state"""
    accepts_up_to_kw: _Positive | None = None
    """A limit from `guaranteed_kw` up to this puts the state on; by default that one value only, because a
    higher limit would be cut by more than was asked.
    """
    as_block: bool = False


class ReadBack(_Table, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the unit itself says what limit it holds."""

    address: _Address
    encoding: AnyEncoding
    unit: PowerUnit
    table: Literal["input", "holding"] = "holding"
    scale: float = 1.0
    phases: Literal[1, 2, 3] = 3
    nominal_v: _Positive = 230.0
    no_limit: tuple[Annotated[int, msgspec.Meta(ge=0)], ...] = ()
    """raw patterns that mean "none" """
    active: Switch | None = None
    """what says whether the value is in force: it must be `on`"""


class LimitMap(_Table, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a limit is set, read back, let go of and ended."""

    hold: Hold | None = None
    direction: Direction = "consumption"
    forgets_after_s: _Positive | None = None
    timer: Timer | None = None
    setpoint: SetPoint | None = None
    sg_ready: SgReady | None = None
    enable: Switch | None = None
    read_back: ReadBack | None = None


class Heartbeat(_Table, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A holding register that gets another number with every heartbeat of the controller."""

    address: _Address
    within_s: Annotated[int, msgspec.Meta(ge=1)]
    """without one for so long the unit goes to its failsafe limit"""
    as_block: bool = False


class Failsafe(_Table, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the unit does by itself when its heartbeat stays away: a limit, and for how long."""

    setpoint: SetPoint
    duration: Timer
    heartbeat: Heartbeat
