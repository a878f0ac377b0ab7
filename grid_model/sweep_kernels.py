"""[3] The fixed point of many snapshots at once, compiled: sweeps over the eliminated network.

Imports numba, which takes a second: only for those who asked for it (`radial_sweep.py`). What is computed,
and from where, stands in `fixed_point.py` and `elimination.py`; here it is done as the processor likes it.
One block of snapshots goes through all sweeps, then its results are read while it is in the cache.

A block is one array with a row for each bus; a row holds six numbers of the bus for each snapshot. One number
of all snapshots lies side by side, so that one instruction does several snapshots, and everything of one bus
in one row, so that the compiler sees that reading one number does not depend on writing another. The
snapshots of a block are a tuple, `lanes`, of which only the length counts: that is known when a function is
compiled, once for blocks and once for single snapshots.

All of it is one file, because the code that numba keeps on disk is only renewed when the file of the
outermost function changes.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

from grid_model.network import Floats
from grid_model.sweep_layout import Demand, Outputs, Tree

Lanes = tuple[int, ...]

RE, IM = 0, 1
"""The bus's voltage: the number `RE` of a snapshot is `row[RE * n + lane]`, with n = len(lanes)."""
C_RE, C_IM = 2, 3
"""The current on its way to the grid."""
D_RE, D_IM = 4, 5
"""The bus's demand."""
NUMBERS = 6
INTO, LOSSES = 1, 2
"""Of what an element's ends add up to, laid out like a row; the loading, squared at first, is number 0."""

ERROR_PU = 1e-10
"""Of the voltages, estimated from the last two steps: each is the same fraction of the one before."""
_LEAST_FRACTION = 0.1
"""What fraction is believed at best."""
_STANDS_PU = 1e-12
"""A step that is nothing but rounding."""
MAX_SWEEPS = 120

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Machine code, kept on disk where some folder lets us."""
    return _compiled(function)


def inlined(function: Function) -> Function:
    """Machine code that becomes part of whoever calls it: passing a block would cost more than it does."""
    return _compiled(function, forceinline=True)


def _compiled(function: Function, **options: Any) -> Function:
    options |= {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"contract", "nsz", "arcp"},  # NaN and infinity keep their meaning
    }
    try:
        return cast("Function", njit(cache=True, **options)(function))
    except RuntimeError:  # no such folder
        return cast("Function", njit(**options)(function))


@compiled
def solve(  # noqa: PLR0917  compiled functions take no keywords
    lanes: Lanes,
    tree: Tree,
    demand: Demand,
    outputs: Outputs,
    p_kw: Floats,
    q_kvar: Floats,
    slack_scale: float,
    answer: Floats,
) -> None:
    """All snapshots, (n_snapshot, n_sp), block after block; the last is filled up with the last snapshot.

    A row of `answer` is: voltages of the buses in pu, loadings of lines and transformers in percent, what
    flows into the transformers in kW, losses and supply in kW, the collapse index, and the number of sweeps,
    0 where the fixed point was not reached.
    """
    rows = np.zeros((len(tree.without_load), NUMBERS * len(lanes)))
    for first in range(0, len(p_kw), len(lanes)):
        here = slice(first, min(first + len(lanes), len(p_kw)))
        _begin(lanes, rows, tree, slack_scale)
        _take(lanes, rows, demand, p_kw[here], q_kvar[here])
        done = _iterate(lanes, rows, tree)
        read(lanes, rows, outputs, answer[here])
        _read_collapse(lanes, rows, tree, slack_scale, answer[here])
        write(done, 0, answer[here], answer.shape[1] - 1)


@inlined
def _begin(lanes: Lanes, rows: Floats, tree: Tree, slack_scale: float) -> None:
    n = len(lanes)
    for position in range(len(rows)):
        row = rows[position]
        v_re = tree.without_load[position, 0] * slack_scale
        v_im = tree.without_load[position, 1] * slack_scale
        for lane in range(n):
            row[RE * n + lane], row[IM * n + lane] = v_re, v_im
            row[D_RE * n + lane], row[D_IM * n + lane] = 0.0, 0.0


@inlined
def _take(lanes: Lanes, rows: Floats, demand: Demand, p_kw: Floats, q_kvar: Floats) -> None:
    n, last = len(lanes), len(p_kw) - 1
    for position in range(len(demand.fixed)):
        row = rows[position]
        for lane in range(n):
            row[D_RE * n + lane], row[D_IM * n + lane] = demand.fixed[position, 0], demand.fixed[position, 1]
    for point in range(len(demand.position)):
        row = rows[demand.position[point]]
        a, b = demand.factor[point, 0], demand.factor[point, 1]
        for lane in range(n):
            snapshot = min(lane, last)
            p, q = p_kw[snapshot, point], q_kvar[snapshot, point]
            row[D_RE * n + lane] += p * a + q * b
            row[D_IM * n + lane] += p * b - q * a


@inlined
def _iterate(lanes: Lanes, rows: Floats, tree: Tree) -> Floats:
    """Sweep until every snapshot stands or is lost; after how many sweeps each stood, 0 for never."""
    n = len(lanes)
    done, steps = np.zeros(n), np.zeros((2, n))
    for sweep in range(1, MAX_SWEEPS + 1):
        before, now = steps[(sweep + 1) % 2], steps[sweep % 2]
        _forward(lanes, rows, tree)
        _backward(lanes, rows, tree, now)
        still_open = 0
        for lane in range(n):
            if done[lane] == 0:
                if _stands(now[lane], before[lane]):
                    done[lane] = sweep
                elif np.isfinite(now[lane]):
                    still_open += 1
        if still_open == 0:
            break
    return done


@inlined
def _stands(squared: float, squared_before: float) -> bool:
    """Whether what is left of the geometric series of steps is below the error allowed; false for NaN."""
    if squared < _STANDS_PU**2:
        return True
    fraction = max(np.sqrt(squared / squared_before), _LEAST_FRACTION)
    return bool(fraction < 1.0 and np.sqrt(squared) * fraction < ERROR_PU * (1.0 - fraction))


@inlined
def _forward(lanes: Lanes, rows: Floats, tree: Tree) -> None:
    """From the leaves to the grid: the current that each bus draws, and what is behind it."""
    n, constant_power = len(lanes), len(tree.shares) == 0
    for position in range(len(tree.takes)):
        row = rows[position]
        if not tree.takes[position]:
            for lane in range(n):
                row[C_RE * n + lane], row[C_IM * n + lane] = 0.0, 0.0
        elif constant_power:
            _draw(lanes, row)
        else:
            _draw_dependent(lanes, row, tree.shares[position], tree.scale[position])
        for entry in range(tree.low_start[position], tree.low_start[position + 1]):
            below = rows[tree.low[entry]]
            a, b = tree.low_factor[entry, 0], tree.low_factor[entry, 1]
            for lane in range(n):
                c_re, c_im = below[C_RE * n + lane], below[C_IM * n + lane]
                row[C_RE * n + lane] -= a * c_re - b * c_im
                row[C_IM * n + lane] -= a * c_im + b * c_re


@inlined
def _draw(lanes: Lanes, row: Floats) -> None:
    """Constant power: D / conj(V), with D multiplied by what is common to all steps beforehand."""
    n = len(lanes)
    for lane in range(n):
        v_re, v_im = row[RE * n + lane], row[IM * n + lane]
        d_re, d_im = row[D_RE * n + lane], row[D_IM * n + lane]
        per_square = 1.0 / (v_re * v_re + v_im * v_im)
        row[C_RE * n + lane] = (d_re * v_re - d_im * v_im) * per_square
        row[C_IM * n + lane] = (d_re * v_im + d_im * v_re) * per_square


@inlined
def _draw_dependent(lanes: Lanes, row: Floats, shares: Floats, scale: Floats) -> None:
    """As `VoltageDependence.factors`; D is the plain conj(P + jQ) here."""
    n = len(lanes)
    for lane in range(n):
        v_re, v_im = row[RE * n + lane], row[IM * n + lane]
        square = v_re * v_re + v_im * v_im
        more = np.sqrt(square) - 1.0
        p = row[D_RE * n + lane] * (1.0 + shares[0] * more + shares[1] * (square - 1.0)) / square
        q = row[D_IM * n + lane] * (1.0 + shares[2] * more + shares[3] * (square - 1.0)) / square
        drawn_re, drawn_im = p * v_re - q * v_im, p * v_im + q * v_re
        row[C_RE * n + lane] = drawn_re * scale[0] - drawn_im * scale[1]
        row[C_IM * n + lane] = drawn_re * scale[1] + drawn_im * scale[0]


@inlined
def _backward(lanes: Lanes, rows: Floats, tree: Tree, step: Floats) -> None:
    """From the grid to the leaves: the voltages. `step` becomes the square of the largest change where power
    is taken, NaN once anything is."""
    n = len(lanes)
    for lane in range(n):
        step[lane] = 0.0
    for position in range(len(tree.takes) - 1, -1, -1):
        row = rows[position]
        last = tree.up_start[position + 1] - 1
        for entry in range(tree.up_start[position], last):
            above = rows[tree.up[entry]]
            a, b = tree.up_factor[entry, 0], tree.up_factor[entry, 1]
            for lane in range(n):
                v_re, v_im = above[RE * n + lane], above[IM * n + lane]
                row[C_RE * n + lane] -= a * v_re - b * v_im
                row[C_IM * n + lane] -= a * v_im + b * v_re
        above = rows[tree.up[last]]
        a, b = tree.up_factor[last, 0], tree.up_factor[last, 1]
        if tree.takes[position]:
            for lane in range(n):
                v_re = row[C_RE * n + lane] - (a * above[RE * n + lane] - b * above[IM * n + lane])
                v_im = row[C_IM * n + lane] - (a * above[IM * n + lane] + b * above[RE * n + lane])
                re, im = v_re - row[RE * n + lane], v_im - row[IM * n + lane]
                square, worst = re * re + im * im, step[lane]
                step[lane] = worst if worst >= square else square + 0.0 * worst  # what is NaN stays NaN
                row[RE * n + lane], row[IM * n + lane] = v_re, v_im
        else:
            for lane in range(n):
                v_re, v_im = above[RE * n + lane], above[IM * n + lane]
                row[RE * n + lane] = row[C_RE * n + lane] - (a * v_re - b * v_im)
                row[IM * n + lane] = row[C_IM * n + lane] - (a * v_im + b * v_re)


@inlined
def _read_collapse(lanes: Lanes, rows: Floats, tree: Tree, slack_scale: float, answer: Floats) -> None:
    """As `CollapseWatch.index`: the largest |1 − W/V| where power is taken."""
    n = len(lanes)
    worst = np.zeros(n)
    for position in range(len(tree.takes)):
        if tree.takes[position]:
            row = rows[position]
            w_re, w_im = (
                tree.without_load[position, 0] * slack_scale,
                tree.without_load[position, 1] * slack_scale,
            )
            for lane in range(n):
                v_re, v_im = row[RE * n + lane], row[IM * n + lane]
                re, im = v_re - w_re, v_im - w_im
                ratio = (re * re + im * im) / (v_re * v_re + v_im * v_im)
                worst[lane] = ratio if ratio > worst[lane] else worst[lane]
    for lane in range(n):
        worst[lane] = np.sqrt(worst[lane])
    write(worst, 0, answer, answer.shape[1] - 2)


@inlined
def read(lanes: Lanes, rows: Floats, outputs: Outputs, answer: Floats) -> None:
    """Fill the rows of `answer`, at most as many as there are lanes, but for the last two columns; see
    `sweep_kernels.solve`."""
    sums = np.zeros(3 * len(lanes))
    _read_buses(lanes, rows, outputs, sums, answer)
    _read_elements(lanes, rows, outputs, sums, answer)
    _read_supply(lanes, rows, outputs, sums, answer)


@inlined
def roots(values: Floats) -> None:
    """Square roots in place."""
    for place in range(len(values)):
        values[place] = np.sqrt(values[place])


@inlined
def write(values: Floats, first: int, answer: Floats, column: int) -> None:
    """One number of each snapshot, from `values[first]` on."""
    for lane in range(len(answer)):
        answer[lane, column] = values[first + lane]


@inlined
def _read_buses(lanes: Lanes, rows: Floats, outputs: Outputs, sums: Floats, answer: Floats) -> None:
    n = len(lanes)
    for bus in range(len(outputs.bus)):
        row = rows[outputs.bus[bus]]
        for lane in range(n):
            v_re, v_im = row[RE * n + lane], row[IM * n + lane]
            sums[lane] = v_re * v_re + v_im * v_im
        roots(sums[:n])
        write(sums, 0, answer, bus)


@inlined
def _read_elements(lanes: Lanes, rows: Floats, outputs: Outputs, sums: Floats, answer: Floats) -> None:
    """Loadings at the worst end, what flows into transformers, and what is lost on the way."""
    n, first_loading = len(lanes), len(outputs.bus)
    sums[:] = 0.0
    for element in range(len(outputs.column)):
        for lane in range(n):
            sums[lane] = 0.0
        for end in range(outputs.end_start[element + 1] - 1, outputs.end_start[element] - 1, -1):
            _read_end(lanes, rows, outputs, end, sums)
        column = outputs.column[element]
        if column < outputs.n_line + outputs.n_trafo:
            roots(sums[:n])
            write(sums, 0, answer, first_loading + column)
            if column >= outputs.n_line:  # what flows in is that of the first end, read last
                for lane in range(n):
                    sums[INTO * n + lane] *= outputs.base_kva
                write(sums, INTO * n, answer, first_loading + outputs.n_trafo + column)
    for lane in range(n):
        sums[LOSSES * n + lane] *= outputs.base_kva
    write(sums, LOSSES * n, answer, answer.shape[1] - 4)


@inlined
def _read_end(lanes: Lanes, rows: Floats, outputs: Outputs, end: int, sums: Floats) -> None:
    n = len(lanes)
    near, far = rows[outputs.near[end]], rows[outputs.far[end]]
    a, b, c, d = outputs.y[end, 0], outputs.y[end, 1], outputs.y[end, 2], outputs.y[end, 3]
    percent_squared = outputs.percent_squared[end]
    for lane in range(n):
        n_re, n_im = near[RE * n + lane], near[IM * n + lane]
        f_re, f_im = far[RE * n + lane], far[IM * n + lane]
        i_re = a * n_re - b * n_im + c * f_re - d * f_im
        i_im = a * n_im + b * n_re + c * f_im + d * f_re
        squared = (i_re * i_re + i_im * i_im) * percent_squared
        worst = sums[lane]
        sums[lane] = squared if squared > worst else worst
        into = n_re * i_re + n_im * i_im
        sums[INTO * n + lane] = into
        sums[LOSSES * n + lane] += into


@inlined
def _read_supply(lanes: Lanes, rows: Floats, outputs: Outputs, sums: Floats, answer: Floats) -> None:
    """What the external grids deliver: into the network, and to what hangs on their own buses."""
    n = len(lanes)
    sums[:] = 0.0
    for entry in range(len(outputs.held)):
        held, other = rows[outputs.held[entry]], rows[outputs.held_other[entry]]
        a, b = outputs.held_y[entry, 0], outputs.held_y[entry, 1]
        for lane in range(n):
            i_re = a * other[RE * n + lane] - b * other[IM * n + lane]
            i_im = a * other[IM * n + lane] + b * other[RE * n + lane]
            sums[lane] += held[RE * n + lane] * i_re + held[IM * n + lane] * i_im
    for position in range(len(rows) - 1 - outputs.n_held, len(rows) - 1):
        row = rows[position]
        for lane in range(n):
            sums[lane] += row[D_RE * n + lane]
    for lane in range(n):
        sums[lane] = sums[lane] * outputs.base_kva + outputs.held_p_kw
    write(sums, 0, answer, answer.shape[1] - 3)
