"""What orders would do: beside pandapower, beside what really happens, and without a trace."""

import asyncio
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
import pandapower
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from controller.order_effects import MOST_ORDERS, NotNow, ProposedOrder, WhatIf
from controller.orders.giving import Giver
from controller.situation import Situation
from controller.what_if import CAUTIONS, what_if
from controller.what_if_desk import MOST_AT_ONCE, OLDEST_CYCLES
from tests.builders import FEEDER, HOUSES, small_network
from tests.controller.looks import evening_looked_at
from tests.controller.worlds import World, evening


@pytest.fixture
async def world() -> World:
    world = World(evening(), critical=frozenset({3}))
    world.charge()
    await world.tick(1)
    return world


DEVICES = [f"EV{n:02d}" for n in range(HOUSES - 4)]


@cache
def private_net() -> Any:
    return pandapower.pandapowerNet(small_network().net)


def by_runpp(p_kw: Any, q_kvar: Any) -> Any:
    """pandapower itself on these powers of the service points, by its own names."""
    net, place = private_net(), {name: n for n, name in enumerate(small_network().service_points)}
    at = [place[name] for name in net.load.name]
    net.load.p_mw = np.asarray(p_kw, dtype=float)[at] / 1000
    net.load.q_mvar = q_kvar[at] / 1000
    pandapower.runpp(net, tolerance_mva=1e-10, max_iteration=50, numba=False)
    return net


@hypothesis_settings(max_examples=10, deadline=None)
@given(
    limits=st.dictionaries(st.sampled_from(DEVICES), st.floats(0.0, 12.0), min_size=1, max_size=6),
    names_customers=st.booleans(),
)
def test_what_it_says_is_what_runpp_says(limits: dict[str, float], names_customers: bool) -> None:
    looked = evening_looked_at()
    orders = [
        ProposedOrder("limit", f"C{device[2:]}" if names_customers else device, limit_kw=kw)
        for device, kw in limits.items()
    ]
    found = what_if(looked.situation, looked.excluded, orders, looked.at)
    columns = found.columns_after
    assert columns is not None
    p_kw = looked.situation.check.snapshot.p_kw.copy()
    for device, kw in limits.items():
        number = int(device[2:])
        if number == 3 or kw > 10.999:
            assert device in {one.device for one in found.left_out}
        else:
            p_kw[number] -= 11.0 - max(kw, 4.2)
    np.testing.assert_allclose(columns.service_point_kw, p_kw, atol=1.1e-3)
    net = by_runpp(columns.service_point_kw, looked.situation.check.snapshot.q_kvar)
    np.testing.assert_allclose(columns.v_pu, net.res_bus.vm_pu, atol=1e-6)
    np.testing.assert_allclose(columns.line_loading_percent, net.res_line.loading_percent, atol=1e-4)
    np.testing.assert_allclose(columns.transformer_loading_percent, net.res_trafo.loading_percent, atol=1e-4)
    for one in found.devices:
        assert one.limit_kw is not None
        assert one.limit_kw >= one.floor_kw
        assert one.device != "EV03"


async def test_a_limit_before_and_after(world: World) -> None:
    orders = [ProposedOrder("limit", None, tuple(DEVICES), 1.0)]
    found = await world.daemon.what_if(FEEDER, *orders)
    assert {v.id for v in found.before.violations} == {"trafo:0"}
    assert found.after.violations == ()
    assert {one.limit_kw for one in found.devices} == {4.2}
    assert all(one.is_at_floor and one.curtailed_kw == pytest.approx(6.8) for one in found.devices)
    assert found.curtailed_kw == pytest.approx(6.8 * 15)
    assert [one.reason for one in found.left_out] == ["protected"]
    assert found.critical_customers == ("C03",)
    assert "C03" not in found.customers
    assert len(found.customers) == 15
    assert found.reach_kw == pytest.approx(6.8 * 15)
    assert found.reach_percent == pytest.approx(100 * 6.8 / 11)
    trafo = next(one for one in found.elements if one.id == "trafo:0")
    assert trafo.before_percent is not None
    assert trafo.after_percent is not None
    assert trafo.before_percent > 100 > trafo.after_percent
    assert found.after.lowest_v_pu is not None
    assert found.before.lowest_v_pu is not None
    assert found.after.lowest_v_pu > found.before.lowest_v_pu
    assert found.cautions == ()


async def test_what_it_says_of_a_release_is_what_comes(world: World) -> None:
    await world.tick(8)
    held = world.field.held()
    assert held
    assert world.overloads[-1] < 100
    found = await world.daemon.what_if(FEEDER, ProposedOrder("release_all"))
    assert {one.device for one in found.devices} == set(held)
    assert all(one.limit_kw is None and one.after_kw == pytest.approx(11.0) for one in found.devices)
    assert [v.id for v in found.after.violations] == ["trafo:0"]
    assert {one.code for one in found.cautions} == {"new_violations", "automatic_stays_out"}
    assert found.event is not None
    assert not found.event.is_cleared
    assert world.field.held() == held
    await world.daemon.operate(FEEDER, "release_all", None, "Ann", "drill")
    await world.tick(3)
    # what is reactive stays as it is in what is foreseen; here it follows the power
    assert world.overloads[-1] == pytest.approx(found.after.highest_loading_percent, abs=1.0)


async def test_what_it_says_of_a_limit_is_what_comes(world: World) -> None:
    order = ProposedOrder("limit", None, ("EV00", "EV01", "C02"), 6.0)
    found = await world.daemon.what_if(FEEDER, order)
    await world.daemon.operate(FEEDER, "automatic_off", None, "Ann", "works")
    await world.daemon.operate(FEEDER, "limit", None, "Ann", "x", limit_kw=6.0, targets=order.targets)
    await world.tick(3)
    view = world.daemon.feeder_view(FEEDER)
    assert view is not None
    assert found.columns_after is not None
    assert view.service_point_kw == pytest.approx(found.columns_after.service_point_kw)
    assert [v.v_pu for v in view.buses] == pytest.approx(found.columns_after.v_pu, abs=1e-3)
    relaxed = await world.daemon.what_if(FEEDER, ProposedOrder("limit", "EV00", limit_kw=9.0))
    assert [(d.before_kw, d.after_kw) for d in relaxed.devices] == [(6.0, 9.0)]
    one = await world.daemon.what_if(FEEDER, ProposedOrder("release", "C00"))
    assert [(d.before_kw, d.after_kw) for d in one.devices] == [(6.0, 11.0)]


async def test_several_orders_are_looked_at_in_their_order(world: World) -> None:
    limit = ProposedOrder("limit", "C00", limit_kw=5.0)
    found = await world.daemon.what_if(FEEDER, limit, ProposedOrder("exclude", "EV00"))
    assert found.devices == ()
    found = await world.daemon.what_if(FEEDER, ProposedOrder("exclude", "EV00"), limit)
    assert [one.reason for one in found.left_out] == ["excluded"]
    alone = ProposedOrder("limit", "EV00", limit_kw=5.0)
    found = await world.daemon.what_if(FEEDER, ProposedOrder("exclude", "EV00"), alone)
    assert {"was_excluded"} <= {one.code for one in found.cautions}
    found = await world.daemon.what_if(
        FEEDER, ProposedOrder("exclude", "EV00"), ProposedOrder("include", "EV00"), limit
    )
    assert [one.device for one in found.devices] == ["EV00"]
    found = await world.daemon.what_if(FEEDER, ProposedOrder("automatic_on"))
    assert "automatic_takes_over" in {one.code for one in found.cautions}
    assert set(CAUTIONS) >= {one.code for one in found.cautions}


def test_a_load_flow_that_does_not_exist_is_said() -> None:
    looked = evening_looked_at()

    class Collapsing(Situation):
        def solve(self, p_kw: Any) -> Any:
            return super().solve(np.full(HOUSES, 1e6))

    collapsing = Collapsing(**{f.name: getattr(looked.situation, f.name) for f in fields(Situation)})
    found = what_if(collapsing, frozenset(), [ProposedOrder("release_all")], looked.at)
    assert not found.after.converged
    assert found.after.highest_loading_percent is None
    assert "no_solution_then" in {one.code for one in found.cautions}


async def test_nonsense_is_named(world: World) -> None:
    for orders, expected in (
        ([ProposedOrder("explode")], "expected one of"),
        ([ProposedOrder("release")], "expected a target"),
        ([ProposedOrder("release", "EV99")], "EV99"),
        ([ProposedOrder("limit", "EV00")], "limit_kw"),
        ([], "orders"),
        ([ProposedOrder("release_all")] * (MOST_ORDERS + 1), "orders"),
    ):
        with pytest.raises(ValueError, match=expected):
            await world.daemon.what_if(FEEDER, *orders)
    with pytest.raises(ValueError, match="F9"):
        await world.daemon.what_if("F9", ProposedOrder("release_all"))


async def test_it_leaves_no_trace_and_holds_no_turn(world: World) -> None:
    before = world.daemon.books.seq
    async with world.daemon._rounds.turn:
        await asyncio.wait_for(world.daemon.what_if(FEEDER, ProposedOrder("release_all")), 5)
    assert world.daemon.books.seq == before
    assert world.field.commands == []


async def test_too_many_at_once_and_too_slow_ones_are_told_to_ask_again() -> None:
    go_on = asyncio.Event()

    async def slow(function: Callable[..., WhatIf], *args: Any, **kwargs: Any) -> Any:
        await go_on.wait()
        return function(*args, **kwargs)

    world = World(evening())
    with pytest.raises(NotNow, match="first cycle"):
        await world.daemon.what_if(FEEDER, ProposedOrder("release_all"))
    await world.tick(1)
    world.daemon._rounds._what_if._background = slow  # type: ignore[assignment]
    asked = [
        asyncio.create_task(world.daemon.what_if(FEEDER, ProposedOrder("release_all")))
        for _ in range(MOST_AT_ONCE)
    ]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(NotNow, match="again in a moment"):
        await world.daemon.what_if(FEEDER, ProposedOrder("release_all"))
    await asyncio.wait_for(world.tick(2), 5)  # no cycle waits for them
    late = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in late] == [NotNow] * MOST_AT_ONCE
    with pytest.raises(NotNow, match="again in a moment"):
        await world.daemon.what_if(FEEDER, ProposedOrder("release_all"))  # what has begun keeps its place
    go_on.set()
    await asyncio.sleep(0.01)
    found = await world.daemon.what_if(FEEDER, ProposedOrder("release_all"))
    assert found.at == world.clock.now() - timedelta(seconds=10)


async def test_what_is_not_looked_at_any_more_is_not_called_good(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("the pass fails")

    order = ProposedOrder("limit", "EV05", limit_kw=4.2)
    assert (await world.daemon.what_if(FEEDER, order)).is_data_good
    monkeypatch.setattr("controller.passes.decide", fails)
    await world.tick(1)
    found = await world.daemon.what_if(FEEDER, order)
    assert not found.is_data_good
    assert "data_not_good" in {one.code for one in found.cautions}
    await world.tick(OLDEST_CYCLES)
    with pytest.raises(NotNow, match="old"):
        await world.daemon.what_if(FEEDER, order)


async def test_orders_have_places_of_their_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.what_if_desk.MOST_AT_ONCE", 0)
    with pytest.raises(NotNow):
        await world.daemon.what_if(FEEDER, ProposedOrder("limit", "EV05", limit_kw=4.2))
    desk = world.daemon.desks.orders
    record = await desk.draft(
        FEEDER, ProposedOrder("limit", "EV05", limit_kw=4.2), "x", Giver("Ann", person=True)
    )
    assert desk.seen.get(record.draft)[1] is not None
