"""One check: the busbar voltage of the RTU, and the referee."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandapower
import pytest

from controller.data_alarms import WRONG_METER_GOOD_CYCLES
from controller.entries import DataAlarm, EventOpened, RequestPlanned
from controller.errors import ConfigRejected
from controller.feeder_check import CheckState, check
from controller.feeder_control import FeederControl, build_control
from controller.feeder_state import FeederState, Readings, take_in
from controller.plausibility import Refusals
from controller.settings import Cycle
from customers.registry import Customer, Device, Registry
from devices.messages import Reading
from grid_model.layout import Unfit
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import network_of
from grid_model.snapshot import Quality
from tests.builders import START, FakeClock, Field, control, registry, site, small_network
from tests.controller.passes import PERIOD_S, Passes, calm_evening, of_kind


def _state(of: FeederControl, v_pu: float | None, age_s: float = 0.0) -> FeederState:
    field = Field(FakeClock(START - timedelta(seconds=age_s)))
    said: list[Reading] = [field.substation_reading(v_pu=v_pu)]
    field.clock.passed_s = age_s
    said += [m for m in field.messages() if isinstance(m, Reading)]
    before = FeederState(Readings.nothing(20))
    return take_in(before, of, said, [], now=START, refusals=Refusals()).state


@pytest.mark.parametrize(
    ("v_pu", "expected"),
    [(0.95, 0.95), (1.05, 1.05), (None, 1.0132), (0.9, 0.909), (0.7, 1.0132), (1.3, 1.0132)],
)
def test_the_models_busbar_shows_what_the_rtu_measures_within_bounds(
    v_pu: float | None, expected: float
) -> None:
    of = control(site(rtu=True))
    found, _ = check(of, _state(of, v_pu), CheckState(), START)
    assert of.busbar is not None
    assert found.result.v_pu[of.busbar] == pytest.approx(expected, abs=2e-3)
    assert 0.9 <= found.slack_scale <= 1.1


def test_an_old_voltage_is_not_followed_and_the_last_scale_stays() -> None:
    of = control(site(rtu=True))
    _, after = check(of, _state(of, 0.95), CheckState(), START)
    found, _ = check(of, _state(of, 1.05, age_s=16), after, START)
    assert found.slack_scale == after.slack_scale


def test_the_referee_is_asked_every_n_checks_and_agrees() -> None:
    of = control()
    state, before, asked = _state(of, None), CheckState(), []
    for _ in range(of.site.cycle.referee_every + 1):
        found, before = check(of, state, before, START)
        asked.append(found.referee_difference is not None)
    assert [n for n, was in enumerate(asked) if was] == [0, of.site.cycle.referee_every]
    assert found.referee_difference is not None
    assert found.referee_difference < 1e-8


def test_where_both_disagree_the_referee_is_believed() -> None:
    of = control()

    class Wrong(FactoredLoadFlow):
        def solve(self, p_kw, q_kvar, **more):  # type: ignore[no-untyped-def]
            result = super().solve(p_kw, q_kvar, **more)
            return replace(result, v_pu=result.v_pu * 0.5)

    misled = replace(of, load_flow=Wrong(small_network()))
    found, _ = check(misled, _state(of, None), CheckState(), START)
    assert found.referee_difference is not None
    assert found.referee_difference > 0.4
    assert np.nanmin(found.result.v_pu) > 0.9


def test_every_unknown_service_point_is_named() -> None:
    who = registry()
    who = Registry(
        (*who.customers, Customer("CX", "nowhere", "MX")),
        (*who.devices, Device("DX", "neither", "boiler", 2.0, 0.0)),
    )
    with pytest.raises(ConfigRejected) as rejected:
        build_control(site(), site().feeder[0], small_network(), who)
    assert [("'CX'" in f, "'DX'" in f) for f in rejected.value.findings] == [(True, False), (False, True)]


def test_what_only_the_referee_can_solve_is_not_compared_with_itself() -> None:
    of = control()
    unfit = FactoredLoadFlow(small_network(), layout=Unfit("a test says so"))
    found, _ = check(replace(of, load_flow=unfit), _state(of, None), CheckState(), START)
    assert found.result.converged
    assert found.referee_difference is None


def test_a_site_may_ask_for_compiled_load_flows() -> None:
    of = site(cycle=Cycle(compiled=True))
    compiled = build_control(of, of.feeder[0], small_network(), registry())
    assert compiled.load_flow.is_compiled
    assert not control().load_flow.is_compiled
    (found, _), (expected, _) = (
        check(c, _state(c, None), CheckState(), START) for c in (compiled, control())
    )
    np.testing.assert_allclose(found.result.v_pu, expected.result.v_pu, atol=1e-10)


def test_a_three_winding_transformer_has_its_place_behind_the_others() -> None:
    net = pandapower.create_empty_network()
    high, middle, low = (pandapower.create_bus(net, vn_kv) for vn_kv in (110.0, 20.0, 10.0))
    pandapower.create_ext_grid(net, high)
    pandapower.create_transformer(net, high, middle, std_type="25 MVA 110/20 kV")
    pandapower.create_transformer3w(net, high, middle, low, std_type="63/25/38 MVA 110/20/10 kV")
    pandapower.create_load(net, low, p_mw=1.0, name="works")
    of = build_control(site(), site().feeder[0], network_of(net, "test"), Registry((), ()))
    places = of.element_place
    assert (places["trafo:0"], places["trafo3w:0"]) == (("trafo", 0), ("trafo", 1))
    result = of.load_flow.solve(np.array([1000.0]), np.zeros(1))
    assert len(result.transformer_loading_percent) == 2


def test_what_is_measured_and_fits_is_taken_as_it_is() -> None:
    passes = Passes(control(calm_evening(rtu=True)), charging_kw=0.0)
    passes.v_pu = 1.0
    decided = passes.step()
    assert decided.check.estimate is None
    passes.field.houses[3].meter_works = False
    passes.clock.passed_s += 60.0
    silent = passes.step().check
    assert silent.estimate is not None
    assert silent.snapshot.quality[3] == Quality.STALE
    assert silent.snapshot.p_kw[3] == pytest.approx(silent.estimate.p_kw.value[3])
    assert silent.snapshot.p_kw[4] == 4.0


def test_a_site_may_do_without_estimates() -> None:
    of = site(rtu=True, cycle=Cycle(period_s=PERIOD_S, estimate=False))
    passes = Passes(control(of))
    passes.field.houses[2].meter_factor = -1.0
    passes.v_pu = 1.0
    passes.run(6)
    assert passes.step().check.estimate is None


def test_a_meter_that_all_others_contradict_is_left_out_and_the_rest_goes_on() -> None:
    passes = Passes(control(calm_evening(rtu=True)))
    passes.v_pu = 1.0
    passes.field.houses[2].meter_factor = -1.0
    entries = passes.run(6)
    (alarm,) = of_kind(entries, DataAlarm)
    assert (alarm.kind, alarm.raised) == ("wrong_meter", True)
    assert alarm.text.startswith("meter M02 at sp02 reads -15 kW, all others say")
    assert "opposite sign" in alarm.text
    decided = passes.step()
    known = decided.check.snapshot
    assert known.quality[2] == Quality.ESTIMATED
    assert known.p_kw[2] == pytest.approx(15.0, abs=4.0)
    assert np.isnan(decided.sample.p_kw[2]), "it proves nothing"
    (opened,) = of_kind(entries, EventOpened)
    assert opened.probability is not None
    assert opened.probability > 0.99
    assert of_kind(entries, RequestPlanned), "and the automatic goes on"
    passes.field.houses[2].meter_factor = 1.0
    assert of_kind(passes.run(10), DataAlarm) == [], "it may be wrong and not show"
    last = of_kind(passes.run(WRONG_METER_GOOD_CYCLES), DataAlarm)[-1]
    assert (last.kind, last.raised) == ("wrong_meter", False)


def test_wrong_meters_that_take_turns_are_told_once_each() -> None:
    passes = Passes(control(calm_evening(rtu=True)))
    passes.v_pu = 1.0
    entries = []
    for _ in range(4):
        for wrong in (2, 7):
            passes.field.houses[wrong].meter_factor = -1.0
            entries += passes.run(5)
            passes.field.houses[wrong].meter_factor = 1.0
            entries += passes.run(1)
    alarms = of_kind(entries, DataAlarm)
    assert [(alarm.kind, alarm.raised) for alarm in alarms] == [("wrong_meter", True)] * 2
    assert "M02" in alarms[0].text
    assert "M07" not in alarms[0].text
    assert alarms[1].text.startswith(alarms[0].text + "; meter M07 at sp07 ")
