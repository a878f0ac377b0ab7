"""Settling in batches: all of it, once, whatever one of them does."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from controller.baselines.programmes import (
    CONTROL_GROUP,
    METER_BEFORE,
    METER_BEFORE_AND_AFTER,
    TEN_OF_TEN_ALL_DAYS,
)
from controller.bookkeeping import Bookkeeper
from controller.entries import (
    Entry,
    EventOpened,
    LedgerPosted,
    NoticeAnswered,
    RequestMoved,
    RequestPlanned,
    RequestSettled,
)
from controller.errors import ConfigRejected
from controller.footing import Footing
from controller.live import Live
from controller.metrics import Metrics
from controller.proving import settling
from controller.proving.settlement_terms import Terms, TermsOf, terms_of
from controller.proving.settling import Settling, groups_of, imported_in, measured_in, site_terms
from controller.rewards import ledger
from controller.settings import Rewards, Store
from controller.stores.port import FeederSample, LateReading
from customers.programmes import Agreements, Programme
from customers.registry import Registry
from tests.builders import FEEDER, HOUSES, START, FakeClock, control, inline, registry, site
from tests.controller.record_builders import ended
from tests.controller.worlds import FailingStore

END = START + timedelta(minutes=15)


@dataclass
class Evening:
    """One event at some houses of the small feeder, all asked for 6.8 kW less for a quarter of an hour."""

    terms: TermsOf | None = None
    at_once: int = 4
    clock: FakeClock = field(default_factory=FakeClock)
    store: FailingStore = field(default_factory=FailingStore)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """of the rounds, and of whoever works beside them"""
    metrics: Metrics = field(default_factory=Metrics)

    async def lived(self, houses: int = 10, **changes: Any) -> "Evening":
        self.control = control(site())
        self.keeper = Bookkeeper(self.store, inline, self.metrics, Live([FEEDER]))
        await self.keeper.take_over("test", "0", [FEEDER], START)
        entries: list[Entry] = [
            EventOpened(at=START, event="E", feeder=FEEDER, element="trafo:0", kind="x", value=120, limit=100)
        ]
        for house in range(houses):
            entries += life(house, **changes)
        await self.keeper.write(entries)
        await self.measured()
        self.settling = self.made()
        self.clock.passed_s = 15 * 60 + 600
        return self

    def made(self) -> Settling:
        footing = Footing(
            self.control.site,
            {FEEDER: self.control},
            self.keeper,
            self.clock,
            inline,
            self.metrics,
            self.turn,
        )
        return Settling(footing, store=self.store, terms=self.terms, at_once=self.at_once)

    async def measured(self, kw: float = 5.2, begin_s: int = -300, end_s: int = 900) -> None:
        await self.keeper.write((), [sample(at_s, kw) for at_s in range(begin_s, end_s, 10)])

    async def not_read(self) -> None:
        """The meter of house 0 was not read at all, and tells it later."""
        self.store._connection.execute("DELETE FROM samples")
        await self.measured(float("nan"))
        minutes = [START + timedelta(minutes=n) for n in range(15)]
        self.store.add_late([LateReading(FEEDER, "M00", at, 5.2) for at in minutes])

    def set_aside(self) -> float | None:
        return self.metrics.registry.get_sample_value("gridward_settlements_set_aside")

    def entries(self, *kinds: type[Entry]) -> list[Any]:
        return [n.entry for n in self.store.replay() if isinstance(n.entry, kinds)]


def sample(at_s: int, kw: float) -> FeederSample:
    p_kw = np.full(HOUSES, kw, dtype=np.float32)
    return FeederSample(FEEDER, START + timedelta(seconds=at_s), p_kw, None, None, None, 0.0)


def life(house: int, **changes: Any) -> list[Entry]:
    request = f"E-R{house:03d}"
    values: dict[str, Any] = {
        "at": START, "request": request, "event": "E", "feeder": FEEDER, "resource": "device",
        "target": f"EV{house:02d}", "kind": "ev_charger", "customer": f"C{house:02d}",
        "service_point": f"sp{house:02d}", "limit_kw": 4.2, "p_before_kw": 11.0, "baseline_kw": 12.0,
        "start": START, "end": END, "epoch": 1, "sequence": 1, "element": "trafo:0", "value": 120.0,
    }  # fmt: skip
    steps = [("sent", START), ("accepted", START), ("active", START), ("ended", END)]
    return [
        RequestPlanned(**(values | changes)),
        *(RequestMoved(at=at, request=request, state=state, reason="t") for state, at in steps),  # type: ignore[arg-type]
    ]


async def test_all_that_is_due_is_settled_in_batches() -> None:
    evening = await Evening().lived()
    commits = evening.store.commits
    await evening.settling.settle()
    assert evening.store.commits == commits + 3  # 4, 4 and 2 of them
    assert evening.keeper.books.unsettled(FEEDER) == ()
    told = evening.entries(RequestSettled)
    assert [entry.reduced_kwh for entry in told] == [1.7] * 10
    balances = evening.store.balances()
    assert [balances[f"customer:C{n:02d}", "points"] for n in range(10)] == [170] * 10
    assert set(ledger.sum_per_unit(balances.items()).values()) == {0}
    await evening.settling.settle()
    assert len(evening.entries(RequestSettled)) == 10


async def test_a_batch_comes_to_the_same_as_one_by_one() -> None:
    together, alone = await Evening(at_once=100).lived(), await Evening(at_once=1).lived()
    for evening in (together, alone):
        await evening.settling.settle()
    assert together.entries(RequestSettled, LedgerPosted) == alone.entries(RequestSettled, LedgerPosted)


async def test_the_samples_are_read_once_for_all_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    evening = await Evening().lived()
    asked: list[str] = []
    read = evening.store.samples

    def samples(feeder: str, *window: Any) -> Sequence[FeederSample]:
        asked.append(feeder)
        return read(feeder, *window)

    monkeypatch.setattr(evening.store, "samples", samples)
    await evening.settling.settle()
    assert asked == [FEEDER]


async def test_requests_hours_apart_are_each_settled_by_the_samples_of_their_time() -> None:
    """As after a day in which nobody settled; each group reads a stretch of its own."""
    evening = await Evening().lived(houses=1)
    hours = timedelta(hours=10)
    second: list[Entry] = [msgspec.structs.replace(e, at=e.at + hours) for e in life(1)[1:]]  # type: ignore[type-var]
    times = {"at": START + hours, "start": START + hours, "end": END + hours}
    await evening.keeper.write([*life(1, **times)[:1], *second])
    begin_s = int(hours.total_seconds())
    await evening.measured(8.6, begin_s - 300, begin_s + 900)
    evening.clock.passed_s += begin_s
    await evening.settling.settle()
    told = {one.request: one.reduced_kwh for one in evening.entries(RequestSettled)}
    assert told == {"E-R000": 1.7, "E-R001": pytest.approx(3.4 / 4, abs=0.002)}


def test_samples_of_another_network_and_readings_for_a_dispute_are_left_out() -> None:
    of, window = control(site()), (START, END)
    ours = sample(0, 5.2)
    others = replace(ours, at=ours.at + timedelta(seconds=10), p_kw=ours.p_kw[:-1])
    assert measured_in(lambda *_: [ours, others], of, window) == [ours]
    late = [LateReading(FEEDER, "M00", START, 5.2), LateReading(FEEDER, "M00", START, 0.0, "D-1")]
    assert imported_in(lambda *_: late, of, window) == late[:1]


async def test_one_conflict_does_not_keep_the_others() -> None:
    evening = await Evening().lived()
    other = ledger.credit(
        at=START, feeder=FEEDER, request="E-R001", customer="C01", energy_wh=999, rewards=Rewards()
    )
    assert other is not None
    await evening.keeper.write([other])
    await evening.settling.settle()
    assert [record.request for record in evening.keeper.books.unsettled(FEEDER)] == ["E-R001"]
    commits = evening.store.commits
    await evening.settling.settle()
    assert evening.store.commits == commits  # not tried again by itself
    assert evening.set_aside() == 1


async def test_a_fault_in_one_calculation_does_not_keep_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    evening = await Evening().lived()
    settle = settling.settle_series

    def fails_once(record: Any, **given: Any) -> Any:
        if record.request == "E-R002":
            raise ZeroDivisionError
        return settle(record, **given)

    monkeypatch.setattr(settling, "settle_series", fails_once)
    assert evening.set_aside() == 0
    await evening.settling.settle()
    assert [record.request for record in evening.keeper.books.unsettled(FEEDER)] == ["E-R002"]
    assert evening.set_aside() == 1


async def test_when_the_time_is_up_the_rest_is_left_for_the_next_round() -> None:
    evening = await Evening().lived()
    monotonic = iter(range(0, 1000, 2))  # a batch takes 2 s, and a round has 2.5 s
    evening.clock.monotonic = lambda: float(next(monotonic))  # type: ignore[method-assign]
    await evening.settling.settle()
    assert len(evening.keeper.books.unsettled(FEEDER)) == 2
    await evening.settling.settle()
    assert evening.keeper.books.unsettled(FEEDER) == ()


async def test_a_store_that_is_out_of_order_leaves_all_for_later() -> None:
    evening = await Evening().lived()
    evening.store.broken = True
    await evening.settling.settle()
    assert len(evening.keeper.books.unsettled(FEEDER)) == 10
    evening.store.broken = False
    await evening.settling.settle()
    assert evening.keeper.books.unsettled(FEEDER) == ()


async def test_an_operator_does_not_wait_for_all_batches() -> None:
    evening = await Evening().lived()
    turn: asyncio.Lock = evening.settling._turn
    waited: list[int] = []

    async def operator() -> None:
        async with turn:
            waited.append(len(evening.keeper.books.unsettled(FEEDER)))

    async def yielding(function: Any, *args: Any) -> Any:
        await asyncio.sleep(0)
        return function(*args)

    evening.settling._offload = yielding  # type: ignore[assignment]
    task = asyncio.create_task(evening.settling.settle())
    await asyncio.sleep(0)
    await operator()
    await task
    assert waited == [6]


async def test_late_readings_that_came_before_the_settlement_count() -> None:
    evening = Evening()
    await evening.lived(houses=1)
    await evening.not_read()
    await evening.settling.settle()
    (told,) = evening.entries(RequestSettled)
    assert (told.outcome, told.reduced_kwh) == ("credited", 1.7)


# --- programmes


async def test_each_is_settled_by_the_rates_of_its_programme() -> None:
    gold = Rewards(programme="gold", points_per_kwh=1000, minor_units_per_kwh=0)
    evening = Evening(terms=lambda programme: Terms(gold if programme == "gold" else Rewards()))
    await evening.lived(houses=2, programme="gold")
    await evening.settling.settle()
    told = evening.entries(RequestSettled)
    assert [(one.programme, one.points, one.minor_units) for one in told] == [("gold", 1700, 0)] * 2
    assert evening.store.balances()["programme:gold:budget", "points"] == -3400


async def test_a_published_baseline_is_used_and_told() -> None:
    evening = Evening(terms=lambda _: Terms(Rewards(), TEN_OF_TEN_ALL_DAYS))
    await evening.lived(houses=3)
    for days in range(1, 8):  # 9 kW on the evenings before
        await evening.keeper.write((), [
            sample(-days * 86400 + at_s, 9.0) for at_s in range(0, 900, 60)
        ])  # fmt: skip
    evening.clock.passed_s += 200 * 60
    await evening.settling.settle()
    told = evening.entries(RequestSettled)
    assert len(told) == 3
    baseline = told[0].baseline
    assert baseline.rule == "10 of 10 of all days"
    assert baseline.p_kw == (9.0,)
    assert len(baseline.days) == 7
    assert told[0].reduced_kwh == pytest.approx((9.0 - 5.2) / 4, abs=0.001)


async def test_of_feeding_in_less_no_published_baseline_tells_anything() -> None:
    """Days before say nothing of this sun, and nobody waits for hours after the event."""
    evening = Evening(terms=lambda _: Terms(Rewards(baseline_holds_s=1e9), METER_BEFORE_AND_AFTER))
    roof = {"kind": "pv_inverter", "direction": "production", "p_before_kw": 9.0, "limit_kw": 4.0}
    await evening.lived(houses=1, baseline_kw=-8.0, **roof)
    evening.store._connection.execute("DELETE FROM samples")
    await evening.measured(-3.0)
    await evening.settling.settle()
    (told,) = evening.entries(RequestSettled)
    assert told.baseline is None
    assert told.reduced_kwh == pytest.approx(5.0 / 4, abs=0.002)


async def test_history_is_read_hour_by_hour_and_the_rest_in_the_next_rounds() -> None:
    evening = Evening(terms=lambda _: Terms(Rewards(), METER_BEFORE))
    await evening.lived(houses=1)
    monotonic = iter(range(10_000))  # an hour of history takes 1 s, and a round has 2.5 s
    evening.clock.monotonic = lambda: float(next(monotonic))  # type: ignore[method-assign]
    rounds = 0
    while not evening.entries(RequestSettled):
        await evening.settling.settle()
        rounds += 1
    assert rounds > 10


async def test_a_rule_that_looks_at_hours_after_the_event_waits_for_them() -> None:
    evening = Evening(terms=lambda _: Terms(Rewards(), METER_BEFORE_AND_AFTER))
    await evening.lived(houses=1)
    for _ in range(5):
        await evening.settling.settle()
    assert evening.entries(RequestSettled) == []
    evening.clock.passed_s = 15 * 60 + 195 * 60
    for _ in range(5):
        await evening.settling.settle()
    (told,) = evening.entries(RequestSettled)
    assert told.baseline.method == "live meter"  # nothing was read in these hours


async def test_who_did_not_say_the_yes_that_a_programme_needs_earns_nothing_and_takes_no_share() -> None:
    yes = Programme("yes", answer="opt_in", points_per_kwh=100)
    evening = Evening(terms=terms_of(Rewards(), [yes]))
    await evening.lived(houses=2, programme="yes", resource="person", limit_kw=5.2)
    beside = [changed(entry) for entry in life(0)]
    await evening.keeper.write(
        [*beside, NoticeAnswered(at=START, request="E-R001", answer="opted_in", via="api")]
    )
    await evening.settling.settle()
    told = {one.request: one for one in evening.entries(RequestSettled)}
    silent, said_yes, device = told["E-R000"], told["E-R001"], told["E-R000-device"]
    assert (silent.outcome, silent.points, silent.by_interval) == ("refused_or_silent", 0, ())
    assert (said_yes.outcome, said_yes.points) == ("credited", 170)
    assert device.reduced_kwh == 1.7


def changed(entry: Entry) -> Entry:
    """The same life, of a device beside it."""
    return msgspec.structs.replace(entry, request="E-R000-device")  # type: ignore[type-var]


def test_a_baseline_that_looks_back_further_than_readings_are_kept_is_refused() -> None:
    of = registry()
    looks_back = Programme("yes", baseline="control group")
    who = Registry(of.customers, of.devices, Agreements({"yes": looks_back}, ()))
    kept = control(site(store=Store(path=Path("x"), keep_samples_days=14, keep_history_days=75)), who)
    assert site_terms(kept.site, [kept])("yes").rule is not None
    short = control(site(store=Store(path=Path("x"), keep_samples_days=14, keep_history_days=74)), who)
    with pytest.raises(ConfigRejected, match=r"yes: its baseline control group looks back 75.* got 74"):
        site_terms(short.site, [short])


async def test_a_control_groups_batches_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    evening = Evening(terms=lambda _: Terms(Rewards(), CONTROL_GROUP), at_once=100)
    await evening.lived(houses=7)
    assert evening.settling._batch_size([f"E-R{n:03d}" for n in range(7)]) == 5


# --- groups


def test_groups_are_read_from_one_stretch_of_time_each() -> None:
    hours = [0, 1, 7, 30, 31, 60]
    due = [ended(request=f"R{number}", at=START + timedelta(hours=h)) for number, h in enumerate(hours)]
    moved = [
        replace(one, active_at=START + timedelta(hours=h), ended_at=START + timedelta(hours=h, minutes=15))
        for one, h in zip(due, hours, strict=True)
    ]
    moved[0] = replace(moved[0], ended_at=START + timedelta(hours=7, minutes=20))  # the last to end
    groups = groups_of(moved)
    assert [len(group.requests) for group in groups] == [3, 2, 1]
    assert sorted(r for group in groups for r in group.requests) == sorted(one.request for one in moved)
    for group in groups:
        assert group.window is not None
        assert group.window[1] - group.window[0] <= timedelta(hours=8)
        mine = [one for one in moved if one.request in group.requests]
        assert group.window[1] == max(one.ended_at for one in mine if one.ended_at)
    assert all(one.window[1] < other.window[0] for one, other in pairwise(groups))  # type: ignore[index]
