"""Whether data are good enough: step tables of what is raised, when, and when it is good again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from controller.books import Books
from controller.data_alarms import AlarmState, judge
from controller.feeder_check import CheckState, check
from controller.feeder_state import FeederState, Readings, take_in
from controller.plausibility import Refusals
from controller.settings import FeederModbus, Site
from devices.messages import Reading
from tests.builders import FEEDER, FakeClock, Field, control, site


class Steps:
    """One judgement after another, 10 s apart."""

    def __init__(self, rtu: bool = False, of: Site | None = None) -> None:
        self.clock = FakeClock()
        self.field, self.of, self.books = Field(self.clock), control(of or site(rtu)), Books()
        self.state, self.alarms = FeederState(Readings.nothing(20)), AlarmState()
        self.good, self.collapse_index = False, 0.1

    def see(self, meters: int = 20, substation: float | None = 1.0) -> list[tuple[str, bool]]:
        """So many meters speak, and the RTU shows its true value times `substation` (None: silent)."""
        now = self.clock.now()
        said = [m for m in self.field.messages() if isinstance(m, Reading)][:meters]
        if substation is not None:
            said.append(self.field.substation_reading(substation))
        self.state = take_in(self.state, self.of, said, [], now=now, refusals=Refusals()).state
        found, _ = check(self.of, self.state, CheckState(checks=1), now)
        found = replace(found, result=replace(found.result, collapse_index=self.collapse_index))
        raised = {alarm.kind: alarm for alarm in self.books.alarms(FEEDER)}
        judged = judge(self.alarms, self.of, self.state, found, raised=raised, now=now)
        self.alarms, self.good = judged.state, judged.good
        self.books.apply_all(judged.entries)
        assert (judged.alarm is None) == judged.good
        self.clock.passed_s += 10
        return [(entry.kind, entry.raised) for entry in judged.entries]


def test_silence_at_the_start_is_no_alarm_yet_but_nothing_is_done() -> None:
    steps = Steps()
    assert steps.see(meters=0) == []
    assert not steps.good
    assert steps.see(meters=20) == []
    assert steps.good


def test_too_few_meters() -> None:
    steps = Steps()
    for _ in range(3):
        steps.see()
    table = [
        (15, []),  # the other five are 10 s old: fresh still
        (15, [("too_few_meters", True)]),
        (16, []),  # 80 % would do, but not to clear
        (17, []),
        (17, [("too_few_meters", False)]),
        (16, []),
    ]
    assert [steps.see(meters) for meters, _ in table] == [told for _, told in table]
    assert steps.good


def test_a_silent_substation_counts_only_where_one_is_configured() -> None:
    without, with_rtu = Steps(), Steps(rtu=True)
    for steps in (without, with_rtu):
        for _ in range(3):
            steps.see()
    silent = [[steps.see(substation=None) for _ in range(3)] for steps in (without, with_rtu)]
    assert silent == [[[], [], []], [[], [("substation_silent", True)], []]]
    assert without.good
    assert not with_rtu.good
    assert [with_rtu.see() for _ in range(2)] == [[], [("substation_silent", False)]]


@pytest.mark.parametrize(
    "how",
    [
        {"rtu_over_broker": True},
        {"modbus": (FeederModbus(host="h", profile="rtu_generic", substation=True),)},
    ],
    ids=lambda how: next(iter(how)),
)
def test_a_substation_may_not_be_silent_however_it_is_read(how: dict[str, Any]) -> None:
    plain = site()
    feeder = msgspec.structs.replace(plain.feeder[0], **how)
    steps = Steps(of=msgspec.structs.replace(plain, feeder=(feeder,)))
    for _ in range(3):
        steps.see()
    assert [steps.see(substation=None) for _ in range(3)] == [[], [("substation_silent", True)], []]
    assert not steps.good


@pytest.mark.parametrize("scale", [1.15, 0.85])
def test_a_feeder_sum_that_does_not_add_up(scale: float) -> None:
    steps = Steps(rtu=True)
    for _ in range(3):
        steps.see()
    told = [steps.see(substation=scale) for _ in range(4)]
    assert told == [[], [], [("feeder_sum", True)], []]
    assert not steps.good
    assert [steps.see() for _ in range(2)] == [[], [("feeder_sum", False)]]
    assert steps.good


def test_a_small_or_short_difference_is_no_alarm() -> None:
    steps = Steps(rtu=True)
    for _ in range(3):
        steps.see()
    assert [steps.see(substation=1.05) for _ in range(4)] == [[]] * 4
    assert steps.good
    assert steps.see(substation=1.3) == []
    assert not steps.good, "nothing is done on data that do not add up, from the first cycle"
    assert steps.see() == []
    assert steps.good
    assert steps.clock.now() - steps.clock.start == timedelta(seconds=90)


def test_near_collapse_is_told_with_its_figure_and_stops_nobody() -> None:
    steps = Steps()
    for _ in range(3):
        steps.see()
    steps.collapse_index = 0.6
    assert [steps.see() for _ in range(2)] == [[("near_collapse", True)], []]
    assert steps.good
    (alarm,) = steps.books.alarms(FEEDER)
    assert alarm.text == "the load is at 94% of that at which the voltage collapses"
    steps.collapse_index = 0.1
    assert [steps.see() for _ in range(2)] == [[], [("near_collapse", False)]]
