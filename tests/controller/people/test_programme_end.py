"""The end of a programme's hours or calls: nobody beyond it, and never everybody in one instant (C6)."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, time, timedelta

import pytest
from msgspec.structs import replace as changed_to

from controller import settings
from controller.entries import NoticeAnswered, RequestChanged, RequestPlanned
from controller.reach import cut_kw, freed_at
from controller.requests import RequestRecord
from customers.programmes import Agreements, Enrolment, Hours, Programme, Window
from customers.registry import Registry
from tests.builders import FEEDER, START, control, registry
from tests.controller.passes import Passes, calm_evening, of_kind
from tests.controller.people.people_worlds import PeopleWorld, site

DAY = START.date()


def enrolled(programme: Programme) -> Agreements:
    """Everybody is in this programme."""
    name = programme.programme
    return Agreements({name: programme}, tuple(Enrolment(f"C{n:02d}", name, DAY) for n in range(20)))


def flex(**changes: object) -> Programme:
    return Programme(**({"programme": "flex", "asks": "devices"} | changes))  # type: ignore[arg-type]


def until(end: time) -> Hours:
    return Hours(weekday=(Window(time(16), end),), weekend=())


class Chargers(PeopleWorld):
    """With the first chargers only."""

    count = 16

    def _registry(self) -> Registry:
        who = super()._registry()
        return Registry(who.customers, who.devices[: self.count], self.agreements)


async def evening_of(programme: Programme, ticks: int, count: int = 16, base_kw: float = 6.0) -> Chargers:
    kind = type("Chargers", (Chargers,), {"count": count})
    world = kind(site(), agreements=enrolled(programme))
    world.charge()
    for house in world.field.houses:
        house.base_kw = base_kw
    await world.tick(ticks)
    assert isinstance(world, Chargers)
    return world


def devices_of(world: PeopleWorld) -> list[RequestRecord]:
    return [r for r in world.daemon.books.requests.values() if r.resource == "device"]


def most_freed_kw(records: Sequence[RequestRecord]) -> float:
    """In any minute."""
    freed = sorted((at, cut_kw(r)) for r in records if (at := freed_at(r)) is not None)
    minute = timedelta(seconds=60)
    return max(sum(kw for at, kw in freed if begin <= at < begin + minute) for begin, _ in freed)


async def test_the_end_of_a_window_does_not_free_everybody_in_one_minute() -> None:
    world = await evening_of(flex(hours=until(time(17, 30))), 185)
    records = devices_of(world)
    assert len(records) >= 10
    assert all(r.ended_at is not None and r.ended_at <= START + timedelta(minutes=30) for r in records)
    assert most_freed_kw(records) <= 0.3 * sum(map(cut_kw, records))
    assert len({r.request for r in records}) == len({r.planned.target for r in records}), (
        "none was asked anew"
    )


async def test_the_ends_stay_spread_when_nobody_is_there_to_free_in_order() -> None:
    world = await evening_of(flex(hours=until(time(17, 30))), 118)
    ends = [r.end for r in devices_of(world) if r.is_open]
    assert len(ends) >= 10
    assert max(ends) <= START + timedelta(minutes=30)
    in_one_minute = max(sum(e <= end < e + timedelta(minutes=1) for end in ends) for e in ends)
    assert in_one_minute <= len(ends) / 3


async def test_with_bad_data_a_programmes_end_is_kept_by_the_devices_themselves() -> None:
    world = await evening_of(flex(hours=until(time(17, 30))), 60)
    for house in world.field.houses[:14]:
        house.meter_works = False
    await world.tick(125)
    records = devices_of(world)
    assert all(r.end <= START + timedelta(minutes=30) for r in records)
    assert most_freed_kw(records) <= 0.3 * sum(map(cut_kw, records))


async def test_a_customers_calls_of_one_event_end_with_the_longest_call() -> None:
    longest = timedelta(minutes=20)
    world = await evening_of(flex(longest_call_s=1200.0, calls_per_day=1), 300, count=5)
    spans: dict[tuple[str, str], list[tuple[datetime, datetime]]] = defaultdict(list)
    for record in devices_of(world):
        span = (record.planned.start, record.ended_at or record.end)
        spans[record.planned.customer, record.planned.event].append(span)
    assert len(spans) == 5, "one call of each a day"
    for several in spans.values():
        assert max(end for _, end in several) - min(begin for begin, _ in several) <= longest


def both_passes() -> Passes:
    who = registry(notices=frozenset(range(20)))
    programme = Programme("both", asks="both")
    steady = calm_evening(requests=settings.Requests(raise_limits=False))  # what stands is renewed
    return Passes(control(steady, Registry(who.customers, who.devices, enrolled(programme))), base_kw=6.5)


@pytest.mark.parametrize("says_no", [True, False])
def test_who_says_no_is_freed_and_never_renewed(says_no: bool) -> None:
    passes = both_passes()
    passes.step()
    passes.obey()
    limited = [r for r in passes.books.open_requests(FEEDER) if r.resource == "device"]
    person = next(p for p in passes.books.open_requests(FEEDER) if p.resource == "person")
    target = limited[0]  # and its customer gets a notice as well, as where that did not suffice
    books = passes.books
    told = notice_of(person, target.planned.customer)
    books.apply(told)
    if says_no:
        at = passes.clock.now()
        books.apply(NoticeAnswered(at=at, request=told.request, answer="opted_out", via="link"))
    changed: list[RequestChanged] = []
    for _ in range(90):
        changed += of_kind(passes.step().entries, RequestChanged)
        if any(e.reason == "released" for e in changed):
            break
    mine = [e for e in changed if e.request == target.request]
    assert [e.reason for e in mine][:1] == (["released"] if says_no else ["renewed"])
    if says_no:
        assert mine[0].at - told.at <= timedelta(minutes=2)


def notice_of(person: RequestRecord, customer: str) -> RequestPlanned:
    """A notice to this customer in the same event."""
    request = person.planned.event + "-R900"
    return changed_to(person.planned, request=request, target=customer, customer=customer)


async def test_hours_that_were_changed_before_a_restart_renew_nobody() -> None:
    world = await evening_of(flex(hours=until(time(21))), 20)
    before = {r.request: r.end for r in devices_of(world) if r.is_open}
    assert before
    world.agreements = enrolled(flex(hours=Hours(weekday=(Window(time(18), time(21)),), weekend=())))
    world.daemon = world.start()
    await world.tick(6 * 22)
    assert all(world.daemon.books.requests[request].end <= end for request, end in before.items())
    assert most_freed_kw(devices_of(world)) <= 0.4 * sum(map(cut_kw, devices_of(world)))
