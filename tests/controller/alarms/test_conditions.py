"""What stands, from the books and what the shell sees."""

import pytest

from controller import entries as e
from controller.alarms.conditions import Around, Condition, standing
from controller.books import Books
from tests.controller.record_builders import EVENT, T0, after, books_of, moved, opened, planned

OVER = e.ViolationAppeared(
    at=T0, feeder="dorf", element="line:3", kind="line_overload", value=112.0, limit=100.0
)
SHORT = e.EventShort(
    at=T0, event=EVENT, feeder="dorf", element="line:3", value=112.0, limit=100.0, missing_kw=3.21
)
OFF = e.OperatorActed(at=T0, who="mara", why="works", action="automatic_off", feeder="dorf", target=None)


def alarm(kind: str, raised: bool = True) -> e.DataAlarm:
    return e.DataAlarm(at=T0, feeder="dorf", kind=kind, raised=raised, text="so it is")


def found(books: Books, around: Around | None = None, at_s: float = 0) -> dict[str, Condition]:
    conditions = standing(books, ("dorf", "vorstadt"), around or Around(), after(at_s))
    assert len({(one.alarm, one.kind) for one in conditions}) == len(conditions)
    return {one.kind: one for one in conditions}


def test_nothing_stands_where_all_is_well() -> None:
    assert found(Books(), Around(links={"broker": True})) == {}


def test_an_overload_is_one_of_the_element_and_severe_from_a_value_on() -> None:
    one = found(books_of(OVER))["overload"]
    assert (one.subject, one.value, one.limit) == ("line:3", 112.0, 100.0)
    assert one.text == "dorf: Line 3 at 112.0 %, its limit is 100.0 %"
    assert "overload_severe" in found(books_of(OVER), Around(severe_percent=110.0))
    low = e.ViolationAppeared(
        at=T0, feeder="dorf", element="bus:7", kind="undervoltage", value=0.88, limit=0.9
    )
    assert found(books_of(low))["undervoltage"].text == "dorf: Bus 7 at 0.880 pu, its limit is 0.900 pu"


@pytest.mark.parametrize(
    ("books", "around", "unattended"),
    [
        (books_of(OVER), Around(), False),
        (books_of(OVER, OFF), Around(), True),
        (books_of(OFF), Around(), False),
        (books_of(OVER, alarm("too_few_meters")), Around(), True),
        (books_of(OVER, alarm("wrong_meter")), Around(), False),
        (books_of(OVER, alarm("diverged"), alarm("diverged", False)), Around(), False),
        (books_of(OVER), Around(hands_off=frozenset({"dorf"})), True),
        (books_of(OVER), Around(unwritable=True), True),
        (books_of(), Around(unwritable=True), False),
    ],
)
def test_nobody_relieves_it_where_the_automatic_is_out(
    books: Books, around: Around, unattended: bool
) -> None:
    assert ("overload_unattended" in found(books, around)) is unattended


def test_an_event_that_is_short_counts_while_its_element_is_outside() -> None:
    one = found(books_of(OVER, opened(), SHORT))["event_short"]
    assert one.text == "dorf: all that may be asked for leaves Line 3 at 112.0 %, 3.2 kW at least are missing"
    assert one.subject == "line:3"  # so that its figure has the right unit
    assert (
        one.alarm == Condition("event_short", "dorf", "bus:7", "").alarm
    )  # one for each feeder all the same
    cleared = e.ViolationCleared(at=T0, feeder="dorf", element="line:3", kind="line_overload")
    assert found(books_of(OVER, opened(), SHORT, cleared)) == {}


def test_an_event_that_runs_is_no_alarm() -> None:
    assert found(books_of(opened())) == {}


def test_devices_that_do_not_answer_count_from_three_and_a_fifth_on() -> None:
    asked = [planned(n) for n in range(1, 11)]
    silent = [
        one for n in range(1, 4)
        for one in (moved(asked[n].request, "sent", T0), moved(asked[n].request, "unanswered", T0))
    ]  # fmt: skip
    one = found(books_of(opened(), *asked, *silent))["requests_unanswered"]
    assert (one.value, one.limit) == (3.0, 10.0)
    assert found(books_of(opened(), *asked, *silent[:4])) == {}
    many = [planned(n) for n in range(1, 17)]
    assert found(books_of(opened(), *many, *silent)) == {}


def test_what_is_expected_is_told_until_it_is_there() -> None:
    expected = e.OverloadExpected(
        at=T0, feeder="dorf", element="line:3", kind="line_overload", expected_at=after(1800),
        value=107.0, limit=100.0, probability=0.9,
    )  # fmt: skip
    assert found(books_of(expected))["overload_expected"].text.endswith("107.0 % from 18:30 UTC on")
    assert "overload_expected" not in found(books_of(expected, OVER))


def test_input_is_an_alarm_when_it_goes_on_being_refused() -> None:
    refused = [
        e.ReadingsRefused(at=after(at_s), feeder=None, reason="malformed", count=9, sample="x" * 600)
        for at_s in (0, 60, 120)
    ]
    assert found(books_of(*refused[:2]), at_s=60) == {}
    one = found(books_of(*refused), at_s=120)["readings_refused"]
    assert (one.feeder, one.subject, one.value, len(one.text)) == (None, "malformed", 27.0, 500)
    assert found(books_of(*refused), at_s=300) == {}


def test_an_emergency_stop_is_one_however_many_feeders_it_holds() -> None:
    stop = e.EmergencyStopped(
        at=T0, stop="S-1", who="mara", why="fire", manner="at_once", feeders=("dorf", "vorstadt")
    )
    one = found(books_of(stop, OFF))
    assert one.keys() == {"emergency_stop"}
    assert (one["emergency_stop"].feeder, one["emergency_stop"].value) == (None, 2.0)
    assert "holds on 2 feeders since 2026-01-12 18:00 UTC (fire)" in one["emergency_stop"].text


def test_what_the_journal_does_not_tell() -> None:
    around = Around(links={"broker": False, "chargers": True}, late_s=2.345)
    one = found(Books(), around)
    assert one.keys() == {"link_down", "cycle_late"}
    assert (one["link_down"].subject, one["cycle_late"].value) == ("broker", 2.3)


def test_an_id_is_of_family_feeder_and_subject() -> None:
    same = {Condition(kind, "dorf", "line:3", "").alarm for kind in ("overload", "overload_severe")}
    assert len(same) == 1
    elsewhere = (("a", "b"), ("ab", ""), (None, "ab"))
    others = {Condition("overload", feeder, what, "").alarm for feeder, what in elsewhere}
    assert len(others | same) == 4


def test_kinds_that_nobody_knows_are_told_apart() -> None:
    assert Condition("of_tomorrow", "dorf", "", "").alarm != Condition("of_next_week", "dorf", "", "").alarm


def test_cycles_that_fail_are_told_from_the_third_on() -> None:
    assert found(Books(), Around(failed_cycles=2)) == {}
    one = found(Books(), Around(failed_cycles=3))["controller_fault"]
    assert (one.feeder, one.text) == (None, "3 cycles in a row failed: no feeder is looked after")


def test_off_for_an_hour_is_off_for_an_hour_also_after_a_restart() -> None:
    assert found(books_of(OFF), at_s=3599) == {}
    assert "automatic_off" in found(books_of(OFF), at_s=3600)
