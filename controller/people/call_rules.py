"""[5] Whether a customer may be called now, and until when, by what was agreed with them. Pure.

A site without programmes calls everybody under its own terms (`[rewards]`), at any hour. With programmes a
notice needs an enrolment; a device whose customer is in no programme for devices stays under the site's own
terms, and one whose customer is in one is limited within its hours and counts only. What never yields to any
programme (floors, protected customers, the event's longest duration) is the safety gate's subject.

How often somebody was called comes from the journal (`Books.calls_of`). An event that has called a customer
already does not count against itself: all that it asks of one customer under one programme is one call, which
lasts, breaks included, no longer than the programme's longest.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from controller import settings
from controller.feeder_control import FeederControl
from controller.reach import all_back_s, lapse_spread_s
from controller.requests import RequestRecord
from controller.situation import Situation
from customers.programmes import CallKind, Programme
from customers.registry import Customer
from customers.tags import is_quiet

SHORTEST = timedelta(minutes=5)
"""Nobody is called for less because a programme's hours are about to end."""


@dataclass(frozen=True, slots=True)
class Slot:
    """When a call may be, and under whose terms."""

    programme: Programme
    name: str | None
    """None: the site's own terms"""
    start: datetime
    until: datetime | None = None
    """no request of it may end later; None: as late as all others"""


def zone_of(site: settings.Site) -> tzinfo:
    """The zone of the people who live there."""
    return _zone(site.look_ahead.time_zone)


@cache
def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def is_quiet_for(control: FeederControl, customer: str, now: datetime) -> bool:
    """Whether a customer gets no word at this time; False for one who is not known."""
    known = control.customer.get(customer)
    return known is not None and is_quiet_at(control.site, known, now)


def is_quiet_at(site: settings.Site, customer: Customer, now: datetime) -> bool:
    """Whether it is night for this customer, by their tags or by the site's quiet hours."""
    local = now.astimezone(zone_of(site)).time()
    return is_quiet(customer.manner, local, quiet_hours(site.notices.quiet))


@cache
def quiet_hours(text: str | None) -> tuple[time, time] | None:
    """`22:00-07:00` as times of day. ValueError for what is none."""
    if text is None:
        return None
    begin, dash, end = text.partition("-")
    hours = time.fromisoformat(begin.strip()), time.fromisoformat(end.strip())
    if not dash or hours[0] == hours[1] or any(hour.tzinfo is not None for hour in hours):
        raise ValueError(f"{text!r} is no span of a day in the site's own time")
    return hours


def programme_of(control: FeederControl, name: str | None) -> Programme:
    """The programme that a request names; the site's own terms for None, and for one that is gone."""
    agreements = control.registry.agreements
    found = None if agreements is None or name is None else agreements.programmes.get(name)
    return _of_rewards(control.site) if found is None else found


def slot(situation: Situation, customer: Customer, kind: CallKind) -> Slot | None:
    """When this customer may be called if it is decided now; None when they may not be."""
    control, now = situation.control, situation.now
    agreements, zone = control.registry.agreements, zone_of(control.site)
    if agreements is None:
        return Slot(_of_rewards(control.site), None, now)
    programme = agreements.programme_of(customer.customer, kind, now.astimezone(zone).date())
    if programme is None:
        return Slot(_of_rewards(control.site), None, now) if kind == "devices" else None
    start = now + timedelta(seconds=programme.notice_s if kind == "people" else 0.0)
    starts_on = start.astimezone(zone).date()
    if agreements.programme_of(customer.customer, kind, starts_on) is not programme:
        return None  # the enrolment ends before the call could begin
    began = _began(situation, customer.customer, programme.programme)
    until = _until(situation, programme, start, start if began is None else began)
    if until is None or until - start < SHORTEST or _lets_go(situation, kind, began, until):
        return None
    if not (_has_calls_left(situation, customer, programme, start) and _has_budget(situation, programme)):
        return None
    return Slot(programme, programme.programme, start, until)


def may_last_until(situation: Situation, record: RequestRecord) -> datetime | None:
    """The end that a request may have at the latest by its programme; None where it is in none. The request's
    start when the programme's hours are others by now and do not allow it any more.
    """
    planned = record.planned
    if planned.programme is None:
        return None
    programme = programme_of(situation.control, planned.programme)
    began = _began(situation, planned.customer, planned.programme)
    began = planned.start if began is None else min(began, planned.start)
    until = _until(situation, programme, planned.start, began)
    return planned.start if until is None else until


def lets_go_at(site: settings.Site, began: datetime, until: datetime) -> datetime:
    """From when devices are freed so that all are, at the allowed pace, when a call ends; at the earliest in
    the middle of it.
    """
    return until - min(timedelta(seconds=all_back_s(site)), (until - began) / 2)


def spread_end(site: settings.Site, began: datetime, until: datetime, place: float) -> datetime:
    """The end of one of several requests whose calls end together: a device frees itself at its end also when
    nobody is there any more to release it in order. `place` above 0: the first ends first, as it is freed
    first, and the last (1) with the call.
    """
    spread = min(timedelta(seconds=lapse_spread_s(site)), (until - began) / 2)
    return until - spread * (1.0 - place)


def _lets_go(situation: Situation, kind: CallKind, began: datetime | None, until: datetime) -> bool:
    """Whether devices of this call are being freed because it ends: who was is not asked anew."""
    if kind != "devices" or began is None:
        return False
    return situation.now >= lets_go_at(situation.control.site, began, until)


def _began(situation: Situation, customer: str, programme: str) -> datetime | None:
    """When the running event's first request to the customer under the programme began."""
    history = situation.books.calls_of(situation.control.feeder, customer, programme)
    return None if situation.event is None else history.began_in(situation.event.event)


def _until(situation: Situation, programme: Programme, start: datetime, began: datetime) -> datetime | None:
    """When a request that starts then must have ended, if the call began at `began`; None when it must not
    start then.
    """
    until = situation.once(_HoursEnd).of(programme, start)
    if until is None or programme.longest_call_s is None:
        return until
    return min(until, began + timedelta(seconds=programme.longest_call_s))


class _HoursEnd:
    """When the hours of programmes end, by when a call starts: the same for all customers of a programme."""

    def __init__(self, situation: Situation) -> None:
        self._zone = zone_of(situation.control.site)
        self._known: dict[tuple[str, datetime], datetime | None] = {}

    def of(self, programme: Programme, start: datetime) -> datetime | None:
        """None where they are closed then."""
        key = (programme.programme, start)
        if key not in self._known:
            self._known[key] = programme.hours.open_until(start, self._zone)
        return self._known[key]


def _has_calls_left(situation: Situation, customer: Customer, programme: Programme, start: datetime) -> bool:
    control = situation.control
    history = situation.books.calls_of(control.feeder, customer.customer, programme.programme)
    if situation.event is not None and history.began_in(situation.event.event) is not None:
        return True
    zone = zone_of(control.site)
    today = start.astimezone(zone).date()
    season = programme.hours.season_start(today)
    for most, since in ((programme.calls_per_day, today), (programme.calls_per_season, season)):
        if most is not None and history.count(datetime.combine(since, time(0), zone)) >= most:
            return False
    rest = timedelta(seconds=programme.rest_s)
    return history.last_until is None or start - history.last_until >= rest


def _has_budget(situation: Situation, programme: Programme) -> bool:
    """Whether it may still credit anything."""
    accounts, rewards = situation.books.accounts, situation.control.site.rewards
    caps = (("points", programme.budget_points), (rewards.currency, programme.budget_minor_units))
    return all(cap is None or accounts.budget_left(programme.programme, unit, cap) > 0 for unit, cap in caps)


def _of_rewards(site: settings.Site) -> Programme:
    """The site's own terms as a programme: at any hour, as often as needed."""
    rewards = site.rewards
    return Programme(
        programme=rewards.programme,
        asks="both",
        points_per_kwh=rewards.points_per_kwh,
        minor_units_per_kwh=rewards.minor_units_per_kwh,
    )
