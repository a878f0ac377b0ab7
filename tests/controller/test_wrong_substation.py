"""A wrong RTU: right meters stay believed, and nobody acts on a state that was bent to fit it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from controller.cycle import Decisions
from controller.entries import DataAlarm, EventOpened, RequestPlanned
from devices.messages import Reading
from grid_model.snapshot import Quality
from tests.builders import HOUSES, control
from tests.controller.passes import Passes, calm_evening, of_kind

Shown = Callable[[Reading], Reading]


def times(factor: float) -> Shown:
    return lambda reading: replace(reading, p_kw=factor * reading.p_kw)


def volts(factor: float) -> Shown:
    return lambda reading: replace(reading, v_v=tuple(factor * v for v in reading.v_v or ()))


def stuck() -> Shown:
    first: list[float] = []

    def shown(reading: Reading) -> Reading:
        first.append(reading.p_kw)
        return replace(reading, p_kw=first[0])

    return shown


class WrongRtu(Passes):
    """Houses of different loads that change a little, and what the RTU makes of their sum."""

    def __init__(
        self,
        shows: Shown,
        silent: tuple[int, ...] = (),
        base_kw: float = 4.0,
        seed: int = 2,
        configured: bool = True,
    ) -> None:
        super().__init__(control(calm_evening(rtu=configured)))
        self.rng, true = np.random.default_rng(seed), self.field.substation_reading
        self.v_pu = 1.0
        for house in self.field.houses:
            house.base_kw, house.ev_kw = base_kw * self.rng.uniform(0.2, 1.8), 6.0 * self.rng.integers(0, 2)
        for number in silent:
            self.field.houses[number].meter_works = False
        self.field.substation_reading = lambda scale=1.0, v_pu=None: shows(true(scale, v_pu))  # type: ignore[method-assign]

    def decisions(self, steps: int, rise_kw: float = 0.0) -> list[Decisions]:
        decided = []
        for _ in range(steps):
            for house in self.field.houses:
                house.base_kw += rise_kw + self.rng.normal(0.0, 0.1)
            decided.append(self.step())
        return decided


@pytest.mark.parametrize("configured", [True, False])
def test_a_sum_that_keeps_being_contradicted_is_told_once_and_blames_nobody(configured: bool) -> None:
    decided = WrongRtu(times(1.3), configured=configured).decisions(12)
    told = [alarm for one in decided for alarm in of_kind(one.entries, DataAlarm) if alarm.raised]
    assert sorted(alarm.kind for alarm in told) == ["feeder_sum", "wrong_meter"]
    (wrong,) = (alarm for alarm in told if alarm.kind == "wrong_meter")
    assert wrong.text.startswith("P of trafo:0 reads ")
    assert wrong.text.endswith("; either it is wrong, or several meters are")


def kinds(decided: list[Decisions]) -> set[str]:
    return {alarm.kind for one in decided for alarm in of_kind(one.entries, DataAlarm)}


def test_what_is_right_needs_no_alarm() -> None:
    for silent in ((), (3, 9)):
        decided = WrongRtu(times(1.0), silent).decisions(6)
        assert all(one.good for one in decided)
        assert kinds(decided) == set()


@pytest.mark.parametrize("silent", [(), (3, 9), (3, 9, 12, 17)])
@pytest.mark.parametrize("factor", [0.5, -1.0, 1.25, 1.5, 0.001, 1000.0])
def test_a_wrong_sum_is_never_laid_on_houses_that_nobody_reads(
    factor: float, silent: tuple[int, ...]
) -> None:
    decided = WrongRtu(times(factor), silent).decisions(5)
    assert not any(one.good for one in decided)
    assert kinds(decided) & {"feeder_sum", "substation_silent"}


@pytest.mark.parametrize("silent", [(), (3, 9)])
def test_an_overload_is_not_cut_by_a_wrong_sum(silent: tuple[int, ...]) -> None:
    passes = WrongRtu(times(1.6), silent, base_kw=6.0)
    decided = passes.decisions(6)
    assert decided[0].check.worst_ratio < 1.5
    entries = [entry for one in decided for entry in one.entries]
    assert of_kind(entries, EventOpened) == []
    assert of_kind(entries, RequestPlanned) == []


@pytest.mark.parametrize("factor", [0.88, 1.12])
def test_a_right_meter_is_not_left_out_where_the_substation_may_be_wrong_as_well(factor: float) -> None:
    for seed in range(2, 5):
        decided = WrongRtu(times(factor), seed=seed).decisions(6)
        for one in decided:
            assert (one.check.snapshot.quality == Quality.MEASURED).all()
            assert not one.good


def test_a_stuck_sum_stops_the_automatic_once_the_houses_went_on() -> None:
    decided = WrongRtu(stuck()).decisions(12, rise_kw=0.3)
    assert decided[0].good
    assert not decided[-1].good
    assert "feeder_sum" in kinds(decided)
    assert (decided[-1].check.snapshot.quality == Quality.MEASURED).all()
    shown, true = float(decided[-1].check.snapshot.p_kw.sum()), decided[-1].sample.substation_p_kw
    assert true is not None
    assert shown > 1.1 * true, "the meters are believed"


@pytest.mark.parametrize("factor", [0.7, 0.85, 1.3])
def test_a_voltage_that_cannot_be_is_no_undervoltage(factor: float) -> None:
    decided = WrongRtu(volts(factor)).decisions(5)
    entries = [entry for one in decided for entry in one.entries]
    assert not any(one.good for one in decided)
    assert of_kind(entries, EventOpened) == []
    (alarm,) = (alarm for alarm in of_kind(entries, DataAlarm) if alarm.kind == "busbar_voltage")
    assert f"{factor:.3f} pu" in alarm.text


def test_of_a_voltage_that_cannot_be_nothing_is_left_when_it_is_gone() -> None:
    passes = WrongRtu(volts(0.7))
    passes.decisions(2)
    passes.field.substation_reading = lambda scale=1.0, v_pu=None: replace(  # type: ignore[method-assign]
        type(passes.field).substation_reading(passes.field, scale, v_pu), v_v=None
    )
    last = passes.decisions(3)[-1]
    assert last.good
    assert last.check.slack_scale == 1.0
    assert last.check.violations == ()


def test_a_low_voltage_that_can_be_is_acted_on() -> None:
    decided = WrongRtu(volts(0.92)).decisions(5)
    assert all(one.good for one in decided)
    assert decided[-1].check.snapshot.p_kw.shape == (HOUSES,)
