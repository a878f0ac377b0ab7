"""How the past and the site's wishes change who is asked for what."""

from datetime import timedelta

import pytest

from controller import settings
from controller.allocation_rules import rules
from controller.entries import Entry, EventShort, RequestPlanned, RequestSettled
from customers.registry import Registry
from tests.builders import FEEDER, HOUSES, START, control, registry
from tests.controller.passes import Passes, calm_evening, of_kind
from tests.controller.record_builders import closed, moved, opened, planned

YESTERDAY = START - timedelta(days=1)
OLD = "E-F1-20160111T170000Z"


def _past(houses: range, *, kept: bool, kwh: float = 5.0) -> list[Entry]:
    """An event of yesterday in which these houses were asked, and gave `kwh` each or refused."""
    entries: list[Entry] = [opened(OLD, FEEDER, YESTERDAY)]
    requests = {house: f"{OLD}-R{number:03d}" for number, house in enumerate(houses, 1)}
    for house, request in requests.items():
        entries.append(
            planned(
                at=YESTERDAY,
                request=request,
                event=OLD,
                feeder=FEEDER,
                target=f"EV{house:02d}",
                customer=f"C{house:02d}",
                service_point=f"sp{house:02d}",
                start=YESTERDAY,
                end=YESTERDAY + timedelta(minutes=15),
            )
        )
        states = ("sent", "accepted", "active", "ended") if kept else ("sent", "refused")
        entries += [moved(request, state, YESTERDAY) for state in states]  # type: ignore[arg-type]
        entries.append(
            RequestSettled(
                at=YESTERDAY + timedelta(hours=1),
                request=request,
                asked_kwh=kwh,
                reduced_kwh=kwh if kept else 0.0,
                intervals=1,
                intervals_measured=1,
                compliance_percent=100.0 if kept else 0.0,
                points=500 if kept else 0,
                minor_units=0,
                outcome="credited" if kept else "refused_or_silent",
            )
        )
        if kept:
            entries.append(moved(request, "settled", YESTERDAY + timedelta(hours=1)))
    return [*entries, closed(OLD, FEEDER, YESTERDAY + timedelta(hours=1))]


def _cuts(past: list[Entry] | None = None, base_kw: float = 6.0, **requests: object) -> dict[int, float]:
    """kW that each house is asked for in the first pass of an evening."""
    of = control(calm_evening(requests=settings.Requests(**requests)))  # type: ignore[arg-type]
    passes = Passes(of, base_kw=base_kw)
    passes.books.apply_all(past or [])
    asked = of_kind(passes.step().entries, RequestPlanned)
    return {int(p.target[2:]): p.p_before_kw - p.limit_kw for p in asked}


def test_a_cut_is_spread_and_costs_hardly_more() -> None:
    least, spread = _cuts(), _cuts(fairness_spread=0.005)
    assert len(spread) == HOUSES - 4 > len(least)
    assert sum(least.values()) <= sum(spread.values()) <= 1.005 * sum(least.values()) + 0.01
    assert max(spread.values()) < 0.75 * max(least.values())


def test_who_gave_lately_is_spared_now() -> None:
    burdened = range(8)  # half of those with a car, all on one of two equal cables
    now = _cuts(_past(burdened, kept=True))
    gave = sum(kw for house, kw in now.items() if house in burdened)
    assert gave < 0.5 * (sum(now.values()) - gave)
    without = _cuts(_past(burdened, kept=True), fairness_strength=0.0)
    assert without == _cuts()


def test_what_was_given_before_the_days_that_count_is_nothing() -> None:
    assert _cuts(_past(range(8), kept=True), fairness_days=1) == _cuts()


def test_a_reserve_asks_for_more_where_devices_refused() -> None:
    past = _past(range(2), kept=False)
    without, half = (sum(_cuts(past, reserve_probability=p).values()) for p in (None, 0.5))
    assert without == pytest.approx(sum(_cuts().values()))
    assert half > 1.02 * without


def test_among_equals_each_event_has_its_own_order_and_always_the_same() -> None:
    """Six houses with a car on each of two equal cables: whose turn it is depends on the event."""
    who = registry()
    devices = tuple(device for device in who.devices if int(device.device[2:]) % 10 < 6)
    of, asked = control(calm_evening(), Registry(who.customers, devices)), []
    for hour in (0, 1, 2, 3, 4, 4):
        passes = Passes(of, base_kw=8.0)
        for number in range(6, 10):
            passes.field.houses[number].ev_kw = 0.0
        passes.clock.passed_s = 3600.0 * hour
        asked.append({p.target: p.limit_kw for p in of_kind(passes.step().entries, RequestPlanned)})
    assert asked[-1] == asked[-2]
    assert len({tuple(sorted(one.items())) for one in asked}) > 1


def test_what_is_missing_is_told_and_would_do() -> None:
    passes = Passes(control(calm_evening()), base_kw=15.0)
    decided = passes.step()
    (short,) = of_kind(decided.entries, EventShort)
    assert short.missing_kw is not None
    assert short.missing_kw > 10
    passes.obey()
    obeyed = passes.step()
    assert obeyed.check.worst_ratio > 1
    p_kw = obeyed.check.snapshot.p_kw - short.missing_kw / HOUSES
    after = passes.of.load_flow.solve(p_kw, decided.check.snapshot.q_kvar)
    assert passes.of.element_limits.worst_ratio(after) == pytest.approx(1, abs=0.02)


def test_rules_are_those_of_the_site() -> None:
    wanted = settings.Requests(min_cut_kw=0.7, fairness_spread=0.01, reserve_probability=0.9)
    found = rules(wanted, "E-1")
    assert (found.spread, found.least_cut_kw) == (0.01, 0.7)
    assert found.reserve is not None
    assert found.reserve.confidence == 0.9
    assert found == rules(wanted, "E-1")
    assert found.rotation != rules(wanted, "E-2").rotation
