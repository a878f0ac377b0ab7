"""Feed-in overloads the feeder: inverters are asked to feed in less, by the same rules as all others."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from controller import settings
from controller.changing import changed
from controller.entries import EventShort, RequestChanged, RequestMoved, RequestPlanned, RequestSettled
from controller.feeder_control import FeederControl
from controller.hearing import hear
from controller.intake import Drained
from controller.memory import fresh_memory
from controller.order_effects import ProposedOrder
from controller.reach import given_back_kw_since, taken_away_kw
from controller.round_record import left_alone
from controller.what_if import what_if
from devices.messages import DeviceStatus
from tests.builders import FEEDER, HOUSES, START
from tests.controller.passes import of_kind
from tests.controller.sunny import ALL_SUN_KW, RATED_KW, ROOFS, SunnyPasses, roofs, sunny

FAST = settings.Safety(release_share_per_minute=1.0)
HOLD = settings.Requests(min_between_s=900.0)


def _limited(of: FeederControl | None = None, **start: float) -> SunnyPasses:
    passes = SunnyPasses(of or sunny(), **start)
    passes.step()
    passes.obey()
    return passes


def _changes(passes: SunnyPasses, steps: int) -> list[RequestChanged]:
    found = []
    for _ in range(steps):
        found += of_kind(passes.step().entries, RequestChanged)
        passes.obey()
    return found


def test_inverters_are_asked_and_pandapower_says_that_it_is_cleared() -> None:
    passes = SunnyPasses(sunny(roofs(floor_kw=3.0)))
    assert passes.flow().transformer_loading_percent[0] > 120
    planned = of_kind(passes.step().entries, RequestPlanned)
    assert planned
    for entry in planned:
        assert (entry.kind, entry.direction, entry.floor_kw) == ("pv_inverter", "production", 3.0)
        assert entry.p_before_kw == pytest.approx(ALL_SUN_KW)
        assert 3.0 <= entry.limit_kw < entry.p_before_kw
        assert entry.baseline_kw == pytest.approx(1.0 - ALL_SUN_KW)
        assert entry.share_percent is not None
        assert entry.share_percent > 0
    passes.obey()
    assert 90 < passes.flow().transformer_loading_percent[0] <= 95.5


def test_nobody_who_takes_power_is_asked_because_of_feed_in() -> None:
    passes = SunnyPasses(sunny(roofs(chargers=4)), sun_kw=28.0)
    for house in passes.field.houses[:4]:
        house.ev_kw = 11.0
    planned = of_kind([*passes.run(2), *(last := passes.step()).entries], RequestPlanned)
    assert {entry.kind for entry in planned} == {"pv_inverter"}
    reasons = {one.reason: one.count for one in left_alone(last.situation, set(), last.entries)}
    assert reasons["would_not_help"] == 4


def test_no_inverter_is_asked_because_of_what_is_taken() -> None:
    passes = SunnyPasses(sunny(roofs(chargers=8)), sun_kw=2.0, base_kw=18.0)
    for house in passes.field.houses[:8]:
        house.ev_kw = 11.0
    planned = of_kind(passes.step().entries, RequestPlanned)
    assert planned
    assert {entry.kind for entry in planned} == {"ev_charger"}


def test_turned_off_nobody_is_asked_and_it_is_told() -> None:
    entries = SunnyPasses(sunny(requests=settings.Requests(limit_feed_in=False))).run(3)
    assert not of_kind(entries, RequestPlanned)
    assert of_kind(entries, EventShort)


def test_nobody_is_told_to_take_less_because_the_sun_has_come_out() -> None:
    """What their meters showed in the quarter of an hour before was consumption."""
    asked = settings.Requests(limit_feed_in=False, notice_min_kw=0.1)
    passes = SunnyPasses(
        sunny(roofs(notices=frozenset(range(HOUSES))), requests=asked), sun_kw=0.0, base_kw=4.0
    )
    passes.run(90)
    passes.sun_kw[:] = 29.0
    passes.shine()
    entries = passes.run(4)
    assert of_kind(entries, EventShort)
    assert not of_kind(entries, RequestPlanned)


def test_critical_customers_are_never_asked() -> None:
    passes = SunnyPasses(sunny(roofs(critical=frozenset(range(8)))), sun_kw=28.0)
    planned = of_kind(passes.step().entries, RequestPlanned)
    assert planned
    assert {entry.customer for entry in planned}.isdisjoint(f"C{n:02d}" for n in range(8))


def test_what_was_asked_a_moment_ago_is_not_asked_for_again_nor_after_a_restart() -> None:
    passes = SunnyPasses(sunny())
    assert of_kind(passes.step().entries, RequestPlanned)
    assert not of_kind(passes.step().entries, RequestPlanned)
    passes.memory = replace(passes.memory, expectations={})
    assert not of_kind(passes.step().entries, RequestPlanned)


def test_one_that_does_not_obey_is_not_told_again_and_others_give_in_its_place() -> None:
    passes = SunnyPasses(sunny())
    first = {entry.target for entry in of_kind(passes.step().entries, RequestPlanned)}
    others = set()
    for _ in range(20):
        passes.obey()
        passes.shine(obeyed=False)
        others |= {entry.target for entry in of_kind(passes.step().entries, RequestPlanned)}
    assert others
    assert others.isdisjoint(first)


def test_no_more_is_commanded_in_a_minute_than_may() -> None:
    share = 0.1
    passes = SunnyPasses(sunny(safety=settings.Safety(feeder_share_per_minute=share)))
    planned = of_kind(passes.run(5), RequestPlanned)
    assert 0 < sum(e.p_before_kw - e.limit_kw for e in planned) <= share * ROOFS * RATED_KW


def test_nobody_is_freed_while_the_sun_at_its_highest_would_break_it_and_limits_go_up_with_the_load() -> None:
    """What was held back this morning is more at noon."""
    passes = _limited(sunny(requests=HOLD, safety=FAST))
    before = {r.request: r.limit_kw for r in passes.books.open_requests(FEEDER)}
    for house in passes.field.houses:
        house.base_kw = 2.0
    changes = _changes(passes, 110)
    raised = [c for c in changes if c.reason == "raised"]
    assert raised
    assert all(before[c.request] < c.limit_kw <= RATED_KW for c in raised)
    assert {c.reason for c in changes} <= {"raised", "renewed"}, "no raise calls for the next cut"
    held = {r.planned.target for r in passes.books.open_requests(FEEDER)}
    for device in held:  # what the proof reckoned with
        passes.sun_kw[int(device[2:])] = RATED_KW
    passes.shine()
    assert 85 < passes.flow().transformer_loading_percent[0] <= 96


def test_a_cloud_frees_whom_the_limit_does_not_hold_back_at_the_pace_of_all() -> None:
    passes = _limited(sunny(requests=HOLD))
    held = [r.request for r in passes.books.open_requests(FEEDER)]
    most_kw = max(taken_away_kw(passes.books.requests[r]) for r in held)
    assert most_kw > 0.1 * sum(taken_away_kw(passes.books.requests[r]) for r in held), "so one at a time"
    passes.sun_kw[:] = 3.0
    passes.shine()
    freed: set[str] = set()
    for _ in range(150):
        freed |= {c.request for c in _changes(passes, 1) if c.reason == "released"}
        now, records = passes.clock.now(), [passes.books.requests[r] for r in held]
        assert given_back_kw_since(records, now - timedelta(seconds=60), now) <= most_kw + 1e-6
    assert freed == set(held)


def test_the_gate_refuses_a_limit_below_what_must_be_left_and_one_of_the_other_direction() -> None:
    passes = _limited(sunny(roofs(floor_kw=3.0)))
    situation = passes.step().situation
    record = situation.limited[0]
    assert changed(situation, record, "tightened", limit_kw=2.9) is None
    assert situation.gatekeeper.refused == {"below_floor": 1}
    planned = msgspec.structs.replace(record.planned, direction="consumption")
    assert changed(situation, replace(record, planned=planned), "renewed") is None
    assert situation.gatekeeper.refused["wrong_direction"] == 1


def test_what_an_inverter_shows_proves_that_the_command_arrived_by_its_own_direction_only() -> None:
    passes = SunnyPasses(sunny())
    passes.step()
    record = passes.books.open_requests(FEEDER)[0]
    now, target = passes.clock.now(), record.planned.target

    def heard(**shown: object) -> list[str]:
        status = DeviceStatus(FEEDER, target, now, True, -record.limit_kw, **shown)  # type: ignore[arg-type]
        told = hear(passes.of, passes.books, fresh_memory(passes.of), Drained(statuses=(status,)), now)
        return [entry.state for entry in of_kind(told.entries, RequestMoved)]

    assert heard(production_limit_kw=record.limit_kw, production_request=record.request)[0] == "accepted"
    assert heard(limit_kw=record.limit_kw, request=record.request) == []


@profile(max_examples=12, deadline=None)
@given(
    sun_kw=st.lists(st.floats(0.0, RATED_KW), min_size=HOUSES, max_size=HOUSES),
    base_kw=st.lists(st.floats(0.0, 6.0), min_size=HOUSES, max_size=HOUSES),
    floor_kw=st.sampled_from([0.0, 2.0, 8.0]),
    chargers=st.integers(0, 6),
    critical=st.sets(st.integers(0, HOUSES - 1), max_size=3),
)
def test_whatever_the_sun_does_pandapower_finds_it_cleared_or_all_at_their_floors(
    sun_kw: list[float], base_kw: list[float], floor_kw: float, chargers: int, critical: set[int]
) -> None:
    who = roofs(floor_kw=floor_kw, chargers=chargers, critical=frozenset(critical))
    passes = SunnyPasses(sunny(who))
    passes.sun_kw[:] = sun_kw
    for house, kw in zip(passes.field.houses, base_kw, strict=True):
        house.base_kw = kw
    passes.shine()
    before = passes.flow()
    planned: list[RequestPlanned] = []
    for _ in range(4):
        planned += of_kind(passes.step().entries, RequestPlanned)
        passes.obey()
    for entry in planned:
        device = who.device[entry.target]
        assert not who.is_protected(device)
        assert entry.limit_kw >= device.min_kw
        assert (entry.direction == "production") == (device.kind == "pv_inverter")
    reverse = before.transformer_p_kw[0] < 0
    assert all((entry.direction == "production") == reverse for entry in planned)
    limited = {entry.target for entry in planned}
    may = [d for d in who.devices if d.kind == "pv_inverter" and not who.is_protected(d)]
    given_all = all(
        d.device in limited or passes.field.houses[int(d.device[2:])].ev_kw >= -floor_kw - 0.21 for d in may
    )
    after = passes.flow().transformer_loading_percent[0]
    assert after <= 100 or (reverse and given_all and _at_floors(passes, floor_kw)) or not reverse


def _at_floors(passes: SunnyPasses, floor_kw: float) -> bool:
    return all(r.limit_kw <= floor_kw + 1e-3 for r in passes.books.open_requests(FEEDER))


def test_what_a_release_of_everybody_would_do_is_foreseen_in_the_meters_sign() -> None:
    passes = _limited()
    situation = passes.step().situation
    told = what_if(situation, frozenset(), [ProposedOrder("release_all")], situation.now)
    assert told.devices
    for one in told.devices:
        assert one.after_kw == pytest.approx(-ALL_SUN_KW)
        assert one.curtailed_kw == pytest.approx(one.before_kw - one.after_kw)
    assert told.curtailed_kw > 0  # less is taken then: more is fed in
    assert told.after.highest_loading_percent == pytest.approx(without_control_percent(passes), abs=1.0)


def test_a_cloud_that_leaves_nothing_to_prove_makes_no_inverter_unreliable() -> None:
    passes = _limited()
    record = passes.books.open_requests(FEEDER)[0]
    before = passes.books.compliance(FEEDER, record.planned.target)
    ended = RequestMoved(at=passes.clock.now(), request=record.request, state="ended", reason="")
    nothing, some = (settled(record.request, kwh) for kwh in (0.0, 1.0))
    books = passes.books.fork()
    books.apply_all([ended, nothing])
    assert books.compliance(FEEDER, record.planned.target) == before
    books = passes.books.fork()
    books.apply_all([ended, some])
    assert books.compliance(FEEDER, record.planned.target) > before


def settled(request: str, reduced_kwh: float) -> RequestSettled:
    """A settlement that proves so much."""
    return RequestSettled(
        at=START,
        request=request,
        asked_kwh=1.0,
        reduced_kwh=reduced_kwh,
        intervals=1,
        intervals_measured=1,
        compliance_percent=100.0 * reduced_kwh,
        points=0,
        minor_units=0,
        outcome="nothing_shown",
    )


def without_control_percent(passes: SunnyPasses) -> float:
    """What pandapower says with every roof free."""
    passes.shine(obeyed=False)
    return float(passes.flow().transformer_loading_percent[0])


def _evening_after_noon(**tables: object) -> SunnyPasses:
    """Roofs were limited at noon; the sun has set, cars have come, and were limited too."""
    passes = SunnyPasses(sunny(roofs(chargers=6), **tables), sun_kw=RATED_KW)
    passes.run(3)
    passes.obey()
    assert {r.planned.kind for r in passes.books.open_requests(FEEDER)} == {"pv_inverter"}
    passes.sun_kw[:] = 0.0
    for number, house in enumerate(passes.field.houses):
        house.base_kw, house.ev_kw = 10.0, 11.0 if number < 6 else 0.0
    passes.obey()
    passes.step()
    passes.obey()
    assert {r.planned.kind for r in passes.books.open_requests(FEEDER)} == {"pv_inverter", "ev_charger"}
    return passes


def _cars_take_what_they_may(passes: SunnyPasses) -> None:
    limits = {r.planned.target: r.limit_kw for r in passes.books.open_requests(FEEDER) if not r.releasing}
    for number, house in enumerate(passes.field.houses[:6]):
        house.ev_kw = min(11.0, limits.get(f"EV{number:02d}", 11.0))


@pytest.mark.parametrize(("raises", "base_kw", "steps"), [(True, 10.0, 25), (False, 9.4, 110)])
def test_a_roof_that_is_given_back_in_the_dark_makes_no_room_for_a_car(
    raises: bool, base_kw: float, steps: int
) -> None:
    passes = _evening_after_noon(requests=msgspec.structs.replace(HOLD, raise_limits=raises), safety=FAST)
    for house in passes.field.houses:
        house.base_kw = base_kw
    changes: list[RequestChanged] = []
    for _ in range(steps):
        changes += of_kind(passes.step().entries, RequestChanged)
        passes.obey()
        _cars_take_what_they_may(passes)
        assert passes.flow().transformer_loading_percent[0] <= 100
    given_back = [c for c in changes if c.reason == ("raised" if raises else "released")]
    assert "pv_inverter" in {passes.books.requests[c.request].planned.kind for c in given_back}


def test_nobody_is_told_that_roofs_in_the_dark_make_room_for_all_cars() -> None:
    passes = _evening_after_noon()
    situation = passes.step().situation
    told = what_if(situation, frozenset(), [ProposedOrder("release_all")], situation.now)
    for house in passes.field.houses[:6]:
        house.ev_kw = 11.0
    truth = passes.flow().transformer_loading_percent[0]
    assert truth > 105
    assert told.after.highest_loading_percent == pytest.approx(truth, abs=1.0)
    assert told.event is not None
    assert not told.event.is_cleared
    roofs_told = [one for one in told.devices if one.kind == "pv_inverter"]
    assert roofs_told
    assert all(one.after_kw == one.before_kw for one in roofs_told)


def test_a_roof_that_leaves_in_any_case_takes_no_part_in_what_cars_are_asked_for() -> None:
    passes = SunnyPasses(sunny(roofs(chargers=6)), sun_kw=RATED_KW)
    passes.run(3)
    passes.obey()
    held = {int(r.planned.target[2:]) for r in passes.books.open_requests(FEEDER)}
    passes.of = sunny(roofs(chargers=6, critical=frozenset(held)))
    passes.sun_kw[:] = 0.0
    for number, house in enumerate(passes.field.houses):
        house.base_kw, house.ev_kw = 10.0, 11.0 if number < 6 else 0.0
    entries = passes.step().entries
    changes = of_kind(entries, RequestChanged)
    assert {int(passes.books.requests[c.request].planned.target[2:]) for c in changes} == held
    assert {c.reason for c in changes} == {"protected"}
    assert {e.kind for e in of_kind(entries, RequestPlanned)} == {"ev_charger"}
    passes.obey()
    assert passes.flow().transformer_loading_percent[0] <= 96
