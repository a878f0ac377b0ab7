"""What a round of planning leaves in the journal: who was asked and why, who was left alone and why."""

from dataclasses import replace

import pytest

from controller import cycle, round_record, settings
from controller.entries import RequestChanged, RequestPlanned, RoundPlanned
from controller.operators import Orders
from controller.situation import Situation
from customers.registry import Device
from tests.builders import FEEDER, HOUSES, control, registry
from tests.controller.passes import Passes, calm_evening, of_kind


def left_of(told: RoundPlanned) -> dict[str, int]:
    return {one.reason: one.count for one in told.left}


def test_a_round_names_its_requests_their_effect_and_everybody_else() -> None:
    critical = control(calm_evening(), registry(critical=frozenset({0, 1})))
    passes = Passes(critical, base_kw=6.5)
    passes.orders = Orders(excluded={FEEDER: frozenset({"EV02"})})
    entries = [*passes.step().entries]
    (told,), planned = of_kind(entries, RoundPlanned), of_kind(entries, RequestPlanned)
    assert entries.index(told) < entries.index(planned[0])
    assert [one.request for one in told.asked] == [p.request for p in planned]
    assert [one.cut_kw for one in told.asked] == [round(p.p_before_kw - p.limit_kw, 3) for p in planned]
    assert (told.element, told.value, told.expected) == (planned[0].element, planned[0].value, False)
    # 250 kVA: a kW is 0.4 % of the transformer, and what feeds its losses comes on top
    assert all(one.effect_per_kw is not None and 0.35 < one.effect_per_kw < 0.6 for one in told.asked)
    left = left_of(told)
    assert (left["protected"], left["by_operator"]) == (2, 1)
    assert len(planned) + sum(left.values()) == HOUSES - 4
    assert {one.reason: one.devices for one in told.left}["protected"] == ("EV00", "EV01")


def test_each_device_is_asked_or_left_for_one_reason_as_the_planning_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the plan takes for able to give is what the record does not explain, whatever happened before."""
    who = registry(critical=frozenset({3}))
    who = replace(who, devices=(*who.devices, Device("PV19", "sp19", "pv_inverter", 8.0, 0.0)))
    passes = Passes(
        control(calm_evening(safety=settings.Safety(feeder_share_per_minute=0.2)), who), base_kw=6.5
    )
    seen: set[str] = set()

    def looked(situation: Situation, asked: object, located: object) -> tuple[RoundPlanned, ...]:
        told = record(situation, asked, located)  # type: ignore[arg-type]
        if situation.event is not None:
            left = round_record.left_alone(situation, set())
            assert sum(one.count for one in left) == len(who.devices)
            seen.update(one.reason for one in left)
        return told

    record = round_record.round_record
    monkeypatch.setattr(cycle, "round_record", looked)
    passes.step()
    passes.obey()
    passes.step()
    disobeying = passes.books.open_requests(FEEDER)[0]
    passes.field.houses[int(disobeying.planned.target[2:])].ev_kw = 11.0
    passes.run(12)
    for freed in passes.books.open_requests(FEEDER)[1:3]:
        passes.books.apply(
            RequestChanged(
                at=passes.clock.now(), request=freed.request, limit_kw=freed.limit_kw,
                end=passes.clock.now(), epoch=0, sequence=freed.sequence + 1, reason="released",
            )
        )  # fmt: skip
    passes.step()
    passes.clock.passed_s += 3 * passes.of.site.cycle.fresh_s
    passes.step(statuses=False)
    assert {
        "protected",
        "feeds_in",
        "at_its_floor",
        "could_give",
        "does_not_obey",
        "being_released",
        "power_not_known",
    } <= seen


def test_no_round_is_told_where_nobody_is_asked() -> None:
    passes = Passes(control(calm_evening()), charging_kw=0.0, base_kw=2.0)
    assert of_kind(passes.run(3), RoundPlanned) == []
