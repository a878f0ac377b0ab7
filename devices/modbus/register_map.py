"""Reads the register map of one make from TOML and checks it as a whole, and says which reads it needs.

A new make is a new file in `devices/profiles/`, or a file of the site's own. What is wrong with one is told
all at once, by field (`map_faults.py`). No sockets.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import msgspec

from devices.allowed_words import plain_message
from devices.errors import ProfileRejected
from devices.modbus.dialogue import Table
from devices.modbus.map_faults import map_faults
from devices.modbus.quantities import RegisterMap

NOT_MAPS = ("sunspec",)
"""Built-in profiles whose names begin so are not register maps."""

_BUILT_IN = resources.files("devices") / "profiles"


@dataclass(frozen=True, slots=True)
class Block:
    """Adjacent registers that are read in one go, so that they are of one instant."""

    address: int
    count: int
    table: Table = "holding"


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
        names = ", ".join(built_in_profiles())
        raise ProfileRejected(f"{name}: no such profile; expected a .toml file or one of: {names}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileRejected(f"{name}: {error}") from None
    return parse_profile(text, name)


def built_in_profiles() -> list[str]:
    """The names of the register maps that come with Gridward."""
    files = (entry.name for entry in _BUILT_IN.iterdir() if entry.name.endswith(".toml"))
    return sorted(name.removesuffix(".toml") for name in files if not name.startswith(NOT_MAPS))


def parse_profile(text: str, source: str) -> RegisterMap:
    """A profile from TOML; `source` is named in the ProfileRejected that lists its faults."""
    raw: object = None
    try:
        raw = tomllib.loads(text)
        profile = msgspec.convert(raw, RegisterMap)
    except msgspec.ValidationError as error:
        raise ProfileRejected(f"{source}: {plain_message(error, RegisterMap, raw)}") from None
    except tomllib.TOMLDecodeError as error:
        raise ProfileRejected(f"{source}: {error}") from None
    faults = list(map_faults(profile))
    if faults:
        raise ProfileRejected(f"{source}: " + "; ".join(faults))
    return profile


def blocks(profile: RegisterMap) -> tuple[Block, ...]:
    """The reads that fetch all that is measured, of as few registers as the map allows."""
    wanted: list[tuple[Table, int, int]] = [
        (q.table or profile.table, q.address, q.registers) for q in profile.quantities.values()
    ]
    if profile.valid is not None:
        wanted.append((profile.valid.table or profile.table, profile.valid.address, 1))
    return joined(wanted, profile.bridge_gaps, profile.max_read)


def joined(wanted: Iterable[tuple[Table, int, int]], bridge: int = 0, most: int = 125) -> tuple[Block, ...]:
    """Blocks of at most `most` registers that hold every (table, address, count), over gaps of at most
    `bridge`.
    """
    found: list[Block] = []
    for table, address, count in sorted(wanted):
        last = found[-1] if found else None
        end = address + count
        if last is not None and last.table == table and address - (last.address + last.count) <= bridge:
            reach = max(end, last.address + last.count) - last.address
            if reach <= most:
                found[-1] = Block(last.address, reach, table)
                continue
        found.append(Block(address, count, table))
    return tuple(found)
