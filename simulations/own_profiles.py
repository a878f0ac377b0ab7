"""Customers' loads from a CSV file of one's own, in place of the network's profiles.

Columns at, service_point, p_kw and, where there is one, q_kvar; net of what is generated behind the meter,
without the scenario's own devices. Service points that the file leaves out keep their profile.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from controller.plausibility import OVER_BOUND
from grid_model.connection import generation_kw, household_bound_kw
from grid_model.network import Network
from simulations.profiles import BaseLoad, OwnLoads
from simulations.scenario import Scenario
from simulations.series_file import MOST_FINDINGS, Series, SeriesTable


def with_own_profiles(base: BaseLoad, network: Network, scenario: Scenario) -> BaseLoad:
    """The base load with what the scenario's file says. Raises ScenarioRejected with all findings."""
    table, start = scenario.profiles, scenario.time.start
    if table.file is None:
        return base
    end_s = (start + timedelta(days=scenario.time.days)).timestamp()
    own = SeriesTable(Path(table.file), ("p_kw",), ("q_kvar",), key="service_point")
    own.check_reach(start, end_s)
    places = network.service_point_index()
    active = own.series("p_kw")
    own.findings += _of_names(table.file, active, network)
    own.raise_findings()
    has_q = "q_kvar" in own.columns
    series = {places[name]: one for name, one in active.items()}
    reactive = {places[name]: one for name, one in own.series("q_kvar").items()} if has_q else None
    tan_phi = math.tan(math.acos(table.power_factor))
    left = len(network.service_points) - len(series)
    note = (f"{left} service points are not in {table.file} and keep the network's profile",) if left else ()
    beyond = list(_beyond_belief(table.file, active, places, network))
    loads = _own_loads(series, reactive, tan_phi, (start.timestamp(), end_s))
    return replace(base, own=loads, warnings=(*base.warnings, *note, *_first(beyond)))


def _beyond_belief(
    file: str, active: Mapping[str, Series], places: Mapping[str, int], network: Network
) -> Iterator[str]:
    """Loads that a controller takes for wrong readings, and so does nothing about (`plausibility.py`)."""
    bound_kw = OVER_BOUND * (household_bound_kw(network) + generation_kw(network))
    for name, one in active.items():
        most_kw, believed_kw = float(np.abs(one.value).max()), float(bound_kw[places[name]])
        if most_kw > believed_kw:
            yield (
                f"{file}: {name} takes up to {most_kw:g} kW, of which the controller believes "
                f"{believed_kw:g} kW at most: it refuses such readings; expected less, or more power of that "
                "load in the network"
            )


def _first(told: list[str]) -> list[str]:
    more = len(told) - MOST_FINDINGS
    return told if more <= 0 else [*told[:MOST_FINDINGS], f"{more} more loads are beyond belief"]


def _own_loads(
    active: Mapping[int, Series],
    reactive: Mapping[int, Series] | None,
    tan_phi: float,
    span_s: tuple[float, float],
) -> OwnLoads:
    """By place: all series on the times of all of them, between which each is a straight line; no more of
    them than the run has."""
    at_s = np.unique(np.concatenate([np.clip(one.at_s, *span_s) for one in active.values()]))
    p_kw = np.stack([one.at(at_s) for one in active.values()], axis=1)
    q_kvar = p_kw * tan_phi
    if reactive is not None:
        q_kvar = np.stack([reactive[place].at(at_s) for place in active], axis=1)
    return OwnLoads(np.array(list(active), dtype=np.int64), at_s - span_s[0], p_kw, q_kvar)


def _of_names(file: str, names: Iterable[str], network: Network) -> Iterator[str]:
    """Those that are no service point's, and those that are of one: it has a name and a number (`load:3`)."""
    places = network.service_point_index()
    by_place: dict[int, list[str]] = {}
    for name in names:
        if name in places:
            by_place.setdefault(places[name], []).append(name)
        else:
            yield (
                f"{file}, service_point: {name!r} is not in the network {network.source}; "
                f"expected such as {network.service_points[0]!r}"
            )
    for same in by_place.values():
        if len(same) > 1:
            yield f"{file}, service_point: {', '.join(map(repr, same))} are one and the same"
