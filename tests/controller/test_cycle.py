"""One pass over a feeder, pure: who is planned for what, and who is left alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller import settings
from controller.books import Books
from controller.cycle import Decisions, Surroundings, decide
from controller.entries import (
    Entry,
    EventOpened,
    RequestChanged,
    RequestMoved,
    RequestPlanned,
    RequestSent,
)
from controller.feeder_control import FeederControl
from controller.hearing import hear
from controller.intake import Drained
from controller.memory import Memory, fresh_memory
from controller.operators import Orders
from devices.messages import DeviceStatus, Reading
from tests.builders import FEEDER, HOUSES, FakeClock, Field, control, registry, site

PERIOD_S = 10.0


class Passes:
    """One pass after another on books that take every entry; no command reaches anybody unless told so."""

    def __init__(self, of: FeederControl, charging_kw: float = 11.0, base_kw: float = 4.0) -> None:
        self.clock = FakeClock()
        self.field, self.of, self.books = Field(self.clock), of, Books()
        self.memory: Memory = fresh_memory(of)
        self.orders, self.fleet_kw = Orders(), float("inf")
        for number, house in enumerate(self.field.houses):
            house.base_kw, house.ev_kw = base_kw, charging_kw if number < HOUSES - 4 else 0.0

    def step(self, statuses: bool = True) -> Decisions:
        """The field speaks, the pass decides, the books take it in."""
        now, said = self.clock.now(), self.field.messages()
        drained = Drained(
            readings=tuple(m for m in said if isinstance(m, Reading)),
            statuses=tuple(m for m in said if isinstance(m, DeviceStatus) and statuses),
        )
        heard = hear(self.of, self.books, self.memory, drained, now)
        self.books.apply_all(heard.entries)
        around = Surroundings(now=now, epoch=0, orders=self.orders, fleet_budget_kw=self.fleet_kw)
        decided = decide(self.of, self.books, heard.memory, around)
        self.books.apply_all(decided.entries)
        self.memory = decided.memory
        self.clock.passed_s += PERIOD_S
        return decided

    def run(self, steps: int) -> list[Entry]:
        return [entry for _ in range(steps) for entry in self.step().entries]

    def obey(self) -> None:
        """Every request that is planned was sent, accepted and started, and its device takes what it may."""
        now = self.clock.now()
        for record in self.books.open_requests(FEEDER):
            if record.state == "planned":
                sent = RequestSent(at=now, request=record.request, sequence=record.sequence, attempt=1)
                states = ("sent", "accepted", "active") if record.resource == "device" else ("sent", "active")
                moves = [RequestMoved(at=now, request=record.request, state=s, reason="") for s in states]  # type: ignore[arg-type]
                self.books.apply_all([sent, *moves])
            if record.resource == "device":
                house = self.field.houses[int(record.planned.target[2:])]
                house.ev_kw = min(house.ev_kw, record.limit_kw)


def _of(entries: list[Entry], kind: type) -> list[Entry]:
    return [entry for entry in entries if isinstance(entry, kind)]


def _evening(**tables: object) -> settings.Site:
    return site(cycle=settings.Cycle(period_s=PERIOD_S), **tables)


def test_an_overload_opens_an_event_and_plans_the_least_cut_in_one_pass() -> None:
    passes = Passes(control(_evening()), base_kw=6.5)
    decided = passes.step()
    opened, planned = _of([*decided.entries], EventOpened), _of([*decided.entries], RequestPlanned)
    assert len(opened) == 1
    assert planned
    assert [p.request for p in planned] == [f"{opened[0].event}-R{n:03d}" for n in range(1, len(planned) + 1)]
    assert all(4.2 <= p.limit_kw < p.p_before_kw == 11.0 for p in planned)
    assert all(p.baseline_kw == pytest.approx(17.5) for p in planned)
    ends = [(p.end - p.start).total_seconds() for p in planned]
    assert ends == sorted(ends)
    assert len(set(ends)) == len(ends), "they do not all end in the same minute"
    assert min(ends) == 900
    assert decided.moved_kw == pytest.approx(sum(p.p_before_kw - p.limit_kw for p in planned))
    assert decided.located[0].share_percent >= decided.located[-1].share_percent


def test_what_was_asked_a_moment_ago_is_not_asked_twice() -> None:
    passes = Passes(control(_evening()), base_kw=6.5)
    first = _of([*passes.step().entries], RequestPlanned)
    assert first
    assert _of(passes.run(3), RequestPlanned) == [], "nobody obeyed yet, but they have time"
    passes.memory = fresh_memory(passes.of)
    assert _of(passes.run(1), RequestPlanned) == [], "not after a restart either"


def test_who_does_not_obey_in_time_is_made_up_for_by_others() -> None:
    passes = Passes(control(_evening(requests=settings.Requests(attempts=10))))
    planned = _of(passes.run(3), RequestPlanned)
    targets = {p.target for p in planned}
    more = _of(passes.run(8), RequestPlanned)
    assert more
    assert targets.isdisjoint({p.target for p in more})


def test_a_growing_overload_tightens_limits_in_force() -> None:
    passes = Passes(control(_evening()), base_kw=6.5)
    passes.step()
    passes.obey()
    assert passes.step().check.worst_ratio <= 0.96
    before = {r.planned.target: r.limit_kw for r in passes.books.open_requests(FEEDER)}
    for house in passes.field.houses:
        house.base_kw += 2.5
    changed = [e for e in passes.run(2) if isinstance(e, RequestChanged) and e.reason == "tightened"]
    after = {r.planned.target: r.limit_kw for r in passes.books.open_requests(FEEDER)}
    partly = {target for target, limit in before.items() if limit > 4.2}
    assert {passes.books.requests[c.request].planned.target for c in changed} <= partly
    assert all(after[target] <= limit for target, limit in before.items())
    assert all(c.sequence == 2 for c in changed)


@pytest.mark.parametrize("spoken", [False, True])
def test_a_device_is_asked_only_while_it_tells_its_power(spoken: bool) -> None:
    passes = Passes(control(_evening()))
    decided = [passes.step(statuses=spoken) for _ in range(4)]
    planned = [e for d in decided for e in d.entries if isinstance(e, RequestPlanned)]
    assert bool(planned) is spoken


def test_devices_that_were_just_released_rest_unless_it_is_severe() -> None:
    passes = Passes(control(_evening()))
    passes.run(3)
    passes.obey()
    asked = {r.planned.target for r in passes.books.open_requests(FEEDER)}
    for record in passes.books.open_requests(FEEDER):
        passes.books.apply(
            RequestMoved(at=passes.clock.now(), request=record.request, state="ended", reason="owner's app")
        )
    for number in range(16):
        passes.field.houses[number].ev_kw = 11.0
    again = {p.target for p in _of(passes.run(4), RequestPlanned)}
    assert again
    assert again.isdisjoint(asked)
    for house in passes.field.houses:
        house.base_kw = 9.0
    severe = {p.target for p in _of(passes.run(1), RequestPlanned)}
    assert severe & asked


def test_the_feeders_budget_per_minute_bounds_what_is_asked() -> None:
    passes = Passes(control(_evening(safety=settings.Safety(feeder_share_per_minute=0.1))), base_kw=6.5)
    decided = passes.step()
    allowed_kw = 0.1 * 16 * 11.0
    assert 0 < decided.moved_kw <= allowed_kw
    assert decided.gate_refused["feeder_budget"] > 0
    later = [passes.step().moved_kw for _ in range(5)]
    assert sum(later) == 0
    assert passes.step().moved_kw > 0, "the next minute"


def test_the_fleets_budget_bounds_as_well() -> None:
    passes = Passes(control(_evening()), base_kw=6.5)
    passes.fleet_kw = 10.0
    decided = passes.step()
    assert 0 < decided.moved_kw <= 10.0
    assert decided.gate_refused["fleet_budget"] > 0


def test_people_are_asked_once_the_largest_first_and_not_counted_on() -> None:
    who = registry(critical=frozenset({19}), notices=frozenset(range(HOUSES)))
    passes = Passes(control(_evening(), who), base_kw=6.5)
    decided = passes.step()
    planned = [e for e in decided.entries if isinstance(e, RequestPlanned)]
    people = [p for p in planned if p.resource == "person"]
    devices = [p for p in planned if p.resource == "device"]
    assert people
    assert {p.service_point for p in people}.isdisjoint({p.service_point for p in devices})
    assert "C19" not in {p.customer for p in people}
    assert all(p.limit_kw == pytest.approx(0.7 * p.baseline_kw, abs=0.06) for p in people)
    kw = [p.p_before_kw for p in people]
    assert len(kw) <= 10
    without = Passes(control(_evening(requests=settings.Requests(notices=False)), who), base_kw=6.5)
    alone = [e for e in without.step().entries if isinstance(e, RequestPlanned)]
    assert [(p.target, p.limit_kw) for p in alone] == [(p.target, p.limit_kw) for p in devices]
    for house in passes.field.houses:
        house.base_kw = 9.0
    later = [p for p in _of(passes.run(20), RequestPlanned) if p.resource == "person"]
    asked = [p.target for p in [*people, *later]]
    assert len(asked) == len(set(asked))


def test_nobody_is_asked_while_operators_keep_the_automatic_out() -> None:
    passes = Passes(control(_evening()))
    passes.orders = replace(passes.orders, hands_off=frozenset({FEEDER}))
    entries = passes.run(5)
    assert _of(entries, EventOpened)
    assert _of(entries, RequestPlanned) == []


def test_a_sample_holds_what_meters_showed_and_never_a_guess() -> None:
    passes = Passes(control(_evening()))
    passes.field.houses[4].meter_works = False
    sample = passes.step().sample
    assert [n for n, p in enumerate(sample.p_kw) if p != p] == [4]  # noqa: PLR0124  NaN
    assert sample.at == passes.clock.now() - timedelta(seconds=PERIOD_S)


def test_without_control_counts_what_limits_take_away() -> None:
    passes = Passes(control(_evening()))
    before = passes.run(3) and passes.step().sample.transformer_loading_percent
    passes.obey()
    decided = passes.step()
    assert decided.sample.transformer_loading_percent is not None
    assert decided.sample.transformer_loading_percent <= 96
    assert decided.sample.without_control_percent == pytest.approx(before, abs=0.2)
    cut = sum(r.planned.p_before_kw - r.limit_kw for r in passes.books.open_requests(FEEDER))
    assert decided.sample.curtailed_kw == pytest.approx(cut)
