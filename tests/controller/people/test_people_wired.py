"""What people get from the daemon as it is built: links in notices, no renewal beyond what was agreed."""

from datetime import datetime, time, timedelta

from controller.entries import RequestChanged, RequestPlanned
from controller.people.people_desk import Noted
from customers.programmes import Hours, Window
from tests.builders import START
from tests.controller.people.people_worlds import PeopleWorld, site, token_in
from tests.controller.people.test_people_pass import agreements, programme, world_of

METER = "meter before"
"""a published baseline, because the live meter's is not believed for so long"""


async def test_the_notice_that_goes_out_names_the_terms_and_holds_the_link() -> None:
    world = world_of(17)
    await world.tick(6)
    (notice,) = [n for n in world.field.notices if n.kind == "notice"]
    assert notice.text.startswith("Evening relief: ")
    assert "120 points and 0.30 EUR" in notice.text
    assert isinstance(await world.desk.answer_by_token(token_in(notice.text)), Noted)
    assert world.daemon.books.requests[notice.request].consent == "opted_out"


async def test_no_device_is_limited_beyond_its_programmes_longest_call() -> None:
    """All that one event asks of a customer counts together."""
    flex = programme(programme="flex", asks="devices", longest_call_s=2400.0, hours=Hours(), baseline=METER)
    world = PeopleWorld(site(), agreements=agreements(*range(16), of=flex))
    world.charge()
    await world.tick(6 * 60)
    assert [e for e in world.entries(RequestChanged) if e.reason == "renewed"]
    spans: dict[tuple[str, str], list[tuple[datetime, datetime]]] = {}
    for request in (p.request for p in world.entries(RequestPlanned)):
        record = world.daemon.books.requests[request]
        span = (record.planned.start, record.ended_at or record.end)
        spans.setdefault((record.planned.customer, record.planned.event), []).append(span)
    lasted = [max(end for _, end in of) - min(start for start, _ in of) for of in spans.values()]
    assert timedelta(seconds=1200) < max(lasted) <= timedelta(seconds=2400)


async def test_a_notice_until_eight_lasts_until_eight() -> None:
    until_eight = programme(
        longest_call_s=3 * 3600.0,
        hours=Hours(weekday=(Window(time(16), time(20)),)),
        baseline=METER,
        follow_up_s=None,
    )
    world = PeopleWorld(site(), notices=frozenset({17}), agreements=agreements(17, of=until_eight))
    world.charge()
    await world.tick(6)
    (notice,) = world.field.notices
    assert "until 20:00 UTC" in notice.text
    world.charge(1.0)
    await world.tick(6 * 60)
    record = world.daemon.books.requests[notice.request]
    assert (record.state, record.end) == ("active", START + timedelta(hours=3))
    await world.tick(6 * 121)
    assert world.daemon.books.requests[notice.request].ended_at == START + timedelta(hours=3)
