"""Where buses are drawn."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.layout import APART, HEIGHT, WIDTH, diagram_positions, map_positions
from grid_model.network import Floats, Network
from tests.controller.api.street import street_network


def at(network: Network, xy: Floats) -> Network:
    return replace(network, buses=replace(network.buses, xy=xy))


def test_diagram_goes_from_the_supply_to_the_right() -> None:
    network = street_network(arms=3, houses=4)
    xy = diagram_positions(network)
    assert xy[:, 0].tolist()[:6] == [0.0, *(WIDTH * np.array([1, 2, 3, 4, 5]) / 5)]
    assert sorted(set(xy[2:, 1].tolist())) == [0.0, HEIGHT / 2, HEIGHT]
    assert xy[0, 1] == xy[1, 1] == HEIGHT / 2


def test_diagram_of_rings_islands_and_nothing() -> None:
    network = street_network(arms=2, houses=3)
    ring = replace(network.lines, from_bus=network.lines.from_bus.copy())
    ring.from_bus[3] = 4  # the second street now hangs at the end of the first
    assert len(np.unique(diagram_positions(replace(network, lines=ring)), axis=0)) == 8
    none = replace(network.lines, ids=(), names=(), from_bus=np.array([], int), to_bus=np.array([], int))
    islands = diagram_positions(replace(network, lines=none))
    assert len(np.unique(islands, axis=0)) == 8
    assert np.isfinite(islands).all()


def test_map_keeps_shape_and_turns_what_is_tall() -> None:
    network = street_network(arms=1, houses=2)
    wide = map_positions(at(network, np.array([[200.0, 0], [500, 0], [800, 300], [1400, 600]])))
    assert wide is not None
    assert not wide.turned
    np.testing.assert_allclose(wide.xy, np.array([[0, 500], [250, 500], [500, 250], [1000, 0]]))
    tall = map_positions(at(network, np.array([[0.0, 200], [0, 500], [300, 800], [600, 1400]])))
    assert tall is not None
    assert tall.turned
    np.testing.assert_allclose(tall.xy, np.array([[1000, 500], [750, 500], [500, 250], [0, 0]]))


def test_degrees_are_shortened_towards_the_pole() -> None:
    network = street_network(arms=1, houses=2)
    found = map_positions(at(network, np.array([[10.0, 60], [10.02, 60], [10.02, 60.002], [10.0, 60.002]])))
    assert found is not None
    # a degree of longitude at 60° is half as long as one of latitude: 0.01 by 0.002
    np.testing.assert_allclose(np.ptp(found.xy, axis=0), [1000, 200], rtol=1e-3)


def test_buses_at_one_spot_are_told_apart() -> None:
    network = street_network(arms=1, houses=2)
    found = map_positions(at(network, np.array([[0.0, 0], [0, 0], [0, 0], [1000, 0]])))
    assert found is not None
    distances = np.linalg.norm(found.xy[:3] - found.xy[:3].mean(axis=0), axis=1)
    np.testing.assert_allclose(distances, APART)
    assert len(np.unique(found.xy.round(3), axis=0)) == 4


@pytest.mark.parametrize(
    "xy", [np.full((4, 2), np.nan), np.zeros((4, 2)), np.array([[0.0, 1]] * 3 + [[np.nan, 2]])]
)
def test_without_coordinates_there_is_no_map(xy: Floats) -> None:
    assert map_positions(at(street_network(arms=1, houses=2), xy)) is None


@given(st.integers(2, 40).flatmap(lambda n: st.tuples(*(st.integers(0, i) for i in range(n)))))
def test_any_tree_gives_each_bus_a_place_of_its_own(parents: tuple[int, ...]) -> None:
    """Bus i + 1 hangs at bus parents[i]; bus 0 is the supply."""
    network = street_network(arms=1, houses=len(parents) - 1)
    tree = replace(
        network.lines,
        ids=tuple(f"line:{i}" for i in range(len(parents))),
        names=("",) * len(parents),
        from_bus=np.array(parents),
        to_bus=np.arange(1, len(parents) + 1),
    )
    trafos = replace(
        network.transformers, ids=(), names=(), from_bus=np.array([], int), to_bus=np.array([], int)
    )
    drawn = diagram_positions(replace(network, lines=tree, transformers=trafos))
    assert len(np.unique(drawn.round(6), axis=0)) == len(parents) + 1
    assert (drawn >= 0).all()
    assert (drawn <= [WIDTH, HEIGHT]).all()
    # nobody stands further left than what feeds it
    assert (drawn[1:, 0] > drawn[list(parents), 0]).all()
