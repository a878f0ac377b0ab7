"""What holds a voltage, and what else pandapower knows: each against `runpp`."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network
from grid_model.referee import disagreement
from grid_model.sensitivities import sensitivities
from grid_model.topology import SetSwitch
from tests.grid_model.small_networks import loaded, street


def one_generator(net: Any) -> None:
    pp.create_gen(net, 4, p_mw=0.01, vm_pu=1.0)


def several_generators(net: Any) -> None:
    pp.create_gen(net, 3, p_mw=0.01, vm_pu=0.995)
    pp.create_gen(net, 5, p_mw=0.005, vm_pu=0.99, scaling=0.8)
    pp.create_gen(net, 5, p_mw=0.005, vm_pu=0.99)
    pp.create_gen(net, 2, p_mw=0.5, vm_pu=1.2, in_service=False)


def at_the_grid(net: Any) -> None:
    pp.create_gen(net, 0, p_mw=0.02, vm_pu=1.0)


def slack_generator(net: Any) -> None:
    net.ext_grid["in_service"] = False
    pp.create_gen(net, 0, p_mw=0.0, vm_pu=1.01, slack=True)


def extended_ward(net: Any) -> None:
    pp.create_xward(net, 4, 0.002, 0.001, 0.001, 0.0005, r_ohm=0.05, x_ohm=0.1, vm_pu=0.99)


def direct_current_line(net: Any) -> None:
    far = pp.create_bus(net, 20.0)
    pp.create_ext_grid(net, far, vm_pu=1.01)
    pp.create_load(net, far, p_mw=0.1)
    pp.create_dcline(
        net, 0, 5, p_mw=0.01, loss_percent=1.0, loss_mw=0.0001, vm_from_pu=1.0, vm_to_pu=0.99
    )  # from the grid's own bus


def with_voltage_dependent_loads(net: Any) -> None:
    net.load["const_z_p_percent"], net.load["const_i_q_percent"] = 40.0, 30.0
    pp.create_gen(net, 4, p_mw=0.01, vm_pu=0.99)


def with_phase_shift(net: Any) -> None:
    net.bus.loc[0, "vn_kv"], net.trafo["vn_hv_kv"], net.trafo["shift_degree"] = 110.0, 110.0, 150.0
    pp.create_line(net, 0, pp.create_bus(net, 110.0), 1.0, "243-AL1/39-ST1A 110.0")
    pp.create_gen(net, 4, p_mw=0.01, vm_pu=0.99)


KINDS = [
    one_generator,
    several_generators,
    at_the_grid,
    slack_generator,
    extended_ward,
    direct_current_line,
    with_voltage_dependent_loads,
    with_phase_shift,
]


def both(change: Callable[[Any], object]) -> tuple[Network, FactoredLoadFlow]:
    net = street()
    change(net)
    network = loaded(net)
    return network, FactoredLoadFlow(network)


@pytest.mark.parametrize("change", KINDS)
def test_equals_runpp_without_it(change: Callable[[Any], object], monkeypatch: pytest.MonkeyPatch) -> None:
    network, load_flow = both(change)
    assert load_flow.unfit_reason is None
    expected = [
        load_flow.referee.solve(
            network.default_p_kw * scale, network.default_q_kvar * scale, slack_scale=slack
        )
        for scale, slack in ((0.1, 1.0), (1.0, 1.0), (2.0, 0.99))
    ]
    monkeypatch.setattr(load_flow, "by_runpp", None)  # nobody to fall back on
    for (scale, slack), slow in zip(((0.1, 1.0), (1.0, 1.0), (2.0, 0.99)), expected, strict=True):
        p_kw, q_kvar = network.default_p_kw * scale, network.default_q_kvar * scale
        fast = load_flow.solve(p_kw, q_kvar, slack_scale=slack)
        difference = disagreement(fast, slow)
        assert difference is not None
        assert difference.v_pu < 1e-8
        assert difference.loading_percent < 1e-5
        assert fast.supply_kw == pytest.approx(slow.supply_kw, abs=1e-3)
        assert fast.losses_kw == pytest.approx(slow.losses_kw, abs=1e-4)
        batch = load_flow.solve_batch(p_kw[None], q_kvar[None], slack_scale=slack)[0]
        assert batch.supply_kw == pytest.approx(slow.supply_kw, abs=1e-3)


def test_what_holds_a_voltage_holds_it() -> None:
    network, load_flow = both(several_generators)
    result = load_flow.solve(network.default_p_kw, network.default_q_kvar)
    assert result.v_pu[[3, 5]] == pytest.approx([0.995, 0.99], abs=1e-9)


def test_sensitivities_see_the_generator() -> None:
    """By differences: the bus that is held does not move, and the power still flows."""
    network, load_flow = both(one_generator)
    assert load_flow.factored is None
    found = sensitivities(
        network, load_flow, network.default_p_kw, network.default_q_kvar, ["bus:4", "bus:5", "trafo:0"]
    )
    assert np.abs(found.per_kw[0]).max() < 1e-9
    assert found.per_kw[1, 3] < -1e-5
    assert found.per_kw[2, 3] != 0.0


def test_a_voltage_out_of_reach_is_not_called_solved() -> None:
    network, load_flow = both(lambda net: pp.create_gen(net, 5, p_mw=0.0, vm_pu=2.5))
    fast = load_flow.solve(network.default_p_kw, network.default_q_kvar)
    slow = load_flow.referee.solve(network.default_p_kw, network.default_q_kvar)
    difference = disagreement(fast, slow)
    assert difference is None or difference.v_pu < 1e-8


def test_two_set_points_on_one_bus_are_refused() -> None:
    net = street()
    twin = pp.create_bus(net, 0.4)
    pp.create_switch(net, 4, twin, et="b", closed=False)
    pp.create_line(net, 5, twin, 0.1, "NAYY 4x50 SE")
    for bus, v_pu in ((4, 0.99), (twin, 1.0)):
        pp.create_gen(net, bus, p_mw=0.0, vm_pu=v_pu)
    network = loaded(net)
    apart = FactoredLoadFlow(network)
    assert apart.solve(network.default_p_kw, network.default_q_kvar).converged
    joined = apart.switched(SetSwitch("switch:0", True))
    assert "different voltages" in (joined.unfit_reason or "")
    assert not joined.solve(network.default_p_kw, network.default_q_kvar).converged


def test_power_electronics_go_to_runpp() -> None:
    network, load_flow = both(
        lambda net: pp.create_svc(
            net, 4, x_l_ohm=1.0, x_cvar_ohm=-10.0, set_vm_pu=0.99, thyristor_firing_angle_degree=120
        )
    )
    assert load_flow.unfit_reason == "it has power-electronic controllers (svc)"
    result = load_flow.solve(network.default_p_kw, network.default_q_kvar)
    assert result.converged
    assert result.v_pu[4] == pytest.approx(0.99, abs=1e-6)
    assert np.isnan(result.collapse_index)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"trafo_loading": "power"}, "transformer loading by power"),
        ({"distributed_slack": True}, "a slack shared between generators"),
        ({"neglect_open_switch_branches": True}, "open branches neglected"),
    ],
)
def test_options_that_ask_for_something_else_go_to_runpp(options: dict[str, Any], said: str) -> None:
    net = street()
    net.user_pf_options = options
    assert said in (FactoredLoadFlow(loaded(net)).unfit_reason or "")
