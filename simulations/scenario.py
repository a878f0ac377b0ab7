"""A scenario: what kind of evening, week or winter is simulated, as typed, frozen values with defaults.

Units stand in names, shares are 0 to 1, hours are of the scenario's own day (SimBench's profiles are local
time and so is everything here: `start` gives the zone). Reading the file is `scenario_file.py`'s subject.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from controller.settings import (
    Cycle,
    Events,
    Limits,
    LookAhead,
    NotNegative,
    Positive,
    Requests,
    Rewards,
    Safety,
    Share,
)
from simulations.scenario_devices import AirConditioner, Battery, Celsius, Hour, Pv, Size
from simulations.scenario_faults import FalseReading, Link, Meters, Outage

MOST_SEED = 2**53
"""the highest that every reader of JSON and of tables takes as it is"""
Hours = Annotated[float, msgspec.Meta(gt=0, le=6)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Tie(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line beside those of the network, open until it is switched: a tie between streets, or a cable laid
    in an emergency."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}\Z")]
    from_bus: str
    """`bus:7`"""
    to_bus: str
    like: str
    """the line whose data it has: `line:3`"""
    length_km: Positive = 0.1


class Switching(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The network is another one from a time on."""

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    open: tuple[str, ...] = ()
    """`switch:4`, `line:7` (taken out of service), or the name of a tie"""
    close: tuple[str, ...] = ()
    known: bool = True
    """The controller is told: it is restarted with the new network, as after a change of its settings. False:
    it goes on with the old one."""


class NetworkTable(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The feeder."""

    source: str
    """pandapower JSON file, `simbench:CODE` or `pandapower:FUNCTION`"""
    feeder: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,32}\Z")] = "F1"
    prefix: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{0,32}\Z")] = ""
    """before the names of customers, meters and devices"""
    stations: bool = False
    """True: its service points are stations and plants of a higher voltage. Nobody lives there, so nobody has
    a device or is asked."""
    tie: tuple[Tie, ...] = ()


class TimeTable(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When, how long, how fine."""

    start: Annotated[datetime, msgspec.Meta(tz=True)]
    days: Annotated[float, msgspec.Meta(gt=0, le=400)] = 1.0
    step_s: Annotated[int, msgspec.Meta(ge=1, le=900)] = 60
    quiet_below: Share = 0.0
    """of each limit: while all is below it and nobody is asked for anything, the controller looks only every
    half an hour, which makes a year several times as fast; 0: it looks at every step"""


class Profiles(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What customers of `[network]` take without the devices of this scenario: its own profiles, or a
    file."""

    file: str | None = None
    """CSV: at, service_point, p_kw [, q_kvar]; relative to the scenario's file"""
    power_factor: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.97
    """where the file has no q_kvar"""


class Shares(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of service points."""

    ev: Share = 0.6
    heat_pump: Share = 0.4
    critical: Share = 0.03
    """marked medical or otherwise critical: never limited, never asked"""
    air_conditioner: Share = 0.0
    pv: Share = 0.0
    battery: Share = 0.0
    """those with a roof come first"""


class Devices(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How well devices behave; the shares are of all devices, and but for `guard` do not overlap."""

    refuse: Share = 0.0
    """whose owners declined: each request is refused"""
    refuse_from: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    """the time at which they decline, all at once; until then they obey. None: always"""
    vanish: Share = 0.0
    """that lose contact after their first command and come back later"""
    late: Share = 0.0
    """that answer, and obey, only after `late_s`"""
    guard: Share = 0.0
    """of guard mode: at their failsafe when they hear nothing of us; whatever else is drawn for them"""
    failsafe_kw: Positive = 6.0
    """of these; not below a device's floor, nor above what it can take"""
    reaction_s: Positive = 2.0
    """mean time from command to answer (drawn between half and one and a half of it)"""
    late_s: Positive = 45.0
    vanish_within_s: Positive = 600.0
    """after the first command, drawn evenly: some vanish before they answer, some while they are limited"""
    vanish_for_s: Positive = 3600.0


class People(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Those who get a notice and may use less."""

    share: Share = 0.5
    """of the customers who have no automatic device: agreed to be asked"""
    comply: Share = 0.6
    """chance that one notice is followed"""
    reaction_s: Positive = 180.0
    """mean time from notice to switching things off (drawn between half and one and a half of it)"""
    least_cut: Share = 0.2
    most_cut: Share = 0.6
    """what a person switches off, as a share of the household's power, drawn per person"""
    catch_up: Share = 0.5
    """of what was put off (washing, cooking) is used later"""
    catch_up_hours: Positive = 1.0


class Ev(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Electric cars at home. The defaults are a planner's bad evening: all come home together and plug in."""

    power_kw: Size = 11.0
    min_kw: NotNegative = 4.2
    """guaranteed minimum of the charger (§14a EnWG)"""
    plug_in: Share = 1.0
    """chance that a car is plugged in on a given evening"""
    arrival_hour: Hour = 17.75
    arrival_sd_hours: Hours = 0.4
    departure_hour: Hour = 7.25
    departure_sd_hours: Hours = 0.75
    energy_kwh: Positive = 18.0
    """median need of a session; lognormal"""
    energy_sigma: Positive = 0.35
    """of the logarithm"""
    max_energy_kwh: Positive = 60.0


class HeatPump(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Electric heat pumps with a thermostat, one house each."""

    least_kw: Size = 3.0
    usual_kw: Size = 4.5
    most_kw: Size = 9.0
    """rated electric power, triangular over the houses"""
    min_kw: NotNegative = 4.2
    """guaranteed minimum; a smaller heat pump keeps all it takes"""
    design_c: Celsius = -12.0
    """outdoor temperature at which the tightest heat pump runs `design_duty` of the time"""
    design_duty: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.9
    room_c: Celsius = 20.5
    band_k: Positive = 1.0
    """between switching on and off"""
    time_constant_hours: Positive = 7.0
    """mean over the houses, of the mass that the thermostat feels: some 45 minutes per cycle at 0 °C"""
    power_factor: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.97


class Weather(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Outdoor temperature: a year's and a day's sine, by default as in the north-west of Germany. The sun: a
    clear sky behind clouds."""

    mean_c: Celsius = 9.5
    year_swing_k: NotNegative = 9.0
    day_swing_k: NotNegative = 3.0
    shift_k: float = 0.0
    """a cold (negative) or mild spell"""
    coldest_day: Annotated[int, msgspec.Meta(ge=1, le=366)] = 18
    coldest_hour: Hour = 6.0
    latitude_deg: Annotated[float, msgspec.Meta(ge=-66, le=66)] = 52.0
    longitude_deg: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    """None: on the meridian of the scenario's own zone, where the sun is highest at about noon"""
    cloud: Share = 0.4
    """mean cover of the sky"""
    cloud_minutes: Positive = 30.0
    """in which clouds come and go"""
    file: str | None = None
    """CSV in place of the formulas: at, outdoor_c [, sun_w_per_m2]; relative to the scenario's file"""


class FeederTable(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One more feeder under the same daemon, with customers of its own drawn from the scenario's tables."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,32}\Z")]
    source: str
    """as in `[network]`"""
    supplied_at: str | None = None
    """the service point of `[network]` whose load it is; None: it hangs on nothing that is simulated"""
    shares: Shares | None = None
    """None: those of `[shares]`"""
    profiles: Profiles | None = None
    """as `[profiles]`, which is of `[network]` alone; None: its network's own"""

    @property
    def prefix(self) -> str:
        """What the names of its customers, meters and devices begin with."""
        return f"{self.id}-"


class Prices(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What energy costs customers, in minor units of `control.rewards.currency`."""

    minor_units_per_kwh: NotNegative = 32.0
    feed_in_minor_units_per_kwh: NotNegative = 8.0


PolicyName = Literal[
    "none", "blanket", "first-come", "largest-first", "pro-rata", "ours", "margin", "late", "optimum"
]


class Control(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who controls this run, and the controller's own settings: the same tables as in SITE.toml."""

    policy: PolicyName = "ours"
    """`ours` is the daemon itself; the others are those of docs/policies.md"""
    cycle: Cycle = Cycle()
    limits: Limits = Limits()
    events: Events = Events()
    look_ahead: LookAhead = LookAhead()
    requests: Requests = Requests()
    safety: Safety = Safety()
    rewards: Rewards = Rewards()


class Scenario(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of SCENARIO.toml."""

    title: str = ""
    seed: Annotated[int, msgspec.Meta(ge=0, le=MOST_SEED)] = 1
    network: NetworkTable
    time: TimeTable
    switching: tuple[Switching, ...] = ()
    profiles: Profiles = Profiles()
    shares: Shares = Shares()
    devices: Devices = Devices()
    people: People = People()
    ev: Ev = Ev()
    heat_pump: HeatPump = HeatPump()
    air_conditioner: AirConditioner = AirConditioner()
    pv: Pv = Pv()
    battery: Battery = Battery()
    weather: Weather = Weather()
    meters: Meters = Meters()
    false_reading: tuple[FalseReading, ...] = ()
    link: Link = Link()
    outage: tuple[Outage, ...] = ()
    prices: Prices = Prices()
    feeder: tuple[FeederTable, ...] = ()
    control: Control = Control()

    @property
    def steps(self) -> int:
        """How many steps the run has; the field is looked at at the start of each and once at the end."""
        return max(1, round(self.time.days * 86400 / self.time.step_s))
