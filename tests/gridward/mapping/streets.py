"""Two streets behind one substation and a history of them, as good instruments show it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp

from controller.stores.port import FeederSample
from controller.stores.sqlite import SqliteStore
from grid_model.load_flow import FactoredLoadFlow
from grid_model.mapping.any_bus import AnyBus
from grid_model.mapping.observations import FlowMeter, Observations, instruments, modelled
from grid_model.network import Floats
from tests.grid_model.small_networks import loaded, street

HOUSES = 5
"""in each street"""
N = 96
BEGIN = datetime(2026, 1, 12, tzinfo=timezone(timedelta(hours=1)))
EVENING = (18, 22)
OUTGOING = ("line:0", "line:5")


def two_streets() -> Any:
    """`house 0` to `house 4` on line:0 and beyond, `house 5` to `house 9` on line:5 and beyond."""
    net = street(HOUSES)
    before = int(net.bus.index[net.bus.name == "busbar"][0])
    for house in range(HOUSES, 2 * HOUSES):
        bus = pp.create_bus(net, 0.4, name=f"bus {house}")
        line = net.line.iloc[0]
        pp.create_line_from_parameters(
            net, before, bus, length_km=0.08, r_ohm_per_km=line.r_ohm_per_km, x_ohm_per_km=line.x_ohm_per_km,
            c_nf_per_km=line.c_nf_per_km, max_i_ka=line.max_i_ka, name=f"cable {house}",
        )  # fmt: skip
        pp.create_load(net, bus, 0.005, 0.001, name=f"house {house}")
        before = bus
    return net


@dataclass(frozen=True)
class Told:
    """What meters and substation say."""

    at: list[datetime]
    p_kw: Floats
    """(n, house)"""
    v_pu: Floats
    flow_kw: dict[str, Floats]
    """of the transformer's high- and low-voltage side, `from` and `to`, and the outgoing lines"""


def told(
    *,
    missing_kw: float = 0.0,
    moved: tuple[int, int] | None = None,
    away: int | None = None,
    guest_kw: Floats | None = None,
    seed: int = 5,
) -> Told:
    """`missing_kw` at `bus 3` in the evening that no meter shows; `moved`: a house that is really at
    another's bus; `away`: one that is read but not supplied from here; `guest_kw` (n,) of one that is
    supplied from here, and read elsewhere."""
    network = loaded(two_streets(), metered_generation=True)
    any_bus = AnyBus(network, FactoredLoadFlow(network))
    a, rng = any_bus.admittance, np.random.default_rng(seed)
    at = [BEGIN + timedelta(minutes=15 * k) for k in range(N)]
    p_kw = rng.lognormal(0.5, 0.6, (N, 2 * HOUSES))
    bus = a.service_point.copy()
    if moved is not None:
        bus[moved[0]] = bus[moved[1]]
    demand = np.zeros((N, a.n_free), dtype=np.complex128)
    for house in (house for house in range(2 * HOUSES) if house != away):
        demand[:, bus[house]] += p_kw[:, house] * (1 - 0.2j) / a.base_kva
    evening = np.array([EVENING[0] <= time.hour < EVENING[1] for time in at])
    place = int(a.bus[network.buses.names.index("bus 3")])
    unread_kw = evening * missing_kw + (0.0 if guest_kw is None else guest_kw)
    demand[:, place] += unread_kw * (1 - 0.2j) / a.base_kva
    v = any_bus.solve(demand, np.ones(N))
    meters = (FlowMeter("trafo:0", "from"), FlowMeter("trafo:0"), *(FlowMeter(x, "from") for x in OUTGOING))
    none = np.zeros((N, len(meters)))
    used = instruments(network, a, Observations(p_kw, p_kw, np.full_like(p_kw, np.nan), meters, none, none))
    flows = modelled(a, used, v).T
    noise = rng.normal(0, 0.02, (len(meters), N))
    names = ("from", "to", *OUTGOING)
    return Told(at, p_kw, np.abs(v[:, bus]), dict(zip(names, flows[: len(meters)] + noise, strict=True)))


def write_files(folder: Path, seen: Told) -> list[str]:
    """The command's arguments for the network and both histories."""
    network, readings, substation = (folder / x for x in ("net.json", "readings.csv", "substation.csv"))
    pp.to_json(two_streets(), str(network))
    rows = ["at,service_point,p_kw,q_kvar,v_pu"]
    rows += [
        f"{at.isoformat()},house {house},{p:.4f},{0.2 * p:.4f},{v:.5f}"
        for at, powers, voltages in zip(seen.at, seen.p_kw, seen.v_pu, strict=True)
        for house, (p, v) in enumerate(zip(powers, voltages, strict=True))
    ]
    readings.write_text("\n".join(rows))
    flows = {"trafo:0": seen.flow_kw["to"]} | {line: seen.flow_kw[line] for line in OUTGOING}
    lines = [
        f"{at.isoformat()},{element},{flow[k]:.4f}"
        for k, at in enumerate(seen.at)
        for element, flow in flows.items()
    ]
    substation.write_text("\n".join(["at,element,p_kw", *lines]))
    return [str(network), "--readings", str(readings), "--substation", str(substation)]


def write_site(folder: Path, seen: Told, *, with_rtu: bool = True, **others: Told) -> str:
    """A site with the feeder `dorf` and the others, whose record holds three samples of each quarter-hour."""
    pp.to_json(two_streets(), str(folder / "net.json"))
    (folder / "customers.csv").write_text("customer,service_point,meter,critical,notices\n")
    (folder / "devices.csv").write_text("device,service_point,kind,p_kw,min_kw,critical\n")
    feeders = {"dorf": seen, **others}
    tables = [
        f'[[feeder]]\nid = "{feeder}"\nnetwork = "net.json"\n'
        'customers = "customers.csv"\ndevices = "devices.csv"\n'
        for feeder in feeders
    ]
    site = folder / "site.toml"
    site.write_text(
        f'name = "streets"\n{"".join(tables)}[look_ahead]\ntime_zone = "Europe/Berlin"\n'
        '[store]\npath = "record.sqlite3"\n'
    )
    store = SqliteStore(folder / "record.sqlite3", durable=False)
    store.take_over("test")
    for feeder, told_of in feeders.items():
        store.commit([], _samples(feeder, told_of, with_rtu=with_rtu))
    store.close()
    return str(site)


def _samples(feeder: str, seen: Told, *, with_rtu: bool) -> list[FeederSample]:
    return [
        FeederSample(
            feeder=feeder,
            at=at.astimezone(UTC) + timedelta(minutes=5 * part),
            p_kw=seen.p_kw[k].astype(np.float32),
            transformer_loading_percent=None,
            max_line_loading_percent=None,
            without_control_percent=None,
            curtailed_kw=0.0,
            substation_p_kw=float(seen.flow_kw["from"][k]) if with_rtu else None,
        )
        for k, at in enumerate(seen.at)
        for part in range(3)
    ]
