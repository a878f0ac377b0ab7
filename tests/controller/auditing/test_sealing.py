"""The daemon's keeper seals what it wrote, goes on after a restart, and refuses another journal."""

import asyncio
import base64
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.auditing.checkpoints import SignedCheckpoint, SigningKey, of_entry, read_notes
from controller.auditing.merkle import Frontier
from controller.auditing.sealing import OutsideCopy, Sealer
from controller.bookkeeping import Bookkeeper
from controller.entries import Entry, JournalCheckpointed, LedgerPosted, ReadingsRefused
from controller.errors import RecordBroken
from controller.live import Live
from controller.metrics import Metrics
from controller.stores import chain
from controller.stores.port import FeederSample, StoreUnavailable
from controller.stores.sqlite import IN_MEMORY, SqliteStore
from tests.builders import FEEDER, START, inline

KEY = SigningKey("gridward/test", bytes(32))


class OutOfOrder(SqliteStore):
    """Refuses the next so many commits of checkpoints."""

    refuses = 0

    def commit(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> Sequence[int]:
        if self.refuses and any(isinstance(entry, JournalCheckpointed) for entry in entries):
            self.refuses -= 1
            raise StoreUnavailable("disk full")
        return super().commit(entries, samples)


def keeper_of(
    store: SqliteStore, outside: Path | None = None, key: SigningKey = KEY, every_entries: int = 5
) -> Bookkeeper:
    copy = None if outside is None else OutsideCopy(outside)
    sealer = Sealer(key, 300.0, every_entries, copy)
    return Bookkeeper(store, inline, Metrics(), Live([FEEDER]), sealer)


def refused(at_s: float, count: int = 1) -> ReadingsRefused:
    at = START + timedelta(seconds=at_s)
    return ReadingsRefused(at=at, feeder=FEEDER, reason="x", count=count, sample="")


async def copied(keeper: Bookkeeper) -> None:
    """The copies that were begun are done."""
    assert keeper._copying is not None
    await keeper._copying


def sizes(store: SqliteStore) -> list[int]:
    return [n.entry.size for n in store.replay() if isinstance(n.entry, JournalCheckpointed)]


def in_memory() -> OutOfOrder:
    return OutOfOrder(IN_MEMORY, durable=False)


async def test_it_is_sealed_at_the_start_then_by_time_or_by_number() -> None:
    store = in_memory()
    keeper = keeper_of(store)
    await keeper.take_over("me", "0", [FEEDER], START)
    assert sizes(store) == [1], "a journal that was never sealed is sealed at once"
    await keeper.write([refused(299)])
    assert sizes(store) == [1]
    await keeper.write([refused(300)])
    assert sizes(store) == [1, 4]
    await keeper.write([refused(301 + n) for n in range(5)])
    assert sizes(store) == [1, 4, 10]


async def test_a_clock_that_was_ahead_does_not_stop_it() -> None:
    store = in_memory()
    keeper = keeper_of(store)
    await keeper.take_over("me", "0", [FEEDER], START + timedelta(days=365))
    assert sizes(store) == [1]
    await keeper.write([refused(0)])
    assert sizes(store) == [1, 3]
    await keeper.write([refused(299)])
    await keeper.write([refused(300)])
    assert sizes(store) == [1, 3, 6]


async def test_silence_is_not_sealed_again_and_again() -> None:
    store = in_memory()
    keeper = keeper_of(store)
    await keeper.take_over("me", "0", [FEEDER], START)
    sample = FeederSample(FEEDER, START + timedelta(hours=9), b"", None, None, None, 0.0)  # type: ignore[arg-type]
    for _ in range(3):
        await keeper._seal_if_due([sample.at])
    assert sizes(store) == [1]


async def test_what_is_sealed_is_the_root_of_what_is_stored_and_signed() -> None:
    store = in_memory()
    keeper = keeper_of(store)
    await keeper.take_over("me", "0", [FEEDER], START)
    await keeper.write([refused(n) for n in range(12)])
    frontier = Frontier()
    for numbered in store.replay():
        match numbered.entry:
            case JournalCheckpointed(size=size, root=root, key=key, signature=signature):
                signed = of_entry(size, root, key, signature)
                assert (size, signed.checkpoint.root) == (numbered.seq - 1, frontier.root())
                assert KEY.public.has_signed(signed)
        frontier.append(numbered.link)
    assert sizes(store) == [1, 14]


async def test_a_restart_goes_on_where_the_journal_stands() -> None:
    store = in_memory()
    first = keeper_of(store)
    await first.take_over("me", "0", [FEEDER], START)
    await first.write([refused(10)])
    second = keeper_of(store)
    await second.take_over("me", "1", [FEEDER], START + timedelta(seconds=20))
    assert sizes(store) == [1], "sealed less than five minutes ago"
    await second.write([refused(400)])
    assert sizes(store) == [1, 5]
    third = keeper_of(store)
    await third.take_over("me", "2", [FEEDER], START + timedelta(seconds=410))
    assert third._sealer is not None
    assert third._sealer.size == 7


async def test_a_journal_that_was_written_anew_is_not_gone_on_with() -> None:
    store = in_memory()
    keeper = keeper_of(store)
    await keeper.take_over("me", "0", [FEEDER], START)
    await keeper.write([refused(n) for n in range(5)])
    forged = in_memory()
    forged.take_over("me")
    forged.commit([n.entry if n.seq != 4 else refused(1, count=99) for n in store.replay()])
    with pytest.raises(RecordBroken, match="entry 8 seals another journal than this one"):
        await keeper_of(forged).take_over("me", "1", [FEEDER], START)


async def test_another_key_is_told_and_the_controller_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    store = in_memory()
    await keeper_of(store).take_over("me", "0", [FEEDER], START)
    await keeper_of(store, key=SigningKey("gridward/test", b"1" * 32)).take_over("me", "1", [FEEDER], START)
    assert "checkpoint_not_signed_by_this_key" in capsys.readouterr().out


async def test_a_checkpoint_that_cannot_be_written_is_made_up_for() -> None:
    store = in_memory()
    keeper = keeper_of(store)
    await keeper.take_over("me", "0", [FEEDER], START)
    store.refuses = 1
    await keeper.write([refused(400)])
    assert (sizes(store), keeper.store_fault) == ([1], "disk full")
    await keeper.write([refused(401)])
    assert (sizes(store), keeper.store_fault) == ([1, 4], None)


async def test_orders_that_wait_for_the_store_are_sealed_with_the_rest() -> None:
    store = in_memory()
    keeper = keeper_of(store)
    await keeper.take_over("me", "0", [FEEDER], START)
    keeper.apply_unwritten([refused(5)])
    await keeper.write([refused(300)])
    assert sizes(store) == [1, 4]


async def test_an_order_that_comes_while_it_writes_is_not_sealed_before_it_is_written() -> None:
    store = in_memory()
    order = [refused(5)]

    async def interrupted(function: Callable[..., Any], *args: Any) -> Any:
        done = function(*args)
        if function == store.commit and order and isinstance(args[0][0], ReadingsRefused):
            keeper.apply_unwritten([order.pop()])
        return done

    keeper = Bookkeeper(store, interrupted, Metrics(), Live([FEEDER]), Sealer(KEY, 300.0, 5))
    await keeper.take_over("me", "0", [FEEDER], START)
    await keeper.write([refused(400)])
    assert sizes(store) == [1], "what is not written yet cannot be sealed"
    await keeper.write([refused(401)])
    assert sizes(store) == [1, 5]
    await keeper_of(store).take_over("me", "1", [FEEDER], START + timedelta(seconds=402))


async def test_a_checkpoint_of_another_size_is_not_gone_on_with() -> None:
    store = in_memory()
    await keeper_of(store).take_over("me", "0", [FEEDER], START)
    root = Frontier(numbered.link for numbered in store.replay()).root()
    text = base64.b64encode(root).decode()
    signature = base64.b64encode(KEY.sign(99, root).signature).decode()
    sealing = JournalCheckpointed(at=START, size=99, root=text, key="gridward/test", signature=signature)
    store.commit([sealing])
    with pytest.raises(RecordBroken, match="entry 3 seals another journal"):
        await keeper_of(store).take_over("me", "1", [FEEDER], START)


async def test_the_copy_outside_has_every_checkpoint_also_after_it_could_not_be_written(
    tmp_path: Path,
) -> None:
    store, outside = in_memory(), tmp_path / "other mount" / "notes"
    (tmp_path / "other mount").write_text("a file where a folder should be", encoding="utf-8")
    keeper = keeper_of(store, outside)
    await keeper.take_over("me", "0", [FEEDER], START)
    assert sizes(store) == [1], "control and journal go on"
    await copied(keeper)
    assert keeper._metrics.journal.checkpoint_failures._value.get() == 1
    (tmp_path / "other mount").unlink()
    await keeper.write([refused(300)])
    await copied(keeper)
    notes = [told for _, told in read_notes(outside.read_text(encoding="utf-8"))]
    assert all(isinstance(told, SignedCheckpoint) and KEY.public.has_signed(told) for told in notes)
    assert [told.checkpoint.size for told in notes if isinstance(told, SignedCheckpoint)] == [1, 3]
    with outside.open("a", encoding="utf-8") as file:
        file.write("gridward/te")  # another writer's last words
    await keeper.write([refused(600)])
    await copied(keeper)
    *_, torn, last = (told for _, told in read_notes(outside.read_text(encoding="utf-8")))
    assert not isinstance(torn, SignedCheckpoint)
    assert isinstance(last, SignedCheckpoint)


async def test_a_place_outside_that_hangs_holds_up_nobody(tmp_path: Path) -> None:
    store, outside = in_memory(), tmp_path / "notes"
    answers = asyncio.Event()

    async def hanging(function: Callable[..., Any], *args: Any) -> Any:
        await answers.wait()
        return function(*args)

    sealer = Sealer(KEY, 300.0, 5, OutsideCopy(outside))
    keeper = Bookkeeper(store, inline, Metrics(), Live([FEEDER]), sealer, background=hanging)
    await keeper.take_over("me", "0", [FEEDER], START)
    await keeper.write([refused(300)])
    await keeper.write([refused(600)])
    assert (sizes(store), outside.exists()) == ([1, 3, 5], False)
    answers.set()
    await copied(keeper)
    notes = [told for _, told in read_notes(outside.read_text(encoding="utf-8"))]
    assert [told.checkpoint.size for told in notes if isinstance(told, SignedCheckpoint)] == [1, 3, 5]


async def test_a_credit_that_was_booked_before_is_no_new_leaf() -> None:
    store = in_memory()
    keeper = keeper_of(store)
    await keeper.take_over("me", "0", [FEEDER], START)
    postings = (("programme:p:budget", "points", -1), ("customer:C1", "points", 1))
    posted = LedgerPosted(at=START, key="k", postings=postings, reason="", request=None)
    await keeper.write([posted])
    await keeper.write([posted, refused(1)])
    assert keeper._sealer is not None
    assert keeper._sealer.size == keeper.books.seq == 4
    assert keeper._sealer._link == list(store.replay())[-1].link != chain.START
