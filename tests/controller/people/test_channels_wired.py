"""Notices over several channels as the daemon runs them: what the journal tells, a no, a restart."""

import asyncio
import threading

from controller.entries import MessageDone, NoticeDelivered, RequestSent
from controller.order_effects import ProposedOrder
from controller.requests import RequestRecord
from controller.stores.port import StoreUnavailable
from devices.notices.addresses import Reach
from devices.notices.channel import NoticeChannels, Rules
from devices.notices.rendering import Rendered
from devices.notices.ways import Way
from devices.notices.words import Result
from tests.controller.people.people_worlds import PeopleWorld
from tests.controller.people.test_people_pass import notices_to_people, world_of
from tests.devices.live import RealClock, until
from tests.devices.notices.people import WRITING, Book, person

WAYS = (Way("email", "email", "mailto://h/?to={email}"), Way("sms", "sms", "sms://{phone}"))


class Servers:
    """The far sides of both ways."""

    def __init__(self) -> None:
        self.says: dict[str, Result] = {"email": "taken", "sms": "taken"}
        self.took: list[tuple[str, str]] = []
        self.hold: threading.Event | None = None
        self.began = 0

    def __call__(self, way: Way, reach: Reach, word: Rendered, patience_s: float) -> Result:
        self.began += 1
        if self.hold is not None:
            self.hold.wait(60)
        if self.says[way.name] == "taken":
            self.took.append((way.name, word.subject.split()[0]))
        return self.says[way.name]


class Site:
    """A daemon whose people are told over two ways."""

    def __init__(self, deadline_s: float = 5.0) -> None:
        self.deadline_s = deadline_s
        self.world: PeopleWorld = world_of(17)
        self.book, self.servers = Book(person("C17")), Servers()
        self.restart()

    def restart(self) -> None:
        """A new process: nothing but journal and contacts is left."""
        people = NoticeChannels(
            Rules(WAYS, deadline_s=self.deadline_s),
            self.book,
            WRITING,
            self.world.clock,
            hand_over=self.servers,
            wire_clock=RealClock(),
        )
        self.world.field.notify = people.notify  # type: ignore[method-assign]
        self.world.field.reports = people.reports  # type: ignore[attr-defined]
        self.world.daemon = self.world.start()

    def asked(self) -> RequestRecord:
        """The notice to the one who takes notices."""
        return self.world.daemon.books.requests[notices_to_people(self.world)["C17"].request]

    def sent(self) -> int:
        """How often the journal says that it went out."""
        request = self.asked().request
        return sum(one.request == request for one in self.world.entries(RequestSent))

    def delivered(self) -> list[tuple[str, int, str, str]]:
        told = self.world.entries(NoticeDelivered)
        return [(one.kind, one.sequence, one.channel, one.result) for one in told]


async def test_the_journal_tells_which_channel_took_the_notice() -> None:
    site = Site()
    site.servers.says["email"] = "unreachable"
    await site.world.tick(8)
    assert site.asked().state == "active"
    assert site.servers.took == [("sms", "Please")]
    assert site.delivered() == [("notice", 1, "email", "unreachable"), ("notice", 1, "sms", "taken")]


async def test_a_no_between_planning_and_sending_counts() -> None:
    site = Site()
    site.book.broken = True  # planned, and nothing goes out yet
    await site.world.tick(6)
    assert (site.asked().state, site.servers.took) == ("planned", [])
    site.book.people["C17"] = person("C17", standing="opted_out")
    site.book.broken = False
    await site.world.tick(6)
    assert site.servers.took == []
    assert site.asked().state == "failed"
    assert site.delivered() == [("notice", 1, way.name, "opted_out") for way in WAYS]


async def test_a_crash_after_the_server_said_yes_tells_nobody_twice() -> None:
    site = Site()
    commit = site.world.store.commit

    def dies_before_it_is_noted(entries, samples=()):  # type: ignore[no-untyped-def]
        if any(isinstance(one, RequestSent) for one in entries):
            raise StoreUnavailable("the disk is full")
        return commit(entries, samples)

    site.world.store.commit = dies_before_it_is_noted  # type: ignore[method-assign]
    await site.world.tick(6)
    assert site.servers.took == [("email", "Please")]
    assert site.sent() == 0
    site.world.store.commit = commit  # type: ignore[method-assign]
    site.restart()
    await site.world.tick(4)
    assert site.sent() == 1
    assert site.servers.took == [("email", "Please")]


async def test_a_yes_after_the_request_was_given_up_is_taken_back() -> None:
    site = Site(deadline_s=0.05)
    site.servers.says["sms"] = "unreachable"
    site.servers.hold = threading.Event()
    await site.world.tick(6)
    await until(lambda: site.servers.began > 0)
    while site.asked().state == "planned":
        await site.world.tick(1)
    assert (site.asked().state, site.sent()) == ("failed", 0)
    site.servers.hold.set()
    await until(lambda: ("email", "Please") in site.servers.took)
    for tick in range(60):
        if site.sent() == 2:
            break
        await site.world.tick(1)
        await asyncio.sleep(0.005 * tick)  # more and more patient with the threads of a loaded machine
    assert site.servers.took == [("email", "Please"), ("email", "The")]
    assert site.delivered()[-2:] == [("notice", 1, "email", "taken"), ("taken_back", 2, "email", "taken")]


async def test_what_takes_back_is_not_said_again_and_again_to_who_does_not_want_it() -> None:
    site = Site()
    await site.world.tick(8)
    assert site.asked().state == "active"
    site.book.people["C17"] = person("C17", standing="opted_out")
    looked = site.book.calls
    (control,) = site.world.daemon._controls.values()
    await site.world.daemon._rounds.operate(control, ProposedOrder("release", "C17"), who="x", why="y")
    await site.world.tick(12)
    assert site.world.clock.now() < site.asked().planned.end, "it would still be said"
    told_once = 1 + 1  # that it is over, and why nothing was credited
    assert (site.book.calls, site.servers.took) == (looked + told_once, [("email", "Please")])
    (done,) = site.world.entries(MessageDone)
    assert (done.outcome, done.reason) == ("given_up", "opted_out"), "the word that was planned is not told"
    told = [(channel, result) for kind, _, channel, result in site.delivered() if kind == "explanation"]
    assert told == [(way.name, "opted_out") for way in WAYS]
