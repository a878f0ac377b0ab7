"""Registers to values and back, by a register map [1]. No I/O, no clock.

Both ends use it: the driver to read, the emulated units to answer. 16-bit registers travel high byte first
(MODBUS Application Protocol 1.1b3, 4.2); the order of the words of a longer value is the maker's choice, and
some turn the bytes of each register round as well.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Protocol

from devices.errors import MalformedMessage
from devices.modbus.dialogue import Table, UnitState
from devices.modbus.quantities import PHASES, REGISTERS_OF, REQUIRED_OF, Order, Quantity, RegisterMap

Memory = Mapping[tuple[Table, int], int]
"""Contents of registers, each 0 to 0xFFFF, by table and address."""

_STRUCT = {
    "float32": ">f",
    "float64": ">d",
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "int64": ">q",
    "uint64": ">Q",
}
FLOATS = ("float32", "float64")


class Orders(Protocol):
    """What a map says about the order of words and bytes."""

    @property
    def word_order(self) -> Order: ...  # noqa: D102

    @property
    def byte_order(self) -> Order: ...  # noqa: D102


def decode(profile: RegisterMap, registers: Memory) -> dict[str, float | None]:
    """Values in our units by quantity; None for what the unit marks as not available.

    MalformedMessage: `missing_field` when a register was not read, or when what this kind of unit must have
    is marked so; `out_of_range` for NaN, infinity and what the make cannot measure.
    """
    required = REQUIRED_OF[profile.kind]
    values = {name: _value(name, q, profile, registers) for name, q in profile.quantities.items()}
    for name, value in values.items():
        if value is None and name in required:
            raise MalformedMessage("missing_field", f"{name}: the unit marks it as not available")
    return values


def encode(profile: RegisterMap, values: Mapping[str, float | None]) -> dict[tuple[Table, int], int]:
    """Registers by place, from values in our units by quantity.

    Whole numbers are rounded to the nearest step and held at the ends of their range, as a real transducer
    does. Quantities that `values` lacks read 0; those that are None read as not available where the map has a
    mark for that.
    """
    registers: dict[tuple[Table, int], int] = {}
    for name, quantity in profile.quantities.items():
        value = values.get(name, 0.0)
        if value is None and quantity.not_available:
            words = words_of_bits(quantity.not_available[0], quantity.registers, profile)
        else:
            raw = ((value or 0.0) - quantity.offset) / quantity.scale
            words = words_of(nearest(quantity.encoding, raw), quantity.encoding, profile)
        table: Table = quantity.table or profile.table
        registers.update({(table, quantity.address + n): word for n, word in enumerate(words)})
    return registers


def state_of(values: Mapping[str, float | None]) -> UnitState:
    """What a poll found, from decoded values."""
    return UnitState(
        p_kw=values.get("p_kw"),
        q_kvar=values.get("q_kvar"),
        v_v=_row(values, "v_l{}_v"),
        i_a=_row(values, "i_l{}_a"),
        energy_kwh=values.get("energy_kwh"),
    )


def number_of(words: Sequence[int], encoding: str, orders: Orders) -> float:
    """The raw number that these registers hold."""
    ordered = in_order(words, orders)
    (raw,) = struct.unpack(_STRUCT[encoding], struct.pack(f">{len(ordered)}H", *ordered))
    return float(raw) if encoding in FLOATS else int(raw)


def words_of(raw: float, encoding: str, orders: Orders) -> tuple[int, ...]:
    """The registers that hold a raw number. OverflowError or struct.error when it does not fit."""
    packed = struct.pack(_STRUCT[encoding], raw if encoding in FLOATS else int(raw))
    return in_order(struct.unpack(f">{len(packed) // 2}H", packed), orders)


def bits_of(words: Sequence[int], orders: Orders) -> int:
    """The same registers as one whole number without sign: how marks are written in a map."""
    bits = 0
    for word in in_order(words, orders):
        bits = bits << 16 | word
    return bits


def words_of_bits(bits: int, registers: int, orders: Orders) -> tuple[int, ...]:
    """The registers of a mark."""
    high_first = [bits >> 16 * n & 0xFFFF for n in reversed(range(registers))]
    return in_order(high_first, orders)


def in_order(words: Sequence[int], orders: Orders) -> tuple[int, ...]:
    """High word and high byte first, from the order on the wire, and the other way round."""
    ordered = tuple(words) if orders.word_order == "high_first" else tuple(reversed(words))
    if orders.byte_order == "high_first":
        return ordered
    return tuple((word & 0xFF) << 8 | word >> 8 for word in ordered)


def whole_range(encoding: str) -> tuple[int, int]:
    """The least and the greatest raw number of a whole encoding."""
    bits = 16 * REGISTERS_OF[encoding]
    return (0, (1 << bits) - 1) if encoding.startswith("u") else (-(1 << bits - 1), (1 << bits - 1) - 1)


def nearest(encoding: str, raw: float) -> float:
    """The nearest number that this encoding can hold."""
    if encoding in FLOATS:
        return raw
    low, high = whole_range(encoding)
    return min(high, max(low, round(raw)))


def _value(name: str, quantity: Quantity, profile: RegisterMap, registers: Memory) -> float | None:
    table: Table = quantity.table or profile.table
    try:
        words = [registers[table, quantity.address + n] for n in range(quantity.registers)]
    except KeyError as error:
        raise MalformedMessage("missing_field", f"{name}: register {error} was not answered") from None
    if quantity.not_available and bits_of(words, profile) in quantity.not_available:
        return None
    value = number_of(words, quantity.encoding, profile) * quantity.scale + quantity.offset
    too_low = quantity.min is not None and value < quantity.min
    too_high = quantity.max is not None and value > quantity.max
    if not math.isfinite(value) or too_low or too_high:
        expected = f"expected {quantity.min} to {quantity.max}"
        raise MalformedMessage(
            "out_of_range", f"{name} is {value} at register {quantity.address}, {expected}"
        )
    return float(value)


def _row(values: Mapping[str, float | None], name: str) -> tuple[float, ...] | None:
    """The phases from the first on; None when one of them is not known."""
    row = [values[name.format(phase)] for phase in PHASES if name.format(phase) in values]
    known = [value for value in row if value is not None]
    return tuple(known) if row and len(known) == len(row) else None
