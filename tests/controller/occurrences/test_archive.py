"""Events read from the journal beside the loop."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from controller import entries as e
from controller import settings
from controller.errors import RecordBroken
from controller.occurrences import archive as archive_module
from controller.occurrences import event_desk
from controller.occurrences.archive import EventArchive, UnknownEvent
from controller.occurrences.index import Wanted
from controller.stores.port import Numbered, StoreUnavailable
from controller.stores.sqlite import SqliteStore
from tests.builders import FEEDER, site
from tests.controller.occurrences.lived import lived
from tests.controller.occurrences.test_index import closed, opened, planned, settled


async def test_an_event_from_the_list_and_by_its_id() -> None:
    archive = lived().archive()
    page = await archive.page(Wanted(feeder=FEEDER), 10, None)
    (row,) = page.items
    body = await archive.event(row.event)
    assert (body.summary, page.next) == (row, None)
    assert body.steps[1].values["checks"] == 3, "of the samples"
    assert (await archive.steps(row.event)).steps == body.steps
    at = row.opened_at
    assert await archive.during(FEEDER, at, at + timedelta(seconds=1), 5) == (body,)
    assert await archive.during(FEEDER, at - timedelta(seconds=1), at, 5) == ()
    with pytest.raises(UnknownEvent):
        await archive.event("E-none")


def written(path: Path, *entries: e.Entry) -> SqliteStore:
    store = SqliteStore(path, durable=False)
    store.take_over("test")
    store.commit(entries)
    return store


async def test_it_goes_on_from_where_it_was_on_a_store_that_is_written_to(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    store = written(path, opened("E-F1-x"), planned())
    archive = EventArchive(site(store=settings.Store(path=path)))
    assert (await archive.page(Wanted(), 1, None)).items[0].devices == 1
    noise = [
        opened(f"N{n}", feeder="F2") if n % 2 == 0 else closed(f"N{n - 1}", 0, "F2") for n in range(2400)
    ]
    store.commit(noise)  # more than a store reads at once
    store.commit([settled(1.0), closed("E-F1-x", 9)])
    (row,) = (await archive.page(Wanted(feeder="F1"), 1, None)).items
    assert (row.settled, row.closed_at is None) == (1, False)
    body = await archive.event("E-F1-x")
    assert [step.seq for step in body.steps] == [1, 2, 2403, 2404]
    store.close()


async def test_pages_follow_one_another() -> None:
    lives = [entry for n in range(5) for entry in (opened(f"E{n}", n), closed(f"E{n}", n))]
    store = written(Path(":memory:"), *lives)
    store.close = lambda: None  # type: ignore[method-assign]
    archive = EventArchive(site(), lambda _: store)
    first = await archive.page(Wanted(), 2, None)
    second = await archive.page(Wanted(), 2, first.next)
    third = await archive.page(Wanted(), 2, second.next)
    events = [[row.event for row in page.items] for page in (first, second, third)]
    assert (events, third.next) == ([["E4", "E3"], ["E2", "E1"], ["E0"]], None)


async def test_a_journal_that_is_another_one_is_read_anew() -> None:
    store, other = (
        written(Path(":memory:"), opened("A"), closed("A", 1)),
        written(Path(":memory:"), opened("B")),
    )
    now = [store]
    for one in (store, other):
        one.close = lambda: None  # type: ignore[method-assign]
    archive = EventArchive(site(), lambda _: now[0])
    assert (await archive.page(Wanted(), 9, None)).items[0].event == "A"
    now[0] = other
    with pytest.raises(RecordBroken):
        await archive.page(Wanted(), 9, None)
    assert [row.event for row in (await archive.page(Wanted(), 9, None)).items] == ["B"]


async def test_no_store_is_told(tmp_path: Path) -> None:
    archive = EventArchive(site(store=settings.Store(path=tmp_path / "none")))
    with pytest.raises(StoreUnavailable):
        await archive.page(Wanted(), 1, None)


async def test_an_entry_that_is_gone_is_a_broken_record() -> None:
    store = written(Path(":memory:"), opened("A"), planned("A-R001"))
    store.close = lambda: None  # type: ignore[method-assign]
    archive = EventArchive(site(), lambda _: store)
    await archive.page(Wanted(), 9, None)
    archive._index._events["A"].numbers.append(99)
    with pytest.raises(RecordBroken, match="entry 99"):
        await archive.event("A")


async def test_a_broken_journal_is_not_read_from_its_start_each_time_somebody_looks() -> None:
    store, now = written(Path(":memory:"), opened("A")), [0.0]
    store.close = lambda: None  # type: ignore[method-assign]
    read: list[int] = []

    def broken(after: int = 0) -> Iterator[Numbered]:
        read.append(after)
        raise RecordBroken("entry 1 was altered")

    store.replay = broken  # type: ignore[assignment, method-assign]
    archive = EventArchive(site(), lambda _: store, monotonic=lambda: now[0])
    depths: list[int] = []
    for _ in range(4):
        with pytest.raises(RecordBroken, match="entry 1") as told:
            await archive.page(Wanted(), 9, None)
        depths.append(len(told.traceback))
    assert read == [0]
    assert depths[1:] == depths[1:2] * 3, "whoever is told later is not told all who were told before"
    now[0] += archive_module.BROKEN_FOR_S
    with pytest.raises(RecordBroken):
        await archive.page(Wanted(), 9, None)
    assert read == [0, 0]


def test_all_events_whose_limits_are_told_at_once_are_kept() -> None:
    assert archive_module._KEPT_BODIES > event_desk._MOST_EVENTS
