"""Customers' loads from a CSV file of one's own, in place of the network's profiles.

Columns at, service_point, p_kw and, where there is one, q_kvar; net of what is generated behind the meter,
without the scenario's own devices. Service points that the file leaves out keep their profile.
"""

import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from grid_model.network import Network
from simulations.profiles import QUARTER_S, BaseLoad
from simulations.scenario import Scenario
from simulations.series_file import SeriesTable


def with_own_profiles(base: BaseLoad, network: Network, scenario: Scenario) -> BaseLoad:
    """The base load with what the scenario's file says. Raises ScenarioRejected with all findings."""
    table = scenario.profiles
    if table.file is None:
        return base
    start, count = scenario.time.start, len(base.p_kw)
    own = SeriesTable(Path(table.file), ("p_kw",), ("q_kvar",), key="service_point")
    own.check_reach(start, (start + timedelta(days=scenario.time.days)).timestamp())
    places = network.service_point_index()
    active = own.series("p_kw")
    own.findings += [
        f"{table.file}, service_point: {name!r} is not in the network {network.source}; "
        f"expected such as {network.service_points[0]!r}"
        for name in active
        if name not in places
    ]
    own.raise_findings()
    reactive = own.series("q_kvar") if "q_kvar" in own.columns else {}
    seconds = start.timestamp() + QUARTER_S * np.arange(count, dtype=np.float64)
    tan_phi = math.tan(math.acos(table.power_factor))
    p_kw, q_kvar = base.p_kw.copy(), base.q_kvar.copy()
    for name, series in active.items():
        p_kw[:, places[name]] = series.at(seconds)
        q_kvar[:, places[name]] = reactive[name].at(seconds) if reactive else p_kw[:, places[name]] * tan_phi
    left = len(network.service_points) - len({places[name] for name in active})
    note = (f"{left} service points are not in {table.file} and keep the network's profile",) if left else ()
    return replace(base, p_kw=p_kw, q_kvar=q_kvar, warnings=(*base.warnings, *note))
