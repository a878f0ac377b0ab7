"""Everything that one seed decides about a run: which faults strike, how often, on what site.

As swarm testing does it (Groce et al., "Swarm testing", ISSTA 2012), each seed turns a random half of the
fault classes off: with all of them on at once, one hides what another would have shown. The ranges are those
of TigerBeetle's simulator where it has the same fault (loss 0 to 30 %, replay 0 to 50 %, I/O 0 to 10 %).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

import numpy as np

from simulations.draws import stream
from simulations.faults.site_settings import Tuned
from simulations.faults.tuning import draw_settings

STREAMS = 64
"""Places of the streams that faults draw from; the first is that of the options themselves."""
SHORTEST_CYCLES, LONGEST_CYCLES = 8, 22
PERIODS_S = ((10.0, 0.15), (60.0, 0.1), (300.0, 0.25), (900.0, 0.5))
"""Cycle and meter period, and how often a seed has it; guard devices live on the shortest alone."""
GUARDS_UP_TO_S = 15.0
MIXED_SHARE, VOLTAGES_SHARE, OTHER_CABLE_SHARE = 0.15, 0.25, 0.3
"""of the seeds; of those; of those with voltages"""
CABLE = (1.3, 2.5)


@dataclass(frozen=True, slots=True)
class Options:
    """One run. A fault's number is a probability, 0 when the class is off."""

    seed: int
    period_s: float = 300.0
    """of meters and of the controller's cycle"""
    cycles: int = 14
    """of the safety phase, in periods"""
    store: Literal["memory", "sqlite"] = "memory"
    act_early: bool = False
    singles: bool = False
    """meters speak for themselves, with an energy register; else a concentrator does, in columns"""
    guards: bool = False
    """half of the devices are of guard mode"""
    sunny: bool = False
    """large roofs in place of the chargers: what is overloaded is mostly overloaded by feed-in"""
    mixed: bool = False
    """batteries, an air conditioner, and roofs, heat pumps and chargers behind one meter"""
    voltages: bool = False
    """meters and the RTU show voltages"""
    cable: float = 1.0
    """so many times the impedance that the network file has, is what all cables really have"""
    settings: Tuned = ()
    """of the controller, that are off their defaults"""

    lost_up: float = 0.0
    """of each message of the field"""
    lost_down: float = 0.0
    """of each message to the field, after the broker took it"""
    doubled: float = 0.0
    """a message comes once more, at once or up to three periods later"""
    delayed: float = 0.0
    """of each message; it takes up to 1.5 periods, so that others overtake it"""
    cut: float = 0.0
    """a cycle: one direction, or both, are cut for up to four periods"""
    broker_down: float = 0.0
    """a cycle: the broker is away for up to two periods; senders learn of it"""
    device_crash: float = 0.0
    """a device and cycle: it is gone for up to three periods"""
    device_forgets: float = 0.0
    """of those crashes: it comes back without the limit that it held"""
    device_mood: float = 0.0
    """a device and cycle: it begins to refuse, to ignore, or to obey in part, or thinks better of it"""
    owner_takes_back: float = 0.0
    """a device and cycle: its owner ends the limit by hand"""
    device_clock: float = 0.0
    """a device and cycle: its clock jumps"""
    controller_crash: float = 0.0
    """a cycle: it dies at one of its next steps"""
    controller_pause: float = 0.0
    """a cycle: it stands still at one of its next steps; in half of the cases another one takes over"""
    torn: float = 0.0
    """a commit: the controller dies in the middle of it, and the disk keeps a part"""
    disk_error: float = 0.0
    """a commit: the disk refuses it"""
    disk_in_doubt: float = 0.0
    """a commit: it is durable, and the controller is told that nobody knows"""
    disk_slow: float = 0.0
    """a commit: it takes up to half a period"""
    clock_jump: float = 0.0
    """a cycle: the clock of the day of the controllers, or of everybody, jumps, and is put right later"""
    mad_reading: float = 0.0
    """a meter and period: NaN, infinite, a unit slip, another sign, the future, the past, stuck, gone back"""
    meters_silent: float = 0.0
    """a cycle: the concentrator says nothing for up to three periods"""
    operator: float = 0.0
    """a cycle: somebody orders something"""
    person: float = 0.0
    """a notice: the person answers it"""
    registry: float = 0.0
    """a cycle: a device is marked critical, and the controller started anew"""

    most: int | None = None
    """so many faults strike at most, in the order of time; None: all that are drawn"""

    def __post_init__(self) -> None:
        """Settings may be given as JSON has them."""
        object.__setattr__(self, "settings", tuple(dict(self.settings).items()))

    @property
    def site(self) -> "Options":
        """What alone matters to the site and its settings."""
        return Options(
            seed=0,
            period_s=self.period_s,
            act_early=self.act_early,
            guards=self.guards,
            sunny=self.sunny,
            mixed=self.mixed,
            settings=self.settings,
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """The fault classes that are on."""
        return tuple(name for name in CLASSES if getattr(self, name) > 0)

    def without(self, name: str) -> "Options":
        """The same with one class off."""
        return replace(self, **_only(name, 0.0))

    def differing(self) -> dict[str, Any]:
        """What is not as by default, for the command that replays it."""
        given = {name: value for name, value in asdict(self).items() if value != _DEFAULTS.get(name)}
        return given | ({"settings": dict(self.settings)} if self.settings else {})


def _only(name: str, value: Any) -> dict[str, Any]:
    return {name: value}


CLASSES: Mapping[str, tuple[float, float]] = {
    "lost_up": (0.02, 0.30),
    "lost_down": (0.02, 0.30),
    "doubled": (0.05, 0.50),
    "delayed": (0.05, 0.50),
    "cut": (0.02, 0.15),
    "broker_down": (0.02, 0.10),
    "device_crash": (0.005, 0.05),
    "device_forgets": (0.3, 1.0),
    "device_mood": (0.005, 0.04),
    "owner_takes_back": (0.005, 0.03),
    "device_clock": (0.005, 0.03),
    "controller_crash": (0.03, 0.25),
    "controller_pause": (0.02, 0.15),
    "torn": (0.01, 0.10),
    "disk_error": (0.01, 0.10),
    "disk_in_doubt": (0.01, 0.05),
    "disk_slow": (0.01, 0.10),
    "clock_jump": (0.02, 0.12),
    "mad_reading": (0.002, 0.10),
    "meters_silent": (0.02, 0.15),
    "operator": (0.02, 0.15),
    "person": (0.2, 0.9),
    "registry": (0.01, 0.06),
}
"""Each fault class and the range that its probability is drawn from."""
_LEAST_WHOLE = {"seed": 0, "cycles": 1, "most": 0}
_DEFAULTS = {field.name: field.default for field in fields(Options)}


def option_faults(given: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with options that come from outside; settings are the site's to check."""
    for name, value in given.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if name in _LEAST_WHOLE:
            good, expected = type(value) is int, f"a whole number from {_LEAST_WHOLE[name]} on"
            good = (good and value >= _LEAST_WHOLE[name]) or (name == "most" and value is None)
        elif name in CLASSES:
            good, expected = number and 0 <= value <= 1, "a probability, 0 to 1"
        elif name in {"period_s", "cable"}:
            good, expected = number and 0 < value < math.inf, "a number above 0"
        elif name == "store":
            good, expected = value in {"memory", "sqlite"}, "memory or sqlite"
        elif isinstance(_DEFAULTS.get(name), bool):
            good, expected = isinstance(value, bool), "true or false"
        else:
            continue
        if not good:
            yield f"{name}: expected {expected}, got {value!r}"


def draw_options(seed: int, hours: float | None = None) -> Options:
    """All options of a seed. `hours`: of the safety phase; None: 8 to 22 periods."""
    rng = stream(seed, "faults")
    lengths, shares = zip(*PERIODS_S, strict=True)
    period_s = float(rng.choice(lengths, p=shares))
    cycles = int(rng.integers(SHORTEST_CYCLES, LONGEST_CYCLES + 1))
    drawn: dict[str, Any] = {}
    calm = rng.random() < 0.05
    share_on = 0.15 + 0.5 * rng.random()
    for name, (least, most) in CLASSES.items():
        on, strength = rng.random() < share_on, rng.random() ** 2
        drawn[name] = round(least + (most - least) * strength, 4) if on and not calm else 0.0
    return Options(
        seed=seed,
        period_s=period_s,
        cycles=cycles if hours is None else max(int(hours * 3600 / period_s), 1),
        store="sqlite" if rng.random() < 0.04 else "memory",
        act_early=bool(rng.random() < 0.25),
        singles=bool(rng.random() < 0.2),
        guards=bool(period_s <= GUARDS_UP_TO_S and rng.random() < 0.7),
        sunny=bool(rng.random() < 0.15),
        **_site_drawn(seed, period_s),
        **drawn,
    )


def _site_drawn(seed: int, period_s: float) -> dict[str, Any]:
    """Of streams of their own: what is drawn here moves nothing of the faults."""
    rng = stream(seed, "faults", 1 + _PLACES["site"])
    mixed, voltages, other, share = rng.random(4)
    has_voltages = bool(voltages < VOLTAGES_SHARE)
    has_other = has_voltages and other < OTHER_CABLE_SHARE
    return {
        "mixed": bool(mixed < MIXED_SHARE),
        "voltages": has_voltages,
        "cable": round(CABLE[0] + (CABLE[1] - CABLE[0]) * float(share), 2) if has_other else 1.0,
        "settings": draw_settings(stream(seed, "faults", 1 + _PLACES["settings"]), period_s),
    }


class Draws:
    """The streams of one seed, one for each subject, and the count of faults that struck."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._streams: dict[str, np.random.Generator] = {}
        self.struck: dict[str, int] = {}
        self.on = True
        """False in the liveness phase: no fault strikes any more"""
        self._left = options.most

    def of(self, subject: str) -> np.random.Generator:
        """The stream of a subject: what is drawn there moves with nobody else's draws."""
        known = self._streams.get(subject)
        if known is None:
            known = stream(self._options.seed, "faults", 1 + _PLACES[subject])
            self._streams[subject] = known
        return known

    def strikes(self, name: str) -> bool:
        """Whether a fault of this class strikes now; those that do are counted."""
        chance: float = getattr(self._options, name)
        if chance <= 0 or not self.on or self.of(name).random() >= chance:
            return False
        if self._left is not None:
            if self._left <= 0:
                return False
            self._left -= 1
        self.struck[name] = self.struck.get(name, 0) + 1
        return True


_SUBJECTS = ("field", "phases", "people", *CLASSES, "site", "settings")
_PLACES = {name: place for place, name in enumerate(_SUBJECTS)}
assert len(_SUBJECTS) < STREAMS
