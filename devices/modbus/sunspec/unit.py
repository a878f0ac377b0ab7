"""One SunSpec unit as the driver runs it: it finds its models by itself, measures, and holds limits [1, 6].

Keeps what the last discovery found, and which limits were set through it; everything else is read anew each
time, scale factors and ratings too, because they may change. No sockets, no clock.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from devices.errors import CommandRejected, MalformedMessage, ProfileRejected
from devices.messages import Direction
from devices.modbus.dialogue import Dialogue, UnitState, Write
from devices.modbus.sunspec.control import CONTROLS, Control, ControlPoints, whole_seconds
from devices.modbus.sunspec.discovery import COMMON, FoundModel, find_models
from devices.modbus.sunspec.measurement import Flow, Measurement, Role, find_measurement
from devices.modbus.sunspec.rating import Ratings

_DIRECTIONS: dict[Role, tuple[Direction, ...]] = {
    "meter": (),
    "inverter": ("production",),
    "battery": ("consumption", "production"),
}
"""What each role can be asked to limit, its own direction first."""


LONGEST_TIMER_S = 0xFFFE
"""What fits the 16-bit timers of models 123 and 124; one more is their mark for "not implemented"."""


@dataclass(frozen=True, slots=True)
class SunSpecSettings:
    """What cannot be read from the unit itself. Raises ProfileRejected when it cannot be."""

    role: Role
    instance: int = 1
    """which of several models of the role is meant: an inverter may show three meters on its own unit id"""
    meter_positive: Flow = "import"
    """what a meter's positive W is; for inverters and DERs the specification says so"""
    energy: Flow = "import"
    """which register is `energy_kwh`: what was taken from the network, or what was given to it"""
    rated_kw: float | None = None
    """what percentages of production are of, if the unit does not say; if it says more, it is not believed"""
    charge_kw: float | None = None
    """the same for the charging of a battery"""
    longest_hold_s: float = 28_800.0
    """the longest reversion time that it takes (Fronius: 28,800 s); the driver tells it again in time"""

    def __post_init__(self) -> None:
        faults = [] if self.instance >= 1 else [f"instance is {self.instance}, expected 1 or more"]
        for name, value in (("rated_kw", self.rated_kw), ("charge_kw", self.charge_kw)):
            if value is not None and not (math.isfinite(value) and value > 0):
                faults.append(f"{name} is {value}, expected more than 0")
        if not 1 <= self.longest_hold_s <= LONGEST_TIMER_S:
            faults.append(f"longest_hold_s is {self.longest_hold_s}, expected 1 to {LONGEST_TIMER_S}")
        if faults:
            raise ProfileRejected(f"SunSpec {self.role}: " + "; ".join(faults))


@dataclass(frozen=True, slots=True)
class _Found:
    """What the last discovery found."""

    name: str
    measurement: Measurement
    controls: tuple[Control, ...]
    ratings: Ratings


class SunSpecUnit:
    """A `devices.modbus.dialogue.Unit`, and its `HoldsFor` and `GuardsWrites`."""

    def __init__(self, settings: SunSpecSettings) -> None:
        self._settings = settings
        self._found: _Found | None = None
        self._used: list[ControlPoints] = []
        """limits that were set through this unit, the latest last"""
        self._unreadable = False
        """its control could not be read at the last poll"""

    def identify(self) -> Dialogue[str]:
        """Finds the models; maker, model, version and serial number for people."""
        self._found = None
        models = yield from find_models()
        settings = self._settings
        measurement = find_measurement(
            models, settings.role, settings.instance, settings.meter_positive, settings.energy
        )
        name = yield from _name(models, measurement.model)
        controls = tuple(_controls(models, _DIRECTIONS[settings.role]))
        fallbacks: dict[Direction, float | None] = {
            "production": settings.rated_kw,
            "consumption": settings.charge_kw,
        }
        self._found = _Found(name, measurement, controls, Ratings(models, fallbacks))
        return name

    def poll(self) -> Dialogue[UnitState]:
        """One read for the measurement, one for the limit, and one for its rating while there is a limit."""
        found = yield from self._ready()
        try:
            state = yield from found.measurement.read()
        except MalformedMessage:
            self._found = None  # what answers is not what was found: looked for again at the next poll
            raise
        try:
            state = yield from self._with_limit(found, state)
        except MalformedMessage:  # what it measures counts all the same; what it holds it cannot say
            if not self._unreadable:  # looked for again once: not at every poll of a unit that never can
                self._found = None
            self._unreadable = True
        else:
            self._unreadable = False
        return state

    def _with_limit(self, found: _Found, state: UnitState) -> Dialogue[UnitState]:
        if not found.controls:
            return state
        control = next((c for c in found.controls if c.points in self._used[-1:]), found.controls[0])
        held = yield from control.held()
        if not held.known or held.share is None:
            return replace(state, says_limit=held.known)
        rating_kw = yield from found.ratings.find_kw(control.points)
        if rating_kw is None:
            return state
        return replace(state, limit_kw=held.share * rating_kw, says_limit=True)

    def held_s(self, hold_s: float) -> float:
        """As `HoldsFor.held_s`."""
        return float(whole_seconds(min(hold_s, self._settings.longest_hold_s)))

    def may_write(self, write: Write) -> bool:
        """As `GuardsWrites.may_write`: the points of its limits, and nothing else."""
        if self._found is None or write.table != "holding":
            return False
        allowed = {address for control in self._found.controls for address in control.writes}
        return allowed.issuperset(range(write.address, write.address + len(write.values)))

    def limit(self, limit_kw: float, direction: Direction, hold_s: float) -> Dialogue[None]:
        """As `Unit.limit`. Of several models for the direction, the first that can keep its end is taken."""
        if not (math.isfinite(limit_kw) and limit_kw >= 0 and math.isfinite(hold_s) and hold_s > 0):
            raise CommandRejected(f"{limit_kw} kW for {hold_s} s is no limit")
        found = yield from self._ready_for_command()
        reasons: list[str] = []
        for control in (control for control in found.controls if control.points.direction == direction):
            others = [used for used in self._used if used != control.points]
            self._used, before = [*others, control.points], self._used  # first: a broken link may leave it so
            try:
                yield from self._hold(found, control, limit_kw, hold_s)
            except (CommandRejected, MalformedMessage) as error:
                self._used = before
                reasons.append(str(error))
            else:
                return
        none = f"{found.name}, as {self._settings.role}, has no SunSpec model that limits {direction}"
        raise CommandRejected("; ".join(reasons) or none)

    def release(self) -> Dialogue[None]:
        """Ends what was set through this unit; after a restart, whatever limits the role's own direction."""
        found = yield from self._ready_for_command()
        own = [control for control in found.controls if control.points in self._used]
        if not own:
            directions = _DIRECTIONS[self._settings.role][:1]
            own = [control for control in found.controls if control.points.direction in directions]
        for control in own:
            try:
                yield from control.let_go()
            except MalformedMessage as error:
                raise CommandRejected(f"the unit cannot be read: {error}") from None
        self._used = []

    def _ready(self) -> Dialogue[_Found]:
        if self._found is None:
            yield from self.identify()
        assert self._found is not None
        return self._found

    def _ready_for_command(self) -> Dialogue[_Found]:
        try:
            return (yield from self._ready())
        except MalformedMessage as error:
            raise CommandRejected(f"the unit cannot be read: {error}") from None

    def _hold(self, found: _Found, control: Control, limit_kw: float, hold_s: float) -> Dialogue[None]:
        rating_kw = yield from found.ratings.find_kw(control.points)
        if rating_kw is None:
            raise CommandRejected(f"{control.model}: percent of what? No believable rating; {found.ratings}")
        yield from control.hold(limit_kw / rating_kw, self.held_s(hold_s))


def _controls(models: Sequence[FoundModel], directions: Sequence[Direction]) -> Iterator[Control]:
    """The unit's limits: by direction in this order, and the better model first."""
    for direction in directions:
        for points in CONTROLS:
            model = next((model for model in models if model.id == points.model_id), None)
            if model is not None and points.direction == direction:
                yield Control(points, model)


def _name(models: Sequence[FoundModel], measured: FoundModel) -> Dialogue[str]:
    """From the common model before the measuring one: a meter on an inverter's unit has its own."""
    before = [model for model in models if model.id == COMMON and model.address < measured.address]
    if not before:
        raise MalformedMessage("missing_field", f"no common model before {measured}")
    values = yield from before[-1].read("Mn", "Md", "Vr", "SN")
    maker_model = " ".join(text for point in ("Mn", "Md") if (text := values.text(point)))
    version, serial = values.text("Vr"), values.text("SN")
    parts = [maker_model or "unknown make", version and f"version {version}", serial and f"serial {serial}"]
    return ", ".join(part for part in parts if part)
