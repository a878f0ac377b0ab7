"""Which ways a word takes, that it is told once, and what its sender is told."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from devices.errors import CommandRejected, Unreachable
from devices.messages import CustomerNotice, NoticeKind
from devices.notices.addresses import Reach
from devices.notices.channel import NoticeChannels, Rules
from devices.notices.rate_limit import RateLimit
from devices.notices.rendering import Rendered
from devices.notices.ways import Way
from devices.notices.words import ReportsDeliveries, Result, WordDelayed, WordRefused
from tests.devices.live import RealClock, until
from tests.devices.notices.people import START, WRITING, Book, person, took, word

EMAIL = Way("email", "email", "mailto://h/?to={email}")
SMS = Way("sms", "sms", "sms://{phone}")
APP = Way("app", "app")


class Clock(RealClock):
    """Site time that stands; waits are real."""

    def __init__(self) -> None:
        self.at = START

    def now(self):  # type: ignore[no-untyped-def]
        return self.at


class Far:
    """The far sides of all ways: what each says next, and what it took."""

    def __init__(self, **says: list[Result]) -> None:
        self.says = says
        self.took: list[tuple[str, str, str]] = []
        self.tries: list[str] = []
        self.together = self.most_together = 0
        self.hold: threading.Event | None = None
        self._turn = threading.Lock()

    def __call__(self, way: Way, reach: Reach, rendered: Rendered, patience_s: float) -> Result:
        with self._turn:
            self.tries.append(way.name)
            self.together += 1
            self.most_together = max(self.together, self.most_together)
            says = self.says.get(way.name, ["taken"])
            result = says.pop(0) if len(says) > 1 else says[0]
            if result == "taken":
                self.took.append((way.name, reach.customer, rendered.subject))
        if self.hold is not None:
            self.hold.wait(10)
        with self._turn:
            self.together -= 1
        return result


class App:
    """A NoticeChannel such as the broker's."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.told: list[CustomerNotice] = []

    async def notify(self, notice: CustomerNotice) -> None:
        if self.fault is not None:
            raise self.fault
        self.told.append(notice)


def channel(far: Far, book: Book, *ways: Way, app: App | None = None, **rules: object) -> NoticeChannels:
    made = Rules(ways or (EMAIL, SMS), **rules)  # type: ignore[arg-type]
    return NoticeChannels(made, book, WRITING, Clock(), hand_over=far, app=app, wire_clock=RealClock())


def results(people: NoticeChannels) -> list[tuple[str, str]]:
    return [(report.way, report.result) for report in people.reports()]


async def test_the_first_way_that_takes_it_is_enough() -> None:
    far, book = Far(), Book(person())
    people = channel(far, book)
    assert isinstance(people, ReportsDeliveries)
    await people.notify(word())
    assert far.tries == ["email"]
    assert results(people) == [("email", "taken")]
    assert [(one.customer, one.taken.way) for one in book.taken] == [("C-001", "email")]


async def test_of_ways_that_were_not_needed_nothing_is_reported() -> None:
    people = channel(Far(), Book(person(address={"email": "a@b.example"})))
    await people.notify(word())
    assert results(people) == [("email", "taken")]


async def test_what_was_told_is_noted_before_the_end() -> None:
    book = Book(person())
    go, real = threading.Event(), book.note
    book.note = lambda taken: (go.wait(10), real(taken))[1]  # type: ignore[method-assign]
    people = channel(Far(), book, EMAIL)
    running = asyncio.create_task(people.run(lambda _: None))
    telling = asyncio.create_task(people.notify(word()))
    await until(lambda: bool(people._noting._going))
    running.cancel()
    asyncio.get_running_loop().call_later(0.02, go.set)
    await asyncio.gather(running, return_exceptions=True)
    assert len(book.taken) == 1
    await telling


async def test_the_next_way_is_taken_when_the_first_does_not() -> None:
    far = Far(email=["unreachable"])
    people = channel(far, Book(person()))
    await people.notify(word())
    assert far.tries == ["email", "sms"]
    assert results(people) == [("email", "unreachable"), ("sms", "taken")]


async def test_the_same_word_again_is_told_once_and_the_next_one_anew() -> None:
    far, book = Far(), Book(person())
    people = channel(far, book)
    for notice in (word(), word(), word(sequence=2), word(kind="follow_up")):
        await people.notify(notice)
    assert far.tries == ["email"] * 3


async def test_over_a_restart_the_book_remembers() -> None:
    book = Book(person())
    await channel(Far(), book).notify(word())
    far = Far()
    await channel(far, book).notify(word())
    assert far.tries == []


@pytest.mark.parametrize("reaches", ["first", "all"])
async def test_who_was_told_before_a_restart_was_told(reaches: str) -> None:
    book = Book(person())
    await channel(Far(email=["unreachable"]), book, reaches="first").notify(word())
    far = Far(email=["refused"])
    await channel(far, book, reaches=reaches).notify(word())
    assert far.tries == ([] if reaches == "first" else ["email"])
    book.people["C-001"] = person(standing="opted_out")
    people = channel(far, book, reaches=reaches)
    await people.notify(word())  # no error: it was told
    assert ("sms", "opted_out") not in results(people)


async def test_a_yes_that_comes_during_the_next_try_is_seen() -> None:
    hold, tries = threading.Event(), list[str]()

    def send(way: Way, *_: object) -> Result:
        tries.append(way.name)
        if way is EMAIL:
            hold.wait(10)
            return "taken"
        hold.set()
        threading.Event().wait(0.05)  # until then the other said yes
        return "unreachable"

    sending: Callable[..., Result] = send
    people = NoticeChannels(
        Rules((SMS, EMAIL), deadline_s=0.2), Book(person(prefers=("email",))), WRITING, Clock(),
        hand_over=sending, wire_clock=RealClock(),
    )  # fmt: skip
    with pytest.raises(WordDelayed, match="timeout"):
        await people.notify(word())
    people._reach._call.__self__.people["C-001"] = person()  # type: ignore[attr-defined]
    await people.notify(word())
    assert tries == ["email", "sms"]


async def test_the_same_word_twice_at_once_waits_for_one_place_and_goes_out_once() -> None:
    far = Far()
    far.hold = threading.Event()
    people = channel(far, Book(person(), person("C-002")), replace(EMAIL, most_at_once=1), deadline_s=5.0)
    tasks = [asyncio.create_task(people.notify(word("C-002")))]
    await until(lambda: far.together == 1)
    tasks += [asyncio.create_task(people.notify(word())) for _ in range(2)]
    await until(lambda: len(people._sendings._threads["email"]._places._waiters or ()) == 2)
    far.hold.set()
    await asyncio.gather(*tasks)
    assert [one[1] for one in far.took] == ["C-002", "C-001"]


async def test_without_threads_it_is_busy_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    far, real = Far(), threading.Thread.start

    def none_left(thread: threading.Thread) -> None:
        if thread.name.startswith("notice"):
            raise RuntimeError("can't start new thread")
        real(thread)

    people = channel(far, Book(person()), EMAIL)
    with monkeypatch.context() as patched:
        patched.setattr("threading.Thread.start", none_left)
        for _ in range(EMAIL.most_at_once + 1):
            with pytest.raises(WordDelayed, match="busy"):
                await people.notify(word())
    await people.notify(word())
    assert len(far.took) == 1


async def test_all_ways_and_none_twice() -> None:
    far = Far(email=["unreachable"], sms=["unreachable", "taken"])
    people = channel(far, Book(person()), reaches="all")
    with pytest.raises(WordDelayed, match="unreachable"):
        await people.notify(word())
    await people.notify(word())  # one way took it: it counts as told
    await people.notify(word())
    assert [one[0] for one in far.took] == ["sms"]


async def test_who_did_not_take_it_is_tried_again_while_it_is_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devices.notices.second_tries.PAUSES_S", (0.01, 0.01, 0.01))
    far = Far(email=["unreachable", "unreachable", "taken"])
    people = channel(far, Book(person()), reaches="all")
    running = asyncio.create_task(people.run(lambda _: None))
    await people.notify(word())
    await until(lambda: len(far.took) == 2)
    running.cancel()
    assert sorted(far.tries) == ["email", "email", "email", "sms"]
    told = results(people)
    assert sorted(told) == [("email", "taken"), ("email", "unreachable"), ("sms", "taken")]
    assert told[-1] == ("email", "taken")


@asynccontextmanager
async def trying_again(people: NoticeChannels) -> AsyncIterator[None]:
    """While its second tries are made; after the block all are over."""
    real, going = people._second_try, list[CustomerNotice]()

    async def counted(notice: CustomerNotice, way: str) -> bool:
        going.append(notice)
        try:
            return await real(notice, way)
        finally:
            going.remove(notice)

    people._second_try = counted  # type: ignore[method-assign]
    running = asyncio.create_task(people.run(lambda _: None))
    try:
        yield
        for _ in range(2):
            await until(lambda: not people._again._waiting and not going)
            await asyncio.sleep(0.005)  # between the two one may have been neither
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_second_try_after_the_end_of_the_request_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devices.notices.second_tries.PAUSES_S", (0.01, 0.01, 0.01))
    far, book = Far(email=["unreachable", "taken"]), Book(person())
    clock = Clock()
    people = NoticeChannels(
        Rules((EMAIL, SMS), "all"), book, WRITING, clock, hand_over=far, wire_clock=RealClock()
    )
    await people.notify(word())
    clock.at = word().end
    looked = book.calls
    async with trying_again(people):
        pass
    assert (far.tries, book.calls) == (["email", "sms"], looked)


async def test_a_second_try_of_what_was_taken_back_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devices.notices.second_tries.PAUSES_S", (0.01, 0.01, 0.01))
    far = Far(sms=["unreachable", "taken"])
    people = channel(far, Book(person()), reaches="all")
    await people.notify(word())
    await people.notify(word(kind="taken_back", sequence=2))
    async with trying_again(people):
        pass
    assert sorted(far.took) == sorted(
        [
            ("email", "C-001", "Please use less electricity until 21:00 UTC"),
            ("email", "C-001", "The power grid has room again"),
            ("sms", "C-001", "The power grid has room again"),
        ]
    )


async def test_a_second_try_at_night_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devices.notices.second_tries.PAUSES_S", (0.01, 0.01, 0.01))
    far, quiet = Far(email=["unreachable", "taken"]), {"C-001": True}
    people = NoticeChannels(
        Rules((EMAIL, SMS), "all"),
        Book(person()),
        WRITING,
        Clock(),
        hand_over=far,
        wire_clock=RealClock(),
        is_quiet=lambda customer, at: at == START and quiet[customer],
    )
    await people.notify(word())
    async with trying_again(people):
        pass
    assert far.tries.count("email") == 1
    quiet["C-001"] = False
    await people.notify(word())
    assert far.tries.count("email") == 2


async def test_a_second_try_asks_for_consent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devices.notices.second_tries.PAUSES_S", (0.01, 0.01, 0.01))
    far, book = Far(email=["unreachable", "taken"]), Book(person())
    people = channel(far, book, reaches="all")
    await people.notify(word())
    book.people["C-001"] = person(standing="opted_out")
    running = asyncio.create_task(people.run(lambda _: None))
    await until(lambda: ("email", "opted_out") in results(people))
    running.cancel()
    assert far.tries.count("email") == 1


async def test_a_no_counts_between_planning_and_sending() -> None:
    far, book = Far(email=["unreachable"]), Book(person())
    people = channel(far, book, EMAIL)
    with pytest.raises(WordDelayed):
        await people.notify(word())
    book.people["C-001"] = person(standing="opted_out")
    with pytest.raises(WordRefused, match="opted_out"):
        await people.notify(word())
    assert far.tries == ["email"]


@pytest.mark.parametrize(
    ("reach", "told"),
    [
        (person(standing="opted_out"), "opted_out"),
        (person(standing="ended"), "ended"),
        (person(standing="no_consent"), "no_consent"),
        (person(address={}), "no_address"),
        (person(address={"email": "a@b.example,c@d.example"}), "no_address"),
        (Reach("C-001", "not_held"), "no_address"),
    ],
)
async def test_why_nobody_is_told(reach: Reach, told: str) -> None:
    far = Far()
    people = channel(far, Book(reach))
    with pytest.raises(WordRefused) as refused:
        await people.notify(word())
    assert (refused.value.word, str(refused.value)) == (told, told)
    assert isinstance(refused.value, CommandRejected)
    assert far.tries == []
    assert results(people) == [("email", told), ("sms", told)]


async def test_a_way_with_no_address_is_passed_over() -> None:
    far = Far()
    await channel(far, Book(person(address={"phone": "0151 / 234-5678"}))).notify(word())
    assert far.tries == ["sms"]


@pytest.mark.parametrize("standing", ["not_held", "no_consent", "agreed"])
async def test_the_app_needs_no_address(standing: str) -> None:
    app = App()
    people = channel(Far(), Book(person(standing=standing)), APP, EMAIL, app=app)
    await people.notify(word())
    assert app.told == [word()]


@pytest.mark.parametrize("standing", ["opted_out", "ended"])
@pytest.mark.parametrize("kind", ["notice", "taken_back"])
async def test_nor_does_the_app_reach_who_wants_nothing(standing: str, kind: NoticeKind) -> None:
    app = App()
    people = channel(Far(), Book(person(standing=standing)), APP, app=app)
    with pytest.raises(WordRefused, match=standing):
        await people.notify(word(kind=kind))
    assert app.told == []


@pytest.mark.parametrize(
    ("fault", "told"), [(Unreachable("no link"), "unreachable"), (CommandRejected("bad"), "refused")]
)
async def test_without_the_broker_the_next_way(fault: Exception, told: str) -> None:
    far = Far()
    people = channel(far, Book(person()), APP, EMAIL, app=App(fault))
    await people.notify(word())
    assert far.tries == ["email"]
    assert results(people) == [("app", told), ("email", "taken")]


@pytest.mark.parametrize("ways", [(APP, EMAIL, SMS), (EMAIL, APP, SMS)])
async def test_that_the_broker_took_it_is_no_reason_to_tell_nobody_else(ways: tuple[Way, ...]) -> None:
    far, app = Far(email=["unreachable"]), App()
    people = channel(far, Book(person()), *ways, app=app)
    await people.notify(word())
    await people.notify(word())
    assert (len(app.told), far.tries) == (1, ["email", "sms"])


async def test_what_only_an_app_took_is_tried_again_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devices.notices.second_tries.PAUSES_S", (0.01, 0.01, 0.01))
    far = Far(email=["unreachable", "taken"], sms=["unreachable"])
    people = channel(far, Book(person()), APP, EMAIL, SMS, app=App())
    await people.notify(word())
    async with trying_again(people):
        pass
    assert far.tries == ["email", "sms", "email"], "one took it: that was enough"


async def test_who_likes_one_way_is_told_by_that() -> None:
    far = Far(sms=["unreachable"])
    people = channel(far, Book(person(prefers=("sms", "telex"))))
    with pytest.raises(WordDelayed):
        await people.notify(word())
    assert far.tries == ["sms"]


async def test_a_way_for_some_only() -> None:
    far = Far()
    only = replace(EMAIL, only_for=frozenset({"C-002"}))
    people = channel(far, Book(person(), person("C-002")), only, SMS)
    await people.notify(word())
    await people.notify(word("C-002"))
    assert far.tries == ["sms", "email"]


async def test_what_takes_back_goes_where_the_notice_went() -> None:
    far = Far(email=["unreachable", "taken"])
    people = channel(far, Book(person()))
    await people.notify(word())
    await people.notify(word(kind="taken_back", sequence=2))
    assert [one[0] for one in far.took] == ["sms", "sms"]


async def test_enough_words_are_enough() -> None:
    notices = [word(request=f"R{number}") for number in range(4)]
    given = tuple(took("email", notice) for notice in notices[:3])
    far = Far()
    people = channel(far, Book(person(taken=given)), limit=RateLimit(per_hour=3))
    with pytest.raises(WordRefused, match="rate_limited"):
        await people.notify(notices[3])
    await people.notify(replace(notices[0], kind="taken_back", sequence=2))
    assert far.tries == ["email"]


@pytest.mark.parametrize("reaches", ["first", "all"])
async def test_what_is_under_way_counts_as_well(reaches: str) -> None:
    far = Far()
    people = channel(far, Book(person()), reaches=reaches, limit=RateLimit(per_hour=3))
    thanks = [word(request=f"R{number}", kind="thanks") for number in range(10)]
    told = await asyncio.gather(*map(people.notify, thanks), return_exceptions=True)
    assert [str(one) for one in told] == ["None"] * 2 + ["rate_limited"] * 8
    await people.notify(word())
    assert len({one[0] for one in far.took}) * 3 == len(far.took)


async def test_what_was_not_taken_counts_no_more() -> None:
    far = Far(email=["unreachable", "taken"])
    people = channel(far, Book(person()), EMAIL, limit=RateLimit(per_hour=1))
    with pytest.raises(WordDelayed, match="unreachable"):
        await people.notify(word(request="R1"))
    await people.notify(word(request="R2"))
    with pytest.raises(WordRefused, match="rate_limited"):
        await people.notify(word(request="R1"))


async def test_of_one_way_enough_leaves_the_others() -> None:
    given = (took("email", word(request="R1"), START - timedelta(hours=2)),)
    far = Far()
    ways = (replace(EMAIL, limit=RateLimit(per_day=1)), SMS)
    await channel(far, Book(person(taken=given)), *ways).notify(word())
    assert far.tries == ["sms"]


async def test_without_addresses_nothing_goes_out() -> None:
    far, book = Far(), Book(person())
    book.broken = True
    people = channel(far, book)
    with pytest.raises(WordDelayed, match="contacts_unavailable"):
        await people.notify(word())
    book.broken = False
    await people.notify(word())
    assert far.tries == ["email"]


async def test_what_was_told_counts_although_it_cannot_be_noted() -> None:
    far, book = Far(), Book(person())
    book.forgets = True
    people = channel(far, book)
    await people.notify(word())
    await people.notify(word())
    assert far.tries == ["email"]
    assert book.taken == []


async def test_a_thousand_at_once_are_told_once_each_and_few_at_a_time() -> None:
    far, many = Far(), 1000
    book = Book(*(person(f"C-{number:03}") for number in range(many)))
    people = channel(far, book, EMAIL, deadline_s=30.0)
    await asyncio.gather(*(people.notify(word(name)) for name in book.people))
    assert sorted(one[1] for one in far.took) == sorted(book.people)
    assert far.most_together <= 8
    assert book.calls <= 4, "those who wait are looked up together"
    assert len(book.taken) == many


async def test_a_way_that_hangs_holds_up_no_other() -> None:
    far = Far()
    far.hold = threading.Event()
    everybody = [person(f"C-{number:03}") for number in range(3)]
    people = channel(far, Book(*everybody), replace(EMAIL, most_at_once=2), deadline_s=0.2)
    told = await asyncio.gather(
        *(people.notify(word(one.customer)) for one in everybody), return_exceptions=True
    )
    assert sorted(map(str, told)) == ["busy", "timeout", "timeout"]
    far.hold.set()
    await until(lambda: far.together == 0)
    await people.notify(word("C-002"))
    await people.notify(word("C-000"))
    assert sorted(one[1] for one in far.took) == ["C-000", "C-001", "C-002"]


async def test_a_fault_of_the_program_says_nothing_of_anybody() -> None:
    def fails(*_: object) -> Result:
        raise RuntimeError("nobody must read zq7canary@example.org")

    failing: Callable[..., Result] = fails
    people = NoticeChannels(
        Rules((EMAIL,)), Book(person()), WRITING, Clock(), hand_over=failing, wire_clock=RealClock()
    )
    with pytest.raises(WordDelayed) as told:
        await people.notify(word())
    assert str(told.value) == "fault"


async def test_the_same_fault_again_is_reported_once() -> None:
    people = channel(Far(email=["unreachable", "unreachable", "timeout"]), Book(person()), EMAIL)
    for _ in range(3):
        with pytest.raises(WordDelayed):
            await people.notify(word())
    assert results(people) == [("email", "unreachable"), ("email", "timeout")]
    assert results(people) == []
