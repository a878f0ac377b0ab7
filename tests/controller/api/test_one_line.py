"""The one-line diagram: a tree whose branches do not cross, the same each time, quick for large networks."""

from dataclasses import replace

import numpy as np
import pandapower
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.api.one_line import OneLine, one_line
from grid_model.network import Network, network_of
from grid_model.network_drawing import wiring_of
from tests.controller.api.street import street_network


def _tree(parents: tuple[int, ...]) -> Network:
    """Bus i + 1 hangs at bus parents[i]; bus 0 is the supply."""
    network = street_network(arms=1, houses=len(parents) - 1)
    lines = replace(
        network.lines,
        ids=tuple(f"line:{i}" for i in range(len(parents))),
        names=("",) * len(parents),
        from_bus=np.array(parents, dtype=np.int64),
        to_bus=np.arange(1, len(parents) + 1),
        max_loading_percent=np.full(len(parents), 100.0),
    )
    none = np.array([], dtype=np.int64)
    return replace(
        network, lines=lines, transformers=replace(network.transformers, ids=(), from_bus=none, to_bus=none)
    )


def _drawn(network: Network) -> OneLine:
    return one_line(network, wiring_of(network))


def _switched(closed: bool) -> Network:
    """Two cables from a busbar of two halves, joined at their ends by a cable with a switch."""
    net = pandapower.create_empty_network()
    buses = [pandapower.create_bus(net, vn_kv=0.4) for _ in range(5)]
    pandapower.create_ext_grid(net, buses[0])
    pandapower.create_switch(net, buses[0], buses[1], et="b", closed=True)
    for one, other in ((0, 2), (1, 3), (2, 3)):
        pandapower.create_line(net, buses[one], buses[other], length_km=0.1, std_type="NAYY 4x150 SE")
    pandapower.create_switch(net, buses[3], 2, et="l", closed=closed)
    pandapower.create_line(net, buses[3], buses[4], length_km=0.1, std_type="NAYY 4x150 SE", in_service=False)
    pandapower.create_load(net, buses[3], p_mw=0.001)
    return network_of(net, "switched")


def test_the_longest_way_goes_straight_on_and_houses_hang_below_it() -> None:
    # a main of three joints, a house at each, and a side cable of two at the first
    drawn = _drawn(_tree((0, 1, 2, 1, 2, 3, 1, 7)))
    assert drawn.depth.tolist() == [0, 1, 2, 3, 2, 3, 4, 2, 3]
    assert drawn.row.tolist() == [0, 0, 0, 0, 1, 1, 0, 2, 2]
    assert drawn.parent.tolist() == [-1, 0, 1, 2, 1, 2, 3, 1, 7]
    assert drawn.line_in_tree.all()


def test_a_ring_is_closed_across_the_tree_and_an_open_cable_is_no_branch() -> None:
    drawn = _drawn(_switched(closed=True))
    assert drawn.parent.tolist() == [-1, -1, 0, 0, -1]  # both halves of the busbar are one
    assert drawn.depth.tolist() == [0, 0, 1, 1, 0]
    assert drawn.line_in_tree.tolist() == [True, True, False, False]
    assert drawn.link_in_tree.tolist() == [True]
    assert drawn.row[4] > drawn.row[:4].max()  # nobody supplies it: below all others


def test_an_open_switch_is_told_with_the_end_that_is_open() -> None:
    wiring = wiring_of(_switched(closed=False))
    assert wiring.line_closed.tolist() == [True, True, False, False]
    assert (wiring.open_switches.ids, wiring.open_switches.element) == (("switch:1",), ("line:2",))
    assert wiring.open_switches.bus.tolist() == [3]
    assert wiring.line_length_m.tolist() == [100.0] * 4
    assert wiring.supply.tolist() == [0]


def test_transformers_side_by_side_are_rated_as_one() -> None:
    net = pandapower.create_empty_network()
    high, low = (pandapower.create_bus(net, vn_kv=vn_kv) for vn_kv in (20.0, 0.4))
    pandapower.create_ext_grid(net, high)
    pandapower.create_transformer(net, high, low, std_type="0.25 MVA 20/0.4 kV", parallel=2)
    pandapower.create_load(net, low, p_mw=0.01, name="house")
    assert wiring_of(network_of(net, "two.json")).transformer_kva.tolist() == [500.0]


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40).flatmap(lambda n: st.tuples(*(st.integers(0, i) for i in range(n)))))
def test_no_two_buses_share_a_place_and_no_two_branches_cross(parents: tuple[int, ...]) -> None:
    drawn = _drawn(_tree(parents))
    places = set(zip(drawn.depth.tolist(), drawn.row.tolist(), strict=True))
    assert len(places) == len(parents) + 1
    runs: dict[tuple[int, int], int] = {}
    for bus, parent in enumerate(parents, start=1):
        depth, row = int(drawn.depth[bus]), int(drawn.row[bus])
        assert (depth, int(drawn.parent[bus])) == (int(drawn.depth[parent]) + 1, parent)
        # a branch goes down right of its parent, then across: the way down passes only its own siblings' rows
        for passed in range(int(drawn.row[parent]), row + 1):
            assert runs.setdefault((depth, passed), parent) == parent


def test_the_extremes_are_drawn_too() -> None:
    """A chain and a star of 3,000: neither takes work by the square, nor a stack."""
    chain = _drawn(_tree(tuple(range(3_000))))
    assert chain.row.max() == 0
    assert chain.depth.max() == 3_000
    star = _drawn(_tree((0,) * 3_000))
    assert sorted(star.row[1:].tolist()) == list(range(3_000))


def test_the_same_network_is_drawn_the_same() -> None:
    one, other = _drawn(street_network(7, 9)), _drawn(street_network(7, 9))
    assert one.row.tolist() == other.row.tolist()
    assert one.depth.tolist() == other.depth.tolist()
