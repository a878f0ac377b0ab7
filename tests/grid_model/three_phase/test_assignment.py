"""Customers put on phases after loading are as if they had been loaded there."""

import numpy as np
import pytest

from grid_model.three_phase.assignment import on_phases
from grid_model.three_phase.phases import connected_phases
from tests.grid_model.three_phase.feeders import customer, loaded, street


def test_as_loaded_with_these_phases() -> None:
    net = street(4)
    texts = {"house 0": "c", "house 2": "ab", "house 3": "abc"}
    network = loaded(net)
    moved = {network.service_points.index(name): connected_phases(text) for name, text in texts.items()}
    found = on_phases(network, {point: on for point, on in moved.items() if on is not None})
    expected = loaded(net, phases=texts)
    np.testing.assert_array_equal(found.connected, expected.connected)
    np.testing.assert_allclose(found.default_p_kw, expected.default_p_kw, atol=1e-12)
    np.testing.assert_allclose(found.default_q_kvar, expected.default_q_kvar, atol=1e-12)
    np.testing.assert_array_equal(found.connected[1], network.connected[1])
    assert network.connected[0].tolist() == [True, False, False]  # the first one is as it was


def test_nobody_is_moved_by_nothing() -> None:
    network = loaded(street(2))
    found = on_phases(network, {})
    np.testing.assert_array_equal(found.connected, network.connected)
    np.testing.assert_array_equal(found.default_p_kw, network.default_p_kw)


def test_no_phase_and_delta_are_refused() -> None:
    net = street(1)
    customer(net, 2, (1.0, 1.0, 1.0), type="delta", name="pump")
    network = loaded(net)
    with pytest.raises(ValueError, match="house 0"):
        on_phases(network, {network.service_points.index("house 0"): (False, False, False)})
    with pytest.raises(ValueError, match="pump"):
        on_phases(network, {network.service_points.index("pump"): (True, False, False)})
