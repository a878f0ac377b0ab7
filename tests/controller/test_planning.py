"""When the automatic asks for more while an event is open, and when it keeps still."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller import settings
from controller.books import Books
from controller.cycle import Decisions
from controller.entries import EventShort, RequestChanged, RequestPlanned
from controller.planning import Plan, failed_in_event, flexible_devices, plan
from controller.situation import Expectation
from customers.registry import Registry
from grid_model.errors import Diverged
from tests.builders import FEEDER, HOUSES, control, registry
from tests.controller.passes import Passes, calm_evening, of_kind
from tests.controller.record_builders import ended


def _in_event(**requests: float) -> Passes:
    """An event is open, its requests are obeyed and the feeder is at its target."""
    passes = Passes(control(of=calm_evening(requests=settings.Requests(min_cut_kw=0.0, **requests))))
    for _ in range(8):
        passes.step()
        passes.obey()
    decided = passes.step()
    assert decided.check.violations == ()
    assert passes.books.open_event(decided.sample.feeder) is not None
    return passes


@pytest.mark.parametrize(("act_above", "asks"), [(0.97, True), (1.0, False)])
def test_close_to_the_limit_an_open_event_asks_before_it_is_broken_again(
    act_above: float, asks: bool
) -> None:
    passes = _in_event(act_above_share=act_above)
    base = [house.base_kw for house in passes.field.houses]
    asked: list[object] = []
    for step in range(60):
        for house, own in zip(passes.field.houses, base, strict=True):
            house.base_kw = own + 0.02 * step
        decided = passes.step()
        if decided.check.worst_ratio >= 1:
            break
        asked += of_kind(decided.entries, RequestPlanned)
        asked += [e for e in of_kind(decided.entries, RequestChanged) if e.reason == "tightened"]
        passes.obey()
        if asked:
            break
    assert bool(asked) is asks


@pytest.mark.parametrize(("believed_s", "waits_s"), [(None, 60.0), (35.0, 40.0), (10.0, 10.0), (3.0, 10.0)])
def test_others_are_asked_once_what_was_asked_is_not_believed_any_more(
    believed_s: float | None, waits_s: float
) -> None:
    """Devices that accept and go on as before."""
    requests = settings.Requests(believed_for_s=believed_s)
    passes = Passes(control(of=calm_evening(requests=requests)), base_kw=5.5)
    asked_at: list[float] = []
    while len(asked_at) < 2:
        asked = of_kind(passes.step().entries, RequestPlanned)
        asked_at += [passes.clock.passed_s] * any(entry.resource == "device" for entry in asked)
        passes.obey()
        for house in passes.field.houses[: HOUSES - 4]:
            house.ev_kw = 11.0
        assert passes.clock.passed_s < 300.0
    assert asked_at[1] - asked_at[0] == waits_s


def test_a_car_that_has_just_arrived_is_credited_like_the_others() -> None:
    passes = Passes(control(of=calm_evening(requests=settings.Requests(min_cut_kw=0.0))), charging_kw=0.0)
    for _ in range(30):
        passes.step()
    for house in passes.field.houses[:16]:
        house.ev_kw = 11.0
    planned = of_kind(passes.run(3), RequestPlanned)
    assert planned
    assert all(entry.baseline_kw >= entry.p_before_kw for entry in planned)


def test_whose_meter_has_fallen_silent_is_credited_by_what_it_showed_before_and_by_no_guess() -> None:
    passes = Passes(control(of=calm_evening(requests=settings.Requests(min_cut_kw=0.0))), charging_kw=0.0)
    for _ in range(30):
        passes.step()
    passes.field.houses[8].meter_works = False
    passes.run(6)
    for house in passes.field.houses[:16]:
        house.ev_kw = 11.0
    planned = {entry.target: entry for entry in of_kind(passes.run(3), RequestPlanned)}
    assert planned["EV08"].p_before_kw == 11.0
    assert planned["EV08"].baseline_kw == pytest.approx(4.0)
    assert planned["EV07"].baseline_kw == pytest.approx(15.0)


def test_so_near_to_collapse_that_nobody_can_tell_what_a_kw_does_the_pass_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nobody_knows(*_: object, **__: object) -> None:
        raise Diverged("the load flow does not converge here")

    of = control(calm_evening())
    (short,) = of_kind(Passes(of, base_kw=40.0).step().entries, EventShort)
    assert short.missing_kw is not None
    monkeypatch.setattr("controller.planning.missing", nobody_knows)
    monkeypatch.setattr("controller.cycle.locate", nobody_knows)
    decided = Passes(of, base_kw=40.0).step()
    (short,) = of_kind(decided.entries, EventShort)
    assert short.missing_kw is None
    assert decided.located == ()
    assert of_kind(decided.entries, RequestPlanned)


def test_an_inverter_is_never_asked_to_take_less_whatever_it_says_of_its_power() -> None:
    """These show 11 kW above 0, as one does whose sign was not checked: there is nothing to take less of."""
    who = registry()
    inverters = {device.device for device in who.devices[::2]}
    devices = tuple(replace(d, kind="pv_inverter") if d.device in inverters else d for d in who.devices)
    passes = Passes(control(who=replace(who, devices=devices)), base_kw=12.0)
    planned = of_kind(passes.step().entries, RequestPlanned)
    assert planned
    assert inverters.isdisjoint(entry.target for entry in planned)


def _overloaded(who: Registry | None = None, base_kw: float = 6.5) -> tuple[Passes, Decisions]:
    """The first pass of an evening that asks at once."""
    passes = Passes(control(calm_evening(), who), base_kw=base_kw)
    return passes, passes.step()


def _cut_kw(plan: Plan) -> float:
    return sum(one.p_before_kw - one.limit_kw for one in of_kind(plan.entries, RequestPlanned))


def test_who_leaves_in_any_case_leaves_their_part_to_others() -> None:
    passes, decided = _overloaded()
    asked = of_kind(decided.entries, RequestPlanned)
    unasked = replace(decided.situation, books=Books(), expectations={})
    free = next(d.device for d in passes.of.registry.devices if d.device not in {a.target for a in asked})
    alone, with_it = (
        plan(
            replace(unasked, gatekeeper=replace(unasked.gatekeeper, moved_kw=0.0, books=Books())),
            leaving=leaving,
        )
        for leaving in ({}, {free: 10.0})
    )
    assert _cut_kw(with_it) >= _cut_kw(alone) + 5.0
    assert free not in {one.target for one in of_kind(with_it.entries, RequestPlanned)}


def test_who_takes_more_than_it_may_is_asked_no_further_once_its_time_to_obey_is_over() -> None:
    passes, decided = _overloaded()
    passes.obey()
    target = of_kind(decided.entries, RequestPlanned)[0].target
    number = int(target[2:])
    passes.books.apply(
        RequestChanged(
            at=passes.clock.now(),
            request=passes.books.held_by(FEEDER, target).request,  # type: ignore[union-attr]
            limit_kw=8.0,
            end=passes.clock.now() + timedelta(minutes=15),
            epoch=0,
            sequence=2,
            reason="raised",
        )
    )
    passes.field.houses[number].ev_kw = 11.0
    situation, place = passes.step().situation, passes.of.device_position[target]
    names = [d.device for d in flexible_devices(situation, {})]
    assert target not in names
    told = Expectation(5.0, passes.clock.now(), ())
    pending = {d.device: d.p_kw for d in flexible_devices(situation, {place: told})}
    assert pending[target] == 8.0, "while it is on its way, from there on"


def test_of_two_devices_at_one_point_both_are_expected_to_obey_also_after_a_restart() -> None:
    who = registry()
    devices = tuple(replace(d, service_point="sp00") if d.device == "EV01" else d for d in who.devices)
    passes, decided = _overloaded(Registry(who.customers, devices), base_kw=7.5)
    asked = {one.target: one for one in of_kind(decided.entries, RequestPlanned)}
    both = [asked[name] for name in ("EV00", "EV01")]
    expected = decided.memory.expectations[0]
    shown_kw = float(decided.check.snapshot.p_kw[0])
    assert set(expected.requests) == {one.request for one in both}
    assert expected.p_kw == pytest.approx(shown_kw - sum(o.p_before_kw - o.limit_kw for o in both), abs=0.01)
    passes.memory = replace(passes.memory, expectations={})
    again = passes.step().memory.expectations[0]
    assert set(again.requests) == set(expected.requests)
    assert again.p_kw == pytest.approx(expected.p_kw, abs=0.01)


def test_who_took_their_consent_back_is_left_alone_for_the_event() -> None:
    """What they gave until then counts, so the request has ended like any other."""
    gave, took_back = ended(number=1), ended(number=2)
    refused, silent = replace(ended(number=3), state="refused"), replace(ended(number=4), state="unanswered")
    records = (gave, replace(took_back, answer="refused"), refused, silent)
    assert failed_in_event(records) == {f"ev-{n:03d}" for n in (2, 3, 4)}
