"""Further words go out at least once, are tried again, and given up in the end; a crash loses none."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import pytest

from controller.bookkeeping import Bookkeeper
from controller.entries import Entry, MessageDone, MessagePlanned, NoticeDelivered
from controller.errors import Replaced
from controller.live import Live
from controller.metrics import Metrics
from controller.people.messages_due import TOLD_WITHIN
from controller.people.messaging import Messaging
from controller.stores.port import StoreUnavailable
from devices.errors import CommandRejected, Unreachable
from devices.messages import CustomerNotice
from devices.notices.words import DeliveryReport, Refusal, Result, WordKey, WordRefused
from tests.builders import FEEDER, START, FakeClock, inline
from tests.controller.people.notice_builders import EVENT, REQUEST, feeder, notice, settled
from tests.controller.record_builders import closed, opened
from tests.controller.worlds import PERIOD_S, FailingStore

E = TypeVar("E", bound=Entry)


class Channel:
    """Takes words, or fails as told."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault, self.tried, self.took = fault, 0, list[CustomerNotice]()

    async def notify(self, notice: CustomerNotice) -> None:
        self.tried += 1
        if self.fault is not None:
            raise self.fault
        self.took.append(notice)


@dataclass
class World:
    """The shell around one feeder's books, with a notice that was followed and settled a moment ago."""

    channel: Channel = field(default_factory=Channel)
    clock: FakeClock = field(default_factory=FakeClock)
    store: FailingStore = field(default_factory=FailingStore)

    async def start(self) -> None:
        """A new process on the same record."""
        self.keeper = Bookkeeper(self.store, inline, Metrics(), Live([FEEDER]))
        await self.keeper.take_over("test", "0", (FEEDER,), self.clock.now())
        self.messaging = Messaging(
            self.keeper, {FEEDER: feeder()}, self.channel, self.clock, shows=lambda _: None, deadline_s=5.0
        )

    async def rounds(self, count: int = 2, every_s: float = PERIOD_S) -> None:
        for _ in range(count):
            await self.messaging.round(self.clock.now())
            await self.clock.sleep(every_s)
            await self.clock.sleep(0)

    def entries(self, kind: type[E]) -> list[E]:
        return [n.entry for n in self.store.replay() if isinstance(n.entry, kind)]


@pytest.fixture
async def world() -> World:
    world = World()
    world.clock.passed_s = 970.0
    await world.start()
    await world.keeper.write([opened(EVENT, FEEDER, at=START), *notice(), *settled()])
    return world


async def test_a_word_is_in_the_journal_before_it_goes_out_and_noted_after(world: World) -> None:
    channel = world.channel
    await world.messaging.round(world.clock.now())
    (planned,) = world.entries(MessagePlanned)
    assert channel.took == []
    await world.rounds()
    (word,) = channel.took
    assert word.kind == "thanks"
    assert word.request == planned.request
    assert [(d.message, d.outcome) for d in world.entries(MessageDone)] == [(planned.message, "sent")]
    await world.rounds(5)
    assert channel.tried == 1


async def test_what_is_not_taken_is_tried_again_with_growing_pauses(world: World) -> None:
    world.channel.fault = Unreachable("the broker is away")
    channel = world.channel
    await world.rounds(30, every_s=1.0)
    assert 4 <= channel.tried <= 6  # after 1, 2, 4, 8, 16 s
    channel.fault = None
    await world.rounds(20)
    assert len(channel.took) == 1
    assert [d.outcome for d in world.entries(MessageDone)] == ["sent"]


@pytest.mark.parametrize("fault", [CommandRejected("no such person"), Unreachable("away")])
async def test_a_word_is_given_up_when_it_must_not_go_or_is_too_late(world: World, fault: Exception) -> None:
    world.channel.fault = fault
    await world.rounds(2)
    world.clock.passed_s += TOLD_WITHIN.total_seconds()
    await world.rounds(3)
    (done,) = world.entries(MessageDone)
    assert done.outcome == "given_up"
    assert done.reason == (
        "rejected" if isinstance(fault, CommandRejected) else "it could not be sent in time"
    )
    assert world.keeper.books.messages_waiting() == ()


async def test_a_channel_that_breaks_in_a_way_nobody_foresaw_is_tried_again(world: World) -> None:
    world.channel.fault = RuntimeError("a fault of the channel")
    channel = world.channel
    await world.rounds(3)
    channel.fault = None
    await world.rounds(3)
    assert len(channel.took) == 1


async def test_a_crash_between_planning_and_sending_loses_no_word(world: World) -> None:
    await world.messaging.round(world.clock.now())
    await world.messaging.stop()
    assert world.channel.took == []
    await world.start()
    await world.rounds(2)
    assert [word.kind for word in world.channel.took] == ["thanks"]


async def test_while_the_journal_cannot_be_written_nothing_goes_out(world: World) -> None:
    channel = world.channel
    world.store.broken = True
    await world.rounds(3)
    assert channel.tried == 0
    world.store.broken = False
    await world.rounds(3)
    assert len(channel.took) == 1


async def test_what_was_sent_while_the_journal_was_away_is_noted_later_and_not_sent_twice(
    world: World,
) -> None:
    channel = world.channel
    await world.messaging.round(world.clock.now())
    world.store.broken = True
    await world.rounds(4)
    assert len(channel.took) == 1
    assert world.entries(MessageDone) == []
    world.store.broken = False
    await world.rounds(2)
    assert [d.outcome for d in world.entries(MessageDone)] == ["sent"]
    assert channel.tried == 1


async def test_a_word_about_a_request_that_nobody_knows_any_more_is_given_up(world: World) -> None:
    world.channel.fault = Unreachable("away")
    await world.rounds(1)
    (planned,) = world.keeper.books.messages_waiting()
    books = world.keeper.books
    books._forget(books.requests[planned.request])
    world.clock.passed_s += timedelta(minutes=10).total_seconds()
    await world.rounds(2)
    assert [d.reason for d in world.entries(MessageDone)] == ["its request is not known any more"]


async def test_only_so_many_words_are_under_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = world.channel
    monkeypatch.setattr("controller.people.messaging.CONCURRENT", 0)
    await world.rounds(3)
    assert (channel.tried, len(world.keeper.books.messages_waiting())) == (0, 1)
    monkeypatch.undo()
    await world.rounds(2)
    assert channel.tried == 1


async def test_a_controller_that_was_replaced_tells_nobody_anything(world: World) -> None:
    world.store.take_over("another")
    with pytest.raises(Replaced):
        await world.rounds()
    assert world.channel.tried == 0


async def test_a_word_whose_sending_ends_while_the_journal_is_written_is_not_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.messaging.round(world.clock.now())
    write = world.keeper.write

    async def slow(entries: Sequence[Entry]) -> None:
        await write(entries)
        await world.clock.sleep(0)  # the channel takes the word meanwhile
        await world.clock.sleep(0)

    monkeypatch.setattr(world.keeper, "write", slow)
    await world.rounds(3)
    assert world.channel.tried == 1
    assert [d.outcome for d in world.entries(MessageDone)] == ["sent"]


async def test_what_waits_is_not_tried_while_the_journal_is_away(world: World) -> None:
    world.channel.fault = Unreachable("away")
    await world.rounds(1)
    world.store.broken = True
    with pytest.raises(StoreUnavailable):
        await world.keeper.write([closed(EVENT, FEEDER, at=world.clock.now())])
    world.channel.fault = None
    await world.rounds(5, every_s=60.0)
    assert world.channel.took == []


class Telling(Channel):
    """A channel that reports what came of each word, as that over several ways does."""

    def __init__(self, fault: Exception | None = None) -> None:
        super().__init__(fault)
        self.told: list[DeliveryReport] = []

    def reports(self) -> Sequence[DeliveryReport]:
        told, self.told = tuple(self.told), []
        return told


def report(way: str, result: Result) -> DeliveryReport:
    return DeliveryReport(START, WordKey(REQUEST, 1, "notice"), way, result)


async def test_what_each_channel_did_is_journaled_once(world: World) -> None:
    world.channel = telling = Telling()
    await world.start()
    telling.told = [report("email", "unreachable"), report("sms", "taken")]
    await world.rounds(3)
    told = [(d.request, d.kind, d.sequence, d.channel, d.result) for d in world.entries(NoticeDelivered)]
    assert told == [
        (REQUEST, "notice", 1, "email", "unreachable"),
        (REQUEST, "notice", 1, "sms", "taken"),
    ]


async def test_reports_wait_for_a_journal_that_is_down(world: World) -> None:
    world.channel = telling = Telling()
    await world.start()
    telling.told = [report("email", "unreachable")]
    world.store.broken = True
    await world.rounds(2)
    telling.told = [report("email", "taken")]
    await world.rounds(1)
    world.store.broken = False
    await world.rounds(2)
    assert [d.result for d in world.entries(NoticeDelivered)] == ["unreachable", "taken"]


async def test_reports_that_cannot_be_journaled_do_not_fill_the_memory(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.people.messaging.MOST_REPORTS", 3)
    world.channel = telling = Telling()
    await world.start()
    world.store.broken = True
    for way in ("a", "b", "c", "d", "e"):
        telling.told = [report(way, "taken")]
        await world.rounds(1)
    world.store.broken = False
    await world.rounds(1)
    assert [d.channel for d in world.entries(NoticeDelivered)] == ["c", "d", "e"]


@pytest.mark.parametrize("word", ["rate_limited", "opted_out", "no_address"])
async def test_a_word_that_no_channel_takes_says_why_in_the_journal(world: World, word: Refusal) -> None:
    world.channel.fault = WordRefused(word)
    await world.rounds(3)
    (done,) = world.entries(MessageDone)
    assert (done.outcome, done.reason) == ("given_up", word)
    assert world.channel.tried == 1
