"""What the journal tells of orders: nothing takes effect twice, and nothing without the persons it needs."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.books import Books
from controller.entries import (
    CommandTaken,
    EmergencyStopped,
    Entry,
    OperatorActed,
    OrderAgreed,
    OrderClosed,
    OrderDrafted,
)
from controller.errors import BooksBroken
from controller.orders.order_book import KEEP, KEEP_COMMANDS, OrderBook, act_id
from tests.builders import FEEDER, START


def drafted(draft: str = "O-1", *, needed: int = 1, person: bool = True, who: str = "Ann") -> OrderDrafted:
    return OrderDrafted(
        at=START,
        draft=draft,
        feeder=FEEDER,
        action="limit",
        targets=("EV03",),
        limit_kw=4.2,
        who=who,
        why="x",
        person=person,
        needed=needed,
        expires_at=START + timedelta(seconds=120),
        epoch=1,
    )


def agreed(who: str, *, person: bool = True, draft: str = "O-1", after_s: float = 1.0) -> OrderAgreed:
    return OrderAgreed(
        at=START + timedelta(seconds=after_s), draft=draft, feeder=FEEDER, who=who, person=person
    )


def closed(outcome: str, draft: str = "O-1", after_s: float = 1.0) -> OrderClosed:
    at = START + timedelta(seconds=after_s)
    return OrderClosed(at=at, draft=draft, feeder=FEEDER, outcome=outcome, who="x", why="y")  # type: ignore[arg-type]


names = st.sampled_from(["Ann", "ann", "Bob", "Carol"])
entries = st.one_of(
    st.builds(agreed, names, person=st.booleans(), after_s=st.floats(0, 200)),
    st.builds(
        closed,
        st.sampled_from(["carried_out", "withdrawn", "expired", "void", "failed"]),
        after_s=st.floats(0, 200),
    ),
)


@settings(max_examples=60, deadline=None)
@given(needed=st.integers(1, 3), person=st.booleans(), told=st.lists(entries, max_size=8))
def test_nothing_is_carried_out_twice_late_or_without_those_it_takes(
    needed: int, person: bool, told: list[Entry]
) -> None:
    """Whatever is tried: what does not fit is refused and changes nothing."""
    books = Books()
    books.apply(drafted(needed=needed, person=person))
    carried_out, persons, confirmed = 0, {"ann"} if person else set(), False
    for entry in told:
        before = books.order_book.fork()
        try:
            books.apply(entry)
        except BooksBroken:
            assert books.order_book == before
            continue
        if isinstance(entry, OrderAgreed):
            confirmed = True
            persons |= {entry.who.casefold()} if entry.person else set()
        elif isinstance(entry, OrderClosed) and entry.outcome == "carried_out":
            carried_out += 1
            assert confirmed
            assert needed == 1 or len(persons) >= needed
            assert entry.at <= START + timedelta(seconds=120)
    assert carried_out <= 1


def test_a_fork_is_a_copy_of_its_own() -> None:
    book = OrderBook()
    book.take(drafted())
    fork = book.fork()
    fork.take(closed("withdrawn"))
    assert [one.state for one in book.open_drafts()] == ["open"]
    assert fork.open_drafts() == ()


def test_a_draft_comes_once() -> None:
    book = OrderBook()
    book.take(drafted())
    with pytest.raises(BooksBroken, match="twice"):
        book.take(drafted())
    book.take(closed("withdrawn"))
    with pytest.raises(BooksBroken, match="twice"):
        book.take(drafted())


def _act(action: str, after_s: float = 0.0) -> OperatorActed:
    at = START + timedelta(seconds=after_s)
    return OperatorActed(at=at, who="Ann", why="x", action=action, feeder=FEEDER, target=None)  # type: ignore[arg-type]


def test_a_stop_holds_until_the_automatic_is_handed_back() -> None:
    book = OrderBook()
    stop = EmergencyStopped(
        at=START, stop="S-1", who="Ann", why="fire", manner="at_once", feeders=("F1", "F2")
    )
    book.take(stop)
    book.take(_act("automatic_off"))
    book.take(_act("release_all"))
    assert (book.stopped("F1"), book.stopped("F2"), book.stopped("F3")) == (stop, stop, None)
    book.take(_act("automatic_on"))
    assert (book.stopped("F1"), book.stopped("F2")) == (None, stop)


def test_more_reach_lasts_as_long_as_it_was_granted() -> None:
    book = OrderBook()
    more = OrderDrafted(
        at=START, draft="O-1", feeder=FEEDER, action="more_reach", who="automatic", why="x", person=False,
        needed=2, expires_at=START + timedelta(seconds=120), epoch=1, grants_s=300.0,
    )  # fmt: skip
    for entry in (more, agreed("Ann"), agreed("Bob"), closed("carried_out", after_s=10.0)):
        assert not book.has_more_reach(FEEDER, START + timedelta(seconds=11))
        book.take(entry)
    assert book.has_more_reach(FEEDER, START + timedelta(seconds=11))
    assert not book.has_more_reach("F2", START + timedelta(seconds=11))
    assert not book.has_more_reach(FEEDER, START + timedelta(seconds=310))


def test_it_is_bounded_and_forgets_the_oldest() -> None:
    book = OrderBook()
    for number in range(KEEP + 5):
        book.take(_act("release_all", after_s=number))
    for number in range(KEEP_COMMANDS + 5):
        book.take(
            CommandTaken(at=START, principal="a", key=str(number), fingerprint="f", did="act", about="A")
        )
    assert len(book.latest()) == KEEP
    assert book.find(act_id(_act("release_all", after_s=0))) is None
    assert book.latest()[0][0] == act_id(_act("release_all", after_s=KEEP + 4))
    assert book.command("a", "4") is None
    assert book.command("a", "5") is not None


def test_carried_out_without_its_act_is_no_commit() -> None:
    book = OrderBook()
    for entry in (drafted(), agreed("Ann")):
        book.take(entry)
    closed = OrderClosed(
        at=START + timedelta(seconds=2), draft="O-1", feeder=FEEDER, outcome="carried_out", who="Ann", why=""
    )
    act = OperatorActed(
        at=closed.at, who="Ann", why="x", action="limit", feeder=FEEDER, target="EV03", draft="O-1"
    )
    book.take(closed)
    with pytest.raises(BooksBroken, match="without its act"):
        book.check_whole((closed,))
    book.take(act)
    book.check_whole((closed, act))
