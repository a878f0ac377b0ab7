"""Registers of SunSpec points to values and back. No I/O.

Big-endian in all; each type has a mark for "not implemented", which becomes None: never a number.
Source: SunSpec Device Information Model Specification, "Point types".
"""

import math
import struct
from collections.abc import Mapping

from devices.errors import MalformedMessage
from devices.modbus.sunspec.model_data import Layout, Point

Value = int | float | str
Image = Mapping[int, int]
"""Registers by address, counted from a model's first one."""

MOST_SCALE = 10
"""A scale factor is a power of ten from -10 to 10."""

_FORMAT = {
    "int16": ">h", "uint16": ">H", "enum16": ">H", "bitfield16": ">H", "sunssf": ">h", "int32": ">i",
    "uint32": ">I", "acc32": ">I", "bitfield32": ">I", "float32": ">f", "uint64": ">Q",
}  # fmt: skip
_ABSENT = {
    "int16": -0x8000, "uint16": 0xFFFF, "enum16": 0xFFFF, "bitfield16": 0xFFFF, "sunssf": -0x8000,
    "int32": -0x80000000, "uint32": 0xFFFFFFFF, "acc32": 0, "bitfield32": 0xFFFFFFFF,
    "float32": math.nan, "uint64": 0xFFFFFFFFFFFFFFFF,
}  # fmt: skip


def decode(point: Point, image: Image) -> Value | None:
    """The bare value without its scale; None: not implemented. MalformedMessage: registers were not read."""
    try:
        words = [image[address] for address in range(point.at, point.at + point.registers)]
    except KeyError as error:
        raise MalformedMessage("missing_field", f"register {error} of the model was not answered") from None
    data = struct.pack(f">{len(words)}H", *words)
    if point.type == "string":
        text = data.partition(b"\0")[0].decode("ascii", "replace")
        return "".join(letter for letter in text if letter.isprintable()).strip() or None
    (raw,) = struct.unpack(_FORMAT[point.type], data)
    if point.type == "float32":
        return _finite(float(raw))
    return None if raw == _ABSENT[point.type] else int(raw)


def encode(point: Point, value: Value | None) -> tuple[int, ...]:
    """Registers of a bare value, or of the mark for "not implemented".

    ValueError: the point cannot hold it, or it would read as "not implemented".
    """
    if point.type == "string":
        data = str(value or "").encode("ascii", "replace")
        if len(data) > 2 * point.size:
            raise ValueError(f"{value!r} is longer than {2 * point.size} letters")
        data = data.ljust(2 * point.size, b"\0")
    else:
        if value is not None and value == _ABSENT[point.type] and point.type != "acc32":
            raise ValueError(f"{value} would read as not implemented")
        try:
            data = struct.pack(_FORMAT[point.type], _ABSENT[point.type] if value is None else value)
        except (struct.error, OverflowError) as error:
            raise ValueError(f"{value} does not fit {point.type}: {error}") from None
    return struct.unpack(f">{point.registers}H", data)


class Values:
    """The values of one model, as one read found them. Its scale factors are of the same read."""

    def __init__(self, layout: Layout, image: Image) -> None:
        self._layout = layout
        self._image = image

    def raw(self, name: str) -> int | None:
        """A whole number as it stands (enumerations, bit fields, seconds); None: not implemented."""
        value = decode(self._layout.points[name], self._image)
        return value if isinstance(value, int) else None

    def text(self, name: str) -> str | None:
        """A string; None: empty."""
        value = decode(self._layout.points[name], self._image)
        return value if isinstance(value, str) else None

    def number(self, name: str) -> float | None:
        """The value in the unit of the specification, scaled; None: not implemented."""
        point = self._layout.points[name]
        value = decode(point, self._image)
        if value is None or isinstance(value, str):
            return None
        return float(value) if point.sf is None else scaled(value, self.scale(name))

    def scale(self, name: str) -> int:
        """The power of ten of a point: 0 for one without. MalformedMessage: outside -10 to 10, or absent."""
        sf = self._layout.points[name].sf
        if sf is None:
            return 0
        scale = self.raw(sf)
        if scale is None:
            raise MalformedMessage("missing_field", f"{name} has a value, but {sf} is not implemented")
        if abs(scale) > MOST_SCALE:
            raise MalformedMessage("out_of_range", f"{sf} is {scale}, expected {-MOST_SCALE} to {MOST_SCALE}")
        return scale


def scaled(value: float, scale: int) -> float:
    """value x 10^scale. Divides for negative scales: 2301 at -1 is 230.1, not 230.10000000000002."""
    return value * float(10**scale) if scale >= 0 else value / float(10**-scale)


def _finite(value: float) -> float | None:
    if math.isinf(value):
        raise MalformedMessage("out_of_range", "a float is infinite")
    return None if math.isnan(value) else value
