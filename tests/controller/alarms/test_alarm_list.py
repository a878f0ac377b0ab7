"""What is shown of the alarms: what a console sounds for, and what the settings take out of service."""

from controller.alarms.alarm_list import (
    MOST_WAITING,
    OutOfService,
    alarm_views,
    out_of_service,
    summary,
)
from tests.controller.alarms.alarm_builders import acknowledged, book_of, many, raised, shelved
from tests.controller.record_builders import after


def test_all_that_wait_and_sound_are_named_the_most_urgent_and_newest_first() -> None:
    high, link = raised("event_short"), raised("link_down", "broker", after(5), None)
    seen, gone = raised("too_few_meters", ""), raised("busbar_voltage", "")
    again = raised("event_short", at=after(3))
    done = acknowledged(seen), shelved(gone)
    severe = many(2, kind="overload_severe")
    book = book_of(high, link, raised(), seen, gone, *done, *severe, again)
    found = summary(book, alarm_views(book, out_of_service=(), now=after(9)), after(9))
    assert [(one.alarm, one.occurrence, one.priority) for one in found.waiting] == [
        (high.alarm, 2, "high"),
        (link.alarm, 1, "medium"),
        *((one.alarm, 1, "medium") for one in reversed(severe)),
    ]


def test_no_more_of_them_than_a_page_can_take_in() -> None:
    book = book_of(*many(MOST_WAITING + 1, kind="overload_severe"), raised("event_short"))
    waiting = summary(book, alarm_views(book, out_of_service=(), now=after(9)), after(9)).waiting
    assert (len(waiting), waiting[0].priority) == (MOST_WAITING, "high")


def test_what_is_out_of_service_is_told_and_whether_it_stands() -> None:
    names = ("wrong_meter", "overload/dorf", "overload/stadt")
    stand = {("overload", "dorf"), ("wrong_meter", "stadt")}
    wrong = OutOfService(kind="wrong_meter", feeder=None, priority="low", stands=True)
    dorf = OutOfService(kind="overload", feeder="dorf", priority="low", stands=True)
    stadt = OutOfService(kind="overload", feeder="stadt", priority="low", stands=False)
    assert out_of_service(names, stand) == (wrong, dorf, stadt)
    less = OutOfService(kind="wrong_meter", feeder=None, priority="low", stands=False)
    assert out_of_service(names, stand, feeders={"dorf"}) == (less, dorf)
