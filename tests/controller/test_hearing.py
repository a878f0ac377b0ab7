"""What an answer proves, and what it does not."""

from datetime import timedelta
from typing import Literal

import pytest

from controller.books import Books
from controller.entries import Entry, RequestChanged, RequestMoved, RequestSent, RequestState
from controller.hearing import Heard, hear
from controller.intake import Drained
from controller.memory import fresh_memory
from devices.messages import Answer, AnswerKind
from tests.builders import FEEDER, START, control
from tests.controller.record_builders import moved, opened, planned
from tests.controller.worlds import World, evening


async def test_a_late_accepted_does_not_confirm_a_release() -> None:
    """Answers bear no sequence: an old one may come after a release that the device never heard."""
    world = World(evening())
    world.charge()
    await world.tick(6)
    device = next(iter(world.field.held()))
    record = world.daemon.books.held_by(FEEDER, device)
    assert record is not None
    house = world.field.houses[int(device[2:])]
    house.silent = True
    await world.daemon.operate(FEEDER, "release", device, "Ann", "a complaint")
    await world.tick()
    world.daemon.intake.deliver(Answer(FEEDER, device, record.request, "accepted", None))
    await world.tick()
    house.silent = False
    await world.tick(5)
    assert device not in world.field.held()


WAYS: dict[RequestState, tuple[RequestState, ...]] = {
    "planned": (),
    "sent": ("sent",),
    "accepted": ("sent", "accepted"),
    "active": ("sent", "accepted", "active"),
    "unanswered": ("sent", "unanswered"),
}
REQUEST = f"E-{FEEDER}-1-R001"


def books_of(state: RequestState, *more: Entry) -> Books:
    """One request of a quarter of an hour that has come so far."""
    books, event = Books(), f"E-{FEEDER}-1"
    end = START + timedelta(minutes=15)
    entry = planned(request=REQUEST, event=event, feeder=FEEDER, target="EV0", at=START, start=START, end=end)
    sent = RequestSent(at=START, request=REQUEST, sequence=1, attempt=1)
    moves = [moved(REQUEST, one, START) for one in WAYS[state]]
    books.apply_all([opened(event, FEEDER, at=START), entry, sent, *moves, *more])
    return books


def changed(sequence: int, reason: Literal["renewed", "released"], minutes: float) -> tuple[Entry, Entry]:
    """Another command, and that it went out."""
    end = START + timedelta(minutes=minutes)
    return (
        RequestChanged(
            at=START, request=REQUEST, limit_kw=4.2, end=end, epoch=1, sequence=sequence, reason=reason
        ),
        RequestSent(at=START, request=REQUEST, sequence=sequence, attempt=1),
    )


def heard_of(books: Books, answer: AnswerKind, reason: str | None, *, minutes: float = 1.0) -> Heard:
    """What one answer of its device brings."""
    of, said = control(), Answer(FEEDER, "EV0", REQUEST, answer, reason)
    return hear(of, books, fresh_memory(of), Drained(answers=(said,)), START + timedelta(minutes=minutes))


@pytest.mark.parametrize("state", WAYS)
def test_behind_a_refusal_stands_a_release(state: RequestState) -> None:
    """A device may hold on although it refuses, or take another copy of what it refused: it is told, under a
    higher sequence, that nothing of the request holds.
    """
    books = books_of(state)
    heard = heard_of(books, "refused", "owner")
    (freed,) = [one for one in heard.entries if isinstance(one, RequestChanged)]
    assert (freed.request, freed.sequence, freed.reason) == (REQUEST, 2, "let_go")
    assert freed.end == START + timedelta(minutes=1)
    books.apply_all(heard.entries)
    assert books.requests[REQUEST].releasing
    assert books.requests[REQUEST].state == ("ended" if state == "active" else "refused")
    assert [one.request for one in books.unsent()] == [REQUEST]
    again = heard_of(books, "refused", "owner", minutes=2.0)
    assert not [one for one in again.entries if isinstance(one, RequestChanged)]


@pytest.mark.parametrize(
    ("more", "minutes", "stands"),
    [((), 1.0, False), (changed(2, "renewed", 20.0), 1.0, True), ((), 16.0, False)],
)
def test_behind_an_early_end_a_release_stands_where_a_renewal_may_be_on_its_way(
    more: tuple[Entry, ...], minutes: float, stands: bool
) -> None:
    heard = heard_of(books_of("active", *more), "ended", "end reached", minutes=minutes)
    assert stands == any(isinstance(one, RequestChanged) for one in heard.entries)
    assert [one.state for one in heard.entries if isinstance(one, RequestMoved)] == ["ended"]


@pytest.mark.parametrize(
    ("answer", "reason", "confirms"),
    [
        ("ended", "released", True),
        ("refused", "expired", True),
        ("refused", "clock", False),
        ("accepted", None, False),
    ],
)
def test_who_does_not_know_the_time_confirms_no_release(
    answer: AnswerKind, reason: str | None, confirms: bool
) -> None:
    """It remembers nothing of what it refused for its clock, and would obey a late copy of the limit."""
    books = books_of("active", *changed(2, "released", 1.0))
    assert heard_of(books, answer, reason).memory.acknowledged == ({REQUEST: 2} if confirms else {})


class Watched(str):
    """A device's name that counts how often it is compared."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Watched.compared += 1
        return super().__eq__(other)


def test_many_answers_in_one_drain_cost_no_more_each() -> None:
    """After a lost link thousands of answers come at once: none may look at all those before it."""
    many, books, event = 400, Books(), f"E-{FEEDER}-1"
    books.apply(opened(event, FEEDER, at=START))
    for number in range(many):
        entry = planned(
            request=f"{event}-R{number:03d}",
            event=event,
            feeder=FEEDER,
            target=Watched(f"EV{number}"),
            at=START,
            start=START,
            end=START + timedelta(minutes=15),
        )
        books.apply_all(
            [
                entry,
                RequestSent(at=START, request=entry.request, sequence=1, attempt=1),
                moved(entry.request, "sent", START),
            ]
        )
    answers = tuple(Answer(FEEDER, f"EV{n}", f"{event}-R{n:03d}", "accepted", None) for n in range(many))
    of = control()
    now = START + timedelta(seconds=5)
    Watched.compared = 0
    heard = hear(of, books, fresh_memory(of), Drained(answers=answers), now)
    assert len(heard.entries) >= 2 * many
    assert Watched.compared < 20 * many
