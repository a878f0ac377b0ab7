"""What may be wrong with a transformer: ratings, short-circuit voltages, turned sides, taps out of range."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from grid_model.checks.frames import Floats, Mask, active, each, fault, has, is_true, values
from grid_model.checks.rules import Rule, broken, finite_rules
from grid_model.checks.shape import NUMBERS
from grid_model.errors import Finding

_FAR_OFF = 1.5
"""Rated to nominal voltage: beyond this factor the transformer stands between the wrong buses."""
_OFF = 1.2
_LOW_VOLTAGE_KV = 1.2
_LARGE_MVA = 10.0
_TAP_SIDES = {"hv", "mv", "lv"}


def _not_positive(value: Floats) -> Mask:
    return ~((value > 0) & np.isfinite(value))


def _positive(table: str, fields: tuple[str, ...], meaning: str, unit: str) -> list[Rule]:
    return [
        Rule(
            table,
            field,
            _not_positive,
            f"has no {meaning} ({field}); expected above 0",
            f"write its {meaning} in {unit}",
        )
        for field in fields
    ]


def _short_circuit(table: str, side: str) -> list[Rule]:
    vk, vkr = f"vk{side}_percent", f"vkr{side}_percent"
    return [
        Rule(
            table,
            vk,
            _not_positive,
            f"{vk} is missing, 0 or negative",
            "write the short-circuit voltage from the rating plate, for example 4",
        ),
        Rule(
            table,
            vkr,
            lambda r, z: ~((r >= 0) & (r <= z)) & (z > 0),
            f"{vkr} is not between 0 and {vk}",
            f"write the resistive part of {vk}, for example 1.2 of 4",
            (vkr, vk),
        ),
    ]


_WHOLE_UNITS = Rule(
    "trafo",
    "parallel",
    lambda parallel: np.isfinite(parallel) & ((parallel < 1) | (parallel % 1 != 0)),
    "parallel is not a whole number of 1 or more",
    "write how many transformers work side by side",
)
_DERATING = Rule("trafo", "df", _not_positive, "df is not above 0", "write 1 where nothing is known")


def _tap(table: str, number: str) -> Rule:
    pos, least, most = (f"tap{number}_{word}" for word in ("pos", "min", "max"))
    return Rule(
        table,
        pos,
        lambda at, low, high: (at < low) | (at > high),
        f"{pos} is outside {least} to {most}",
        f"correct {pos}, or the range",
        (pos, least, most),
    )


_RULES = (
    *_positive("trafo", ("sn_mva",), "rating", "MVA"),
    *_positive("trafo", ("vn_hv_kv", "vn_lv_kv"), "voltage", "kV"),
    *_positive("trafo3w", ("sn_hv_mva", "sn_mv_mva", "sn_lv_mva"), "rating", "MVA"),
    *_positive("trafo3w", ("vn_hv_kv", "vn_mv_kv", "vn_lv_kv"), "voltage", "kV"),
    _WHOLE_UNITS,
    _DERATING,
    *_short_circuit("trafo", ""),
    *_short_circuit("trafo3w", "_hv"),
    *_short_circuit("trafo3w", "_mv"),
    *_short_circuit("trafo3w", "_lv"),
    _tap("trafo", ""),
    _tap("trafo", "2"),
    _tap("trafo3w", ""),
    Rule(
        "trafo",
        "pfe_kw",
        lambda iron, load, rating: (iron < 0) | (iron > 1000 * rating),
        "iron losses are negative or above the rating",
        "write pfe_kw in kW",
        ("pfe_kw", "i0_percent", "sn_mva"),
    ),
    Rule(
        "trafo",
        "sn_mva",
        lambda rating, volts: (rating > _LARGE_MVA) & (volts <= _LOW_VOLTAGE_KV),
        f"rated above {_LARGE_MVA:g} MVA with a low-voltage winding, so its loading cannot be checked",
        "were kVA written as MVA?",
        ("sn_mva", "vn_lv_kv"),
        "warning",
    ),
    Rule(
        "trafo",
        "max_loading_percent",
        lambda limit: limit <= 0,
        "max_loading_percent is not above 0, so 100 is taken",
        "write the limit in percent of the rating, or leave it empty",
        severity="warning",
    ),
    *finite_rules(
        "trafo",
        NUMBERS["trafo"],
        ("sn_mva", "vn_hv_kv", "vn_lv_kv", "df", "vk_percent", "vkr_percent"),
    ),
    *finite_rules("trafo3w", ("pfe_kw", "i0_percent", "shift_mv_degree", "shift_lv_degree")),
)


def transformer_findings(net: Any) -> Iterator[Finding]:
    """All that is wrong with two- and three-winding transformers by themselves."""
    yield from broken(net, _RULES)
    for table in ("trafo", "trafo3w"):
        yield from _tap_sides(net, table)
        yield from _tap_tables(net, table)


def winding_findings(net: Any) -> Iterator[Finding]:
    """All that is wrong with transformers between their buses."""
    if has(net, "bus", "vn_kv"):
        yield from _ratios(net, "trafo", ("hv", "lv"))
        yield from _ratios(net, "trafo3w", ("hv", "mv", "lv"))


def _ratios(net: Any, table: str, sides: tuple[str, ...]) -> Iterator[Finding]:
    """Rated voltages beside the nominal ones of the buses; turned sides are told as such."""
    columns = [f"{side}_bus" for side in sides] + [f"vn_{side}_kv" for side in sides]
    if not has(net, table, *columns):
        return
    nominal = {side: _nominal_kv(net, table, f"{side}_bus") for side in sides}
    rated = {side: values(net, table, f"vn_{side}_kv") for side in sides}
    with np.errstate(divide="ignore", invalid="ignore"):
        off = {side: _factor(rated[side], nominal[side]) for side in sides}
        turned = (
            (_factor(rated["hv"], nominal["lv"]) < _OFF)
            & (_factor(rated["lv"], nominal["hv"]) < _OFF)
            & (off["hv"] > _FAR_OFF)
        )
    at_work = active(net, table)
    yield from each(
        net,
        table,
        at_work & turned,
        "hv_bus",
        "has its sides turned: its high-voltage winding is at the low-voltage bus",
        repair="exchange hv_bus and lv_bus",
    )
    for side in sides:
        wrong = at_work & ~turned & (off[side] > _OFF)
        for place in np.flatnonzero(wrong):
            yield fault(
                net,
                table,
                net[table].index[place],
                f"vn_{side}_kv",
                f"does not fit its {side} bus of {nominal[side][place]:g} kV",
                repair="correct the winding's voltage, or connect it to the right bus",
                severity="error" if off[side][place] > _FAR_OFF else "warning",
            )


def _nominal_kv(net: Any, table: str, column: str) -> Floats:
    level = net.bus["vn_kv"].to_dict()
    cells = (level.get(bus) for bus in net[table][column])
    return np.array(
        [float(cell) if isinstance(cell, (int, float, np.number)) else np.nan for cell in cells],
        dtype=np.float64,
    )


def _factor(one: Floats, other: Floats) -> Floats:
    """By which factor two voltages differ, 1 or more; NaN where one is unknown."""
    factor = np.maximum(one / other, other / one)
    return np.where((one > 0) & (other > 0), factor, np.nan)


def _tap_sides(net: Any, table: str) -> Iterator[Finding]:
    if not has(net, table, "tap_side", "tap_pos", "tap_neutral"):
        return
    moved = values(net, table, "tap_pos") != values(net, table, "tap_neutral")
    known = np.isfinite(values(net, table, "tap_pos")) & np.isfinite(values(net, table, "tap_neutral"))
    unsided = np.array([side not in _TAP_SIDES for side in net[table]["tap_side"]], dtype=bool)
    yield from each(
        net,
        table,
        active(net, table) & moved & known & unsided,
        "tap_side",
        "has a tap off neutral on neither side, so it has no effect",
        repair="write hv or lv as tap_side",
        severity="warning",
    )


def _tap_tables(net: Any, table: str) -> Iterator[Finding]:
    """Taps that follow a table of characteristics need one."""
    if not has(net, table, "tap_dependency_table"):
        return
    follows = np.array([is_true(cell) for cell in net[table]["tap_dependency_table"]], dtype=bool)
    yield from each(
        net,
        table,
        active(net, table) & follows & ~np.isfinite(values(net, table, "id_characteristic_table")),
        "tap_dependency_table",
        "follows a table of characteristics, but id_characteristic_table names none",
        repair="write false, or the number of a table in trafo_characteristic_table",
    )
