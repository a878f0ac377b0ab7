"""What a SunSpec unit measures, in our units and signs. A dialogue, no sockets.

Inverters (101-103, 111-113) and DERs (701) count what they give to the network positive; ours is the other
way round, so both P and Q are turned. For meters (201-204, 211-214) the specification names the two energy
registers, but not the sign of W: most makes count import positive, some export, so it is a setting.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from devices.errors import MalformedMessage
from devices.modbus.dialogue import Dialogue, UnitState
from devices.modbus.sunspec.discovery import FoundModel

Role = Literal["meter", "inverter", "battery"]
Flow = Literal["import", "export"]


@dataclass(frozen=True, slots=True)
class _Family:
    """Models that measure the same quantities under the same names."""

    ids: range | tuple[int, ...]
    p: str
    q: str
    v: tuple[str, ...]
    i: tuple[str, ...]
    energy: dict[Flow, str]
    """the register that only grows: what was taken from the network, and what was given to it"""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.p, self.q, *self.v, *self.i, *self.energy.values())


_PHASES = ("A", "B", "C")
_V = tuple(f"PhVph{phase}" for phase in _PHASES)
_I = tuple(f"Aph{phase}" for phase in _PHASES)
_METER_IDS = (*range(201, 205), *range(211, 215))
_INVERTER_IDS = (*range(101, 104), *range(111, 114))
_METER = _Family(_METER_IDS, "W", "VAR", _V, _I, {"import": "TotWhImp", "export": "TotWhExp"})
# its WH is what it produced: no register of what it took
_INVERTER = _Family(_INVERTER_IDS, "W", "VAr", _V, _I, {})
_DER_WH: dict[Flow, str] = {"import": "TotWhAbs", "export": "TotWhInj"}
_DER = _Family((701,), "W", "Var", ("VL1", "VL2", "VL3"), ("AL1", "AL2", "AL3"), _DER_WH)
_FAMILIES: dict[Role, tuple[_Family, ...]] = {
    "meter": (_METER,),
    "inverter": (_INVERTER, _DER),
    "battery": (_INVERTER, _DER),
}


@dataclass(frozen=True, slots=True)
class Measurement:
    """The model that measures for a role, and how its signs become ours."""

    model: FoundModel
    family: _Family
    sign: float
    energy: Flow

    def read(self) -> Dialogue[UnitState]:
        """All quantities of one instant; None for what the unit has not."""
        values = yield from self.model.read(*self.family.names)
        register = self.family.energy.get(self.energy)
        energy_wh = None if register is None else values.number(register)
        return UnitState(
            p_kw=_thousandth(values.number(self.family.p), self.sign),
            q_kvar=_thousandth(values.number(self.family.q), self.sign),
            v_v=_phases(values.number, self.family.v),
            i_a=_phases(values.number, self.family.i),
            energy_kwh=_thousandth(energy_wh, 1.0),
        )


def find_measurement(
    models: Sequence[FoundModel], role: Role, instance: int, meter_positive: Flow, energy: Flow
) -> Measurement:
    """The `instance`-th model (from 1) that measures for the role. MalformedMessage: there is none."""
    for family in _FAMILIES[role]:
        fitting = [model for model in models if model.id in family.ids]
        if instance <= len(fitting):
            turned = role != "meter" or meter_positive == "export"
            return Measurement(fitting[instance - 1], family, -1.0 if turned else 1.0, energy)
    expected = ", ".join(str(number) for family in _FAMILIES[role] for number in family.ids)
    there = ", ".join(str(model.id) for model in models)
    raise MalformedMessage(
        "missing_field", f"no {role} (number {instance}) among models {there}; expected one of {expected}"
    )


def _thousandth(value: float | None, sign: float) -> float | None:
    return None if value is None else sign * value / 1000.0 + 0.0


def _phases(number: Callable[[str], float | None], names: tuple[str, ...]) -> tuple[float, ...] | None:
    """Phases that are measured. A meter may give a current the sign of its power: the magnitude is ours."""
    measured = tuple(abs(value) for name in names if (value := number(name)) is not None)
    return measured or None
