"""Planted bugs of journal and disk: what is durable when, and who may write it."""

from typing import Any

from controller import bookkeeping
from controller.people import people_desk
from controller.stores import batch
from controller.stores.port import StoreUnavailable
from simulations.faults import disk
from simulations.faults.disk import Handle, MemoryDisk
from simulations.faults.planted.planting import BUSY, Set, bug


@bug(**BUSY, disk_error=0.4)
def sent_before_it_is_noted(put: Set) -> None:
    """What the disk refused counts as written."""

    async def careless(self: Any, entries: Any, samples: Any = ()) -> bool:
        try:
            await self.write(entries, samples)
        except StoreUnavailable:
            self.apply_unwritten(entries)
            self.store_fault = None
        return True

    put(bookkeeping.Bookkeeper, "try_write", careless)


@bug(**BUSY, controller_crash=0.6)
def acknowledged_before_synced(put: Set) -> None:
    """A commit returns before the disk has it: whoever comes after a death finds the last one gone."""
    take_over = MemoryDisk.take_over

    def unsynced(self: MemoryDisk, holder: str) -> int:
        del self.journal[-1:]
        return take_over(self, holder)

    put(MemoryDisk, "take_over", unsynced)


@bug(**BUSY, torn=0.3)
def torn_commit_is_half_there(put: Set) -> None:
    """A commit that was torn leaves its first entries."""

    def half(self: MemoryDisk, own_epoch: Any, entries: Any, samples: Any, kept: float) -> Any:
        whole = self._batch(own_epoch, entries)
        self.journal += whole.journal[: int(len(whole.journal) * kept)]

    put(MemoryDisk, "tear", half)


@bug(**BUSY, disk_in_doubt=0.3)
def doubt_taken_for_failure(put: Set) -> None:
    """A commit whose outcome nobody knows is simply made once more."""
    commit = Handle.commit

    def again(self: Handle, *args: Any) -> Any:
        self._in_doubt = False
        return commit(self, *args)

    put(Handle, "commit", again)


@bug(**BUSY, controller_pause=0.6)
def stale_controller_writes(put: Set) -> None:
    """The disk takes what a controller writes that was replaced."""
    put(disk, "check_epoch", lambda *_: None)
    put(batch, "check_epoch", lambda *_: None)


@bug(**BUSY, controller_crash=0.5)
def epoch_not_raised(put: Set) -> None:
    """Whoever takes over gets the epoch of the one before."""

    def same(self: MemoryDisk, holder: str) -> int:
        self.in_force = 1
        return 1

    put(MemoryDisk, "take_over", same)


@bug(**BUSY, person=1.0)
def answer_of_a_person_lost(put: Set) -> None:
    """A person is told that their answer counts, and nobody writes it down."""

    async def lost(self: Any, request: Any, answer: Any, via: Any, *, by: Any = None) -> Any:
        record = self._keeper.books.requests.get(request)
        return people_desk.NoNotice() if record is None else people_desk.Noted(record, answer, again=False)

    put(people_desk.PeopleDesk, "answer", lost)
