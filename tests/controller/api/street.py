"""A small network by hand, who lives there, and which line feeds whom."""

import numpy as np

from customers.registry import Customer, Device, Registry
from grid_model.network import Branches, Buses, Floats, Network

FLOOR_KW, CHARGER_KW = 4.2, 11.0


def street_network(arms: int = 3, houses: int = 6) -> Network:
    """A substation with streets of equally many houses, one service point each. Needs no pandapower."""
    n_bus = 2 + arms * houses
    xy = np.zeros((n_bus, 2))
    xy[0] = (0, 40)
    tails, heads = [], []
    for arm in range(arms):
        angle = np.pi * (arm + 0.5) / arms - np.pi
        for house in range(houses):
            bus = 2 + arm * houses + house
            xy[bus] = (60 * (house + 1) * np.cos(angle), 60 * (house + 1) * np.sin(angle))
            tails.append(1 if house == 0 else bus - 1)
            heads.append(bus)
    n_line = len(tails)
    return Network(
        source="street",
        net=None,
        buses=Buses(
            ids=tuple(f"bus:{i}" for i in range(n_bus)),
            names=("MV busbar", "LV busbar", *(f"House {i}" for i in range(1, n_bus - 1))),
            vn_kv=np.array([20.0] + [0.4] * (n_bus - 1)),
            min_v_pu=np.full(n_bus, np.nan),
            max_v_pu=np.full(n_bus, np.nan),
            xy=xy,
        ),
        lines=Branches(
            ids=tuple(f"line:{i}" for i in range(n_line)),
            names=tuple(f"Cable {i + 1}" for i in range(n_line)),
            from_bus=np.array(tails, dtype=np.int64),
            to_bus=np.array(heads, dtype=np.int64),
            max_loading_percent=np.full(n_line, 100.0),
        ),
        transformers=Branches(("trafo:0",), ("Trafo 1",), np.array([0]), np.array([1]), np.array([100.0])),
        service_points=tuple(f"House {i}" for i in range(1, n_bus - 1)),
        load_ids=tuple(f"load:{i}" for i in range(n_bus - 2)),
        service_point_bus=np.arange(2, n_bus, dtype=np.int64),
        default_p_kw=np.full(n_bus - 2, 0.5),
        default_q_kvar=np.zeros(n_bus - 2),
    )


def registry_of(network: Network) -> Registry:
    """One customer per service point, one of them critical; a charger at three of five."""
    points = network.service_points
    customers = tuple(
        Customer(f"C{i + 1:03d}", point, f"M{i + 1:03d}", critical=i == 4) for i, point in enumerate(points)
    )
    devices = tuple(
        Device(f"EV-{i + 1:03d}", point, "ev_charger", CHARGER_KW, FLOOR_KW)
        for i, point in enumerate(points)
        if i % 5 < 3
    )
    return Registry(customers, devices)


def below(network: Network) -> tuple[Floats, Floats]:
    """(n_line, n_sp) 1 where the line feeds the service point; (n_sp,) steps from the supply."""
    up: dict[int, tuple[int, int]] = {}
    reached = [int(bus) for bus in network.transformers.to_bus]
    ends = list(zip(network.lines.from_bus.tolist(), network.lines.to_bus.tolist(), strict=True))
    for bus in reached:
        for line, (one, other) in enumerate(ends):
            for near, far in ((one, other), (other, one)):
                if near == bus and far not in up and far not in reached:
                    up[far] = (near, line)
                    reached.append(far)
    feeds = np.zeros((len(ends), len(network.service_points)))
    steps = np.zeros(len(network.service_points))
    for point, start in enumerate(network.service_point_bus.tolist()):
        bus = start
        while bus in up:
            bus, line = up[bus]
            feeds[line, point] = 1
            steps[point] += 1
    return feeds, steps
