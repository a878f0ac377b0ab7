"""Many meters that lie together: the substation's one reading and the devices' own word against them."""

from dataclasses import replace

import numpy as np
import pytest

from controller.cycle import Decisions
from controller.device_witness import Understated, doubted_next, understated
from controller.entries import DataAlarm, EventOpened, RequestPlanned
from controller.feeder_state import FeederState, Readings
from devices.messages import DeviceStatus
from grid_model.snapshot import Quality
from tests.builders import HOUSES, control, small_load_flow
from tests.controller.passes import Passes, calm_evening, of_kind

CARS = HOUSES - 4


class Lying(Passes):
    """An evening that overloads the transformer: a car in all houses but four, which take 15 kW by
    themselves. The RTU speaks.
    """

    def __init__(self, liars: tuple[int, ...], factor: float, base_kw: float = 2.0) -> None:
        super().__init__(control(calm_evening()), base_kw=base_kw)
        self.field.substation = True
        for house in self.field.houses[CARS:]:
            house.base_kw = 15.0
        self.liars, self.factor = liars, factor

    def decisions(self, steps: int) -> list[Decisions]:
        """The first two passes are true."""
        found = []
        for step in range(steps):
            if step == 2:
                for liar in self.liars:
                    self.field.houses[liar].meter_factor = self.factor
            found.append(self.step())
        return found

    def truly_percent(self) -> float:
        p_kw = np.array([self.field.meter_kw(house) for house in range(HOUSES)])
        return float(small_load_flow().solve(p_kw, 0.2 * p_kw).transformer_loading_percent[0])


def alarms(decided: list[Decisions]) -> list[DataAlarm]:
    return [a for one in decided for a in of_kind(one.entries, DataAlarm) if a.raised]


@pytest.mark.parametrize("factor", [0.1, 0.3, 0.5, 0.7])
@pytest.mark.parametrize("liars", [(3,), (0, 5, 11), (1, 4, 9, 14)])
def test_meters_below_their_own_devices_are_left_out_and_the_overload_is_acted_on(
    liars: tuple[int, ...], factor: float
) -> None:
    passes = Lying(liars, factor)
    decided = passes.decisions(7)
    last = decided[-1]
    assert last.good
    assert {n for n in range(HOUSES) if last.check.snapshot.quality[n] != Quality.MEASURED} == set(liars)
    seen = float(last.check.result.transformer_loading_percent[0])
    assert seen == pytest.approx(passes.truly_percent(), rel=0.01)
    entries = [entry for one in decided for entry in one.entries]
    assert of_kind(entries, EventOpened)
    assert of_kind(entries, RequestPlanned)
    (wrong,) = (alarm for alarm in alarms(decided) if alarm.kind == "wrong_meter")
    for liar in liars:
        assert f"meter M{liar:02d} at sp{liar:02d} reads" in wrong.text
    assert "P of trafo" not in wrong.text


@pytest.mark.parametrize("factor", [0.3, 0.7])
def test_who_lied_is_not_believed_again_as_soon_as_its_car_is_slowed(factor: float) -> None:
    passes = Lying((1, 4, 9, 14), factor)
    decided = passes.decisions(7)
    for _ in range(6):
        passes.obey()
        decided.append(passes.step())
    assert passes.truly_percent() < 100
    for one in decided[4:]:
        assert one.good
        assert (one.check.snapshot.quality[[1, 4, 9, 14]] != Quality.MEASURED).all()
    (wrong,) = (alarm for alarm in alarms(decided) if alarm.kind == "wrong_meter")
    assert "P of trafo" not in wrong.text


def test_who_shows_the_truth_again_is_believed_after_a_while() -> None:
    passes = Lying((1, 4), 0.3)
    passes.decisions(7)
    for house in passes.field.houses:
        house.meter_factor = 1.0
    believed = [bool((passes.step().check.snapshot.quality == Quality.MEASURED).all()) for _ in range(40)]
    assert not any(believed[:25])
    assert all(believed[31:])


def test_of_many_that_lie_the_alarm_names_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.data_alarms.MOST_NAMED", 3)
    passes = Lying((1, 4), 0.3)
    decided = passes.decisions(7)
    for liar in (9, 14):
        passes.field.houses[liar].meter_factor = 0.3
    decided += [passes.step() for _ in range(6)]
    first, more = (alarm.text for alarm in alarms(decided) if alarm.kind == "wrong_meter")
    assert (first.count("meter M"), more.count("meter M")) == (2, 3)
    assert more.startswith(first)
    assert more.endswith("; and others")


def test_half_of_all_meters_lying_stops_the_automatic_and_is_told() -> None:
    decided = Lying((*range(0, CARS, 2), 17, 19), 0.3).decisions(8)
    assert not any(one.good for one in decided[3:])
    assert {"wrong_meter", "too_few_meters"} <= {alarm.kind for alarm in alarms(decided)}


@pytest.mark.parametrize("liars", [(0, 2, 5, 8, 11), (1, 3, 4, 6, 7, 9, 10)])
def test_meters_that_show_too_much_together_limit_nobody(liars: tuple[int, ...]) -> None:
    passes = Lying(liars, 2.0, base_kw=0.5)
    for house in passes.field.houses[12:CARS]:
        house.ev_kw = 0.0
    assert passes.truly_percent() < 90
    decided = passes.decisions(8)
    assert decided[-1].check.worst_ratio > 1.0
    assert of_kind([entry for one in decided[2:] for entry in one.entries], RequestPlanned) == []
    assert "feeder_sum" in {alarm.kind for alarm in alarms(decided)}


def test_devices_alone_are_no_proof_against_a_meter() -> None:
    """They say too much, or stand in the wrong house of the file: the substation misses nothing."""
    passes = Lying((), 1.0, base_kw=1.0)
    true = passes.field.messages
    passes.field.messages = lambda: [  # type: ignore[method-assign]
        replace(said, p_kw=22.0)
        if isinstance(said, DeviceStatus) and said.device in {"EV03", "EV07"}
        else said
        for said in true()
    ]
    decided = passes.decisions(6)
    assert all((one.check.snapshot.quality == Quality.MEASURED).all() for one in decided)
    assert alarms(decided) == []


def test_a_house_that_may_feed_in_is_not_held_to_its_devices() -> None:
    of = Lying((), 1.0).of
    state = Lying((), 1.0).step().situation.state
    shown = replace(state.readings, p_kw=np.where(np.arange(HOUSES) == 5, 2.0, state.readings.p_kw))
    now = Lying((), 1.0).clock.now()
    doubted = understated(of, replace(state, readings=shown), 9.0, now)
    assert doubted is not None
    assert doubted.places.tolist() == [5]
    assert doubted.devices_kw[5] == 11.0
    assert doubted.devices_kw.sum() == 11.0
    feed_in_kw = np.where(np.arange(HOUSES) == 5, 4.0, 0.0)
    sunny = replace(of)  # its cached parts are not taken along
    sunny.__dict__["house"] = replace(of.house, feed_in_kw=feed_in_kw)
    assert understated(sunny, replace(state, readings=shown), 9.0, now) is None
    assert understated(of, replace(state, readings=shown), 4.0, now) is None, (
        "the substation misses too little"
    )
    assert understated(of, FeederState(Readings.nothing(HOUSES)), 9.0, now) is None


def test_a_roof_that_feeds_in_hides_nothing_while_older_readings_make_the_substation_miss_power() -> None:
    of = Lying((), 1.0).of
    sunny = replace(of)
    sunny.__dict__["house"] = replace(of.house, feed_in_kw=np.where(np.arange(HOUSES) >= CARS, 40.0, 0.0))
    state = Lying((), 1.0).step().situation.state
    feeding = replace(state.readings, p_kw=np.where(np.arange(HOUSES) >= CARS, -9.0, state.readings.p_kw))
    assert understated(sunny, replace(state, readings=feeding), 30.0, Lying((), 1.0).clock.now()) is None


@pytest.mark.parametrize(("period_s", "checks"), [(10.0, 30), (60.0, 30), (900.0, 8), (36000.0, 1)])
def test_a_meter_is_doubted_for_no_more_than_two_hours_after_it_showed(period_s: float, checks: int) -> None:
    below = Understated(np.array([4]), np.array([4]), np.zeros(HOUSES))
    doubted = doubted_next(below, {}, period_s, lasting={4})
    for _ in range(checks):
        assert doubted
        doubted = doubted_next(None, doubted, period_s)
    assert doubted == {}
