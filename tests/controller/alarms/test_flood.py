"""What explains what, and what is put together in a flood."""

from msgspec.structs import replace

from controller.alarms.alarm_book import AlarmBook
from controller.alarms.alarm_list import AlarmView, alarm_views, summary
from tests.controller.alarms.alarm_builders import acknowledged, book_of, many, raised, returned, shelved
from tests.controller.record_builders import after

LINK = raised("link_down", "broker", after(0), None)
SILENT = [raised("too_few_meters", "", after(20), f"F{n}") for n in range(4)]


def views(book: AlarmBook, at_s: float = 30, feeders: set[str] | None = None) -> dict[str, AlarmView]:
    found = alarm_views(book, out_of_service=(), now=after(at_s), feeders=feeders)
    return {one.alarm: one for one in found}


def test_a_dead_broker_explains_silent_meters_also_without_a_flood() -> None:
    found = views(book_of(LINK, *SILENT))
    assert {found[one.alarm].cause for one in SILENT} == {LINK.alarm}
    assert all(one.grouped_under is None for one in found.values())
    assert found[LINK.alarm].cause is None


def test_what_came_first_or_is_over_explains_nothing() -> None:
    late = raised("link_down", "broker", after(600), None)
    assert views(book_of(*SILENT, late), 601)[SILENT[0].alarm].cause is None
    assert views(book_of(LINK, *SILENT, returned(LINK)))[SILENT[0].alarm].cause is None


def test_in_a_flood_what_is_explained_is_under_its_cause_but_never_what_is_high() -> None:
    high = raised("overload_unattended", "", after(25), "F1")
    book = book_of(LINK, *SILENT, *many(12), high)
    found = views(book)
    assert {found[one.alarm].grouped_under for one in SILENT} == {LINK.alarm}
    first, *others = (found[one.alarm] for one in many(12))
    assert first.grouped_under is None
    assert {one.grouped_under for one in others} == {first.alarm}
    assert found[high.alarm].grouped_under is None
    told = summary(book, found.values(), after(30))
    assert (told.flood.active, told.flood.in_ten_minutes, told.flood.grouped) == (True, 18, 4 + 11)
    assert sum(one.unacknowledged for one in told.counts) == 18  # counted, though put together


def test_what_is_high_stands_for_itself_also_where_it_is_explained() -> None:
    high = replace(SILENT[0], priority="high")
    assert views(book_of(LINK, high, *many(12)))[high.alarm].cause == LINK.alarm
    assert views(book_of(LINK, high, *many(12)))[high.alarm].grouped_under is None


def test_the_worst_of_a_family_stands_for_it() -> None:
    severe = raised("overload_severe", "line:99", after(20))
    found = views(book_of(*many(12), severe))
    assert {one.grouped_under for one in found.values()} == {None, severe.alarm}
    assert found[severe.alarm].grouped_under is None


def test_nothing_is_put_under_what_is_itself_put_somewhere() -> None:
    diverged = [raised("diverged", "", after(21), f"F{n}") for n in range(4)]
    found = views(book_of(LINK, *SILENT, *diverged, *many(12)))
    heads = {one.grouped_under for one in found.values()} - {None}
    assert all(found[head or ""].grouped_under is None for head in heads)
    assert {found[one.alarm].grouped_under for one in diverged} == {LINK.alarm}


def test_what_is_shelved_is_neither_counted_nor_put_anywhere() -> None:
    book = book_of(LINK, *SILENT, *many(12), shelved(SILENT[0], after(29)))
    found = views(book)
    assert (found[SILENT[0].alarm].state, found[SILENT[0].alarm].grouped_under) == ("shelved", None)
    told = summary(book, found.values(), after(30))
    assert (told.shelved, sum(one.unacknowledged for one in told.counts)) == (1, 16)


def test_the_list_is_by_priority_then_unseen_then_newest() -> None:
    seen = raised("link_down", "old", after(5), None)
    book = book_of(*many(2), LINK, seen, acknowledged(seen), raised("event_short", "", after(1)))
    found = alarm_views(book, out_of_service=(), now=after(9))
    assert [one.subject for one in found] == ["", "broker", "old", "line:1", "line:0"]
    assert summary(book, found, after(9)).newest == found[0]


def test_somebody_for_one_feeder_sees_those_and_the_sites() -> None:
    found = views(book_of(LINK, *SILENT), feeders={"F1"})
    assert {one.feeder for one in found.values()} == {None, "F1"}


def test_out_of_service_and_suppressed_are_told_as_such() -> None:
    expected = raised("overload_expected", "line:3")
    book = book_of(expected, raised("event_short", ""), LINK)
    found = alarm_views(book, out_of_service=("link_down",), now=after(9))
    assert {one.kind: one.state for one in found} == {
        "event_short": "unacknowledged", "link_down": "out_of_service", "overload_expected": "suppressed",
    }  # fmt: skip
    assert sum(one.unacknowledged for one in summary(book, found, after(9)).counts) == 1


def test_a_link_explains_only_whom_it_carries_and_only_what_came_with_it() -> None:
    rtu = raised("link_down", "rtu modbus://10.0.0.7:502/1", after(0), "F1")
    silent = [raised("substation_silent", "", after(20), f"F{n}") for n in (1, 2)]
    found = views(book_of(rtu, *silent))
    assert [found[one.alarm].cause for one in silent] == [rtu.alarm, None]
    vtn = raised("link_down", "openadr vtn", after(0), None)
    asked = raised("requests_unanswered", "", after(20), "F1")
    found = views(book_of(vtn, *silent, asked))
    assert [found[one.alarm].cause for one in (*silent, asked)] == [None, None, vtn.alarm]
    unnamed = raised("link_down", "rtu modbus://10.0.0.9:502/1", after(0), None)
    assert all(one.cause is None for one in views(book_of(unnamed, *silent)).values())
    late = raised("substation_silent", "", after(700), "F1")
    assert views(book_of(rtu, late), 701)[late.alarm].cause is None


def test_what_waits_is_never_put_under_what_somebody_has_seen_already() -> None:
    old, first = raised("link_down", "old", after(1), None), many(12)[0]
    found = views(book_of(LINK, acknowledged(LINK), old, *SILENT, *many(12), acknowledged(first)))
    by_id = {one.alarm: one for one in found.values()}
    for one in found.values():
        if one.grouped_under is not None and one.state != "acknowledged":
            assert by_id[one.grouped_under].state == "unacknowledged"
    assert found[old.alarm].grouped_under is None  # links are of no one feeder
    over = raised(subject="line:0")
    gone = views(book_of(*many(12), returned(over, after(13))))
    assert gone[over.alarm].state == "returned_unacknowledged"
    assert {one.grouped_under for one in gone.values()} == {None, many(12)[1].alarm}
