"""What stands, from books alone: the most pressing first, each with who and why."""

from datetime import timedelta

import pytest
from msgspec import structs

from controller import entries as e
from controller.books import Books
from controller.operators import Orders
from controller.shifts import standing as standing_module
from controller.shifts.standing import Standing, has_seen, seen_of, standing
from tests.controller.record_builders import EVENT, T0, after, books_of, opened, planned


def stands(books: Books, orders: Orders | None = None) -> list[tuple[str, str | None, str]]:
    found = standing(books, orders or Orders(), ("dorf", "stadt"), after(60))
    return [(one.matter.kind, one.matter.feeder, one.matter.what) for one in found]


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


NOTE = e.ShiftNote(at=T0, note=1, shift=0, who="mara", text="x")
HANDED = (
    e.ShiftHandedOver(at=T0, shift=0, who="mara", takes_over="jo", remarks="", standing=(), more=0),
    e.ShiftBegan(at=T0, shift=1, who="jo", journal_size=1),
)
LOW, HIGH = raised("overload", "low"), raised("near_collapse", "high")


def limited(number: int, *, until_s: float = 900.0) -> e.RequestPlanned:
    ordered = e.Ordered(order="O1", by="mara", limit_kw=4.2, until=after(until_s))
    return planned(number, ordered=ordered)


def left_alone(*devices: str) -> Orders:
    orders = Orders()
    for device in devices:
        orders = orders.after(acted("release", device))
    return orders


SAW: list[tuple[str, list[e.Entry], list[e.Entry], bool]] = [
    ("all as it was", [LOW], [LOW], True),
    ("nothing at all", [], [], True),
    ("an alarm that comes and goes is the same matter", [LOW], [structs.replace(LOW, at=after(9))], True),
    ("one went away", [LOW, HIGH, opened()], [HIGH, opened()], True),
    ("all went away", [LOW, opened()], [], True),
    ("one came", [LOW], [LOW, opened()], False),
    ("one came, one went", [LOW], [HIGH], False),
    ("a note was written", [LOW], [LOW, NOTE], False),
    ("another shift", [LOW], [LOW, *HANDED], False),
    ("a target of a limit is free", [opened(), limited(1), limited(2)], [opened(), limited(2)], True),
    ("one more is limited", [opened(), limited(1)], [opened(), limited(1), limited(2)], False),
    ("a limit was prolonged", [opened(), limited(1)], [opened(), limited(1, until_s=1800)], False),
]


@pytest.mark.parametrize(
    ("then", "now", "is_known"), [one[1:] for one in SAW], ids=[case for case, *_ in SAW]
)
def test_whoever_looked_has_seen_what_was_there_and_nothing_that_came(
    then: list[e.Entry], now: list[e.Entry], is_known: bool
) -> None:
    books, later = books_of(*then), books_of(*now)
    seen = seen_of(books.shifts, standing(books, Orders(), ("dorf",), after(60)))
    assert has_seen(seen, later.shifts, standing(later, Orders(), ("dorf",), after(60))) is is_known


def test_who_is_left_alone_is_seen_one_by_one() -> None:
    def at(orders: Orders) -> tuple[Standing, ...]:
        return standing(books_of(), orders, ("dorf",), after(60))

    log = books_of().shifts
    seen = seen_of(log, at(left_alone("ev-1", "ev-2")))
    assert has_seen(seen, log, at(left_alone("ev-2")))
    assert not has_seen(seen, log, at(left_alone("ev-2", "ev-3")))


def test_a_list_too_long_to_be_named_is_still_known_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing_module, "MOST_NAMED", 2)

    def at(*excluded: str) -> tuple[Standing, ...]:
        books = books_of(opened(), *(acted("exclude", one) for one in excluded))
        return standing(books, Orders(), ("dorf",), after(60))

    log = books_of().shifts
    seen = seen_of(log, at("C-1", "C-2", "C-3", "C-4"))
    assert len(seen) == len(seen_of(log, at("C-1", "C-2", "C-3"))), "bounded"
    assert has_seen(seen, log, at("C-1", "C-2", "C-3", "C-4"))
    assert has_seen(seen, log, at("C-2", "C-3", "C-4")), "one that is named went away"
    assert not has_seen(seen, log, at("C-1", "C-2", "C-3", "C-4", "C-5"))


@pytest.mark.parametrize("seen", ["x", "", "0.1", "..", "0.1.", "é.1.AAAA"])
def test_what_is_no_word_of_ours_has_seen_nothing(seen: str) -> None:
    books = books_of(LOW)
    assert not has_seen(seen, books.shifts, standing(books, Orders(), ("dorf",), after(60)))


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
    matter = standing(books, Orders(), ("dorf",), after(60))[0].matter
    assert (matter.kind, matter.until, matter.why, matter.priority) == (
        "shelved",
        after(3600),
        "works",
        "low",
    )
    matter = standing(books, Orders(), ("dorf",), after(3600) + timedelta(seconds=1))[0].matter
    assert (matter.kind, matter.why) == ("alarm", "x")


def test_limits_that_an_operator_ordered_are_one_matter_for_each_order() -> None:
    ordered = e.Ordered(order="O1", by="mara", limit_kw=4.2, until=after(900))
    books = books_of(opened(), planned(1, ordered=ordered), planned(2, ordered=ordered), planned(3))
    found = standing(books, Orders(), ("dorf",), after(60))
    matters = [one.matter for one in found if one.matter.kind == "limit"]
    assert [(one.what, one.who, one.until) for one in matters] == [("ev-001 (+1)", "mara", after(900))]
