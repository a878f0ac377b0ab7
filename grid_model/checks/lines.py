"""What may be wrong with a line: no rating, no length, no impedance, two voltage levels, doubtful units."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from grid_model.checks.frames import active, each, filled, frame, has, some, values
from grid_model.checks.rules import Rule, broken, finite_rules
from grid_model.checks.shape import NUMBERS
from grid_model.errors import Finding

NO_RATING_KA = 9.0
"""No cable of a distribution network carries 9 kA: so large a rating stands for none."""
_SAME_VOLTAGE = 1.25
_LOW_VOLTAGE_KV = 1.2
_LONG_KM = 10.0

_RULES = (
    Rule(
        "line",
        "max_i_ka",
        lambda rating, derating, parallel: ~(rating * derating * parallel > 0),
        "has no rating (max_i_ka, df, parallel); expected above 0",
        "write the cable's current rating in kA, and 1 for df and parallel where nothing else is known",
        ("max_i_ka", "df", "parallel"),
    ),
    Rule(
        "line",
        "parallel",
        lambda parallel: np.isfinite(parallel) & ((parallel < 1) | (parallel % 1 != 0)),
        "parallel is not a whole number of 1 or more",
        "write how many lines lie side by side",
    ),
    Rule(
        "line",
        "length_km",
        lambda length: ~((length > 0) & np.isfinite(length)),
        "length_km is missing or not above 0",
        "write the length in kilometres; a connection without length is a bus-bus switch",
    ),
    Rule(
        "line",
        "r_ohm_per_km",
        lambda r, x: ~(np.isfinite(r) & np.isfinite(x)),
        "r or x is missing",
        "write r_ohm_per_km and x_ohm_per_km of the cable",
        ("r_ohm_per_km", "x_ohm_per_km"),
    ),
    Rule(
        "line",
        "r_ohm_per_km",
        lambda r: r < 0,
        "negative impedance; expected r of 0 or more",
        "correct the sign of r_ohm_per_km",
    ),
    Rule(
        "line",
        "x_ohm_per_km",
        lambda x: x < 0,
        "negative impedance; expected x of 0 or more",
        "correct the sign of x_ohm_per_km",
    ),
    Rule(
        "line",
        "r_ohm_per_km",
        lambda r, x: (r == 0) & (x == 0),
        "zero impedance",
        "use a bus-bus switch instead",
        ("r_ohm_per_km", "x_ohm_per_km"),
    ),
    Rule(
        "line",
        "c_nf_per_km",
        lambda c: c < 0,
        "negative capacitance; expected 0 or more",
        "correct the sign of c_nf_per_km, unless the line is an equivalent",
        severity="warning",
    ),
    Rule(
        "line",
        "g_us_per_km",
        lambda g: g < 0,
        "negative conductance; expected 0 or more",
        "correct the sign of g_us_per_km, unless the line is an equivalent",
        severity="warning",
    ),
    Rule(
        "line",
        "max_loading_percent",
        lambda limit: limit <= 0,
        "max_loading_percent is not above 0, so 100 is taken",
        "write the limit in percent of the rating, or leave it empty",
        severity="warning",
    ),
    *finite_rules("line", NUMBERS["line"], ("max_i_ka", "length_km", "r_ohm_per_km", "x_ohm_per_km")),
)


def line_findings(net: Any) -> Iterator[Finding]:
    """All that is wrong with lines by themselves."""
    yield from broken(net, _RULES)
    yield from _without_rating(net)
    yield from _impedances(net)
    yield from _types(net)


def line_end_findings(net: Any) -> Iterator[Finding]:
    """All that is wrong with lines between their buses."""
    if has(net, "line", "from_bus", "to_bus") and has(net, "bus", "vn_kv"):
        yield from _voltage_levels(net)
        yield from _long(net)


def _without_rating(net: Any) -> Iterator[Finding]:
    if not has(net, "line", "max_i_ka"):
        return
    wide = active(net, "line") & (values(net, "line", "max_i_ka") > NO_RATING_KA)
    if wide.any():
        yield Finding(
            "warning",
            f"{np.count_nonzero(wide)} lines",
            f"have no rating (or one above {NO_RATING_KA:g} kA, were amperes written?), so their loading "
            f"cannot be checked: {some(net, 'line', net.line.index[wide])}",
            table="line",
            field="max_i_ka",
            repair="write their ratings in kA",
        )


def _impedances(net: Any) -> Iterator[Finding]:
    """Branches that a converter could not make a line or a transformer of."""
    if filled(net, "impedance"):
        yield Finding(
            "warning",
            f"{len(net.impedance)} impedances",
            "are part of the load flow, but have no rating, so their loading is not checked: "
            + some(net, "impedance", net.impedance.index),
            table="impedance",
            repair="model them as lines or transformers",
        )


def _voltage_levels(net: Any) -> Iterator[Finding]:
    level = net.bus["vn_kv"].to_dict()
    ends = [
        np.array([_number(level.get(bus)) for bus in net.line[end]], dtype=np.float64)
        for end in ("from_bus", "to_bus")
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.maximum(ends[0] / ends[1], ends[1] / ends[0])
    yield from each(
        net,
        "line",
        active(net, "line") & (ratio > _SAME_VOLTAGE),
        "to_bus",
        "joins buses of different voltage levels",
        repair="a transformer belongs between them, or vn_kv of one bus is wrong",
    )


def _long(net: Any) -> Iterator[Finding]:
    if not has(net, "line", "length_km"):
        return
    level = net.line["from_bus"].map(net.bus["vn_kv"]).to_numpy()
    low = np.array([_number(one) <= _LOW_VOLTAGE_KV for one in level], dtype=bool)
    long = active(net, "line") & low & (values(net, "line", "length_km") > _LONG_KM)
    yield from each(
        net,
        "line",
        long,
        "length_km",
        f"longer than {_LONG_KM:g} km at low voltage",
        repair="were metres written as kilometres?",
        severity="warning",
    )


def _types(net: Any) -> Iterator[Finding]:
    """Types that the network's own library does not have: the parameters count all the same."""
    for table in ("line", "trafo"):
        found = frame(net, table)
        library = net.get("std_types", {})
        known = library.get(table, {}) if isinstance(library, dict) else {}
        if found is None or "std_type" not in found or not isinstance(known, dict):
            continue
        named = {one for one in found["std_type"] if isinstance(one, str) and one}
        if lost := sorted(named - set(known)):
            yield Finding(
                "info",
                f"table {table!r}",
                f"names {len(lost)} standard types that the network's library lacks ({', '.join(lost[:5])}); "
                "the parameters in the table are used",
                table=table,
                field="std_type",
            )


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float, np.number)) else float("nan")
