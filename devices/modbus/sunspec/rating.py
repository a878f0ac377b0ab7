"""What a percentage is of: the rating of a unit, from its own models or from the settings. A dialogue."""

from collections.abc import Mapping, Sequence

from devices.messages import Direction
from devices.modbus.dialogue import Dialogue
from devices.modbus.sunspec.control import ControlPoints
from devices.modbus.sunspec.discovery import FoundModel

MOST_OF_SETTING = 1.1
"""A unit that says so much more than its settings has slipped a unit or a scale: of such a rating, the same
percentage would be a limit far below what was asked."""


class Ratings:
    """Ratings of one unit."""

    def __init__(self, models: Sequence[FoundModel], settings_kw: Mapping[Direction, float | None]) -> None:
        self._models = models
        self._settings_kw = settings_kw

    def __str__(self) -> str:
        known = ", ".join(f"{way} {kw}" for way, kw in self._settings_kw.items())
        return f"settings in kW: {known}"

    def find_kw(self, points: ControlPoints) -> Dialogue[float | None]:
        """The rating in kW. None: neither unit nor settings say one, or the unit says more than can be."""
        from_settings = self._settings_kw[points.direction]
        for model_id, name in points.ratings:
            model = next((model for model in self._models if model.id == model_id), None)
            if model is None:
                continue
            rating_w = (yield from model.read(name)).number(name)
            if rating_w is not None and rating_w > 0:
                rating_kw = rating_w / 1000.0
                believable = from_settings is None or rating_kw <= from_settings * MOST_OF_SETTING
                return rating_kw if believable else None
        return from_settings
