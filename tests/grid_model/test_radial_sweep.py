"""The compiled sweep against `runpp` and against the factored form, on networks of all kinds."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandapower as pp
import pytest
from scipy import sparse

from grid_model import radial_sweep as module
from grid_model import referee
from grid_model.admittance import build
from grid_model.elimination import eliminate, solve
from grid_model.layout import Unfit, lay_out
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network, network_of
from grid_model.referee import disagreement
from grid_model.results import LoadFlowResult
from grid_model.topology import SetService
from tests.grid_model.random_low_voltage import random_low_voltage
from tests.grid_model.small_networks import loaded, street

WITHIN_PU = 1e-8
WITHIN_PERCENT = 1e-6
NETWORKS, SNAPSHOTS = 42, 5


def assert_same(one: LoadFlowResult, other: LoadFlowResult, about: object) -> None:
    difference = disagreement(one, other)
    assert difference is not None, about
    assert difference.v_pu < WITHIN_PU, about
    assert difference.loading_percent < WITHIN_PERCENT, about
    np.testing.assert_allclose(one.transformer_p_kw, other.transformer_p_kw, atol=1e-4)
    assert one.losses_kw == pytest.approx(other.losses_kw, abs=1e-4, rel=1e-7)
    assert one.supply_kw == pytest.approx(other.supply_kw, abs=1e-4, rel=1e-7)


@pytest.fixture(autouse=True)
def driven_as_far_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its usual 1e-9 MVA `runpp` itself is 1e-7 pu off here and there."""
    monkeypatch.setattr(referee, "_TOLERANCES_MVA", (1e-12, 1e-11, 1e-10))


@pytest.mark.parametrize("first", range(0, NETWORKS, 7))
def test_random_networks_equal_runpp(first: int) -> None:
    """Batch, compiled single and factored single, all three as `runpp`; in all over 200 cases."""
    for seed in range(first, first + 7):
        network = random_low_voltage(seed)
        layout = lay_out(network)
        plain = FactoredLoadFlow(network, layout=layout)
        compiled = FactoredLoadFlow(network, layout=layout, compiled=True)
        assert plain.unfit_reason is None
        assert compiled.is_compiled
        scale = np.random.default_rng(seed).uniform(-0.5, 1.5, (2, SNAPSHOTS, len(network.service_points)))
        p_kw, q_kvar = network.default_p_kw * scale[0], network.default_p_kw * scale[1] * 0.4
        batch = compiled.solve_batch(p_kw, q_kvar)
        for place in range(SNAPSHOTS):
            slow = plain.referee.solve(p_kw[place], q_kvar[place])
            assert slow.converged
            for fast in (
                batch[place],
                compiled.solve(p_kw[place], q_kvar[place]),
                plain.solve(p_kw[place], q_kvar[place]),
            ):
                assert_same(fast, slow, (seed, place))


def three_windings() -> Network:
    net = street()
    hv, mid = pp.create_bus(net, 110.0), pp.create_bus(net, 10.0)
    net.ext_grid.loc[0, "bus"] = hv
    pp.create_transformer3w(net, hv, 0, mid, "63/25/38 MVA 110/20/10 kV")
    pp.create_load(net, mid, p_mw=8.0, q_mvar=2.0)
    return loaded(net)


def two_grids() -> Network:
    net = street()
    far = pp.create_bus(net, 20.0)
    pp.create_ext_grid(net, far, vm_pu=1.01, va_degree=0.5)
    pp.create_transformer(net, far, 5, "0.25 MVA 20/0.4 kV")
    net.trafo["shift_degree"] = 150.0
    return loaded(net)


@pytest.mark.parametrize("build_network", [three_windings, two_grids])
@pytest.mark.parametrize("slack_scale", [1.0, 0.97])
def test_special_networks(build_network: Callable[[], Network], slack_scale: float) -> None:
    network = build_network()
    load_flow = FactoredLoadFlow(network, compiled=True)
    p_kw, q_kvar = network.default_p_kw, network.default_q_kvar
    slow = load_flow.referee.solve(p_kw, q_kvar, slack_scale=slack_scale)
    assert_same(load_flow.solve(p_kw, q_kvar, slack_scale=slack_scale), slow, slack_scale)
    batch = load_flow.solve_batch(p_kw[None], q_kvar[None], slack_scale=slack_scale)
    assert_same(batch[0], slow, slack_scale)


def test_what_is_not_supplied_takes_nothing() -> None:
    """The last house is cut off: its demand is nobody's, and the others have their voltages."""
    network = loaded(street())
    load_flow = FactoredLoadFlow(network, compiled=True).switched(SetService("line:3", in_service=False))
    assert load_flow.is_compiled
    p_kw, q_kvar = network.default_p_kw, network.default_q_kvar
    slow = load_flow.referee.solve(p_kw, q_kvar)
    assert np.isnan(slow.v_pu).sum() == 1
    assert_same(load_flow.solve(p_kw, q_kvar), slow, "single")
    assert_same(load_flow.solve_batch(p_kw[None], q_kvar[None])[0], slow, "batch")


def test_one_collapsing_snapshot_leaves_its_neighbours_right() -> None:
    network = loaded(street(6))
    load_flow = FactoredLoadFlow(network, compiled=True)
    p_kw = np.random.default_rng(3).uniform(0.0, 10.0, (100, 6))
    bad = {17: 1e6, 31: np.nan, 32: np.inf, 99: -1e7, 64: 900.0}
    for place, wrong in bad.items():
        p_kw[place, 2] = wrong
    q_kvar = np.zeros_like(p_kw)
    batch = load_flow.solve_batch(p_kw, q_kvar)
    assert set(np.flatnonzero(~batch.converged)) == set(bad)
    for place in bad:
        lost = batch[place]
        assert np.isnan(lost.v_pu).all()
        assert np.isnan(lost.line_loading_percent).all()
        assert np.isnan(lost.transformer_p_kw).all()
        assert np.isnan([lost.losses_kw, lost.supply_kw]).all()
    for place in (16, 18, 30, 33, 63, 65, 98):
        assert_same(batch[place], load_flow.referee.solve(p_kw[place], q_kvar[place]), place)


def test_up_to_the_nose_it_is_right_or_silent() -> None:
    network = loaded(street(3))
    compiled = FactoredLoadFlow(network, compiled=True)
    plain = FactoredLoadFlow(network)
    p_kw = np.zeros((14, 3))
    p_kw[:, 2] = [
        20.0,
        80.0,
        160.0,
        240.0,
        320.0,
        360.0,
        390.0,
        410.0,
        420.0,
        425.0,
        430.0,
        435.0,
        445.0,
        600.0,
    ]
    batch = compiled.solve_batch(p_kw, p_kw * 0.1)
    for fast, p in zip(batch, p_kw, strict=True):
        slow = plain.solve(p, p * 0.1)
        assert fast.converged == slow.converged
        if fast.converged:
            np.testing.assert_allclose(fast.v_pu, slow.v_pu, atol=WITHIN_PU)
            assert fast.collapse_index == pytest.approx(slow.collapse_index, abs=1e-6)
    assert set(batch.converged.tolist()) == {True, False}


def test_batches_of_any_length_and_memory_layout() -> None:
    network = loaded(street(4))
    load_flow = FactoredLoadFlow(network, compiled=True)
    p_kw = np.random.default_rng(4).uniform(0.0, 10.0, (4, 70))  # the wrong way round in memory
    whole = load_flow.solve_batch(p_kw.T, p_kw.T * 0.2)
    for many in (0, 1, 31, 32, 33, 64):
        part = load_flow.solve_batch(p_kw.T[:many], p_kw.T[:many] * 0.2)
        assert len(part) == many
        np.testing.assert_allclose(part.v_pu, whole.v_pu[:many], atol=1e-9)
    assert [result.supply_kw for result in whole[3:5]] == whole.supply_kw[3:5].tolist()


def test_nothing_is_compiled_again_whatever_array_comes() -> None:
    from grid_model import sweep_kernels

    load_flow = FactoredLoadFlow(loaded(street(4)), compiled=True)
    p_kw = np.full((2, 4), 5.0)
    whole = load_flow.solve_batch(p_kw, p_kw)
    locked, unaligned = p_kw.copy(), np.zeros(65, dtype=np.uint8)[1:].view(np.float64).reshape(2, 4)
    locked.flags.writeable = False
    unaligned[:] = p_kw
    others = (
        locked,
        unaligned,
        p_kw.astype(np.int64),
        p_kw.astype(np.float32),
        p_kw.astype(">f8"),
        p_kw[::-1],
    )
    for other in others:
        np.testing.assert_array_equal(load_flow.solve_batch(other, other).v_pu, whole.v_pu)
        assert load_flow.solve(other[0], other[0]).v_pu == pytest.approx(whole.v_pu[0], abs=1e-9)
    assert len(sweep_kernels.solve.signatures) == 2  # of blocks and of single snapshots


def test_threads_share_one_load_flow() -> None:
    load_flow = FactoredLoadFlow(loaded(street(6)), compiled=True)
    p_kw = np.random.default_rng(5).uniform(0.0, 10.0, (8, 300, 6))
    alone = [load_flow.solve_batch(part, part * 0.2) for part in p_kw]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda part: load_flow.solve_batch(part, part * 0.2), p_kw))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.v_pu, other.v_pu)


@pytest.mark.parametrize("y", [[[0, 1, 1], [1, 2, 1], [1, 1, 3]], [[1, 1, 0], [1, 1, 1], [0, 1, 3]]])
def test_a_zero_pivot_is_said_and_does_not_raise(y: list[list[float]]) -> None:
    factors = eliminate(sparse.csr_matrix(np.array(y, dtype=np.complex128)), 2)
    with np.errstate(invalid="ignore"):
        v = solve(factors, np.ones(2, dtype=np.complex128), np.ones(1, dtype=np.complex128))
    assert np.isnan(v).any()


def test_factors_that_do_not_hold_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    network = loaded(street(4))
    admittance = build(network)
    assert not isinstance(admittance, Unfit)
    factors = eliminate(admittance.y_bus, admittance.n_free)
    for part in ("low_factor", "up_factor", "diagonal"):
        wrong = getattr(factors, part).copy()
        wrong[1] *= 1 + 1e-6
        broken = replace(factors, **{part: wrong})
        monkeypatch.setattr(module, "eliminate", lambda *_, broken=broken: broken)
        assert module.radial_sweep(network, admittance) is None, part


@pytest.mark.parametrize("error", [ImportError("numba needs NumPy 2.2 or less"), OSError("no space left")])
def test_a_compiler_that_does_not_work_is_done_without(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fails(_: object) -> None:
        raise error

    monkeypatch.setattr(module.RadialSweep, "warm_up", fails)
    network = loaded(street(4))
    load_flow = FactoredLoadFlow(network, compiled=True)
    assert not load_flow.is_compiled
    assert str(error) in caplog.text
    assert load_flow.solve(network.default_p_kw, network.default_q_kvar).converged


def test_a_radial_network_has_no_fill_in() -> None:
    network = loaded(street(40))
    admittance = build(network)
    assert not isinstance(admittance, Unfit)
    factors = eliminate(admittance.y_bus, admittance.n_free)
    assert len(factors.up) == admittance.n_free
    assert len(factors.low) == admittance.n_free - 1
    current = np.exp(1j * np.arange(admittance.n_free))
    v = solve(factors, current[factors.order], admittance.v_held)
    v[factors.order] = v[: admittance.n_free].copy()
    np.testing.assert_allclose((admittance.y_bus @ v)[: admittance.n_free], current, atol=1e-8)


def test_without_the_compiler_the_factored_form_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "can_compile", lambda: False)
    network = loaded(street(4))
    load_flow = FactoredLoadFlow(network, compiled=True)
    assert not load_flow.is_compiled
    p_kw, q_kvar = network.default_p_kw, network.default_q_kvar
    assert_same(load_flow.solve_batch(p_kw[None], q_kvar[None])[0], load_flow.referee.solve(p_kw, q_kvar), "")


def test_it_compiles_where_no_folder_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a read-only container: numba raises when it finds no place for its cache."""
    from grid_model import sweep_kernels

    asked: list[bool] = []

    def njit(*, cache: bool = False, **_: object) -> Callable[[object], object]:
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(sweep_kernels, "njit", njit)
    assert sweep_kernels.compiled(abs) is abs
    assert asked == [True, False]


def test_a_generator_is_left_to_others() -> None:
    net = street()
    pp.create_gen(net, 4, p_mw=0.01, vm_pu=1.0)
    network = network_of(net, "small")
    load_flow = FactoredLoadFlow(network, compiled=True)
    assert not load_flow.is_compiled
    batch = load_flow.solve_batch(network.default_p_kw[None], network.default_q_kvar[None])
    assert batch[0].v_pu[4] == pytest.approx(1.0)
