"""What people get from the daemon as it is built: links in notices, no renewal beyond what was agreed."""

from datetime import timedelta

from controller.entries import RequestChanged, RequestPlanned
from controller.people.people_desk import Noted
from customers.programmes import Hours
from tests.controller.people.people_worlds import PeopleWorld, site, token_in
from tests.controller.people.test_people_pass import agreements, programme, world_of


async def test_the_notice_that_goes_out_names_the_terms_and_holds_the_link() -> None:
    world = world_of(17)
    await world.tick(6)
    (notice,) = [n for n in world.field.notices if n.kind == "notice"]
    assert notice.text.startswith("Evening relief: ")
    assert "120 points and 0.30 EUR" in notice.text
    assert isinstance(await world.desk.answer_by_token(token_in(notice.text)), Noted)
    assert world.daemon.books.requests[notice.request].consent == "opted_out"


async def test_a_device_is_never_renewed_beyond_its_programmes_longest_call() -> None:
    flex = programme(programme="flex", asks="devices", longest_call_s=1200.0, hours=Hours())
    world = PeopleWorld(site(), agreements=agreements(*range(16), of=flex))
    world.charge()
    await world.tick(6 * 40)
    renewed = [e for e in world.entries(RequestChanged) if e.reason == "renewed"]
    begun = {p.request: p.start for p in world.entries(RequestPlanned)}
    assert renewed
    assert max(e.end - begun[e.request] for e in renewed) == timedelta(seconds=1200)
