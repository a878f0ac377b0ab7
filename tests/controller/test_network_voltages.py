"""A network that is switched otherwise than the file says: the voltages at the houses tell it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandapower
import pytest

from controller.cycle import Decisions
from controller.data_alarms import UNTOLD_FOR
from controller.entries import DataAlarm, RequestChanged, RequestPlanned
from controller.feeder_control import FeederControl
from devices.messages import SUBSTATION, Inbound, Reading
from grid_model.load_flow import FactoredLoadFlow, LoadFlowResult
from tests.builders import FEEDER, HOUSES, control, loaded, small_load_flow, small_net
from tests.controller.passes import Passes, calm_evening, of_kind
from tests.controller.sunny import ROOFS, sunny

PHASE_V = 400 / 3**0.5


@cache
def moved_load_flow() -> FactoredLoadFlow:
    """Seven houses of the second cable hang on the end of the first, by a long tie."""
    net = small_net()
    ends = [net.bus.index[net.bus.name == name][0] for name in ("bus 0.9", "bus 1.9")]
    pandapower.create_line(net, *ends, length_km=0.8, std_type="NAYY 4x150 SE", name="tie")
    net.line.loc[net.line.name == "cable 1.3", "in_service"] = False
    return FactoredLoadFlow(loaded(net))


class Street(Passes):
    """What meters and RTU show is of the true network; what the controller has is the small one."""

    def __init__(
        self,
        true: FactoredLoadFlow,
        base_kw: float,
        charging_kw: float = 0.0,
        of: FeederControl | None = None,
    ) -> None:
        super().__init__(control(calm_evening()) if of is None else of, charging_kw, base_kw)
        self.true, self.shows, self.error = true, np.ones(HOUSES, dtype=bool), np.zeros(HOUSES)
        self.phases, self.dead, spoken = 3, frozenset[int](), self.field.messages
        """`dead`: houses of which one phase shows nothing"""
        self.field.messages = lambda: self._with_voltages(spoken())  # type: ignore[method-assign]
        self.busbar_read = True

    def result(self) -> LoadFlowResult:
        p_kw = np.array([self.field.meter_kw(house) for house in range(HOUSES)])
        return self.true.solve(p_kw, 0.2 * p_kw)

    def _with_voltages(self, said: list[Inbound]) -> list[Inbound]:
        result = self.result()
        v_pu = result.v_pu[self.of.network.service_point_bus] + self.error
        at_busbar = (float(result.v_pu[1]) * PHASE_V,) * 3 if self.busbar_read else None
        now = self.clock.now()
        return [
            replace(one, v_v=self._phases(place, float(v_pu[place]) * PHASE_V))
            if isinstance(one, Reading) and self.shows[place := int(one.meter[1:])]
            else one
            for one in said
        ] + [Reading(FEEDER, SUBSTATION, now, result.supply_kw, None, at_busbar)]

    def _phases(self, place: int, v: float) -> tuple[float, ...]:
        return (v, v, 0.0) if place in self.dead else (v,) * self.phases

    def passes(self, steps: int) -> list[Decisions]:
        return [self.step() for _ in range(steps)]


def told(decided: list[Decisions]) -> list[tuple[str, bool]]:
    return [(a.kind, a.raised) for one in decided for a in of_kind(one.entries, DataAlarm)]


def test_a_network_that_is_as_the_file_says_is_believed_in_spite_of_errors() -> None:
    street = Street(small_load_flow(), base_kw=10.0)
    street.error = 0.01 * np.random.default_rng(4).standard_normal(HOUSES)
    decided = street.passes(4)
    assert told(decided) == []
    assert all(one.good and one.situation.proves for one in decided)


def test_houses_that_are_fed_from_elsewhere_are_told_though_the_sums_agree() -> None:
    decided = Street(moved_load_flow(), base_kw=9.0).passes(5)
    assert told(decided) == [("network_voltages", True)]
    (alarm,) = (a for one in decided for a in of_kind(one.entries, DataAlarm))
    assert alarm.text.startswith("the voltages at 7 houses do not go with the network, most at sp1")
    assert alarm.text.endswith("pu below the load flow")
    assert all(one.good for one in decided), "less load is never worse where more flows than is known of"
    assert not any(one.situation.proves for one in decided)


def test_nobody_is_freed_or_raised_while_the_voltages_contradict_the_network() -> None:
    def freed(true: FactoredLoadFlow) -> tuple[int, set[str]]:
        street = Street(small_load_flow(), base_kw=2.0, charging_kw=11.0)
        for house in street.field.houses[-4:]:
            house.base_kw = 17.0
        entries = []
        for step in range(200):
            entries += street.step().entries
            street.obey()
            if step == 5:
                street.true = true
                for house in street.field.houses[-4:]:
                    house.base_kw = 6.0
        changes = of_kind(entries, RequestChanged)
        return len(of_kind(entries, RequestPlanned)), {one.reason for one in changes}

    asked, changes = freed(small_load_flow())
    assert asked > 0
    assert "released" in changes
    asked, changes = freed(moved_load_flow())
    assert asked > 0
    assert changes <= {"renewed", "tightened"}
    assert "renewed" in changes


def test_what_is_lighter_than_believed_limits_nobody() -> None:
    street = Street(small_load_flow(), base_kw=13.5)
    street.error[:6] = 0.05
    decided = street.passes(6)
    assert decided[-1].check.worst_ratio > 1.05
    assert told(decided) == [("network_voltages", True)]
    assert not any(one.good for one in decided)
    assert of_kind([entry for one in decided for entry in one.entries], RequestPlanned) == []


def noon(true: FactoredLoadFlow, base_kw: float) -> Street:
    """What is fed in lifts the voltages above the busbar's."""
    return Street(true, base_kw, of=sunny())


def test_where_more_is_fed_in_than_believed_feed_in_is_limited_all_the_same() -> None:
    street = noon(moved_load_flow(), base_kw=1.0)
    for house in street.field.houses[:ROOFS]:
        house.ev_kw = -18.0
    decided = street.passes(6)
    assert decided[-1].check.worst_ratio > 1.03
    (alarm,) = (a for one in decided for a in of_kind(one.entries, DataAlarm))
    assert alarm.kind == "network_voltages"
    assert alarm.text.endswith("pu above the load flow")
    assert all(one.good for one in decided)
    assert not any(one.situation.proves for one in decided)
    asked = of_kind([entry for one in decided for entry in one.entries], RequestPlanned)
    assert {one.direction for one in asked} == {"production"}


def test_feed_in_that_is_overstated_limits_nobody() -> None:
    street = noon(small_load_flow(), base_kw=1.0)
    for house in street.field.houses[:ROOFS]:
        house.ev_kw = -18.0
    street.error[[8, 9, 14, 15]] = -0.035
    decided = street.passes(6)
    assert decided[-1].check.worst_ratio > 1.03
    assert told(decided) == [("network_voltages", True)]
    assert not any(one.good for one in decided)
    assert of_kind([entry for one in decided for entry in one.entries], RequestPlanned) == []


@pytest.mark.parametrize("case", ["two houses", "one phase", "no busbar"])
def test_what_cannot_tell_tells_nothing(case: str) -> None:
    street = Street(moved_load_flow(), base_kw=9.0)
    match case:
        case "two houses":
            street.shows[:] = False
            street.shows[[18, 19]] = True
        case "one phase":
            street.phases = 1
        case _:
            street.busbar_read = False
    assert told(street.passes(4)) == []


def test_a_phase_that_is_not_there_is_no_low_voltage() -> None:
    """A blown fuse, or a meter with three places for a house on one or two phases."""
    street = Street(small_load_flow(), base_kw=9.0)
    street.dead = frozenset({3, 8, 12, 17})
    decided = street.passes(4)
    assert told(decided) == []
    assert all(one.situation.proves for one in decided)


@pytest.mark.parametrize("silent", ["busbar", "houses"])
def test_that_nobody_can_tell_any_more_is_no_proof(silent: str) -> None:
    street = Street(moved_load_flow(), base_kw=9.0)
    street.passes(4)
    if silent == "busbar":
        street.busbar_read = False
    else:
        street.shows[:] = False
    decided = street.passes(6)
    assert told(decided) == []
    assert not any(one.situation.proves for one in decided)
    street.clock.passed_s += UNTOLD_FOR.total_seconds()
    assert told(street.passes(3)) == [("network_voltages", False)], "not for ever"


def test_it_is_over_when_the_switch_is_back() -> None:
    street = Street(moved_load_flow(), base_kw=9.0)
    street.passes(4)
    street.true = small_load_flow()
    decided = street.passes(4)
    assert told(decided) == [("network_voltages", False)]
    assert decided[-1].situation.proves


def test_what_is_nearly_over_is_not_over() -> None:
    """Cuts make the differences smaller: who were freed at once would load the cable again."""
    street = Street(small_load_flow(), base_kw=6.0)
    street.error[:6] = -0.035
    assert told(street.passes(4)) == [("network_voltages", True)]
    street.error[:6] = -0.025
    assert told(street.passes(4)) == []
    street.error[:6] = -0.01
    assert told(street.passes(4)) == [("network_voltages", False)]
