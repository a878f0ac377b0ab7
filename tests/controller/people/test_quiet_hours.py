"""A site's quiet hours hold for all but who agreed to be called then: notices, further words, sendings."""

from dataclasses import replace

import pytest

from controller import settings
from controller.people.call_rules import is_quiet_at, is_quiet_for, quiet_hours
from controller.people.messages_due import messages_due
from customers.registry import Registry
from tests.builders import START, control, registry
from tests.builders import site as plain_site
from tests.controller.people.notice_builders import after, books_of, feeder, notice, settled
from tests.controller.people.people_worlds import PeopleWorld, site
from tests.controller.people.test_people_pass import agreements, notices_to_people, programme

NIGHT = settings.Notices(quiet="22:00-07:00")
OK = frozenset({"night_calls_ok"})


@pytest.mark.parametrize(
    "text",
    ["22:00", "22:00-", "-", "22:00-22:00", "25:00-07:00", "night", "", "22:00Z-07:00Z", "22:00+01:00-07:00"],
)
def test_what_is_no_span_of_a_day(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        quiet_hours(text)


@pytest.mark.parametrize(
    ("zone", "tags", "quiet"),
    [
        ("UTC", frozenset(), False),  # 17:00 there
        ("Asia/Shanghai", frozenset(), True),  # 1:00
        ("Asia/Shanghai", OK, False),
        ("Asia/Shanghai", OK | {"no_night_calls"}, True),
    ],
)
def test_whose_night_it_is(zone: str, tags: frozenset[str], quiet: bool) -> None:
    who = registry(notices=frozenset({17}))
    customers = tuple(replace(c, tags=tags) for c in who.customers)
    ahead = settings.LookAhead(act_early=False, time_zone=zone)
    of = control(plain_site(look_ahead=ahead, notices=NIGHT), Registry(customers, who.devices))
    assert is_quiet_for(of, "C17", START) is quiet
    assert is_quiet_at(of.site, customers[17], START) is quiet


def test_thanks_wait_until_morning() -> None:
    books, of = books_of(notice(), settled()), feeder(zone="Asia/Shanghai")
    assert messages_due(of, books, lambda _: None, after(970))
    quiet = replace(of, site=plain_site(look_ahead=of.site.look_ahead, notices=NIGHT))
    assert messages_due(quiet, books, lambda _: None, after(970)) == ()


@pytest.mark.parametrize("agreed", [True, False])
async def test_nobody_is_asked_at_night_but_who_agreed(agreed: bool) -> None:
    world = PeopleWorld(
        site(zone="Asia/Shanghai", notices=NIGHT),
        notices=frozenset({17}),
        agreements=agreements(17, of=programme(hours=programme().hours.__class__())),
        tags={17: OK} if agreed else {},
    )
    world.charge()
    await world.tick(6)
    assert bool(notices_to_people(world)) is agreed
    assert bool(world.field.notices) is agreed
