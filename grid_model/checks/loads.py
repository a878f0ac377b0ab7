"""What may be wrong with what hangs on the buses: loads, generators, storages, and the units of power."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from grid_model.checks.frames import Floats, active, fault, filled, has, some, values
from grid_model.checks.lines import NO_RATING_KA
from grid_model.checks.rules import Rule, broken, finite_rules
from grid_model.checks.shape import NUMBERS
from grid_model.errors import Finding

_WRONG_UNIT = 20.0
"""A load this many times above what its connection carries was written in the wrong unit."""
_LOW_VOLTAGE_KV = 1.2
_LARGE_MW = 1.0
_NO_RATING_MVA = 9000.0
_SHARES = ("const_z_p_percent", "const_i_p_percent", "const_z_q_percent", "const_i_q_percent")
_CARRIED = ("load", "sgen", "storage", "asymmetric_load", "asymmetric_sgen")

_RULES = (
    *(rule for table in (*_CARRIED, "gen") for rule in finite_rules(table, NUMBERS[table], ("vm_pu",))),
    *(
        rule
        for table in ("shunt", "ward", "xward", "impedance", "dcline")
        for rule in finite_rules(table, NUMBERS[table], ("vn_kv", "vm_pu", "vm_from_pu", "vm_to_pu"))
    ),
    Rule(
        "load",
        "p_mw",
        lambda p: p < 0,
        "takes less than nothing",
        "a generator belongs into table sgen with its power positive",
        severity="warning",
    ),
    Rule(
        "load",
        "scaling",
        lambda scaling: scaling < 0,
        "scaling is negative; expected 0 or more",
        "write 1 where nothing is scaled",
    ),
    *(
        Rule(
            "load",
            share,
            lambda percent: (percent < 0) | (percent > 100),
            f"{share} is outside 0 to 100",
            "write a share in percent",
        )
        for share in _SHARES
    ),
    *(
        Rule(
            "load",
            one,
            lambda z, i: (z >= 0) & (z <= 100) & (i >= 0) & (i <= 100) & (z + i > 100),
            f"{one} and {other} are more than 100 together",
            "what is left of 100 is constant power",
            (one, other),
        )
        for one, other in (_SHARES[:2], _SHARES[2:])
    ),
    *(
        Rule(
            "gen",
            least,
            lambda low, high: low > high,
            f"{least} is above {most}",
            "exchange the two limits",
            (least, most),
        )
        for least, most in (("min_p_mw", "max_p_mw"), ("min_q_mvar", "max_q_mvar"))
    ),
)


def load_findings(net: Any) -> Iterator[Finding]:
    """All that is wrong with loads and whatever else injects at a bus, by themselves."""
    yield from _service_points(net)
    yield from broken(net, _RULES)
    yield from _duplicate_names(net)


def _service_points(net: Any) -> Iterator[Finding]:
    at_work = active(net, "load")
    if not at_work.any():
        yield Finding(
            "error",
            "network",
            "has no load in service; expected at least one service point",
            table="load",
            repair=(
                "its customers are in asymmetric_load, phase by phase: check it per phase"
                if filled(net, "asymmetric_load")
                else "every customer's connection is a load, with or without power of its own"
            ),
        )
        return
    if idle := np.count_nonzero(~at_work):
        names = some(net, "load", net.load.index[~at_work])
        yield Finding(
            "warning", f"{idle} loads", f"out of service, so no service points: {names}", table="load"
        )


def _duplicate_names(net: Any) -> Iterator[Finding]:
    if not has(net, "load", "name"):
        return
    names = net.load["name"][active(net, "load")]
    names = names[names.map(lambda name: isinstance(name, str) and bool(name))]
    for name, rows in names.groupby(names):
        if len(rows) > 1:
            ids = ", ".join(f"load:{index}" for index in rows.index)
            yield Finding(
                "warning",
                f"load name {name!r}",
                f"used {len(rows)} times; address these loads as {ids} instead",
                table="load",
                field="name",
            )


def connection_findings(net: Any) -> Iterator[Finding]:
    """Loads that the lines and transformers at their bus could never feed: kW written as MW, mostly."""
    if not has(net, "load", "bus", "p_mw", "scaling") or not has(net, "bus", "vn_kv"):
        return
    carried = _carried_mva(net)
    level = net.bus["vn_kv"].to_dict()
    power = np.abs(values(net, "load", "p_mw") * values(net, "load", "scaling"))
    for place in np.flatnonzero(active(net, "load") & np.isfinite(power)):
        bus = net.load["bus"].iloc[place]
        most = carried.get(bus, np.inf)
        low = isinstance(level.get(bus), (int, float, np.number)) and level[bus] <= _LOW_VOLTAGE_KV
        suspicious = power[place] > most or (low and power[place] > _LARGE_MW)
        if not suspicious:
            continue
        beyond = power[place] > most
        bound = f"{most * 1000:.0f} kW, all that its bus can carry" if beyond else "some 100 kW"
        yield fault(
            net,
            "load",
            net.load.index[place],
            "p_mw",
            f"takes {power[place] * 1000:.0f} kW; expected at most {bound}",
            repair="were kW written as MW?",
            severity="error" if power[place] > _WRONG_UNIT * most else "warning",
        )


def _carried_mva(net: Any) -> dict[Any, float]:
    """What all lines and transformers at a bus carry together; buses that only switches connect are not in
    it, nor those with an unrated branch."""
    carried: dict[Any, float] = {}
    voltage = net.bus["vn_kv"].to_dict()
    if has(net, "line", "from_bus", "to_bus", "max_i_ka", "parallel"):
        amperes = _line_ka(net)
        for end in ("from_bus", "to_bus"):
            for bus, kiloamperes in zip(net.line[end], amperes, strict=True):
                level = voltage.get(bus)
                kv = float(level) if isinstance(level, (int, float, np.number)) else np.nan
                carried[bus] = carried.get(bus, 0.0) + np.sqrt(3) * kiloamperes * kv
    for table, sides in (("trafo", ("hv", "lv")), ("trafo3w", ("hv", "mv", "lv"))):
        for side in sides:
            rated = "sn_mva" if table == "trafo" else f"sn_{side}_mva"
            if filled(net, table) and has(net, table, f"{side}_bus", rated):
                mva = values(net, table, rated) * values(net, table, "parallel", 1.0)
                for bus, one in zip(net[table][f"{side}_bus"], mva, strict=True):
                    carried[bus] = carried.get(bus, 0.0) + (one if one < _NO_RATING_MVA else np.inf)
    joined = _switched_buses(net)
    return {bus: mva for bus, mva in carried.items() if np.isfinite(mva) and mva > 0 and bus not in joined}


def _line_ka(net: Any) -> Floats:
    rating = values(net, "line", "max_i_ka")
    return np.where(rating > NO_RATING_KA, np.inf, rating) * values(net, "line", "parallel")


def _switched_buses(net: Any) -> set[Any]:
    """Buses with a bus-bus switch: what they carry is not only theirs."""
    if not has(net, "switch", "bus", "element", "et"):
        return set()
    couplers = net.switch[net.switch["et"] == "b"]
    return set(couplers["bus"]) | set(couplers["element"])
