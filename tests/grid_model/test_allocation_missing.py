"""When nothing clears: that many kW more at the named places do clear the violation, and fewer do not."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_model.allocation import Allocation, FlexibleDevice, Missing, allocate
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network
from grid_model.violations import Limits, find_violations
from tests.grid_model.small_networks import loaded, street


@cache
def houses() -> tuple[Network, FactoredLoadFlow]:
    network = loaded(street())
    return network, FactoredLoadFlow(network)


def left(network: Network, p_kw: Floats, missing: Missing, share: float) -> set[str]:
    """Elements still outside when `share` of what is missing is moved at the named places."""
    p_kw = p_kw.copy()
    for name, kw in missing.at:
        place = network.service_points.index(name)
        p_kw[place] -= np.sign(p_kw[place]) * share * kw
    result = houses()[1].solve(p_kw, np.zeros(4))
    return {violation.element for violation in find_violations(network, result, Limits())}


def after(p_kw: Floats, devices: list[FlexibleDevice], found: Allocation) -> Floats:
    place = {device.device: device.service_point for device in devices}
    p_kw = p_kw.copy()
    for cut in found.curtailments:
        p_kw[place[cut.device]] += cut.moved_kw
    return p_kw


@settings(deadline=None, max_examples=12)
@given(powers=st.lists(st.floats(22.0, 40.0), min_size=4, max_size=4), feed_in=st.booleans())
def test_that_many_kw_more_clear_it(powers: list[float], feed_in: bool) -> None:
    network, load_flow = houses()
    sign = -1 if feed_in else 1
    p_kw = sign * np.array(powers)
    own = FlexibleDevice("pv", 3, -8.0, -8.0, max_kw=-2.0) if feed_in else FlexibleDevice("ev", 3, 8.0, 2.0)
    found = allocate(network, load_flow, p_kw, np.zeros(4), [own], Limits())
    assert not found.cleared
    assert [m.violation for m in found.missing] == list(found.remaining)
    p_kw = after(p_kw, [own], found)
    for missing in found.missing:
        assert missing.kw is not None
        assert missing.kw == pytest.approx(sum(kw for _, kw in missing.at))
        assert missing.violation.element not in left(network, p_kw, missing, 1.0)
        short = 1 - max(0.01, 0.01 / missing.kw)
        assert missing.violation.element in left(network, p_kw, missing, short)


def test_with_so_much_more_to_give_it_is_cleared() -> None:
    """The one violation that is left, and a device at the named places with as much as is said."""
    (network, load_flow), p_kw = houses(), np.array([20.0, 20.0, 20.0, 20.0])
    own = [FlexibleDevice("ev", 3, 8.0, 7.0)]
    short = allocate(network, load_flow, p_kw, np.zeros(4), own, Limits())
    assert not short.cleared
    worst = max(short.missing, key=lambda missing: missing.kw or 0.0)
    more = [
        FlexibleDevice(f"more at {name}", network.service_points.index(name), kw + 0.01, 0.0)
        for name, kw in worst.at
    ]
    assert allocate(network, load_flow, p_kw, np.zeros(4), own + more, Limits()).cleared


def test_nobody_can_help_against_the_voltage_of_the_grid() -> None:
    network = loaded(street(v_grid_pu=0.85))
    found = allocate(network, FactoredLoadFlow(network), np.full(4, 1.0), np.zeros(4), [], Limits())
    assert not found.cleared
    assert {(missing.kw, missing.at) for missing in found.missing} == {(None, ())}
