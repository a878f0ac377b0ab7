"""What stands, from books alone: the most pressing first, each with who and why."""

from datetime import timedelta

from controller import entries as e
from controller.books import Books
from controller.operators import Orders
from controller.shifts.standing import seen_of, standing
from tests.controller.record_builders import EVENT, T0, after, books_of, opened, planned


def stands(books: Books, orders: Orders | None = None) -> list[tuple[str, str | None, str]]:
    found = standing(books, orders or Orders(), ("dorf", "stadt"), after(60))
    return [(one.kind, one.feeder, one.what) for one in found]


def acted(action: e.OperatorAction, target: str | None = None) -> e.OperatorActed:
    return e.OperatorActed(at=T0, who="mara", why="works", action=action, feeder="dorf", target=target)


def raised(kind: str, priority: str, subject: str = "") -> e.AlarmRaised:
    return e.AlarmRaised(
        at=T0,
        alarm=f"{kind}{subject}",
        kind=kind,
        feeder="dorf",
        subject=subject,
        priority=priority,
        text="x",
    )  # type: ignore[arg-type]


def drafted() -> e.OrderDrafted:
    return e.OrderDrafted(
        at=T0,
        draft="D1",
        feeder="dorf",
        action="limit",
        targets=("ev-001", "ev-002"),
        limit_kw=4.2,
        who="mara",
        why="works",
        person=True,
        needed=2,
        expires_at=after(120),
        epoch=1,
    )


def test_nothing_stands() -> None:
    assert stands(books_of()) == []


def test_the_most_pressing_comes_first() -> None:
    books = books_of(
        e.DisputeOpened(at=T0, dispute="D-9", request="R", reason="other", who="office"),
        acted("exclude", "C-001"),
        raised("overload", "low", "line:3"),
        drafted(),
        raised("near_collapse", "high"),
        acted("automatic_off"),
        opened(),
        e.EmergencyStopped(at=T0, stop="S1", who="jo", why="smoke", manner="at_once", feeders=("stadt",)),
    )
    orders = Orders().after(acted("release", "ev-007")).after(acted("release_all"))
    assert stands(books, orders) == [
        ("emergency_stop", "stadt", ""),
        ("event", "dorf", EVENT),
        ("automatic_off", "dorf", ""),
        ("alarm", "dorf", "near_collapse"),
        ("alarm", "dorf", "overload line:3"),
        ("hands_off", "dorf", ""),
        ("excluded", "dorf", "C-001"),
        ("left_alone", "dorf", "ev-007"),
        ("order", "dorf", "limit ev-001, ev-002"),
        ("dispute", None, "D-9"),
    ]


def test_those_who_are_left_alone_are_one_matter_for_each_feeder() -> None:
    orders = Orders().after(acted("release", "ev-008")).after(acted("release", "ev-007"))
    assert stands(books_of(), orders) == [("left_alone", "dorf", "ev-007 (+1)")]


def test_what_was_seen_is_another_once_there_is_more_to_know() -> None:
    def seen(*entries: e.Entry) -> str:
        books = books_of(*entries)
        return seen_of(books.shifts, standing(books, Orders(), ("dorf",), after(60)))

    alarm, note = raised("overload", "low"), e.ShiftNote(at=T0, note=1, shift=0, who="mara", text="x")
    again = e.AlarmRaised(**{**{one: getattr(alarm, one) for one in alarm.__struct_fields__}, "at": after(9)})
    different = [seen(), seen(alarm), seen(alarm, opened()), seen(alarm, note)]
    assert len(set(different)) == len(different)
    assert seen(again) == seen(alarm), "an alarm that comes and goes is the same matter"


def test_what_is_over_stands_no_more() -> None:
    books = books_of(acted("exclude", "C-001"), acted("exclude", "C-002"), acted("include", "C-001"))
    assert stands(books) == [("excluded", "dorf", "C-002")]
    books.apply(acted("automatic_off"))
    books.apply(acted("automatic_on"))
    assert stands(books) == []


def test_a_shelved_alarm_is_told_with_its_end_until_then() -> None:
    shelved = e.AlarmShelved(
        at=T0,
        alarm="overloadline:3",
        kind="overload",
        feeder="dorf",
        subject="line:3",
        until=after(3600),
        who="mara",
        why="works",
    )
    books = books_of(raised("overload", "low", "line:3"), shelved)
    (matter,) = standing(books, Orders(), ("dorf",), after(60))
    assert (matter.kind, matter.until, matter.why, matter.priority) == (
        "shelved",
        after(3600),
        "works",
        "low",
    )
    (matter,) = standing(books, Orders(), ("dorf",), after(3600) + timedelta(seconds=1))
    assert (matter.kind, matter.why) == ("alarm", "x")


def test_limits_that_an_operator_ordered_are_one_matter_for_each_order() -> None:
    ordered = e.Ordered(order="O1", by="mara", limit_kw=4.2, until=after(900))
    books = books_of(opened(), planned(1, ordered=ordered), planned(2, ordered=ordered), planned(3))
    matters = [one for one in standing(books, Orders(), ("dorf",), after(60)) if one.kind == "limit"]
    assert [(one.what, one.who, one.until) for one in matters] == [("ev-001 (+1)", "mara", after(900))]
