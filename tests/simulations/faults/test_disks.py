"""What a simulated disk keeps of a commit in whose middle the power goes: all of it or nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest

from controller.entries import ControllerStarted, LedgerPosted
from controller.errors import Replaced
from controller.stores.port import FeederSample
from simulations.faults.disk import Disk, MemoryDisk
from simulations.faults.sqlite_disk import SqliteDisk

AT = datetime(2016, 1, 12, 17, 0, tzinfo=UTC)
SAMPLE = FeederSample("F", AT, np.array([1.0, np.nan], dtype=np.float32), 50.0, 40.0, None, 0.0)


@pytest.fixture(params=[MemoryDisk, SqliteDisk])
def disk(request: pytest.FixtureRequest) -> Iterator[Disk]:
    made: Disk = request.param()
    yield made
    made.close()


def started(epoch: int) -> ControllerStarted:
    return ControllerStarted(at=AT, epoch=epoch, version="0", feeders=("F",))


def posted(key: str) -> LedgerPosted:
    lines = (("budget", "points", -5), ("customer:C", "points", 5))
    return LedgerPosted(at=AT, key=key, postings=lines, reason="", request="R")


def test_a_commit_is_there_with_its_ledger_and_sample(disk: Disk) -> None:
    epoch = disk.take_over("one")
    numbers, written = disk.commit(epoch, [started(epoch), posted("a")], [SAMPLE])
    assert list(numbers) == [1, 2]
    assert [seq for seq, _ in written.rows] == [1, 2]
    assert written.rows == disk.rows()
    assert [row[0] for row in written.postings] == ["a", "a"]
    assert disk.postings() == list(written.postings)
    (sample,) = disk.samples("F", AT, AT.replace(hour=18))
    assert sample.at == AT
    assert [numbered.seq for numbered in disk.replay()] == [1, 2]


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.7, 0.999])
def test_a_torn_commit_was_never_there(disk: Disk, kept: float) -> None:
    epoch = disk.take_over("one")
    disk.commit(epoch, [started(epoch)], [])
    before = disk.rows()
    assert disk.tear(epoch, [posted("a"), posted("b")], [SAMPLE], kept) is None
    assert disk.rows() == before
    assert disk.postings() == []
    assert disk.epoch() == epoch
    numbers, _ = disk.commit(epoch, [posted("a")], [])  # and it goes on
    assert list(numbers) == [2]


def test_a_commit_that_came_to_the_disk_whole_is_there(disk: Disk) -> None:
    epoch = disk.take_over("one")
    disk.commit(epoch, [started(epoch)], [])
    written = disk.tear(epoch, [posted("a")], [], 1.0)
    assert written is not None
    assert len(disk.rows()) == 2
    assert len(disk.postings()) == 2


def test_who_was_replaced_writes_nothing(disk: Disk) -> None:
    old = disk.take_over("one")
    assert disk.take_over("two") > old
    with pytest.raises(Replaced):
        disk.commit(old, [started(old)], [])
    with pytest.raises(Replaced):
        disk.tear(old, [started(old)], [], 1.0)
    assert disk.rows() == []
