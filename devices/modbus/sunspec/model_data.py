"""The layouts of the SunSpec models that Gridward speaks, from `devices/profiles/sunspec/*.toml`. No sockets.

One file for each layout; models that differ in nothing but their number share one. Knows nothing of values.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from devices.errors import ProfileRejected

PointType = Literal[
    "int16", "uint16", "enum16", "bitfield16", "sunssf",
    "int32", "uint32", "acc32", "bitfield32", "float32", "uint64", "string",
]  # fmt: skip
HEADER = 2
"""Registers before a model's own: its id and its length (SunSpec Device Information Model Specification)."""

_REGISTERS: Mapping[str, int] = {
    "int16": 1, "uint16": 1, "enum16": 1, "bitfield16": 1, "sunssf": 1,
    "int32": 2, "uint32": 2, "acc32": 2, "bitfield32": 2, "float32": 2, "uint64": 4,
}  # fmt: skip
_FOLDER = resources.files("devices") / "profiles" / "sunspec"


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One value of a model. `at` counts registers from the model's first one, which holds its id."""

    at: int
    type: PointType
    size: int = 0
    """registers of a string"""
    sf: str | None = None
    """the point whose value is the power of ten that this one is multiplied with"""
    writable: bool = False

    @property
    def registers(self) -> int:
        """How many registers it takes."""
        return self.size if self.type == "string" else _REGISTERS[self.type]


class Layout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the registers of one or several models mean."""

    ids: tuple[int, ...]
    lengths: tuple[int, ...]
    """lengths that such a model may say, without its header"""
    name: str
    source: str
    points: dict[str, Point]

    def with_scales(self, names: tuple[str, ...]) -> tuple[Point, ...]:
        """These points and the scale factors that they need, by address."""
        points = [self.points[name] for name in names]
        scales = {point.sf for point in points if point.sf is not None}
        return tuple(sorted({*points, *(self.points[name] for name in scales)}, key=lambda p: p.at))


@cache
def layouts() -> Mapping[int, Layout]:
    """All layouts by model id. ProfileRejected: a file is wrong, with its name and field."""
    found: dict[int, Layout] = {}
    for entry in sorted(_FOLDER.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            layout = parse_layout(entry.read_text(encoding="utf-8"), entry.name)
            found |= dict.fromkeys(layout.ids, layout)
    return found


def parse_layout(text: str, source: str) -> Layout:
    """A layout from TOML; `source` is named in the ProfileRejected that lists its faults."""
    try:
        layout = msgspec.convert(tomllib.loads(text), Layout)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ProfileRejected(f"{source}: {error}") from None
    faults = list(_faults(layout))
    if faults:
        raise ProfileRejected(f"{source}: " + "; ".join(faults))
    return layout


def _faults(layout: Layout) -> list[str]:
    faults: list[str] = []
    free = HEADER
    scales = {name for name, point in layout.points.items() if point.type == "sunssf"}
    for name, point in sorted(layout.points.items(), key=lambda item: item[1].at):
        if point.at < free:
            faults.append(f"points.{name}.at: {point.at} is another point's, expected {free} or more")
        if point.registers < 1:
            faults.append(f"points.{name}.size: expected a size in registers")
        if point.sf is not None and point.sf not in scales:
            faults.append(f"points.{name}.sf: {point.sf} is no point of type sunssf")
        free = point.at + point.registers
    if not layout.lengths or free > HEADER + min(layout.lengths):
        faults.append(f"lengths: points reach to register {free}, expected {HEADER} + length at least")
    return faults
