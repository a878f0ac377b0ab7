"""What is right by itself in a scenario and wrong together, or would do nothing without a word. Pure.

Reading the file, and each value by itself, is `scenario_file.py`'s subject.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from controller.settings import Site
from controller.settings_checks import sense_faults
from controller.toml_lines import Place
from devices.messages import HEARTBEAT_PERIOD_S
from simulations.scenario import Control, Scenario, Weather
from simulations.scenario_devices import COLDEST_C, HOTTEST_C
from simulations.scenario_faults import FalseReading

Fault = tuple[Place, str]
_SIZE_WORDS = ("least", "usual", "most")
_SIZES = {"heat_pump": "kw", "air_conditioner": "kw", "pv": "kw", "battery": "kwh"}
"""tables whose sizes are triangular, and their unit"""
_CONTROLLERS_OWN = ("cycle", "limits", "events", "look_ahead", "requests", "safety", "rewards")
"""tables of `[control]` that a site has as well"""
_YEARS = range(1900, 2200)


def contradictions(scenario: Scenario) -> Iterator[Fault]:
    """Each with its place in the file, and what was expected."""
    yield from _of_devices(scenario)
    yield from _of_sizes(scenario)
    yield from _of_feeders(scenario)
    yield from _of_ties(scenario)
    yield from _of_switching(scenario)
    yield from _of_times(scenario)
    yield from _of_meters(scenario)
    yield from _of_control(scenario.control)


def _of_control(control: Control) -> Iterator[Fault]:
    """What the daemon would refuse in a site's file."""
    tables = {name: getattr(control, name) for name in _CONTROLLERS_OWN}
    for place, told in sense_faults(Site(name="of a scenario", feeder=(), **tables)):
        if place[0] in _CONTROLLERS_OWN:
            yield ("control", *place), told


def _of_devices(scenario: Scenario) -> Iterator[Fault]:
    devices, slowest_s = scenario.devices, HEARTBEAT_PERIOD_S / 2
    if devices.guard > 0 and scenario.control.cycle.period_s > slowest_s:
        place = ("control", "cycle", "period_s")
        yield place, f"expected at most {slowest_s:g} because of devices.guard: heartbeats go with it"
    misbehaving = devices.refuse + devices.vanish + devices.late
    if misbehaving > 1:
        yield ("devices",), f"refuse, vanish and late sum to {misbehaving:g}, expected at most 1"
    if devices.refuse_from is not None and not devices.refuse:
        yield ("devices", "refuse_from"), "expected devices.refuse above 0 with it: nobody refuses"


def _of_sizes(scenario: Scenario) -> Iterator[Fault]:
    people, pump = scenario.people, scenario.heat_pump
    for table, unit in _SIZES.items():
        if not _rises([getattr(getattr(scenario, table), f"{size}_{unit}") for size in _SIZE_WORDS]):
            yield (table,), f"expected least_{unit} <= usual_{unit} <= most_{unit}"
    if people.least_cut > people.most_cut:
        yield ("people",), "expected least_cut <= most_cut"
    if pump.design_c >= pump.room_c:
        yield ("heat_pump", "design_c"), f"expected less than room_c ({pump.room_c:g})"
    cooler = scenario.air_conditioner
    if cooler.design_c + cooler.sun_k <= cooler.room_c:
        told = f"expected design_c + sun_k above room_c ({cooler.room_c:g}): else there is nothing to cool"
        yield ("air_conditioner", "design_c"), told
    yield from _of_weather(scenario.weather)


def _of_weather(weather: Weather) -> Iterator[Fault]:
    swings_k, middle_c = weather.year_swing_k + weather.day_swing_k, weather.mean_c + weather.shift_k
    coldest_c, hottest_c = middle_c - swings_k, middle_c + swings_k
    if weather.file is None and (coldest_c < COLDEST_C or hottest_c > HOTTEST_C):
        yield (
            ("weather",),
            f"expected temperatures of {COLDEST_C:g} to {HOTTEST_C:g} °C, got {coldest_c:g} to {hottest_c:g}",
        )


def _rises(values: Sequence[float]) -> bool:
    return list(values) == sorted(values)


def _of_feeders(scenario: Scenario) -> Iterator[Fault]:
    ids = [scenario.network.feeder]
    supplied: set[str | None] = set()
    for row, feeder in enumerate(scenario.feeder):
        if feeder.id in ids:
            yield ("feeder", row, "id"), f"expected an id of its own, {feeder.id!r} is taken"
        elif feeder.prefix == scenario.network.prefix:
            yield ("feeder", row, "id"), "expected names other than those that network.prefix makes"
        if feeder.supplied_at is not None and feeder.supplied_at in supplied:
            told = f"expected a service point of its own, {feeder.supplied_at!r} supplies another feeder"
            yield ("feeder", row, "supplied_at"), told
        ids.append(feeder.id)
        if feeder.supplied_at is not None:
            supplied.add(feeder.supplied_at)
    if scenario.feeder and scenario.control.policy != "ours":
        told = f"expected 'ours' with [[feeder]], got {scenario.control.policy!r}, which is for one feeder"
        yield ("control", "policy"), told


def _of_ties(scenario: Scenario) -> Iterator[Fault]:
    names = Counter(tie.name for tie in scenario.network.tie)
    for row, tie in enumerate(scenario.network.tie):
        if names[tie.name] > 1:
            yield ("network", "tie", row, "name"), f"expected a name of its own, {tie.name!r} is another's"
        if tie.from_bus == tie.to_bus:
            yield ("network", "tie", row, "to_bus"), f"expected another bus than from_bus, {tie.from_bus!r}"


def _of_switching(scenario: Scenario) -> Iterator[Fault]:
    for row, one in enumerate(scenario.switching):
        if not one.open and not one.close:
            yield ("switching", row), "expected elements to open, or to close"
        for name in sorted(set(one.open) & set(one.close)):
            yield ("switching", row), f"expected {name!r} to be opened or closed, not both"


def _of_times(scenario: Scenario) -> Iterator[Fault]:
    """What lies outside the run happens in none of it."""
    start = scenario.time.start
    if start.year not in _YEARS:
        yield ("time", "start"), f"expected a year from {_YEARS[0]} to {_YEARS[-1]}"
        return
    end = start + timedelta(seconds=scenario.steps * scenario.time.step_s)
    span = f"the run is from {start.isoformat()} to {end.isoformat()}"
    for table in ("outage", "false_reading"):
        for row, one in enumerate(getattr(scenario, table)):
            if one.begin is not None and one.end is not None and one.begin >= one.end:
                yield (table, row), "expected begin < end"
            elif (one.begin or start) >= end or (one.end or end) <= start:
                yield (table, row), f"expected a time within the run, got none of it: {span}"
    moments: list[tuple[Place, datetime | None]] = [
        (("switching", row, "at"), one.at) for row, one in enumerate(scenario.switching)
    ]
    moments.append((("devices", "refuse_from"), scenario.devices.refuse_from))
    for place, at in moments:
        if at is not None and not start <= at < end:
            yield place, f"expected a time within the run: {span}"


def _of_meters(scenario: Scenario) -> Iterator[Fault]:
    for row, one in enumerate(scenario.outage):
        if one.of == "concentrator" and one.number > scenario.meters.concentrators:
            told = f"expected at most {scenario.meters.concentrators}, as meters.concentrators says"
            yield ("outage", row, "number"), told
    for row, false in enumerate(scenario.false_reading):
        if not false.meters and not false.share:
            yield ("false_reading", row), "expected meters, a share, or both"
        if _shows_what_flows(false):
            yield ("false_reading", row), "expected scale, add_kw or frozen: as it is, they show what flows"
        if false.frozen and (false.scale != 1 or false.add_kw):
            yield ("false_reading", row), "expected either frozen, or scale and add_kw"


def _shows_what_flows(false: FalseReading) -> bool:
    return false.scale == 1 and not false.add_kw and not false.frozen
