"""One pass over a feeder, pure: who is planned for what, and who is left alone."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from structlog.testing import capture_logs

from controller import cycle, settings
from controller.entries import (
    EventOpened,
    RequestChanged,
    RequestMoved,
    RequestPlanned,
)
from controller.memory import fresh_memory
from grid_model.location import locate
from tests.builders import FEEDER, HOUSES, control, registry
from tests.controller.passes import PERIOD_S, Passes, calm_evening, of_kind


def test_an_overload_opens_an_event_and_plans_the_least_cut_in_one_pass() -> None:
    passes = Passes(control(calm_evening()), base_kw=6.5)
    decided = passes.step()
    opened, planned = of_kind([*decided.entries], EventOpened), of_kind([*decided.entries], RequestPlanned)
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


def test_orders_do_not_depend_on_their_explanation(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> None:
        raise KeyError("a request that the books do not have")

    monkeypatch.setattr(cycle, "round_record", wrong)
    with capture_logs() as logs:
        decided = Passes(control(calm_evening()), base_kw=6.5).step()
    assert of_kind([*decided.entries], RequestPlanned)
    assert [(one["event"], one["feeder"]) for one in logs] == [("round_not_explained", FEEDER)]


def test_what_was_asked_a_moment_ago_is_not_asked_twice() -> None:
    passes = Passes(control(calm_evening()), base_kw=6.5)
    first = of_kind([*passes.step().entries], RequestPlanned)
    assert first
    assert of_kind(passes.run(3), RequestPlanned) == [], "nobody obeyed yet, but they have time"
    passes.memory = fresh_memory(passes.of)
    assert of_kind(passes.run(1), RequestPlanned) == [], "not after a restart either"


def test_who_does_not_obey_in_time_is_made_up_for_by_others() -> None:
    passes = Passes(control(calm_evening(requests=settings.Requests(attempts=10))))
    planned = of_kind(passes.run(3), RequestPlanned)
    targets = {p.target for p in planned}
    more = of_kind(passes.run(8), RequestPlanned)
    assert more
    assert targets.isdisjoint({p.target for p in more})


def test_a_growing_overload_tightens_limits_in_force() -> None:
    passes = Passes(control(calm_evening()), base_kw=6.5)
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
    passes = Passes(control(calm_evening()))
    decided = [passes.step(statuses=spoken) for _ in range(4)]
    planned = [e for d in decided for e in d.entries if isinstance(e, RequestPlanned)]
    assert bool(planned) is spoken


def test_devices_that_were_just_released_rest_unless_it_is_severe() -> None:
    passes = Passes(control(calm_evening()))
    passes.run(3)
    passes.obey()
    asked = {r.planned.target for r in passes.books.open_requests(FEEDER)}
    for record in passes.books.open_requests(FEEDER):
        passes.books.apply(
            RequestMoved(at=passes.clock.now(), request=record.request, state="ended", reason="owner's app")
        )
    for number in range(16):
        passes.field.houses[number].ev_kw = 11.0
    again = {p.target for p in of_kind(passes.run(4), RequestPlanned)}
    assert again
    assert again.isdisjoint(asked)
    for house in passes.field.houses:
        house.base_kw = 9.0
    severe = {p.target for p in of_kind(passes.run(1), RequestPlanned)}
    assert severe & asked


def test_the_feeders_budget_per_minute_bounds_what_is_asked() -> None:
    passes = Passes(control(calm_evening(safety=settings.Safety(feeder_share_per_minute=0.1))), base_kw=6.5)
    decided = passes.step()
    allowed_kw = 0.1 * 16 * 11.0
    assert 0 < decided.moved_kw <= allowed_kw
    assert decided.gate_refused["feeder_budget"] > 0
    later = [passes.step().moved_kw for _ in range(5)]
    assert decided.moved_kw + sum(later) <= allowed_kw
    assert passes.step().moved_kw > 0, "the next minute"


def test_the_fleets_budget_bounds_as_well() -> None:
    passes = Passes(control(calm_evening()), base_kw=6.5)
    passes.fleet_kw = 10.0
    decided = passes.step()
    assert 0 < decided.moved_kw <= 10.0
    assert decided.gate_refused["fleet_budget"] > 0


def test_people_are_asked_once_the_largest_first_and_not_counted_on() -> None:
    who = registry(critical=frozenset({19}), notices=frozenset(range(HOUSES)))
    passes = Passes(control(calm_evening(), who), base_kw=6.5)
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
    without = Passes(control(calm_evening(requests=settings.Requests(notices=False)), who), base_kw=6.5)
    alone = [e for e in without.step().entries if isinstance(e, RequestPlanned)]
    assert [(p.target, p.limit_kw) for p in alone] == [(p.target, p.limit_kw) for p in devices]
    for house in passes.field.houses:
        house.base_kw = 9.0
    later = [p for p in of_kind(passes.run(20), RequestPlanned) if p.resource == "person"]
    asked = [p.target for p in [*people, *later]]
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("v_pu", [0.94, 1.06])
def test_the_cut_suffices_on_the_voltage_that_is_measured(v_pu: float) -> None:
    passes = Passes(control(calm_evening(rtu=True, limits=settings.Limits(min_v_pu=0.85))), base_kw=6.5)
    passes.v_pu = v_pu
    assert of_kind(passes.run(3), RequestPlanned)
    passes.obey()
    after = passes.step()
    assert after.check.slack_scale == pytest.approx(v_pu / 1.0, rel=0.06)
    assert 0.9 < after.check.worst_ratio <= 0.96


def test_causes_are_found_on_the_voltage_that_is_measured() -> None:
    passes = Passes(control(calm_evening(rtu=True)), base_kw=6.5)
    passes.v_pu = 0.95
    decided = passes.step()
    check, of = decided.check, passes.of
    assert check.slack_scale < 0.97
    nothing = np.zeros(HOUSES)
    (at_nominal, at_measured) = (
        locate(
            of.network,
            of.load_flow.at_voltage(scale),
            check.snapshot.p_kw,
            check.snapshot.q_kvar,
            check.violations[:1],
            nothing,
        )
        for scale in (1.0, check.slack_scale)
    )
    assert [c.part for c in decided.located] == pytest.approx([c.part for c in at_measured])
    assert decided.located[0].part > 1.03 * at_nominal[0].part


def test_nobody_is_asked_while_operators_keep_the_automatic_out() -> None:
    passes = Passes(control(calm_evening()))
    passes.orders = replace(passes.orders, hands_off=frozenset({FEEDER}))
    entries = passes.run(5)
    assert of_kind(entries, EventOpened)
    assert of_kind(entries, RequestPlanned) == []


def test_a_sample_holds_what_meters_showed_and_never_a_guess() -> None:
    passes = Passes(control(calm_evening()))
    passes.field.houses[4].meter_works = False
    sample = passes.step().sample
    assert [n for n, p in enumerate(sample.p_kw) if p != p] == [4]  # noqa: PLR0124  NaN
    assert sample.at == passes.clock.now() - timedelta(seconds=PERIOD_S)


def test_a_sample_holds_what_the_substation_showed_while_that_is_fresh() -> None:
    passes = Passes(control(calm_evening()))
    assert passes.step().sample.substation_p_kw is None
    passes.v_pu = 1.0
    shown = passes.step().sample.substation_p_kw
    assert shown is not None
    passes.v_pu = None
    passes.field.houses[0].base_kw += 5.0
    assert passes.step().sample.substation_p_kw == shown
    assert passes.step().sample.substation_p_kw is None  # it is 20 s old by now, and fresh for 15


def test_without_control_counts_what_limits_take_away() -> None:
    passes = Passes(control(calm_evening()))
    before = passes.run(3) and passes.step().sample.transformer_loading_percent
    passes.obey()
    decided = passes.step()
    assert decided.sample.transformer_loading_percent is not None
    assert decided.sample.transformer_loading_percent <= 96
    assert decided.sample.without_control_percent == pytest.approx(before, abs=1.0)
    cut = sum(r.planned.p_before_kw - r.limit_kw for r in passes.books.open_requests(FEEDER))
    assert decided.sample.curtailed_kw == pytest.approx(cut)
