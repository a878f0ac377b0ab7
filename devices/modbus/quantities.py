"""The shape of a register map: what its tables and keys are, typed. Values only.

`register_map.py` reads one from TOML; what may be written is `limit_map.py`'s subject.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

from devices.modbus.dialogue import Table
from devices.modbus.limit_map import Failsafe, LimitMap

Encoding = Literal["float32", "float64", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
Order = Literal["high_first", "low_first"]
Kind = Literal["rtu", "meter", "charger", "heat_pump", "battery"]
REGISTERS_OF: Mapping[str, int] = MappingProxyType(
    {"int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2, "int64": 4, "uint64": 4, "float64": 4}
)
MAX_REGISTERS_PER_READ = 125
"""What one Modbus read may ask for (MODBUS Application Protocol 1.1b3, 6.3)."""
LAST_REGISTER = 0xFFFF
PHASES = (1, 2, 3)
REQUIRED = ("p_kw", "q_kvar", "v_l1_v", "v_l2_v", "v_l3_v", "i_l1_a", "i_l2_a", "i_l3_a")
"""What a substation's RTU must have."""
KNOWN = (*REQUIRED, "energy_kwh")
REQUIRED_OF: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {"rtu": REQUIRED, "meter": ("p_kw",), "charger": (), "heat_pump": (), "battery": ()}
)
Address = Annotated[int, msgspec.Meta(ge=0, le=LAST_REGISTER)]


class Quantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One measured value: where it stands, and how its registers become our unit."""

    address: Address
    encoding: Encoding
    table: Literal["input", "holding"] | None = None
    """where it is not in the map's table"""
    scale: float = 1.0
    offset: float = 0.0
    """value in our unit = raw value x scale + offset"""
    min: float | None = None
    max: float | None = None
    """What the make can measure at all; a value outside is refused."""
    not_available: tuple[Annotated[int, msgspec.Meta(ge=0)], ...] = ()
    """Raw patterns, as whole numbers without sign, that mean "I do not measure this"."""

    @property
    def registers(self) -> int:
        """How many 16-bit registers it takes."""
        return REGISTERS_OF[self.encoding]


class Flag(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A bit, or a number in some bits of a register: is it one of those that mean yes?"""

    address: Address
    table: Table | None = None
    mask: Annotated[int, msgspec.Meta(ge=1, le=0xFFFF)] = 0xFFFF
    """the bits that count; the lowest of them is the 1 of `one_of`"""
    one_of: tuple[Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)], ...] = (1,)

    def holds(self, register: int) -> bool:
        """Whether this register's content means yes."""
        lowest = self.mask & -self.mask
        return (register & self.mask) // lowest in self.one_of


class RegisterMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The registers of one make."""

    name: str
    kind: Kind = "rtu"
    source: str = ""
    """the public document that the addresses come from"""
    caveats: str = ""
    table: Literal["input", "holding"]
    word_order: Order
    """of a value of several registers: which of them comes first"""
    byte_order: Order = "high_first"
    """within a register; high first is what Modbus says"""
    bridge_gaps: Annotated[int, msgspec.Meta(ge=0, le=50)] = 0
    """So many registers without a meaning are read over; many units answer them with an exception."""
    max_read: Annotated[int, msgspec.Meta(ge=1, le=MAX_REGISTERS_PER_READ)] = MAX_REGISTERS_PER_READ
    quantities: dict[str, Quantity] = {}
    valid: Flag | None = None
    """While it says no, nothing that is measured counts."""
    limit: LimitMap | None = None
    failsafe: Failsafe | None = None
