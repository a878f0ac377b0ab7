"""Where a unit's models are: finds the SunSpec mark and walks the chain behind it. A dialogue, no sockets.

The mark "SunS" stands at register 40000, 0 or 50000; models follow, each with its id and its length, and the
id 0xFFFF ends them (SunSpec Device Information Model Specification). Models that are not known are stepped
over. A chain that cannot be is MalformedMessage after a bounded number of questions.
"""

from dataclasses import dataclass

from devices.errors import MalformedMessage
from devices.modbus.dialogue import Dialogue
from devices.modbus.sunspec.asking import read, read_if_there
from devices.modbus.sunspec.model_data import HEADER, Layout, Point, layouts
from devices.modbus.sunspec.points import Values

BASES = (40000, 0, 50000)
MARK = (0x5375, 0x6E53)
END_OF_CHAIN = 0xFFFF
MOST_MODELS = 128
"""More than any device has; a longer chain is a loop or garbage."""
MOST_REGISTERS = 0x10000
MOST_PER_READ = 125
"""MODBUS Application Protocol 1.1b3, 6.3"""
COMMON = 1


@dataclass(frozen=True, slots=True)
class FoundModel:
    """One model of a unit: its id, the address of its first register, and the length it says."""

    id: int
    address: int
    length: int

    @property
    def layout(self) -> Layout:
        """MalformedMessage: its length is not one that such a model has, so it is of another edition."""
        layout = layouts()[self.id]
        if self.length not in layout.lengths:
            expected = " or ".join(str(length) for length in layout.lengths)
            raise MalformedMessage("malformed", f"{self} says length {self.length}, expected {expected}")
        return layout

    def __str__(self) -> str:
        return f"model {self.id} at {self.address}"

    def read(self, *names: str) -> Dialogue[Values]:
        """These points with their scale factors, in as few reads as there can be.

        The first read begins at the header, which must still be this model's: a unit whose registers have
        moved (new firmware, another device at the address) is MalformedMessage, not a wrong value.
        """
        layout = self.layout
        image: dict[int, int] = {}
        for at, count in _spans(layout.with_scales(names)):
            answer = yield from read(self.address + at, count)
            image.update(enumerate(answer, start=at))
        if (image[0], image[1]) != (self.id, self.length):
            raise MalformedMessage("malformed", f"{self} is not there any more: {image[0]} {image[1]}")
        return Values(layout, image)


def find_models() -> Dialogue[tuple[FoundModel, ...]]:
    """All models of the unit in the order of the chain."""
    base = yield from _find_mark()
    found: list[FoundModel] = []
    address = base + len(MARK)
    while (header := (yield from _read_header(address)))[0] != END_OF_CHAIN:
        model = FoundModel(header[0], address, header[1])
        address += HEADER + model.length
        if model.id == 0 or len(found) == MOST_MODELS or address > MOST_REGISTERS - 1:
            raise MalformedMessage("malformed", f"the chain has no end: {model}, length {model.length}")
        found.append(model)
    return tuple(found)


def _find_mark() -> Dialogue[int]:
    for base in BASES:
        if (yield from read_if_there(base, len(MARK))) == MARK:
            return base
    raise MalformedMessage("malformed", f"no SunSpec mark at any of {', '.join(map(str, BASES))}")


def _read_header(address: int) -> Dialogue[tuple[int, int]]:
    """Id and length. Some devices have nothing behind the id that ends the chain."""
    if address + HEADER <= MOST_REGISTERS:
        header = yield from read_if_there(address, HEADER)
        if header is not None:
            return header[0], header[1]
    (end,) = yield from read(address, 1)
    if end != END_OF_CHAIN:
        raise MalformedMessage("malformed", f"model {end} at {address} has no length")
    return end, 0


def _spans(points: tuple[Point, ...]) -> list[tuple[int, int]]:
    """Reads (first register, count) that cover the header and these points, none of them cut in two.

    Gaps inside a model are read over: all registers of a model answer, those not implemented with their mark.
    """
    spans = [(0, HEADER)]
    for point in points:
        first, _ = spans[-1]
        end = point.at + point.registers
        if end - first <= MOST_PER_READ:
            spans[-1] = (first, end - first)
        else:
            spans.append((point.at, point.registers))
    return spans
