"""Who causes a violation: what it costs; and what is found of load that no meter shows and of wrong plans."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from grid_model.load_flow import FactoredLoadFlow
from grid_model.location import locate
from grid_model.mapping.fit import Fit
from grid_model.mapping.observations import Accuracy
from grid_model.mapping.phase_voltages import find_wrong_phases
from grid_model.mapping.unmetered import MissingPower, NothingMissing, PlaceUnknown, find_unmetered
from grid_model.mapping.wrong_bus import find_wrong_buses
from grid_model.mapping.wrong_group import GroupFindings, find_wrong_groups
from grid_model.network import Floats, Ints, Network
from grid_model.sensitivities import sensitivities
from grid_model.violations import Violation
from gridward.bench.location_cases import (
    Feeder,
    feeder_of,
    group_powers,
    household_series,
    missing_at_random,
    observe,
    phase_voltages,
    wrong_plan,
)
from gridward.bench.stopwatch import best_us

TIMED = ("simbench:1-LV-semiurb4--0-sw", "simbench:1-LV-rural3--0-sw")
TRIED = "simbench:1-LV-semiurb4--0-sw"
ACCURACY = Accuracy()
EXACT = Accuracy(*[0.0] * 10)
VISIBLE = 60.0
"""Misfit without any noise from which a wrong customer counts as above the noise."""

Counts = tuple[int, int, int, int, int]
"""Wrong customers, those of them found, found at the right place, accused falsely, and innocent ones."""
Try = Callable[[Feeder, np.random.Generator, int], Counts]


def print_figures(seed: int, quick: bool) -> None:
    """Print all tables."""
    _print_times(quick)
    feeder = feeder_of(TRIED)
    cases = 40 if quick else 200
    print(f"\n{TRIED}, {feeder.p_kw.shape[1]} customers, {feeder.p_kw.sum(axis=1).mean():.0f} kW on average;")
    print("instruments: meters 1 % + 0.5 % lasting, flows 0.5 % + 0.5 %, voltages 0.1 % + 0.2 %")
    _print_unmetered(feeder, seed, cases)
    _print_plans(feeder, seed, cases)


def _print_times(quick: bool) -> None:
    print(f"{'network':<30} {'customers':>9} {'locate us':>9} {'slopes us':>9} {'runpp us':>10} {'ratio':>6}")
    for source in TIMED[:1] if quick else TIMED:
        feeder = feeder_of(source)
        located, slopes, differences = _times(feeder.network, feeder.load_flow)
        print(
            f"{source:<30} {feeder.p_kw.shape[1]:>9} {located:>9.0f} {slopes:>9.0f} {differences:>10.0f} "
            f"{differences / located:>6.0f}",
            flush=True,
        )
    print("locate: exact parts of one violation; slopes: first order only; runpp: one for each customer's P")


def _times(network: Network, load_flow: FactoredLoadFlow) -> tuple[float, float, float]:
    """Microseconds of exact parts, of first-order slopes and of finite differences, for the fullest line."""
    p_kw, q_kvar = network.default_p_kw * 1.5, network.default_q_kvar * 1.5
    result = load_flow.solve(p_kw, q_kvar)
    worst = int(np.argmax(result.line_loading_percent))
    element = network.lines.ids[worst]
    violations = (Violation(element, "line_overload", float(result.line_loading_percent[worst]), 100.0),)
    return (
        best_us(lambda: locate(network, load_flow, p_kw, q_kvar, violations, np.zeros(len(p_kw))), 50),
        best_us(lambda: sensitivities(network, load_flow, p_kw, q_kvar, (element,)), 50),
        best_us(lambda: _differences(network, load_flow, p_kw, q_kvar, worst), 1),
    )


def _differences(
    network: Network, load_flow: FactoredLoadFlow, p_kw: Floats, q_kvar: Floats, line: int
) -> Floats:
    """What everybody does without an adjoint: one `runpp` for each customer."""
    step = np.eye(len(network.service_points))
    solve = load_flow.referee.solve
    return np.array([solve(p_kw + one, q_kvar).line_loading_percent[line] for one in step])


def _print_unmetered(feeder: Feeder, seed: int, cases: int) -> None:
    print(
        f"\n{'unmetered kW':>12} {'hours':>5} {'missed':>7} {'place unknown':>13} {'held':>7} {'of buses':>8}"
    )
    for mean_kw, hours in ((0.0, 6), (2.0, 24), (4.0, 6), (8.0, 6), (8.0, 24)):
        found = list(_unmetered(feeder, seed, cases, mean_kw, 4 * hours))
        placed = [size for kind, holds, size in found if kind is MissingPower and holds]
        print(
            f"{mean_kw:>12.0f} {hours:>5} {_rate(kind is NothingMissing for kind, _, _ in found):>7} "
            f"{_rate(kind is PlaceUnknown for kind, _, _ in found):>13} "
            f"{_rate(holds for kind, holds, _ in found if kind is not NothingMissing):>7} "
            f"{np.median(placed) if placed else np.nan:>5.0f}/{len(feeder.any_bus.names)}",
            flush=True,
        )
    print("held: the candidates hold the true bus, where power is found missing; of buses: how many they are")


def _unmetered(
    feeder: Feeder, seed: int, cases: int, mean_kw: float, n_snapshot: int
) -> Iterator[tuple[type, bool, int]]:
    """What was found, whether the truth is among the candidates, and how many those are."""
    for case in range(cases):
        rng = np.random.default_rng([seed, case])
        p_kw, q_kvar = household_series(feeder, n_snapshot, rng)
        missing = missing_at_random(feeder, n_snapshot, rng, mean_kw) if mean_kw else None
        seen = observe(feeder, p_kw, q_kvar, ACCURACY, rng, missing=missing)
        match find_unmetered(feeder.network, feeder.load_flow, seen, ACCURACY):
            case NothingMissing():
                yield NothingMissing, False, 0
            case (MissingPower() | PlaceUnknown()) as told:
                names = [candidate.bus for candidate in told.candidates]
                true = missing is not None and feeder.name_of(missing.bus) in names
                yield type(told), true, len(names)


def _rate(hits: Iterable[bool]) -> str:
    told = list(hits)
    return f"{100 * np.mean(told):.1f} %" if told else "-"


def _print_plans(feeder: Feeder, seed: int, cases: int) -> None:
    print(
        f"\n{'wrong plan':<20} {'hours':>5} {'wrong':>5} {'found':>8} {'rightly':>8} {'falsely accused':>15}"
    )
    tries: tuple[tuple[str, int, Try], ...] = (
        ("bus, by voltages", 24, _wrong_bus),
        ("phase, by powers", 12, _phase_by_power),
        ("phase, by powers", 24, _phase_by_power),
        ("phase, by voltages", 24, _phase_by_voltage),
        ("phase, by voltages", 72, _phase_by_voltage),
    )
    for words, hours, tried in tries:
        counts = [tried(feeder, np.random.default_rng([seed, case]), 4 * hours) for case in range(cases)]
        wrong, found, right, false, innocent = np.sum(counts, axis=0)
        print(
            f"{words:<20} {hours:>5} {wrong:>5} {100 * found / max(wrong, 1):>6.1f} % "
            f"{100 * right / max(found, 1):>6.1f} % {100 * false / innocent:>13.2f} %",
            flush=True,
        )
    print("bus: one customer wrong in each case, counted where above the noise; phase: two in each case")


def _wrong_bus(feeder: Feeder, rng: np.random.Generator, n_snapshot: int) -> Counts:
    p_kw, q_kvar = household_series(feeder, n_snapshot, rng)
    recorded = feeder.any_bus.admittance.service_point
    real, (who,) = recorded.copy(), rng.choice(len(recorded), 1)
    real[who] = rng.choice(feeder.any_bus.candidates[feeder.any_bus.candidates != recorded[who]])
    seen = observe(feeder, p_kw, q_kvar, ACCURACY, rng, service_point=real)
    clear = observe(feeder, p_kw, q_kvar, EXACT, rng, service_point=real)
    visible = Fit(feeder.network, feeder.load_flow, clear, ACCURACY).misfit() > VISIBLE
    found = {
        one.service_point: one for one in find_wrong_buses(feeder.network, feeder.load_flow, seen, ACCURACY)
    }
    own = found.pop(feeder.network.service_points[who], None)
    hit = own is not None and visible
    right = own is not None and feeder.name_of(int(real[who])) in [bus.bus for bus in own.candidates]
    return int(visible), int(hit), int(hit and right), len(found), len(recorded) - 1


def _phase_by_power(feeder: Feeder, rng: np.random.Generator, n_snapshot: int) -> Counts:
    p_kw, _ = household_series(feeder, n_snapshot, rng)
    real, recorded = wrong_plan(p_kw.shape[1], 3, 2, rng)
    powers = group_powers(p_kw, real, 3, ACCURACY, rng)
    return _counts(find_wrong_groups(_metered(p_kw, rng), powers, recorded), real, recorded)


def _phase_by_voltage(feeder: Feeder, rng: np.random.Generator, n_snapshot: int) -> Counts:
    p_kw, _ = household_series(feeder, n_snapshot, rng)
    real, recorded = wrong_plan(p_kw.shape[1], 3, 2, rng)
    v_pu = phase_voltages(feeder, p_kw, real, ACCURACY, rng)
    return _counts(find_wrong_phases(v_pu, _metered(p_kw, rng), recorded), real, recorded)


def _metered(p_kw: Floats, rng: np.random.Generator) -> Floats:
    return np.asarray(p_kw * (1 + rng.normal(0, ACCURACY.meter_noise, p_kw.shape)))


def _counts(found: GroupFindings, real: Ints, recorded: Ints) -> Counts:
    accused = {one.service_point: one.likely for one in found.wrong}
    wrong = np.flatnonzero(real != recorded)
    hits = [int(point) for point in wrong if point in accused]
    right = sum(accused[point] == real[point] for point in hits)
    return len(wrong), len(hits), right, len(accused) - len(hits), len(real) - len(wrong)
