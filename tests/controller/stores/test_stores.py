"""What every store must do: each test here runs on SQLite and on PostgreSQL, where the store has the rights
of a daemon and no more."""

import itertools
import math
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from controller.entries import LedgerPosted, ReadingsRefused, ViolationAppeared
from controller.errors import LedgerConflict, RecordBroken, Replaced
from controller.rewards import ledger
from controller.stores import chain
from controller.stores.audit import audit
from controller.stores.opening import open_store
from controller.stores.port import FeederSample, LateReading, Store, StoreUnavailable
from tests.controller.record_builders import T0, after, opened, planned
from tests.controller.stores import journal_writer, places
from tests.controller.stores.places import Place, looked_at
from tests.controller.stores.samples_and_entries import credit, refused, sample, told


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = places.place_of(request.param, tmp_path)
    yield place
    place.remove()


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    with closing(places.opened(place)) as store:
        yield store


def test_what_was_committed_comes_back_in_order_with_numbers(store: Store) -> None:
    assert store.commit([opened(), planned()]) == [1, 2]
    assert store.commit([refused()]) == [3]
    assert [(n.seq, n.entry) for n in store.replay()] == [(1, opened()), (2, planned()), (3, refused())]
    assert [n.seq for n in store.replay(after=2)] == [3]


def test_a_long_replay_has_no_seams(store: Store) -> None:
    store.commit([refused(count) for count in range(2500)])
    assert [entry.count for entry in told(store) if isinstance(entry, ReadingsRefused)] == list(range(2500))
    assert [n.seq for n in store.replay(after=1000)] == list(range(1001, 2501))


def test_samples_come_back_exactly_with_their_gaps(store: Store) -> None:
    store.commit([], [sample(10), sample(5), sample(5, feeder="other"), sample(15)])
    first, second = store.samples("dorf", after(5), after(15))
    assert (first.at, second.at) == (after(5), after(10))
    np.testing.assert_array_equal(first.p_kw, np.array([1.5, math.nan], np.float32))
    assert first.p_kw.dtype == np.float32
    assert (first.transformer_loading_percent, first.max_line_loading_percent) == (80.5, None)
    assert (first.without_control_percent, first.curtailed_kw) == (101.0, 2.5)


def test_a_sample_of_the_same_time_does_not_replace_the_first(store: Store) -> None:
    store.commit([], [sample()])
    store.commit([], [sample(p_kw=9.0)])
    assert store.samples("dorf", T0, after(1))[0].p_kw[0] == 1.5


def with_substation(seconds: float, p_kw: float | None) -> FeederSample:
    return replace(sample(seconds), substation_p_kw=p_kw)


def test_the_substation_is_kept_where_it_was_read(store: Store) -> None:
    store.commit([], [with_substation(0, 41.5), with_substation(5, None)])
    assert [s.substation_p_kw for s in store.samples("dorf", T0, after(10))] == [41.5, None]
    store.prune_samples(after(3))
    assert [s.substation_p_kw for s in store.samples("dorf", T0, after(10))] == [None]
    store.prune_samples(after(60))
    store.commit([], [with_substation(0, None)])
    assert [s.substation_p_kw for s in store.samples("dorf", T0, after(10))] == [None]


def test_the_newest_sample(store: Store) -> None:
    assert store.last_sample_at("dorf") is None
    store.commit([], [sample(5), sample(0), sample(9, feeder="berg")])
    assert store.last_sample_at("dorf") == after(5)


def test_pruning_takes_old_samples_only(store: Store) -> None:
    store.commit([opened()], [sample(0), sample(10)])
    assert store.prune_samples(after(10)) == 1
    assert [s.at for s in store.samples("dorf", T0, after(60))] == [after(10)]
    assert told(store) == [opened()]


def test_a_credit_is_booked_once_however_often_it_comes(store: Store) -> None:
    assert store.commit([credit()]) == [1]
    assert store.commit([refused(), credit(at_s=60)]) == [2, 1]
    assert store.commit([credit(at_s=90), credit(at_s=91)]) == [1, 1]
    assert store.balances()["customer:C-001", "points"] == 123
    assert set(ledger.sum_per_unit(store.balances().items()).values()) == {0}


def test_a_credit_of_another_content_is_refused_with_all_that_came_with_it(store: Store) -> None:
    store.commit([credit()])
    with pytest.raises(LedgerConflict, match="another content"):
        store.commit([refused(), credit(1240)])
    assert len(told(store)) == 1
    assert store.balances()["customer:C-001", "points"] == 123


def test_an_unbalanced_transaction_is_refused(store: Store) -> None:
    wrong = LedgerPosted(at=T0, key="k", postings=(("a", "points", 1),), reason="", request=None)
    with pytest.raises(LedgerConflict, match="do not sum to zero"):
        store.commit([wrong])
    assert told(store) == []


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_could_not_be_read_again_is_not_written(store: Store, value: float) -> None:
    entry = ViolationAppeared(
        at=T0, feeder="dorf", element="line:3", kind="line_overload", value=value, limit=100.0
    )
    with pytest.raises(ValueError, match="cannot be read again"):
        store.commit([refused(), entry])
    with pytest.raises(ValueError, match="cannot be read again"):
        store.commit(
            [ReadingsRefused(at=T0.replace(tzinfo=None), feeder="f", reason="r", count=1, sample="")]
        )
    assert told(store) == []


def test_nothing_is_written_before_taking_over(place: Place) -> None:
    with closing(open_store(place.settings)) as store:
        with pytest.raises(Replaced, match="ours is none"):
            store.commit([refused()])
        with pytest.raises(Replaced, match="ours is none"):
            store.add_late([LateReading("dorf", "M-001", T0, 1.5)])


def test_epochs_only_grow_and_outlive_the_process(place: Place) -> None:
    for expected in (1, 2, 3):
        with closing(open_store(place.settings)) as store:
            assert store.take_over(f"holder {expected}") == expected


def test_who_was_replaced_cannot_write_any_more(store: Store, place: Place) -> None:
    store.commit([refused()])
    place.run("UPDATE control SET epoch = 2, holder = 'another'")
    with pytest.raises(Replaced, match="epoch 2 is in force, ours is 1"):
        store.commit([refused()], [sample()])
    with pytest.raises(Replaced, match="epoch 2 is in force, ours is 1"):
        store.add_late([LateReading("dorf", "M-001", T0, 1.5)])
    assert store.epoch() == 2
    assert len(told(store)) == 1
    assert store.samples("dorf", T0, after(60)) == ()
    assert store.late("dorf", T0, after(60)) == ()


def test_a_second_writer_is_kept_out_and_a_reader_is_not(store: Store, place: Place) -> None:
    with pytest.raises(StoreUnavailable, match="another controller is writing"):
        open_store(place.settings)
    store.commit([opened()])
    with closing(looked_at(place)) as reader:
        assert told(reader) == [opened()]
        store.commit([planned()])
        assert told(reader) == [opened(), planned()]


def test_who_closes_lets_the_next_one_in(store: Store, place: Place) -> None:
    store.close()
    with pytest.raises(StoreUnavailable):
        store.commit([refused()])
    with closing(open_store(place.settings)) as following:
        assert following.take_over("next") == 2


def test_late_readings_are_kept_once_and_in_order(store: Store) -> None:
    one, two = (
        LateReading("dorf", "M-002", after(5), 1.5),
        LateReading("dorf", "M-001", after(9), -2.5, "D-1"),
    )
    elsewhere = LateReading("berg", "M-001", after(5), 9.0)
    assert store.add_late([]) == 0
    assert store.add_late([one, two, elsewhere]) == 3
    assert store.add_late([replace(one, p_kw=7.0), replace(one, source="D-2")]) == 1
    again = replace(one, source="D-2")
    assert store.late("dorf", T0, after(60)) == (two, again, one)
    assert store.late("dorf", after(5), after(9)) == (again, one)
    store.prune_samples(after(6))
    assert store.late("dorf", T0, after(60)) == (two,)


def test_samples_of_many_days_are_found_and_pruned_to_the_microsecond(store: Store) -> None:
    days = [sample(86_400.0 * day) for day in (-40, -2, -1, 0, 1)]
    store.commit([], days)
    store.commit([], [replace(sample(), at=T0 + timedelta(microseconds=1))])
    assert len(store.samples("dorf", after(-86_400 * 99), after(86_400 * 9))) == 6
    assert store.prune_samples(T0 + timedelta(microseconds=1)) == 4
    left = store.samples("dorf", after(-86_400 * 99), after(86_400 * 9))
    assert [s.at for s in left] == [T0 + timedelta(microseconds=1), after(86_400)]
    store.commit([], days[1:2])
    assert store.prune_samples(after(-86_400)) == 1


def test_balances_and_transactions_are_in_the_order_of_their_bytes(store: Store) -> None:
    for number, account in enumerate(("b", "B", "ä", "a:1", "a")):
        lines = (("budget", "points", -1), (account, "points", 1))
        store.commit([LedgerPosted(at=T0, key=f"k{account}", postings=lines, reason="", request=None)])
        assert store.transactions()[f"k{account}"] == (number + 1, lines)
    assert list(store.balances()) == [
        (account, "points") for account in ("B", "a", "a:1", "b", "budget", "ä")
    ]
    assert store.balances()["budget", "points"] == -5
    assert list(store.transactions()) == ["kB", "ka", "ka:1", "kb", "kä"]


def test_rows_are_told_as_they_are_stored(store: Store, place: Place) -> None:
    store.commit([refused(1), refused(2)])
    place.untie()
    place.run("UPDATE journal SET body = 'not what it was' WHERE seq = 2")
    first, second = store.rows()
    assert first.body == chain.encode(refused(1)).encode()
    assert first.link == chain.link(chain.START, 1, chain.encode(refused(1)))
    assert (second.seq, second.body, second.previous) == (2, b"not what it was", first.link)


def test_an_altered_row_is_found_by_the_audit(store: Store, place: Place) -> None:
    store.commit([opened(), credit()])
    assert audit(store).fault is None
    place.untie()
    place.run("UPDATE postings SET amount = 2 * amount")
    assert "the postings of evening-relief/dorf" in str(audit(store).fault)
    place.run("UPDATE journal SET body = replace(body, '127.4', '99.4')")
    assert "entry 1 was altered" in str(audit(store).fault)


def test_threads_take_turns(store: Store) -> None:
    def write() -> None:
        for count in range(50):
            store.commit([refused(count), refused(count)])

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = told(store)
    assert len(entries) == 400
    assert entries[::2] == entries[1::2]


@pytest.mark.parametrize("acknowledged", [1, 40])
def test_kill_9_loses_nothing_that_was_acknowledged(place: Place, acknowledged: int) -> None:
    where = place.settings.postgres or str(place.settings.path)
    command = [sys.executable, "-m", journal_writer.__name__, where]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(acknowledged):
            last = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split("\n")
    last = max([last, *(int(number) for number in rest[:-1])])
    store = open_store(place.settings)
    assert store.take_over("the next") == 2
    counts = [entry.count for entry in told(store) if isinstance(entry, ReadingsRefused)]
    assert len(counts) >= last
    assert counts == [line // 3 for line in range(len(counts))]
    assert len(counts) % 3 == 0
    day = timedelta(days=1)
    samples = store.samples("dorf", journal_writer.START, journal_writer.START + day)
    assert len(samples) == len(counts) // 3
    store.close()


def test_any_order_of_repeated_credits_books_each_once(store: Store) -> None:
    runs = itertools.count()

    @given(rounds=st.lists(st.lists(st.integers(1, 4), max_size=4), max_size=12))
    @profile(max_examples=30, deadline=None, database=None)
    def books_each_once(rounds: list[list[int]]) -> None:
        run = next(runs)
        before = store.balances().get(("customer:C-001", "points"), 0)
        for batch in rounds:
            store.commit([credit(1000 * number, f"R{run}-{number}") for number in batch])
        booked = {number for batch in rounds for number in batch}
        assert store.balances().get(("customer:C-001", "points"), 0) - before == 100 * sum(booked)
        assert sum(f"/R{run}-" in key for key in store.transactions()) == len(booked)

    books_each_once()


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        ("UPDATE journal SET body = replace(body, '127.4', '99.4') WHERE seq = 2", "entry 2 was altered"),
        ("UPDATE journal SET hash = {zeros} WHERE seq = 2", "entry 2 was altered"),
        ("UPDATE journal SET previous = {zeros} WHERE seq = 3", "entry 3 does not follow entry 2"),
        ("DELETE FROM journal WHERE seq = 3", "entry 3 is missing"),
        ("DELETE FROM journal WHERE seq = 1", "entry 1 is missing"),
        ("UPDATE journal SET seq = 99 WHERE seq = 2; UPDATE journal SET seq = 2 WHERE seq = 3;"
         "UPDATE journal SET seq = 3 WHERE seq = 99", "entry 2 does not follow entry 1"),
        ("DELETE FROM journal WHERE seq = 2; UPDATE journal SET seq = seq - 1 WHERE seq > 2",
         "entry 2 does not follow entry 1"),
    ],
)  # fmt: skip
def test_replay_stops_at_what_was_altered(store: Store, place: Place, tamper: str, fault: str) -> None:
    store.commit([refused(), opened(), planned(), refused(2), refused(3)])
    place.untie()
    place.run(tamper.format(zeros=place.zeros))
    with pytest.raises(RecordBroken, match=fault):
        told(store)
