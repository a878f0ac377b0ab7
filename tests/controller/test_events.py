"""Opening, holding and closing an event: step tables (design, rule 4)."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from controller import settings
from controller.books import Books
from controller.entries import EventClosed, EventOpened, ViolationAppeared, ViolationCleared
from controller.events import Tracker, closes, closing, highest_loading, observe, ratio
from controller.feeder_check import Check
from grid_model.load_flow import LoadFlowResult
from grid_model.network import Floats
from grid_model.results import not_converged
from grid_model.snapshot import Quality, Snapshot
from grid_model.violations import Violation, find_violations
from tests.builders import FEEDER, HOUSES, START, control, site, small_network

STEP = timedelta(seconds=10)


def _check(transformer: float | None = 50.0, line: float = 10.0, v_pu: float = 1.0) -> Check:
    """A check whose transformer, first line and last bus are as given; None: did not converge."""
    network, of = small_network(), control()
    lines = np.full(len(network.lines.ids), 10.0)
    lines[0] = line
    voltages: Floats = np.full(len(network.buses.ids), 1.0)
    voltages[-1] = v_pu
    result = (
        not_converged(network, 20)
        if transformer is None
        else LoadFlowResult(True, 3, voltages, lines, np.array([transformer]), np.array([100.0]), 1.0, 100.0)
    )
    return Check(
        snapshot=Snapshot(
            np.zeros(HOUSES), np.zeros(HOUSES), np.full(HOUSES, Quality.MEASURED, dtype=np.uint8)
        ),
        result=result,
        violations=find_violations(network, result, of.limits) if result.converged else (),
        worst_ratio=of.element_limits.worst_ratio(result),
        slack_scale=1.0,
        referee_difference=None,
    )


class Steps:
    """Checks one after another, and the books that their entries give."""

    def __init__(self, rules: settings.Events | None = None, good: bool = True) -> None:
        self.of = control(site(events=rules or settings.Events()))
        self.books, self.tracker, self.now, self.good = Books(), Tracker(), START, good

    def see(self, check: Check, expected: tuple[Violation, ...] = ()) -> str:
        """The entries of one check, in short."""
        event = self.books.open_event(FEEDER)
        self.tracker, entries = observe(
            self.tracker,
            self.of,
            check,
            appeared=self.books.violations(FEEDER),
            event=event,
            good=self.good,
            now=self.now,
            expected=expected,
        )
        told = list(entries)
        if event is not None and closes(self.tracker, self.of.site.events, True, self.now):
            closed = closing(event, self.tracker, self.now)
            self.books.apply(closed)
            told.append(closed)  # type: ignore[arg-type]
        self.books.apply_all(e for e in told if not isinstance(e, EventClosed))
        self.now += STEP
        names = {
            ViolationAppeared: "appeared",
            ViolationCleared: "cleared",
            EventOpened: "opened",
            EventClosed: "closed",
        }
        return " ".join(names[type(entry)] for entry in told)


@pytest.mark.parametrize(
    "table",
    [
        [(90, ""), (101, "appeared"), (101, ""), (101, "opened"), (101, "")],
        [(101, "appeared"), (101, ""), (99, ""), (101, ""), (101, ""), (101, "opened")],
        [(121, "appeared opened"), (121, "")],
        [(120, "appeared"), (120, ""), (120, "opened")],
        [(101, "appeared"), (96, ""), (101, ""), (94, "cleared"), (101, "appeared")],
        [(101, "appeared"), (None, ""), (101, ""), (101, "opened")],
        [(None, ""), (None, ""), (None, ""), (None, "")],
    ],
)
def test_persistence_and_hysteresis(table: list[tuple[float | None, str]]) -> None:
    steps = Steps()
    assert [steps.see(_check(percent)) for percent, _ in table] == [told for _, told in table]


def test_two_elements_that_take_turns_are_no_persistence() -> None:
    steps = Steps()
    told = [steps.see(_check(101 if n % 2 else 99, 99 if n % 2 else 101)) for n in range(6)]
    assert "opened" not in " ".join(told)


def test_with_bad_data_nothing_opens_and_nothing_counts_as_clear() -> None:
    steps = Steps(good=False)
    assert [steps.see(_check(130)) for _ in range(5)] == ["appeared", "", "", "", ""]
    steps.see(_check(50))
    assert steps.tracker.below_since is None


def test_it_closes_only_after_being_low_for_long_enough() -> None:
    steps = Steps(settings.Events(close_after_s=30.0))
    steps.see(_check(125))
    table = [(94, "cleared"), (94, ""), (96, ""), (94, ""), (94, ""), (94, ""), (94, "closed"), (94, "")]
    assert [steps.see(_check(percent)) for percent, _ in table] == [told for _, told in table]
    record = steps.books.latest_event(FEEDER)
    assert record is not None
    assert record.closed is not None
    assert record.closed.peak_percent == 125


def test_a_check_that_found_no_state_is_no_part_of_the_time_in_which_all_was_well() -> None:
    steps = Steps(settings.Events(close_after_s=30.0))
    steps.see(_check(125))
    table = [(94, "cleared"), (94, ""), (None, ""), (94, ""), (94, ""), (94, ""), (94, "closed")]
    assert [steps.see(_check(percent)) for percent, _ in table] == [told for _, told in table]


def test_nobody_may_be_limited_when_it_closes() -> None:
    rules = settings.Events(close_after_s=30.0)
    low = replace(Tracker(), below_since=START)
    later = START + timedelta(seconds=30)
    assert closes(low, rules, True, later)
    assert not closes(low, rules, False, later)
    assert not closes(low, rules, True, later - timedelta(seconds=1))
    assert not closes(Tracker(), rules, True, later)


@pytest.mark.parametrize(
    ("v_pu", "told"),
    [
        (0.899, "appeared"),
        (0.879, "appeared opened"),
        (1.101, "appeared"),
        (1.121, "appeared opened"),
        (0.91, ""),
    ],
)
def test_voltages_count_by_their_deviation(v_pu: float, told: str) -> None:
    assert Steps().see(_check(v_pu=v_pu)) == told


def test_a_voltage_clears_below_the_share_of_its_deviation() -> None:
    steps = Steps()
    assert [steps.see(_check(v_pu=v)) for v in (0.89, 0.903, 0.906)] == ["appeared", "", "cleared"]


@pytest.mark.parametrize(
    ("violation", "expected"),
    [
        (Violation("line:0", "line_overload", 110.0, 100.0), 1.1),
        (Violation("bus:1", "undervoltage", 0.88, 0.9), 1.2),
        (Violation("bus:1", "overvoltage", 1.12, 1.1), 1.2),
    ],
)
def test_ratio(violation: Violation, expected: float) -> None:
    assert ratio(violation) == pytest.approx(expected)


def test_nothing_is_known_of_a_load_flow_that_did_not_converge() -> None:
    assert highest_loading(_check(None).result) is None
    assert _check(None).worst_ratio == np.inf


def test_a_time_that_a_clock_ahead_has_left_does_not_keep_an_event_open() -> None:
    """All was well already when the clock was a day ahead: by the right clock it is well from now on."""
    steps, rules = Steps(), settings.Events()
    steps.tracker = replace(Tracker(), below_since=START + timedelta(days=1))
    steps.see(_check(40))
    assert steps.tracker.below_since == START
    assert closes(steps.tracker, rules, True, START + timedelta(seconds=rules.close_after_s))


def test_the_violation_of_a_bus_that_was_switched_off_is_over() -> None:
    """As when a faulty cable was taken out of the network's file: it has no voltage any more."""
    steps = Steps()
    assert [steps.see(_check(v_pu=v)) for v in (0.89, np.nan, np.nan)] == ["appeared", "cleared", ""]


def test_an_event_stays_open_while_a_violation_is_near() -> None:
    steps = Steps(settings.Events(close_after_s=30.0))
    overload = _check(120.0)
    told = [steps.see(overload) for _ in range(6)]
    assert "opened" in told
    assert [steps.see(_check(40.0), overload.violations) for _ in range(8)] == ["cleared", *[""] * 7]
    assert [steps.see(_check(40.0)) for _ in range(4)] == ["", "", "", "closed"]
