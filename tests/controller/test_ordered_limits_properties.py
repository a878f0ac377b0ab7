"""Whatever an operator orders: what never yields does not yield, and the journal tells all of it."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from controller.books import Books
from controller.entries import Entry, OperatorActed, RequestChanged, RequestPlanned
from controller.gatekeeper import Gatekeeper
from controller.operators import order
from controller.order_effects import ProposedOrder
from controller.ordered_limits import REASONS, SHORTEST, order_limit, propose
from tests.builders import FEEDER, HOUSES
from tests.controller.looks import CRITICAL, evening_looked_at

DEVICES = [f"EV{n:02d}" for n in range(HOUSES - 4)]
CUSTOMERS = [f"C{n:02d}" for n in range(HOUSES)]
LONGEST = timedelta(hours=4)

order_strategy = st.builds(
    ProposedOrder,
    action=st.just("limit"),
    targets=st.lists(st.sampled_from(DEVICES + CUSTOMERS), min_size=1, max_size=8).map(tuple),
    limit_kw=st.floats(0.0, 20.0),
)


@hypothesis_settings(max_examples=40, deadline=None)
@given(
    orders=st.lists(
        st.tuples(order_strategy, st.integers(1, 240), st.integers(0, 5)), min_size=1, max_size=5
    ),
    excluded=st.sets(st.sampled_from(DEVICES + CUSTOMERS), max_size=3).map(frozenset),
)
def test_what_never_yields_does_not_yield(
    orders: list[tuple[ProposedOrder, int, int]], excluded: frozenset[str]
) -> None:
    look = evening_looked_at().situation
    books, now, journal = look.books.fork(), look.now, list[Entry]()
    registry = look.control.registry
    for proposed, minutes, pause_s in orders:
        now += timedelta(seconds=pause_s)
        wanted = replace(proposed, until=now + timedelta(minutes=minutes))
        situation = replace(look, books=books, now=now)
        try:
            act, entries = order_limit(situation, excluded, wanted, who=" Ann ", why="drill")
        except ValueError as error:
            assert "nobody can be limited" in str(error)  # noqa: PT017
            continue
        assert entries[0] is act
        assert act.until is not None
        assert SHORTEST <= act.until - now <= LONGEST
        assert act.until == wanted.until
        reached = set[str]()
        for entry in entries[1:]:
            assert isinstance(entry, RequestPlanned | RequestChanged)
            assert entry.ordered is not None
            target = (
                entry.target
                if isinstance(entry, RequestPlanned)
                else books.requests[entry.request].planned.target
            )
            assert target not in reached
            reached.add(target)
            assert registry.device[target].min_kw <= entry.limit_kw < registry.device[target].rated_kw
            assert target != f"EV{CRITICAL:02d}"
            assert now < entry.end <= act.until
            assert entry.ordered.until == entry.end
            assert (entry.ordered.by, entry.ordered.order) == ("Ann", act.order)
            assert target not in excluded or wanted.named == (target,)
        assert reached
        left = dict(act.left_out)
        named = set(wanted.named)
        meant = {d for d in DEVICES if d in named or f"C{d[2:]}" in named}
        assert reached | left.keys() == meant
        assert reached.isdisjoint(left)
        assert set(left.values()) <= set(REASONS)
        ends = [entry.end for entry in entries[1:] if isinstance(entry, RequestPlanned | RequestChanged)]
        assert len(set(ends)) == len(ends)
        books.apply_all(entries)
        journal += entries
    encoded = msgspec.json.encode(journal)
    replayed = look.books.fork()
    replayed.apply_all(msgspec.json.decode(encoded, type=list[Entry]))
    assert replayed == books
    held = [r.planned.target for r in books.open_requests(FEEDER)]
    assert len(held) == len(set(held))


def limited(minutes: float = 60.0, kw: float = 5.0) -> tuple[Books, OperatorActed]:
    look = evening_looked_at().situation
    books = look.books.fork()
    wanted = ProposedOrder("limit", None, ("EV00", "EV01"), kw, look.now + timedelta(minutes=minutes))
    act, entries = order_limit(replace(look, books=books), frozenset(), wanted, who="Ann", why="x")
    books.apply_all(entries)
    return books, act


def test_two_orders_in_one_second_have_their_own_ids() -> None:
    look = evening_looked_at().situation
    books, first = limited()
    wanted = ProposedOrder("limit", "EV02", (), 5.0)
    second, _ = order_limit(replace(look, books=books), frozenset(), wanted, who="Ann", why="x")
    assert first.order is not None
    assert second.order == f"{first.order}-2"
    assert [r.request for r in books.ordered_requests(FEEDER)] == [
        f"{first.order}-R001",
        f"{first.order}-R002",
    ]


@pytest.mark.parametrize("after_s", [0, 1800, 3601])
def test_the_gate_lets_it_pass_without_an_event_and_until_its_end_alone(after_s: int) -> None:
    look = evening_looked_at().situation
    books, _ = limited()
    now = look.now + timedelta(seconds=after_s)
    for record in books.open_requests(FEEDER):
        for knows, good in ((True, False), (False, True), (False, False)):
            gate = Gatekeeper(
                control=look.control,
                books=books,
                now=now,
                epoch=look.epoch,
                event_ends_by=None if good else look.now + timedelta(minutes=10),
                data_good=good,
                feeder_budget_kw=float("inf"),
                fleet_budget_kw=float("inf"),
                knows_orders=knows,
            )
            passes = gate.passes(
                record.request,
                "device",
                record.planned.target,
                "renewed",
                limit_kw=record.limit_kw,
                start=record.planned.start,
                end=record.end,
                epoch=look.epoch,
            )
            assert passes is (now < record.end and (knows or good))
        longer = gate.passes(
            record.request,
            "device",
            record.planned.target,
            "renewed",
            limit_kw=record.limit_kw,
            start=record.planned.start,
            end=record.end + timedelta(seconds=1),
            epoch=look.epoch,
        )
        assert not longer


def test_an_operator_frees_all_of_an_order_by_its_id_and_nothing_else() -> None:
    look = evening_looked_at().situation
    books, act = limited()
    _, entries = order(
        look.control, books, 1, action="release", target=act.order, who="Ann", why="over", now=look.now
    )
    freed = {books.requests[e.request].planned.target for e in entries if isinstance(e, RequestChanged)}
    assert freed == {"EV00", "EV01"}
    with pytest.raises(ValueError, match="expected a device"):
        order(look.control, books, 1, action="exclude", target=act.order, who="Ann", why="x", now=look.now)
    with pytest.raises(ValueError, match="order_limit"):
        order(look.control, books, 1, action="limit", target="EV00", who="Ann", why="x", now=look.now)


def test_who_is_being_released_or_shows_no_failsafe_is_left_out() -> None:
    look = evening_looked_at().situation
    books, _ = limited()
    record = books.held_by(FEEDER, "EV00")
    assert record is not None
    books.apply(
        RequestChanged(
            at=look.now,
            request=record.request,
            limit_kw=record.limit_kw,
            end=look.now,
            epoch=1,
            sequence=2,
            reason="released",
        )
    )
    known = look.control.registry
    guard = replace(known.device["EV02"], on_contact_loss="guard", failsafe_kw=4.2)
    registry = replace(known, devices=(*(d for d in known.devices if d.device != "EV02"), guard))
    situation = replace(look, books=books, control=replace(look.control, registry=registry))
    wanted = ProposedOrder("limit", None, ("EV00", "EV01", "EV02"), 5.0)
    proposal = propose(situation, frozenset(), wanted)
    assert [one.device.device for one in proposal.limits] == ["EV01"]
    assert {one.device: one.reason for one in proposal.left_out} == {
        "EV00": "being_released",
        "EV02": "failsafe_not_shown",
    }
