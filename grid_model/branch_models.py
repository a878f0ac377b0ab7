"""[3] What pandapower makes of lines, transformers, switches and taps: two-ports in per unit, with ratings.

pandapower's matrices are read here for `layout.py`; the models are its own. Knows nothing of what is switched
on or off.
"""

import copy
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grid_model.network import Floats, Ints

Complexes = NDArray[np.complex128]
Flags = NDArray[np.bool_]

_ELEMENTS: tuple[str, ...] = (
    *("load", "sgen", "gen", "storage", "motor", "shunt", "ward", "xward", "impedance", "dcline"),
    *("asymmetric_load", "asymmetric_sgen", "switch", "line", "trafo", "trafo3w"),
)


@dataclass(frozen=True)
class Ports:
    """Every branch between two nodes, (n_branch,): the currents into it are y[0] V[near] + y[1] V[far] at the
    near end and y[2] V[near] + y[3] V[far] at the far one."""

    near: Ints
    far: Ints
    y: Complexes
    """(4, n_branch)"""
    near_percent: Floats
    """loading in percent of a current of 1 pu at the near end; NaN for an end that has no rating"""
    far_percent: Floats
    on: Flags
    """of the others: whether in service; true for lines and transformers, which the topology tells"""
    lossy: Flags
    """whether its losses count as the network's"""


@dataclass(frozen=True)
class Switches:
    """(n_switch,) what each switch of the network does."""

    couples: Ints
    """(n_switch, 2) the nodes that it merges when closed; -1 for all others"""
    branch: Ints
    """the branch at whose end it is, or, with an impedance, which it is; -1 for all others"""
    side: Ints
    """0 for the near end, 1 for the far one, 2 for the whole branch"""


def run_empty(net: Any, **options: Any) -> str:
    """Let pandapower build its matrices and stop before it solves; the reason when it does not get there."""
    from pandapower import LoadflowNotConverged, runpp  # noqa: PLC0415

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            runpp(net, numba=False, init="flat", max_iteration=0, **options)
        except LoadflowNotConverged:
            pass  # as meant: no iteration was allowed
        except (UserWarning, ValueError, NotImplementedError) as error:
            return f"pandapower cannot lay it out: {error}"
    return ""


def _two_ports(branch: Any) -> Complexes:
    """(4, n) as pandapower's `makeYbus`, whatever the branches' status; NaN where a parameter is missing."""
    from pandapower.pypower.idx_brch import (  # noqa: PLC0415
        BR_B,
        BR_B_ASYM,
        BR_G,
        BR_G_ASYM,
        BR_R,
        BR_R_ASYM,
        BR_X,
        BR_X_ASYM,
        SHIFT,
        TAP,
    )

    with np.errstate(all="ignore"):
        series_near = 1 / (branch[:, BR_R] + 1j * branch[:, BR_X])
        series_far = 1 / (
            branch[:, BR_R] + branch[:, BR_R_ASYM] + 1j * (branch[:, BR_X] + branch[:, BR_X_ASYM])
        )
        earth_near = branch[:, BR_G] + 1j * branch[:, BR_B]
        earth_far = earth_near + branch[:, BR_G_ASYM] + 1j * branch[:, BR_B_ASYM]
        ratio = np.where(branch[:, TAP].real == 0, 1.0, branch[:, TAP].real)
        turn = ratio * np.exp(1j * np.deg2rad(branch[:, SHIFT].real))
        return np.stack(
            [
                (series_near + earth_near / 2) / ratio**2,
                -series_near / turn.conj(),
                -series_far / turn,
                series_far + earth_far / 2,
            ]
        )


def branch_ports(net: Any, node: Ints) -> Ports:
    """`node` is the node of each row of pandapower's buses."""
    from pandapower.pypower.idx_brch import BR_STATUS, F_BUS, T_BUS  # noqa: PLC0415
    from pandapower.pypower.idx_bus import BASE_KV  # noqa: PLC0415

    branch, spans = net._ppc["branch"], net._pd2ppc_lookups["branch"]
    near, far = (branch[:, column].real.astype(np.int64) for column in (F_BUS, T_BUS))
    base_kv = net._ppc["bus"][:, BASE_KV].real
    base_ka = float(net._ppc["baseMVA"]) / np.sqrt(3)
    rated = len(net.line) + len(net.trafo) + 3 * len(net.trafo3w)
    on = np.ones(len(branch), dtype=bool)
    on[rated:] = branch[rated:, BR_STATUS].real != 0
    counted = spans["impedance"][1] if "impedance" in spans else rated
    near_percent, far_percent = _percents(net, len(branch))
    return Ports(
        near=node[near],
        far=node[far],
        y=_two_ports(branch),
        near_percent=near_percent * base_ka / base_kv[near],
        far_percent=far_percent * base_ka / base_kv[far],
        on=on,
        lossy=np.arange(len(branch)) < counted,
    )


def _percents(net: Any, n_branch: int) -> tuple[Floats, Floats]:
    """Loading per kA at both ends, as pandapower: a line's of max_i_ka * df * parallel, a transformer's of
    the rated current of each side; the inner ends of three-winding transformers have no rating."""

    def column(table: str, name: str) -> Floats:
        return np.array(net[table][name], dtype=np.float64)

    near, far = np.full(n_branch, np.nan), np.full(n_branch, np.nan)
    n_line, n_trafo, n_three = len(net.line), len(net.trafo), len(net.trafo3w)
    with np.errstate(all="ignore"):
        line = 100 / (column("line", "max_i_ka") * column("line", "df") * column("line", "parallel"))
        near[:n_line] = far[:n_line] = line
        rated = column("trafo", "sn_mva") * column("trafo", "parallel") * column("trafo", "df")
        for percent, side in ((near, "hv"), (far, "lv")):
            percent[n_line : n_line + n_trafo] = 100 * np.sqrt(3) * column("trafo", f"vn_{side}_kv") / rated
        first = n_line + n_trafo
        for percent, side in ((near, "hv"), (far, "mv"), (far, "lv")):
            voltage, power = column("trafo3w", f"vn_{side}_kv"), column("trafo3w", f"sn_{side}_mva")
            percent[first : first + n_three] = 100 * np.sqrt(3) * voltage / power
            first += n_three
    return near, far


def switches_of(net: Any, n_branch: int) -> Switches:
    """What each switch of `net` does to its nodes, or to one of the `n_branch` branches."""
    switch = net.switch
    couples = np.full((len(switch), 2), -1, dtype=np.int64)
    branch, side = np.full(len(switch), -1, dtype=np.int64), np.zeros(len(switch), dtype=np.int64)
    kind = np.array(switch.et)
    with_impedance = (kind == "b") & np.array(switch.z_ohm > 0)
    plain = (kind == "b") & ~with_impedance
    place = net.bus.index.get_indexer
    couples[plain] = np.stack([place(switch.bus[plain]), place(switch.element[plain])], axis=1)
    impedances = np.count_nonzero(with_impedance)
    branch[with_impedance] = np.arange(n_branch - impedances, n_branch)
    side[with_impedance] = 2
    n_line, n_trafo, n_three = len(net.line), len(net.trafo), len(net.trafo3w)
    for letter, table, first, near_end in (("l", "line", 0, "from_bus"), ("t", "trafo", n_line, "hv_bus")):
        rows = np.flatnonzero(kind == letter)
        element = net[table].index.get_indexer(switch.element.iloc[rows])
        branch[rows] = first + element
        side[rows] = np.array(net[table][near_end])[element] != np.array(switch.bus.iloc[rows])
    rows = np.flatnonzero(kind == "t3")
    element = net.trafo3w.index.get_indexer(switch.element.iloc[rows])
    for winding, end in enumerate(("lv_bus", "mv_bus", "hv_bus")):  # the high-voltage side wins
        here = np.array(net.trafo3w[end])[element] == np.array(switch.bus.iloc[rows])
        branch[rows[here]] = n_line + n_trafo + (2 - winding) * n_three + element[here]
        side[rows[here]] = winding != 2
    return Switches(couples, branch, side)


def tap_ports(net: Any, table: str) -> dict[tuple[str, int, int], Complexes]:
    """Every transformer of `table` at every position of its tap changer, laid out by pandapower in one go."""
    positions = [
        (row, tap)
        for row, (low, high) in enumerate(zip(net[table].tap_min, net[table].tap_max, strict=True))
        if np.isfinite(low) and np.isfinite(high)
        for tap in range(int(low), int(high) + 1)
    ]
    if not positions:
        return {}
    bare = copy.deepcopy(net)
    for element in _ELEMENTS:
        bare[element] = bare[element].iloc[:0]
    frame = net[table].iloc[[row for row, _ in positions]].reset_index(drop=True)
    frame["tap_pos"] = np.array([tap for _, tap in positions]).astype(frame["tap_pos"].dtype)
    frame["in_service"] = True
    bare[table] = frame
    run_empty(bare, calculate_voltage_angles=net._options["calculate_voltage_angles"])
    y = _two_ports(bare._ppc["branch"]).reshape(4, -1, len(positions))
    return {(table, row, tap): np.squeeze(y[:, :, place]) for place, (row, tap) in enumerate(positions)}
