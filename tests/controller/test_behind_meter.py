"""A roof and a charger behind one meter: what each request notes of what the other may do, and does."""

from dataclasses import replace

import pytest

from controller.behind_meter import beside_kw
from controller.entries import BesideMoved, RequestPlanned, RequestSettled
from controller.people import asking
from controller.situation import Situation
from customers.registry import Device, Registry
from devices.limit_holder import LimitHolder
from devices.messages import Direction
from tests.builders import FEEDER, HOUSES
from tests.controller.passes import of_kind
from tests.controller.record_builders import T0, after, books_of, moved, opened, planned
from tests.controller.sunny import ALL_SUN_KW, RATED_KW, SunnyPasses, roofs, sunny


def _with_also(who: Registry, *more: Device) -> Registry:
    return replace(who, devices=(*who.devices, *more))


def _beside_kw(situation: Situation, point: str, target: str, direction: Direction) -> float:
    return beside_kw(situation, situation.control.place[point], target, direction)


@pytest.mark.parametrize(
    ("kind", "taking_kw", "feeding_in_kw"),
    [("ev_charger", 0.0, 11.0), ("battery", 22.0, 22.0), ("pv_inverter", 11.0, 11.0)],
)
def test_who_is_not_heard_may_do_all_that_it_can(kind: str, taking_kw: float, feeding_in_kw: float) -> None:
    """House 5 has a roof that feeds in 8 kW of 30, and something of 11 kW that tells nothing."""
    who = _with_also(roofs(), Device("XX05", "sp05", kind, 11.0, 0.0))
    situation = SunnyPasses(sunny(who), sun_kw=8.0).step(statuses=kind != "pv_inverter").situation
    roof_may_kw = RATED_KW if kind == "pv_inverter" else RATED_KW - 8.0
    assert _beside_kw(situation, "sp05", "EV05", "production") == feeding_in_kw
    assert _beside_kw(situation, "sp05", "a customer", "consumption") == taking_kw + roof_may_kw


def test_by_their_own_word_they_may_do_what_is_left() -> None:
    """House 0 has a charger at 3 of its 11 kW, house 5 a roof at 8 of its 30."""
    passes = SunnyPasses(sunny(roofs(chargers=1)), sun_kw=8.0)
    passes.field.houses[0].ev_kw = 3.0
    situation = passes.step().situation
    rated_kw = situation.control.registry.device["EV00"].rated_kw
    assert _beside_kw(situation, "sp00", "new", "production") == rated_kw - 3.0
    assert _beside_kw(situation, "sp00", "new", "consumption") == 0.0
    assert _beside_kw(situation, "sp05", "new", "consumption") == RATED_KW - 8.0
    assert _beside_kw(situation, "sp05", "new", "production") == 8.0
    assert _beside_kw(situation, "sp05", "EV05", "production") == 0.0
    assert _beside_kw(situation, "sp19", "new", "production") == 0.0


def _heard(passes: SunnyPasses, device: Device) -> SunnyPasses:
    passes.field.holders[device.device] = LimitHolder(device.device, b"", device.min_kw)
    return passes


def _roof_and_charger() -> SunnyPasses:
    """House 0 has a charger of 11 kW beside its roof, which is asked to feed in less: and what the charger
    tells of itself stands in the field where house 19's would.
    """
    who = roofs()
    charger = Device("EV19", "sp00", "ev_charger", 11.0, 4.2)
    passes = _heard(SunnyPasses(sunny(_with_also(who, charger))), charger)
    passes.field.houses[19].ev_kw = 0.0
    (entry,) = [one for one in of_kind(passes.step().entries, RequestPlanned) if one.target == "EV00"]
    assert entry.beside_kw == 11.0
    return passes


def _told(passes: SunnyPasses) -> list[float]:
    return [entry.kw for entry in of_kind(passes.step().entries, BesideMoved)]


def test_what_others_do_meanwhile_is_told_when_it_moves() -> None:
    passes = _roof_and_charger()
    passes.obey()
    assert _told(passes) == []
    passes.field.houses[19].ev_kw = 3.7
    assert _told(passes) == [4.0]
    assert _told(passes) == []
    passes.field.houses[19].ev_kw = 6.0
    assert _told(passes) == [6.0]
    passes.field.houses[19].ev_kw = 0.0
    assert [_told(passes) for _ in range(7)] == [[], [], [], [], [], [0.0], []], "not at once"
    (record,) = [r for r in passes.books.open_requests(FEEDER) if r.planned.target == "EV00"]
    assert [kw for _, kw in record.beside] == [4.0, 6.0, 0.0]


def test_who_is_not_heard_any_more_may_do_anything() -> None:
    passes = _roof_and_charger()
    passes.obey()
    passes.clock.passed_s += 300.0
    assert [entry.kw for entry in of_kind(passes.step(statuses=False).entries, BesideMoved)] == [11.0]


def test_what_another_roof_was_asked_for_too_is_told_by_its_own_request() -> None:
    """Two roofs behind one meter, both limited: neither counts the other's."""
    also = Device("EV16", "sp00", "pv_inverter", RATED_KW, 0.0)
    passes = _heard(SunnyPasses(sunny(_with_also(roofs(), also))), also)
    planned_kw = {entry.target: entry.beside_kw for entry in of_kind(passes.step().entries, RequestPlanned)}
    assert planned_kw["EV00"] == pytest.approx(ALL_SUN_KW)
    assert planned_kw["EV16"] == pytest.approx(ALL_SUN_KW)
    for _ in range(3):
        passes.obey()
        assert _told(passes) == []


def test_a_device_is_not_called_unreliable_for_what_its_meter_cannot_tell() -> None:
    plan = planned()
    life = [moved(plan.request, state, T0) for state in ("sent", "accepted", "active")]  # type: ignore[arg-type]
    nothing = RequestSettled(
        at=after(930), request=plan.request, asked_kwh=1.0, reduced_kwh=0.0, intervals=1,
        intervals_measured=1, compliance_percent=0.0, points=0, minor_units=0, outcome="nothing_shown",
    )  # fmt: skip
    over = (moved(plan.request, "ended", after(900)), nothing)
    news = BesideMoved(at=after(60), request=plan.request, kw=7.0)
    known, not_told = (books_of(opened(), plan, *life, *told, *over) for told in ((), (news,)))
    assert known.compliance("dorf", plan.target) < not_told.compliance("dorf", plan.target)


def _dark_after_noon(base_kw: float) -> SunnyPasses:
    """Roofs were limited at noon and still are; the houses take more than the transformer carries."""
    passes = SunnyPasses(sunny(roofs(chargers=4, notices=frozenset(range(HOUSES)))), sun_kw=RATED_KW)
    passes.run(3)
    passes.obey()
    passes.sun_kw[:] = 0.0
    for number, house in enumerate(passes.field.houses):
        house.base_kw, house.ev_kw = base_kw, 11.0 if number < 4 else 0.0
    passes.shine()
    passes.memory = replace(passes.memory, history=())
    return passes


def test_a_limit_on_what_a_roof_feeds_in_keeps_nobody_from_being_asked_to_take_less() -> None:
    passes = _dark_after_noon(15.0)
    planned = []
    for _ in range(3):
        planned += of_kind(passes.step().entries, RequestPlanned)
    limited = {r.planned.customer for r in passes.step().situation.limited if r.planned.kind == "pv_inverter"}
    assert limited
    asked = {entry.customer for entry in planned if entry.resource == "person"}
    assert limited & asked
    taking = {entry.customer for entry in planned if entry.kind == "ev_charger"}
    assert not taking & asked


def test_whose_roof_could_feed_in_more_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking its limit away gives more than they could."""
    passes = _dark_after_noon(15.0)
    situation = passes.step().situation
    roof = next(r for r in situation.limited if r.planned.kind == "pv_inverter")
    assert situation.position(roof) not in asking._give_already(situation)
    monkeypatch.setattr(asking, "held_back_kw", lambda _: {situation.position(roof): 5.0})
    assert situation.position(roof) in asking._give_already(situation)
