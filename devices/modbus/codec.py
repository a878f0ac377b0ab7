"""Registers to values and back, by a register map [1]. No I/O, no clock.

Both ends use it: the driver to read, the emulated RTU to answer. 16-bit registers travel high byte first
(MODBUS Application Protocol 1.1b3, 4.2); the order of the two words of a 32-bit value is the maker's choice.
"""

import math
import struct
from collections.abc import Mapping
from datetime import datetime

from devices.errors import MalformedMessage
from devices.messages import SUBSTATION, Reading
from devices.modbus.register_map import Quantity, RegisterMap

_STRUCT = {"float32": ">f", "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I"}
_WHOLE_RANGE = {
    "int16": (-0x8000, 0x7FFF),
    "uint16": (0, 0xFFFF),
    "int32": (-0x80000000, 0x7FFFFFFF),
    "uint32": (0, 0xFFFFFFFF),
}


def decode(profile: RegisterMap, registers: Mapping[int, int]) -> dict[str, float]:
    """Values in our units by quantity, from registers by address.

    MalformedMessage: `missing_field` when a register was not read, `out_of_range` for NaN, infinity and what
    the make cannot measure.
    """
    return {name: _value(name, q, profile, registers) for name, q in profile.quantities.items()}


def encode(profile: RegisterMap, values: Mapping[str, float]) -> dict[int, int]:
    """Registers by address, from values in our units by quantity.

    Whole numbers are rounded to the nearest step and held at the ends of their range, as a real transducer
    does. Quantities that `values` lacks read 0.
    """
    registers: dict[int, int] = {}
    for name, quantity in profile.quantities.items():
        words = _words(quantity, values.get(name, 0.0))
        if profile.word_order == "low_first":
            words.reverse()
        registers.update(enumerate(words, start=quantity.address))
    return registers


def to_reading(values: Mapping[str, float], feeder: str, at: datetime) -> Reading:
    """The substation's reading from decoded values."""
    return Reading(
        feeder=feeder,
        meter=SUBSTATION,
        at=at,
        p_kw=values["p_kw"],
        q_kvar=values["q_kvar"],
        v_v=(values["v_l1_v"], values["v_l2_v"], values["v_l3_v"]),
        i_a=(values["i_l1_a"], values["i_l2_a"], values["i_l3_a"]),
        energy_kwh=values.get("energy_kwh"),
    )


def _value(name: str, quantity: Quantity, profile: RegisterMap, registers: Mapping[int, int]) -> float:
    addresses = range(quantity.address, quantity.address + quantity.registers)
    try:
        words = [registers[address] for address in addresses]
    except KeyError as error:
        raise MalformedMessage("missing_field", f"{name}: register {error} was not answered") from None
    if profile.word_order == "low_first":
        words.reverse()
    (raw,) = struct.unpack(_STRUCT[quantity.encoding], struct.pack(f">{len(words)}H", *words))
    value = float(raw) * quantity.scale
    too_low = quantity.min is not None and value < quantity.min
    too_high = quantity.max is not None and value > quantity.max
    if not math.isfinite(value) or too_low or too_high:
        expected = f"expected {quantity.min} to {quantity.max}"
        raise MalformedMessage(
            "out_of_range", f"{name} is {value} at register {quantity.address}, {expected}"
        )
    return value


def _words(quantity: Quantity, value: float) -> list[int]:
    raw = value / quantity.scale
    if quantity.encoding == "float32":
        packed = struct.pack(">f", raw)
    else:
        low, high = _WHOLE_RANGE[quantity.encoding]
        packed = struct.pack(_STRUCT[quantity.encoding], min(high, max(low, round(raw))))
    return list(struct.unpack(f">{quantity.registers}H", packed))
