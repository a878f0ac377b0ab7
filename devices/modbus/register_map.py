"""Which register of an RTU holds what: a profile as data, read from TOML and checked as a whole. No sockets.

A new make is a new file in `devices/profiles/`, or a file of the site's own. What is wrong with one is told
all at once, by field.
"""

import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from devices.errors import ProfileRejected

Encoding = Literal["float32", "int16", "uint16", "int32", "uint32"]
MAX_REGISTERS_PER_READ = 125
"""What one Modbus read may ask for (MODBUS Application Protocol 1.1b3, 6.3)."""
LAST_REGISTER = 0xFFFF
REQUIRED = ("p_kw", "q_kvar", "v_l1_v", "v_l2_v", "v_l3_v", "i_l1_a", "i_l2_a", "i_l3_a")
OPTIONAL = ("energy_kwh",)

_BUILT_IN = resources.files("devices") / "profiles"


class Quantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One measured value: where it stands, and how its registers become our unit."""

    address: Annotated[int, msgspec.Meta(ge=0, le=LAST_REGISTER)]
    encoding: Encoding
    scale: float = 1.0
    """value in our unit = raw value x scale"""
    min: float | None = None
    max: float | None = None
    """What the make can measure at all; a value outside is refused."""

    @property
    def registers(self) -> int:
        """How many 16-bit registers it takes."""
        return 1 if self.encoding in ("int16", "uint16") else 2


class RegisterMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The registers of one make."""

    name: str
    caveats: str = ""
    table: Literal["input", "holding"]
    word_order: Literal["high_first", "low_first"]
    quantities: dict[str, Quantity]


@dataclass(frozen=True, slots=True)
class Block:
    """Adjacent registers that are read in one go, so that they are of one instant."""

    address: int
    count: int


def load_profile(profile: str | Path) -> RegisterMap:
    """A profile by the name of a built-in one (`rtu_generic`) or by path. ProfileRejected names all its
    faults."""
    name = str(profile)
    try:
        if name.endswith(".toml"):
            text = Path(name).read_text(encoding="utf-8")
        else:
            text = (_BUILT_IN / f"{name}.toml").read_text(encoding="utf-8")
    except FileNotFoundError:
        names = ", ".join(sorted(built_in_profiles()))
        raise ProfileRejected(f"{name}: no such profile; expected a .toml file or one of: {names}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileRejected(f"{name}: {error}") from None
    return parse_profile(text, name)


def built_in_profiles() -> list[str]:
    """The names of the profiles that come with Gridward."""
    names = (entry.name for entry in _BUILT_IN.iterdir())
    return [
        name.removesuffix(".toml") for name in names if name.startswith("rtu_") and name.endswith(".toml")
    ]


def parse_profile(text: str, source: str) -> RegisterMap:
    """A profile from TOML; `source` is named in the ProfileRejected that lists its faults."""
    try:
        profile = msgspec.convert(tomllib.loads(text), RegisterMap)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ProfileRejected(f"{source}: {error}") from None
    faults = _faults(profile)
    if faults:
        raise ProfileRejected(f"{source}: " + "; ".join(faults))
    return profile


def blocks(profile: RegisterMap) -> tuple[Block, ...]:
    """The reads that fetch everything. Gaps are not bridged: many devices answer them with an exception."""
    found: list[Block] = []
    for quantity in sorted(profile.quantities.values(), key=lambda q: q.address):
        last = found[-1] if found else None
        adjacent = last is not None and last.address + last.count == quantity.address
        if last is not None and adjacent and last.count + quantity.registers <= MAX_REGISTERS_PER_READ:
            found[-1] = Block(last.address, last.count + quantity.registers)
        else:
            found.append(Block(quantity.address, quantity.registers))
    return tuple(found)


def _faults(profile: RegisterMap) -> list[str]:
    given = profile.quantities
    faults = [f"quantities.{name}: missing" for name in REQUIRED if name not in given]
    known = REQUIRED + OPTIONAL
    faults += [
        f"quantities.{name}: unknown, expected {', '.join(known)}" for name in given if name not in known
    ]
    owner: dict[int, str] = {}
    for name, quantity in given.items():
        if quantity.scale == 0:
            faults.append(f"quantities.{name}.scale: is 0")
        if quantity.min is not None and quantity.max is not None and quantity.min >= quantity.max:
            faults.append(f"quantities.{name}: min {quantity.min} is not below max {quantity.max}")
        for address in range(quantity.address, quantity.address + quantity.registers):
            if address > LAST_REGISTER:
                faults.append(f"quantities.{name}.address: reaches beyond register {LAST_REGISTER}")
            elif address in owner:
                faults.append(f"quantities.{name}.address: register {address} is {owner[address]}'s")
            owner[address] = name
    return faults
