"""The registers of an emulated SunSpec unit: a chain of models, points set and read by name. No sockets.

Layouts are the driver's own data (`devices/profiles/sunspec`); that both are right is for foreign clients to
say (`tests/simulations/test_sunspec_server.py`). What no one sets reads "not implemented".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from devices.modbus.sunspec.discovery import BASES, END_OF_CHAIN, MARK
from devices.modbus.sunspec.model_data import HEADER, Layout, Point, layouts
from devices.modbus.sunspec.points import Value, decode, encode, scaled


@dataclass(frozen=True, slots=True)
class PlacedModel:
    """One model of the chain and the address of its first register."""

    id: int
    address: int

    @property
    def layout(self) -> Layout:
        """What its registers mean."""
        return layouts()[self.id]

    @property
    def length(self) -> int:
        """The longest that such a model has."""
        return max(self.layout.lengths)


class SunSpecImage:
    """Models in the order of the chain, from `base`."""

    def __init__(self, model_ids: Sequence[int], base: int = BASES[0]) -> None:
        self.base = base
        self.models: list[PlacedModel] = []
        self.registers: list[int] = list(MARK)
        for model_id in model_ids:
            model = PlacedModel(model_id, base + len(self.registers))
            self.models.append(model)
            self.registers += [model_id, model.length, *([0] * model.length)]
            for name in model.layout.points:
                self.put_raw(model_id, name, None)
        self.registers += [END_OF_CHAIN, 0]

    def __contains__(self, model_id: int) -> bool:
        return any(model.id == model_id for model in self.models)

    def put(self, model_id: int, name: str, value: float | None) -> None:
        """In the unit of the specification; rounded to the scale factor that the model has now."""
        point = self.point(model_id, name)
        if value is None or point.type == "float32":
            self.put_raw(model_id, name, value)
        else:
            self.put_raw(model_id, name, round(scaled(value, -self._scale(model_id, point))))

    def put_raw(self, model_id: int, name: str, value: Value | None) -> None:
        """As it stands in the registers; None: not implemented. ValueError: it does not fit."""
        point = self.point(model_id, name)
        first = self.model(model_id).address - self.base + point.at
        self.registers[first : first + point.registers] = encode(point, value)

    def get(self, model_id: int, name: str) -> float | None:
        """In the unit of the specification; None: not implemented."""
        value, point = self.raw(model_id, name), self.point(model_id, name)
        return None if value is None else scaled(value, self._scale(model_id, point))

    def raw(self, model_id: int, name: str) -> int | None:
        """A whole number as it stands in the registers; None: not implemented."""
        point = self.point(model_id, name)
        first = self.model(model_id).address - self.base
        value = decode(
            point, dict(enumerate(self.registers[first : first + HEADER + self.model(model_id).length]))
        )
        return value if isinstance(value, int) else None

    def model(self, model_id: int) -> PlacedModel:
        """The first model of this id."""
        return next(model for model in self.models if model.id == model_id)

    def point(self, model_id: int, name: str) -> Point:
        """What stands at this name."""
        return layouts()[model_id].points[name]

    def points_at(self, address: int, count: int) -> list[tuple[PlacedModel, str]] | None:
        """The points that fill these registers exactly; None when a point is cut or a register has none."""
        found, covered = [], 0
        for model in self.models:
            for name, point in model.layout.points.items():
                first = model.address + point.at
                if address <= first and first + point.registers <= address + count:
                    found.append((model, name))
                    covered += point.registers
        return found if covered == count else None

    def _scale(self, model_id: int, point: Point) -> int:
        return 0 if point.sf is None else self.raw(model_id, point.sf) or 0
