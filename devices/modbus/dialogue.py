"""What is said to one Modbus unit, without a socket: a dialogue yields operations and is sent what came back.

A kind of unit (a register map, a SunSpec device) is a class with dialogues; the driver that runs them owns
sockets, deadlines and order. So every kind of unit is tested without a network, and the same answers always
give the same result. No I/O, no clock.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar, runtime_checkable

from devices.messages import Direction

Table = Literal["holding", "input", "coil", "discrete"]


@dataclass(frozen=True, slots=True)
class Read:
    """Functions 3 (holding), 4 (input), 1 (coil) and 2 (discrete): answered with `count` registers; of the
    last two each is 0 or 1.
    """

    table: Table
    address: int
    count: int


@dataclass(frozen=True, slots=True)
class Write:
    """Functions 6 and 16 (holding), 5 and 15 (coil): answered with nothing."""

    address: int
    values: tuple[int, ...]
    table: Literal["holding", "coil"] = "holding"
    as_block: bool = False
    """functions 16 and 15 for a single value too: there are devices that know no other"""


Operation = Read | Write
Registers = tuple[int, ...]
_T = TypeVar("_T")
Dialogue = Generator[Operation, Registers, _T]
"""Yields operations, is sent the registers of each (none for a write), returns what was to be found out."""


class UnitException(Exception):
    """Thrown into a dialogue: the unit answers with an exception (Application Protocol 1.1b3, 7)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class UnitState:
    """What one poll found. None: the unit has no such value, or marks it as not available."""

    p_kw: float | None = None
    """positive for consumption: what an inverter gives is negative"""
    q_kvar: float | None = None
    v_v: tuple[float, ...] | None = None
    i_a: tuple[float, ...] | None = None
    energy_kwh: float | None = None
    limit_kw: float | None = None
    """the limit that the unit itself says it holds; None: none, or it cannot say"""
    says_limit: bool = False
    """whether `limit_kw` is the unit's own word, so that None means "no limit" """
    failsafe_kw: float | None = None
    failsafe_s: int | None = None
    """what it says it will do when it hears nothing of us"""


class Unit(Protocol):
    """One unit id on one link. Dialogues raise `devices.errors.MalformedMessage` for what cannot be."""

    def identify(self) -> Dialogue[str]:
        """Once after each connection: what it is, for people (maker, model), and where its registers are."""
        ...

    def poll(self) -> Dialogue[UnitState]:
        """What it measures and holds now."""
        ...

    def limit(self, limit_kw: float, direction: Direction, hold_s: float) -> Dialogue[None]:
        """Hold this limit for `hold_s` from now and then return by itself, even when nobody ever comes again.

        Raises `devices.errors.CommandRejected` for what this unit cannot do.
        """
        ...

    def release(self) -> Dialogue[None]:
        """Back to no limit at once."""
        ...


@runtime_checkable
class HoldsFor(Protocol):
    """A `Unit` that cannot always hold a limit for as long as it is asked to: it is told again in time."""

    def held_s(self, hold_s: float) -> float:
        """So long one `limit` for `hold_s` is held by the unit itself."""
        ...


@runtime_checkable
class GuardsWrites(Protocol):
    """A `Unit` that knows what may be written to it at all: the driver lets nothing else out."""

    def may_write(self, write: Write) -> bool:
        """Whether its map names all of this."""
        ...


@runtime_checkable
class HasFailsafe(Protocol):
    """A `Unit` that goes to a failsafe limit by itself when its heartbeat stays away."""

    @property
    def heartbeat_timeout_s(self) -> int:
        """After so long without a heartbeat, by the unit's own rule."""
        ...

    def arm(self, failsafe_kw: float, failsafe_s: int) -> Dialogue[None]:
        """What it is to do then, and for how long at least. CommandRejected for what it cannot do."""
        ...

    def beat(self) -> Dialogue[None]:
        """The controller lives."""
        ...


@runtime_checkable
class OneDirection(Protocol):
    """A `Unit` whose limits all bound the same direction."""

    @property
    def direction(self) -> Direction:
        """That which `UnitState.limit_kw` is of."""
        ...
