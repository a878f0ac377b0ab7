"""What a run is measured by besides its recording: what devices wanted, rooms, cars."""

from dataclasses import dataclass

import numpy as np

from grid_model.network import Floats
from simulations.field import FieldModel, Moment
from simulations.policies.port import Flags


@dataclass(frozen=True)
class Course:
    """One run, a row per look."""

    wanted_kw: Floats
    """(n_step, n_device) what each device would have taken if nobody had limited it just then"""
    q_kvar: Floats
    """(n_step, n_sp)"""
    online: Flags
    """(n_step, n_device) whether a command would have been heard"""
    room_c: Floats
    """(n_step, n_heat_pump)"""
    cooled_c: Floats
    """(n_step, n_air_conditioner) their rooms"""
    wanting_kwh: float
    """what cars still wanted at the end"""
    left_short_kwh: float
    """what cars lacked when they left"""
    people_kwh: float
    """what people switched off, what they made up for later included"""


class CourseWatch:
    """Looks at the field at each step; `done` closes the book."""

    def __init__(self) -> None:
        self._wanted: list[Floats] = []
        self._q: list[Floats] = []
        self._online: list[Flags] = []
        self._rooms: list[Floats] = []
        self._cooled: list[Floats] = []
        self._field: FieldModel | None = None

    def __call__(self, field: FieldModel, moment: Moment) -> None:
        """Note one step."""
        self._field = field
        self._wanted.append(field.wanted_kw())
        self._q.append(moment.q_kvar)
        self._online.append(field.devices.online.copy())
        self._rooms.append(field.heat_pumps.room_c.copy())
        self._cooled.append(field.coolers.room_c.copy())

    def done(self) -> Course:
        """All that was noted."""
        assert self._field is not None, "a run has one look at least"
        return Course(
            wanted_kw=np.array(self._wanted),
            q_kvar=np.array(self._q),
            online=np.array(self._online),
            room_c=np.array(self._rooms),
            cooled_c=np.array(self._cooled),
            wanting_kwh=float(self._field.cars.remaining_kwh.sum()),
            left_short_kwh=float(self._field.cars.left_short_kwh.sum()),
            people_kwh=float(self._field.households.saved_kwh.sum()),
        )
