"""Limits go up while there is room, before their devices may be freed whole."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from controller import settings
from controller.cycle import Surroundings, situation_of
from controller.entries import Ordered, RequestChanged
from controller.feeder_state import DeviceState
from controller.headroom import Headroom
from controller.raising import with_raised
from controller.reach import given_back_kw_since, limited_kw_since, lowest_kw_since, taken_away_kw
from controller.release import Releases, binds
from controller.requests import RequestRecord
from controller.situation import RunningEvent
from customers.registry import Registry
from tests.builders import FEEDER, HOUSES, control, registry
from tests.controller.passes import Passes, calm_evening, of_kind
from tests.controller.record_builders import after, ended, with_limits

HOLD = settings.Requests(duration_s=900.0, renew_before_s=180.0, min_between_s=900.0)
FAST = settings.Safety(release_share_per_minute=1.0)
CHARGING_KW = 11.0
Q_SHARE = 0.004
"""What reactive power, which here goes with all of a house's power, adds to a loading that was planned."""


def _limited(base_kw: float = 6.5, who: Registry | None = None, **tables: object) -> Passes:
    """An evening in which cars were limited in the first pass and obey."""
    of = control(calm_evening(**({"requests": HOLD} | tables)), who or registry())
    passes = Passes(of, base_kw=base_kw)
    passes.step()
    _obey(passes)
    return passes


def _obey(passes: Passes) -> None:
    """Every car takes what it may: no less when its limit has gone up."""
    passes.obey()
    limits = {r.planned.target: r.limit_kw for r in passes.books.open_requests(FEEDER) if not r.releasing}
    for number, house in enumerate(passes.field.houses[: HOUSES - 4]):
        house.ev_kw = min(CHARGING_KW, limits.get(f"EV{number:02d}", CHARGING_KW))


def _changes(passes: Passes, steps: int, base_kw: float | None = None) -> list[RequestChanged]:
    """What the passes change, with all cars at their limits each time."""
    for house in passes.field.houses:
        house.base_kw = house.base_kw if base_kw is None else base_kw
    changes: list[RequestChanged] = []
    for _ in range(steps):
        changes += of_kind(passes.step().entries, RequestChanged)
        _obey(passes)
    return changes


def _raised(changes: list[RequestChanged]) -> list[RequestChanged]:
    return [change for change in changes if change.reason == "raised"]


def _record(passes: Passes, change: RequestChanged) -> RequestRecord:
    return passes.books.requests[change.request]


def test_a_limit_goes_up_where_there_is_room_and_calls_for_no_cut_by_itself() -> None:
    passes = _limited()
    held = {r.request: r for r in passes.books.open_requests(FEEDER)}
    changes = _changes(passes, 50, base_kw=6.0)
    raised = _raised(changes)
    assert raised
    assert {change.reason for change in changes} == {"raised"}, "nobody is freed yet, and nobody cut again"
    assert all(change.end == held[change.request].end for change in raised)
    assert all(held[c.request].limit_kw < c.limit_kw <= CHARGING_KW for c in raised)
    assert 0.93 < passes.step().check.worst_ratio <= passes.of.site.requests.target_share + Q_SHARE


def test_not_before_it_has_stood_for_a_while_nor_again_before_that() -> None:
    passes = _limited(requests=_hold(raise_after_s=200.0), safety=FAST)
    raised = _raised(_changes(passes, 25, base_kw=6.3) + _changes(passes, 25, base_kw=1.0))
    for record in passes.books.open_requests(FEEDER):
        times = [at for at, _ in record.limits]
        assert all(later - earlier >= timedelta(seconds=200) for earlier, later in pairwise(times))
    assert len(raised) > len({change.request for change in raised}), "some went up twice"


def _hold(**changed: object) -> settings.Requests:
    """HOLD with other values."""
    fields = {name: getattr(HOLD, name) for name in HOLD.__struct_fields__}
    return settings.Requests(**fields | changed)  # type: ignore[arg-type]


def test_the_longest_limited_goes_up_first() -> None:
    passes = _limited()
    early = {r.request for r in passes.books.open_requests(FEEDER)}
    _changes(passes, 8, base_kw=7.5)
    late = {r.request for r in passes.books.open_requests(FEEDER)} - early
    assert late
    raised = [change.request for change in _raised(_changes(passes, 60, base_kw=4.0))]
    first = list(dict.fromkeys(raised))
    assert set(first[: len(early)]) <= early


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_no_more_comes_back_in_a_minute_than_may_by_raises_and_releases_together(share: float) -> None:
    passes = _limited(
        requests=_hold(min_between_s=300.0), safety=settings.Safety(release_share_per_minute=share)
    )
    limit_kw = {record.request: record.limit_kw for record in passes.books.open_requests(FEEDER)}
    most_kw = share * sum(map(taken_away_kw, passes.books.open_requests(FEEDER)))
    back: list[tuple[datetime, str, float]] = []
    for base_kw in (6.0, 5.0, 4.0, 3.0):
        for change in _changes(passes, 15, base_kw):
            after_kw = CHARGING_KW if change.reason == "released" else change.limit_kw
            back.append((change.at, change.reason, after_kw - limit_kw[change.request]))
            limit_kw[change.request] = after_kw
    for begin, _, _ in back:
        window = [kw for at, _, kw in back if begin <= at < begin + timedelta(seconds=60)]
        assert sum(window) <= most_kw + 1e-6
    assert {reason for _, reason, _ in back} == {"raised", "released"}
    both = Counter(at for at, _, kw in back if kw > 0)
    assert max(both.values()) > 1, "several came back in one pass"


def test_what_leaves_no_room_stays_as_it_is() -> None:
    assert _raised(_changes(_limited(), 45, base_kw=6.85)) == [], "it stands above what cuts aim at"
    nearly = _limited()
    assert _raised(_changes(nearly, 45, base_kw=6.7)) == [], "so little is not worth a command"
    assert nearly.step().check.worst_ratio < nearly.of.site.requests.target_share


def test_what_is_near_its_end_is_renewed_first() -> None:
    """Else it would end, and its device would be back whole, whatever there is room for."""
    passes = _limited()
    _changes(passes, 71, base_kw=6.85)
    changes = _changes(passes, 30, base_kw=6.6)
    assert {change.reason for change in changes} == {"raised", "renewed"}
    assert all(change.end - change.at > timedelta(seconds=180) for change in _raised(changes))


def test_switched_off_limits_stand() -> None:
    passes = _limited(requests=_hold(raise_limits=False))
    assert _changes(passes, 50, base_kw=3.0) == []


def test_on_bad_data_nothing_goes_up() -> None:
    passes = _limited()
    for house in passes.field.houses[:10]:
        house.meter_works = False
    assert _raised(_changes(passes, 45, base_kw=3.0)) == []


def test_while_an_operator_keeps_the_automatic_out_nothing_goes_up() -> None:
    passes = _limited()
    passes.orders = replace(passes.orders, hands_off=frozenset({FEEDER}))
    assert _raised(_changes(passes, 45, base_kw=3.0)) == []


def test_what_an_operator_ordered_is_left_alone() -> None:
    passes = _limited(safety=FAST)
    first = passes.books.open_requests(FEEDER)[0]
    order = Ordered(order="O-1", by="jo", limit_kw=first.limit_kw, until=first.end)
    passes.books.apply(
        RequestChanged(
            at=passes.clock.now(),
            request=first.request,
            limit_kw=first.limit_kw,
            end=first.end,
            epoch=0,
            sequence=first.sequence + 1,
            reason="renewed",
            ordered=order,
        )
    )
    raised = {change.request for change in _raised(_changes(passes, 60, base_kw=3.0))}
    assert raised
    assert first.request not in raised


def test_a_car_that_does_not_take_what_it_may_is_left_alone() -> None:
    passes = _limited(safety=FAST)
    idle = passes.books.open_requests(FEEDER)[0]
    raised: list[RequestChanged] = []
    for _ in range(60):
        passes.field.houses[int(idle.planned.target[2:])].ev_kw = 0.0
        raised += _raised(_changes(passes, 1, base_kw=3.0))
        passes.field.houses[int(idle.planned.target[2:])].ev_kw = 0.0
    assert raised
    assert idle.request not in {change.request for change in raised}


def test_what_switches_is_not_raised_a_little() -> None:
    who = registry()
    pumps = tuple(replace(device, kind="heat_pump", rated_kw=13.0) for device in who.devices)
    passes = _limited(who=Registry(who.customers, pumps), safety=FAST)
    assert _raised(_changes(passes, 60, base_kw=1.0)) == []


def test_a_limit_that_had_to_go_down_again_waits_twice_as_long_each_time() -> None:
    """Houses that take more and less in turn: no device is moved to and fro (C5)."""
    first_s = 60.0
    passes = _limited(
        requests=_hold(raise_after_s=first_s, min_between_s=9000.0, duration_s=9900.0), safety=FAST
    )
    changes: list[RequestChanged] = []
    for base_kw in (3.0, 8.0) * 5:
        changes += _changes(passes, 15, base_kw=base_kw)
    moved = [c for c in changes if c.reason in ("raised", "tightened")]
    waits: list[int] = []
    for request in {change.request for change in _raised(changes)}:
        mine = [c for c in moved if c.request == request]
        downs = 0
        for before, change in pairwise(mine):
            downs += (before.reason, change.reason) == ("raised", "tightened")
            if change.reason == "raised":
                assert (change.at - before.at).total_seconds() >= first_s * 2**downs
        waits.append(downs)
    assert 2 <= max(waits) <= 4, "some go up again; 2**4 minutes are longer than what is left of the evening"


def test_what_was_raised_a_moment_ago_counts_before_it_shows() -> None:
    """Cars that are slow to take more: the room is not given away twice."""
    passes = _limited(safety=FAST, requests=_hold(raise_after_s=60.0))
    for house in passes.field.houses:
        house.base_kw = 6.0
    for _ in range(17):  # nobody takes more yet
        passes.step()
    held = passes.books.open_requests(FEEDER)
    assert any(len(record.limits) > 1 for record in held)
    _obey(passes)
    assert passes.step().check.worst_ratio <= passes.of.site.requests.target_share + Q_SHARE


def test_nothing_goes_up_into_the_room_that_is_kept_for_what_may_come() -> None:
    passes = _limited(requests=_hold(raise_after_s=100.0), safety=FAST)
    assert not _raised(_changes(passes, 8, base_kw=6.0))
    check, of, event = passes.step().check, passes.of, passes.books.open_event(FEEDER)
    assert event is not None
    later = passes.clock.now() + timedelta(seconds=20)
    around = Surroundings(now=later, epoch=0, orders=passes.orders, fleet_budget_kw=float("inf"))
    situation = situation_of(of, passes.books, passes.memory, check, good=True, around=around)
    situation = replace(
        situation,
        event=RunningEvent(event.event, event.opened.at, 99),
        gatekeeper=replace(situation.gatekeeper, event_ends_by=later + timedelta(hours=2)),
    )
    held = {record.request: record.limit_kw for record in passes.books.open_requests(FEEDER)}

    def given_kw(rise_percent: float) -> float:
        """What goes up where all elements may rise by this within the lead."""
        rises = (np.full(len(each.ids), rise_percent) for each in (of.network.lines, of.network.transformers))
        raised = with_raised(replace(situation, headroom=Headroom(of, *rises)), Releases()).entries
        return sum(one.limit_kw - held[one.request] for one in of_kind(raised, RequestChanged))

    without, little, more = given_kw(0.0), given_kw(4.0), given_kw(7.0)
    assert without > little > more > 0.0


@pytest.mark.parametrize("shown_kw", [None, 4.2, 8.0])
def test_a_raise_that_its_device_does_not_show_yet_leaves_it_held_back(shown_kw: float | None) -> None:
    """Lost on the way: a car at the limit before takes all once it is free, which is to be counted."""
    passes = _limited()
    check, now = passes.step().check, passes.clock.now()
    record = passes.books.open_requests(FEEDER)[0]
    later = now + timedelta(seconds=900)
    passes.books.apply(
        RequestChanged(
            at=now, request=record.request, limit_kw=8.0, end=record.end, epoch=0, sequence=2, reason="raised"
        )
    )
    target, request = record.planned.target, None if shown_kw is None else record.request
    shows = DeviceState(True, later, 4.2, shown_kw, request)
    state = replace(passes.memory.state, devices={target: shows})
    around = Surroundings(now=later, epoch=0, orders=passes.orders, fleet_budget_kw=float("inf"))
    memory = replace(passes.memory, state=state)
    situation = situation_of(passes.of, passes.books, memory, check, good=True, around=around)
    assert binds(situation, passes.books.requests[record.request]) == (shown_kw == 4.2)


def test_at_the_end_of_the_programme_they_are_freed_and_not_raised() -> None:
    passes = _limited(events=settings.Events(max_duration_s=1800.0))
    winds_down = passes.clock.now() + timedelta(seconds=1800 - 600)
    changes = _changes(passes, 170, base_kw=6.2)
    assert [c for c in changes if c.reason == "released"]
    assert max(c.at for c in _raised(changes)) <= winds_down


@hypothesis_settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(2.0, 8.5), min_size=3, max_size=6), st.sampled_from([0.1, 0.5, 1.0]))
def test_whatever_the_houses_do_a_raise_is_safe(base_kw: list[float], share: float) -> None:
    """Within floor and rated power, only while there is room, and never into what cuts aim above."""
    passes = _limited(
        requests=_hold(raise_after_s=60.0), safety=settings.Safety(release_share_per_minute=share)
    )
    aim = passes.of.site.requests.target_share
    for kw in base_kw:
        for house in passes.field.houses:
            house.base_kw = kw
        for _ in range(8):
            decided = passes.step()
            raised = _raised(of_kind(decided.entries, RequestChanged))
            assert all(4.2 < c.limit_kw <= CHARGING_KW for c in raised)
            assert not raised or decided.check.worst_ratio <= aim
            _obey(passes)
            if raised:  # nothing else has moved: they are at all of their new limits now
                p_kw = decided.check.snapshot.p_kw.copy()
                for c in raised:
                    shown = decided.situation.device_p_kw(_record(passes, c).planned.target)
                    assert shown is not None
                    p_kw[decided.situation.position(_record(passes, c))] += c.limit_kw - shown
                assert passes.of.element_limits.worst_ratio(decided.situation.solve(p_kw)) <= aim + 1e-9


def test_what_came_back_and_what_was_cut_again_are_both_counted() -> None:
    record = with_limits(ended(), (0, 4.2), (300, 9.0), (400, 6.0))
    assert record.planned.p_before_kw == 11.0
    assert limited_kw_since([record], after(350), after(400)) == pytest.approx(3.0)
    assert taken_away_kw(record) == pytest.approx(6.8)
    still = replace(record, state="active", ended_at=None)
    assert given_back_kw_since([still], after(250), after(400)) == pytest.approx(4.8)
    assert given_back_kw_since([still], after(350), after(400)) == 0.0
    assert [lowest_kw_since(still, after(s)) for s in (100, 300, 350, 400)] == [4.2, 6.0, 6.0, 6.0]
