"""The desk: late readings and disputes on the real store, of requests known to the books or forgotten."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.books import KEEP_CLOSED_EVENTS
from controller.entries import (
    DisputeClosed,
    Entry,
    EventClosed,
    EventOpened,
    LedgerPosted,
    RequestSettled,
    SettlementCorrected,
)
from controller.proving.dispute_errors import NotPossible, ReadingsRejected, UnknownSettlement
from controller.proving.kept_readings import KeptReadings
from controller.proving.settlement_desk import Remedy, SettlementDesk
from controller.rewards import ledger
from controller.stores.audit import audit
from controller.stores.history import History
from controller.stores.port import LateReading, StoreUnavailable
from tests.builders import FEEDER, START, Crash, inline
from tests.controller.proving.test_settling import END, Evening, sample

R0 = "E-R000"


class DeskEvening(Evening):
    """An evening that is settled, and the desk beside it."""

    past: KeptReadings | None = None

    async def begun(self, houses: int = 3, kw: float = 5.2, **changes: Any) -> "DeskEvening":
        await self.lived(houses, **changes)
        if kw != 5.2:
            self.store._connection.execute("DELETE FROM samples")
            await self.measured(kw)
        await self.settling.settle()
        self.open_desk()
        return self

    def open_desk(self, of: Callable[..., Awaitable[Any]] = inline) -> SettlementDesk:
        self.desk = SettlementDesk(
            self.keeper,
            self.turn,
            self.clock,
            store=self.store,
            controls={FEEDER: self.control},
            offload=of,
            site=self.control.site,
            terms=self.terms,
            past=self.past,
        )
        return self.desk

    async def forget(self) -> None:
        """So many events later that the books know nothing of this one."""
        entries: list[Entry] = [EventClosed(at=END, event="E", feeder=FEEDER, peak_percent=120.0)]
        for number in range(KEEP_CLOSED_EVENTS + 1):
            at = END + timedelta(minutes=number + 1)
            entries += [
                EventOpened(
                    at=at, event=f"E{number}", feeder=FEEDER, element="x", kind="x", value=120, limit=100
                ),
                EventClosed(at=at, event=f"E{number}", feeder=FEEDER, peak_percent=120.0),
            ]
        await self.keeper.write(entries)
        assert R0 not in self.keeper.books.requests

    def points(self, house: int = 0) -> int:
        return self.store.balances().get((f"customer:C{house:02d}", "points"), 0)

    def seq(self) -> int:
        return self.keeper.books.seq


def late(kw: float, meter: str = "M00", minutes: range = range(15)) -> list[LateReading]:
    return [LateReading(FEEDER, meter, START + timedelta(minutes=n), kw) for n in minutes]


async def unread() -> DeskEvening:
    """Nobody was read, so nobody was credited."""
    return await DeskEvening().begun(kw=float("nan"))


# --- late readings


@pytest.mark.parametrize("forgotten", [False, True])
async def test_late_readings_correct_what_they_change(forgotten: bool) -> None:
    evening = await unread()
    assert evening.points() == 0
    if forgotten:
        await evening.forget()
    taken = await evening.desk.late_readings(FEEDER, late(5.2))
    assert (taken.readings, taken.new, taken.corrected, taken.unchanged) == (15, 15, (R0,), 0)
    assert evening.points() == 170
    (correction,) = evening.entries(SettlementCorrected)
    assert (correction.version, correction.reduced_kwh, correction.programme) == (1, 1.7, "evening-relief")
    assert evening.keeper.books.totals(FEEDER, "EUR-cent").credited_points == 170
    assert audit(evening.store).faults == ()


async def test_the_same_readings_again_change_nothing() -> None:
    evening = await unread()
    await evening.desk.late_readings(FEEDER, late(5.2))
    seq = evening.seq()
    again = await evening.desk.late_readings(FEEDER, late(5.2))
    assert (again.new, again.corrected, again.unchanged) == (0, (), 1)
    assert evening.seq() == seq


async def test_more_of_them_correct_once_more() -> None:
    evening = await unread()
    await evening.desk.late_readings(FEEDER, late(5.2, minutes=range(12)))
    first = evening.points()
    await evening.desk.late_readings(FEEDER, late(9.0, minutes=range(12, 15)))
    versions = [entry.version for entry in evening.entries(SettlementCorrected)]
    assert versions == [1, 2]
    assert first == 158  # the last of 12 stands for three minutes, three times their spacing: 14 of 15
    # 12 minutes of 6.8 kW less and 3 of 3 kW less: 1360 + 150 Wh
    assert evening.points() == 151
    assert set(ledger.sum_per_unit(evening.store.balances().items()).values()) == {0}


async def test_a_crash_between_readings_and_correction_is_made_good_by_sending_them_again() -> None:
    evening = await unread()
    evening.store.die_at = (evening.store.commits + 1, "before")
    with pytest.raises(Crash):
        await evening.desk.late_readings(FEEDER, late(5.2))
    evening.store.dead, evening.store.die_at = False, None
    assert evening.points() == 0
    taken = await evening.desk.late_readings(FEEDER, late(5.2))
    assert (taken.new, taken.corrected) == (0, (R0,))
    assert evening.points() == 170


async def test_a_store_out_of_order_is_told_and_nothing_is_half_done() -> None:
    evening = await unread()
    evening.store.broken = True
    with pytest.raises(StoreUnavailable):
        await evening.desk.late_readings(FEEDER, late(5.2))
    evening.store.broken = False
    assert evening.entries(SettlementCorrected) == []


async def test_what_was_measured_in_time_stands() -> None:
    evening = await DeskEvening().begun()
    taken = await evening.desk.late_readings(FEEDER, late(0.0))
    assert (taken.corrected, taken.unchanged) == ((), 1)
    assert evening.points() == 170


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (LateReading(FEEDER, "M77", START, 1.0), "no such meter"),
        (LateReading(FEEDER, "M00", START, 1e6), "expected at most"),
        (LateReading(FEEDER, "M00", START, -1e6), "expected at most"),
        (LateReading(FEEDER, "M00", START, float("nan")), "expected at most"),
        (LateReading(FEEDER, "M00", START, 5.3), "given twice"),
        (LateReading(FEEDER, "M00", START - timedelta(days=30), 1.0), "expected a time from"),
        (LateReading(FEEDER, "M00", START + timedelta(days=1), 1.0), "expected a time from"),
    ],
)
async def test_what_cannot_be_is_rejected_and_nothing_of_it_kept(reading: LateReading, expected: str) -> None:
    evening = await unread()
    with pytest.raises(ReadingsRejected, match=expected):
        await evening.desk.late_readings(FEEDER, [*late(5.2), reading])
    assert evening.store.late(FEEDER, START, END) == ()
    with pytest.raises(UnknownSettlement, match="expected one of F1"):
        await evening.desk.late_readings("F9", [])


async def test_another_value_for_a_reading_that_was_taken_is_for_a_dispute() -> None:
    evening = await unread()
    await evening.desk.late_readings(FEEDER, late(5.2))
    with pytest.raises(ReadingsRejected, match=r"5\.2 kW was taken before, got 4"):
        await evening.desk.late_readings(FEEDER, late(4.0))
    assert evening.points() == 170


async def test_a_request_whose_samples_are_gone_stays_as_it_was_settled() -> None:
    evening = await DeskEvening().begun()
    evening.clock.passed_s = timedelta(days=14).total_seconds() + 200
    taken = await evening.desk.late_readings(FEEDER, late(12.0, minutes=range(10, 15)))
    assert (taken.not_kept, taken.corrected) == ((R0,), ())
    assert evening.points() == 170


async def test_readings_that_come_while_their_settlement_is_calculated_are_not_lost() -> None:
    evening = DeskEvening()
    await evening.lived(houses=1)
    evening.store._connection.execute("DELETE FROM samples")
    await evening.measured(float("nan"))
    calculated, go_on = asyncio.Event(), asyncio.Event()

    async def slow(function: Any, *args: Any) -> Any:
        told = function(*args)
        calculated.set()
        await go_on.wait()
        return told

    evening.settling._offload = slow  # type: ignore[assignment]
    desk = evening.open_desk()
    settling = asyncio.create_task(evening.settling.settle())
    await calculated.wait()
    taking = asyncio.create_task(desk.late_readings(FEEDER, late(5.2)))
    for _ in range(50):
        await asyncio.sleep(0)
    go_on.set()
    await settling
    await taking
    assert evening.points() == 170


async def test_readings_that_come_between_two_batches_count_in_the_second() -> None:
    evening = DeskEvening(at_once=1)
    await evening.lived(houses=2)
    evening.store._connection.execute("DELETE FROM samples")
    await evening.measured(float("nan"))

    async def adding(function: Any, *args: Any) -> Any:
        told = function(*args)
        evening.store.add_late(late(5.2, meter="M01"))
        return told

    evening.settling._offload = adding  # type: ignore[assignment]
    await evening.settling.settle()
    assert (evening.points(0), evening.points(1)) == (0, 170)


# --- disputes


async def test_a_dispute_is_opened_once_listed_and_rejected_once() -> None:
    evening = await DeskEvening().begun()
    opened = await evening.desk.open(R0, "meter_wrong", "hotline")
    assert await evening.desk.open(R0, "meter_wrong", "hotline") == opened
    with pytest.raises(NotPossible, match="disputed already"):
        await evening.desk.open(R0, "other", "hotline")
    assert evening.desk.open_disputes() == (opened,)
    closed = await evening.desk.reject(opened.dispute, who="settlement", why="the meter was tested")
    assert (closed.outcome, evening.desk.open_disputes()) == ("rejected", ())
    with pytest.raises(UnknownSettlement, match="no dispute"):
        await evening.desk.reject(opened.dispute, who="settlement", why="again")
    with pytest.raises(UnknownSettlement, match="no dispute"):
        await evening.desk.uphold(opened.dispute, Remedy(reduced_wh=0), who="settlement", why="again")
    assert evening.points() == 170
    assert len(evening.entries(DisputeClosed)) == 1


@pytest.mark.parametrize("forgotten", [False, True])
async def test_upheld_by_a_figure(forgotten: bool) -> None:
    evening = await unread()
    if forgotten:
        await evening.forget()
    opened = await evening.desk.open(R0, "readings_missing", "hotline")
    commits = evening.store.commits
    _, correction = await evening.desk.uphold(
        opened.dispute, Remedy(reduced_wh=1200), who="settlement", why="their own meter shows it"
    )
    assert evening.store.commits == commits + 1  # correction, booking and end of the dispute together
    assert (correction.reduced_kwh, correction.points, correction.dispute) == (1.2, 120, opened.dispute)
    assert evening.points() == 120
    assert audit(evening.store).faults == ()


async def test_no_figure_above_what_was_asked() -> None:
    evening = await unread()
    opened = await evening.desk.open(R0, "other", "hotline")
    with pytest.raises(NotPossible, match="expected 0 to 1700"):
        await evening.desk.uphold(opened.dispute, Remedy(reduced_wh=1701), who="s", why="w")
    assert evening.desk.open_disputes() == (opened,)


async def test_upheld_by_other_readings_in_place_of_the_meters() -> None:
    evening = await DeskEvening().begun(kw=12.0)
    opened = await evening.desk.open(R0, "meter_wrong", "hotline")
    given = tuple((START + timedelta(minutes=n), 9.0) for n in range(15))
    _, correction = await evening.desk.uphold(opened.dispute, Remedy(readings=given), who="s", why="w")
    assert correction.reduced_kwh == 0.75  # 12 - 9 kW for a quarter of an hour
    assert [interval.reduced_wh for interval in correction.by_interval] == [750]
    assert correction.readings is None  # no stored sample decided it
    assert {one.source for one in evening.store.late(FEEDER, START, END)} == {opened.dispute}


async def test_what_is_kept_for_a_dispute_is_what_it_was_decided_by() -> None:
    evening = await DeskEvening().begun(kw=12.0)
    opened = await evening.desk.open(R0, "meter_wrong", "hotline")
    given = {kw: tuple((START + timedelta(minutes=n), kw) for n in range(15)) for kw in (12.0, 9.0)}
    with pytest.raises(NotPossible, match="comes to the same"):
        await evening.desk.uphold(opened.dispute, Remedy(readings=given[12.0]), who="s", why="w")
    assert evening.store.late(FEEDER, START, END) == ()
    await evening.desk.uphold(opened.dispute, Remedy(readings=given[9.0]), who="s", why="w")
    kept = evening.store.late(FEEDER, START, END)
    assert tuple((one.at, one.p_kw) for one in kept) == given[9.0]


@pytest.mark.parametrize("minutes", [range(15), range(5)])
async def test_other_readings_than_those_that_are_kept_for_it_decide_nothing(minutes: range) -> None:
    evening = await DeskEvening().begun(kw=12.0)
    opened = await evening.desk.open(R0, "meter_wrong", "hotline")
    before = [replace(one, source=opened.dispute) for one in late(11.0)]
    evening.store.add_late(before)  # the daemon ended before it was decided by them
    given = {kw: tuple((START + timedelta(minutes=n), kw) for n in minutes) for kw in (9.0, 11.0)}
    with pytest.raises(NotPossible, match=r"M00 at 2016-01-12T17:00:00\+00:00: 11 kW is kept .*, got 9"):
        await evening.desk.uphold(opened.dispute, Remedy(readings=given[9.0]), who="s", why="w")
    if len(minutes) < len(before):
        with pytest.raises(NotPossible, match=r"11 kW is kept .*, got nothing"):
            await evening.desk.uphold(opened.dispute, Remedy(readings=given[11.0]), who="s", why="w")
        assert evening.desk.open_disputes() == (opened,)
        return
    _, correction = await evening.desk.uphold(opened.dispute, Remedy(readings=given[11.0]), who="s", why="w")
    assert correction.reduced_kwh == 0.25
    assert list(evening.store.late(FEEDER, START, END)) == before


async def test_readings_of_another_meter_decide_nothing() -> None:
    evening = await DeskEvening().begun(kw=12.0)
    opened = await evening.desk.open(R0, "meter_wrong", "hotline")
    given = tuple((START + timedelta(minutes=n), 9.0) for n in range(15))
    with pytest.raises(NotPossible, match="expected readings of M00, the meter of E-R000; got M01"):
        await evening.desk.uphold(opened.dispute, Remedy(readings=given, meter="M01"), who="s", why="w")
    assert evening.store.late(FEEDER, START, END) == ()


async def test_upheld_by_a_published_baseline() -> None:
    evening = await DeskEvening().begun(kw=11.0)
    await evening.keeper.write((), [sample(-1200 + n * 60, 14.0) for n in range(15)])
    opened = await evening.desk.open(R0, "baseline_wrong", "hotline")
    before = evening.points()
    _, correction = await evening.desk.uphold(
        opened.dispute, Remedy(baseline="meter before"), who="s", why="w"
    )
    assert correction.baseline is not None
    assert correction.baseline.rule == "meter before"
    assert evening.points() == correction.points != before
    with pytest.raises(UnknownSettlement):
        await evening.desk.uphold("D-x", Remedy(baseline="x"), who="s", why="w")
    evening.clock.passed_s += 60
    again = await evening.desk.open(R0, "other", "hotline")
    with pytest.raises(NotPossible, match="comes to the same"):  # by the baseline that was decided
        await evening.desk.uphold(again.dispute, Remedy(), who="s", why="w")


async def test_a_rule_that_looks_at_hours_after_the_event_waits_for_them() -> None:
    evening = await DeskEvening().begun(kw=11.0)
    opened = await evening.desk.open(R0, "baseline_wrong", "hotline")
    remedy = Remedy(baseline="meter before and after (3+2)")
    with pytest.raises(NotPossible, match=r"looks at hours after the event: wait until 2016-01-12 20:"):
        await evening.desk.uphold(opened.dispute, remedy, who="s", why="w")
    assert evening.desk.open_disputes() == (opened,)


@pytest.mark.parametrize("kept", [False, True])
async def test_a_dispute_long_after_works_while_the_history_has_the_readings(
    kept: bool, tmp_path: Path
) -> None:
    evening = await DeskEvening().begun(kw=11.0)
    await evening.keeper.write((), [sample(-4500 + n * 10, 14.0) for n in range(420)])
    names = evening.control.network.service_points
    before, after = START - timedelta(hours=2), START + timedelta(hours=2)
    history = History(tmp_path)
    history.write(FEEDER, START.date(), evening.store.samples(FEEDER, before, after), names)
    evening.store._connection.execute("DELETE FROM samples")
    evening.clock.passed_s = timedelta(days=30).total_seconds()
    evening.past = KeptReadings(evening.store, history, {FEEDER: names}) if kept else None
    desk = evening.open_desk()
    opened = await desk.open(R0, "baseline_wrong", "hotline")
    remedy = Remedy(baseline="meter before")
    if not kept:
        with pytest.raises(NotPossible, match="not kept any more"):
            await desk.uphold(opened.dispute, remedy, who="s", why="w")
        return
    with pytest.raises(NotPossible, match="comes to the same"):
        await desk.uphold(opened.dispute, Remedy(), who="s", why="w")  # the history has the same samples
    _, correction = await desk.uphold(opened.dispute, remedy, who="s", why="w")
    assert correction.baseline is not None
    assert correction.baseline.p_kw[0] == pytest.approx(13.0)  # two quarters of 14 kW and one of 11
    assert correction.reduced_kwh == 0.5


async def test_what_is_stored_decides_only_as_long_as_it_is_what_the_settlement_saw() -> None:
    evening = await DeskEvening().begun(kw=12.0)
    opened = await evening.desk.open(R0, "other", "hotline")
    evening.store._connection.execute("DELETE FROM samples")
    await evening.measured(5.2)
    for remedy in (Remedy(), Remedy(baseline="meter before")):
        with pytest.raises(NotPossible, match="the samples differ from those that the settlement saw"):
            await evening.desk.uphold(opened.dispute, remedy, who="s", why="w")
    assert evening.desk.open_disputes() == (opened,)
    assert evening.points() == 0


async def test_late_readings_are_no_part_of_what_the_settlement_saw() -> None:
    evening = await unread()
    opened = await evening.desk.open(R0, "readings_missing", "hotline")
    evening.store.add_late(late(5.2))
    _, correction = await evening.desk.uphold(opened.dispute, Remedy(), who="s", why="w")
    (settled,) = [one for one in evening.entries(RequestSettled) if one.request == R0]
    assert correction.points == 170
    assert correction.readings == settled.readings is not None


async def test_upheld_without_any_difference_is_no_correction() -> None:
    evening = await DeskEvening().begun()
    opened = await evening.desk.open(R0, "other", "hotline")
    for remedy, expected in (
        (Remedy(), "comes to the same"),
        (Remedy(reduced_wh=1700), "comes to the same"),
        (Remedy(baseline="high 5 of 11"), "expected one of high 5 of 10"),
        (Remedy(baseline="meter before", reduced_wh=3), "expected one of readings, baseline and reduced_wh"),
    ):
        with pytest.raises(NotPossible, match=expected):
            await evening.desk.uphold(opened.dispute, remedy, who="s", why="w")
    assert evening.desk.open_disputes() == (opened,)
    assert evening.points() == 170


async def test_what_a_dispute_decided_late_readings_change_no_more() -> None:
    evening = await unread()
    opened = await evening.desk.open(R0, "readings_missing", "hotline")
    await evening.desk.uphold(opened.dispute, Remedy(reduced_wh=1000), who="s", why="w")
    taken = await evening.desk.late_readings(FEEDER, late(5.2))
    assert (taken.decided, taken.corrected) == ((R0,), ())
    assert evening.points() == 100


async def test_a_dispute_has_its_time() -> None:
    evening = await DeskEvening().begun()
    evening.clock.passed_s += timedelta(days=61).total_seconds()
    with pytest.raises(NotPossible, match="could be disputed until"):
        await evening.desk.open(R0, "other", "hotline")


async def test_what_is_not_there_or_not_settled_cannot_be_disputed() -> None:
    evening = DeskEvening()
    await evening.lived(1)
    desk = evening.open_desk()
    with pytest.raises(NotPossible, match="not settled yet: it is ended"):
        await desk.open(R0, "other", "hotline")
    with pytest.raises(UnknownSettlement, match="no request 'X'"):
        await desk.open("X", "other", "hotline")


async def test_two_decisions_at_once_are_one() -> None:
    evening = await unread()
    opened = await evening.desk.open(R0, "other", "hotline")

    async def yielding(function: Any, *args: Any) -> Any:
        await asyncio.sleep(0)
        return function(*args)

    desk = evening.open_desk(yielding)
    answers = await asyncio.gather(
        desk.uphold(opened.dispute, Remedy(reduced_wh=100), who="one", why="w"),
        desk.uphold(opened.dispute, Remedy(reduced_wh=900), who="two", why="w"),
        desk.reject(opened.dispute, who="three", why="w"),
        return_exceptions=True,
    )
    assert [isinstance(one, UnknownSettlement) for one in answers] == [False, True, True]
    assert evening.points() == 10


async def test_a_crash_at_the_decision_leaves_the_dispute_open_or_decided_whole() -> None:
    for moment in ("before", "after"):
        evening = await unread()
        opened = await evening.desk.open(R0, "other", "hotline")
        evening.store.die_at = (evening.store.commits + 1, moment)
        with pytest.raises(Crash):
            await evening.desk.uphold(opened.dispute, Remedy(reduced_wh=100), who="s", why="w")
        evening.store.dead, evening.store.die_at = False, None
        told = [type(n.entry) for n in evening.store.replay()][-3:]
        whole = [SettlementCorrected, LedgerPosted, DisputeClosed]
        assert (told == whole) is (moment == "after")
        assert evening.points() == (10 if moment == "after" else 0)


async def test_a_settlement_with_all_that_came_of_it() -> None:
    evening = await unread()
    await evening.desk.late_readings(FEEDER, late(9.0))
    opened = await evening.desk.open(R0, "other", "hotline")
    await evening.forget()
    told = await evening.desk.settlement(R0)
    assert told.record.settled is not None
    assert told.record.settled.outcome == "too_little_data"
    assert [one.reduced_kwh for one in told.corrections] == [0.75]
    assert told.record.corrected == told.corrections[0]
    assert told.disputes == (opened,)
