"""The objects of the VTN: one set for both versions and for our own business logic, under the rules.

Everything is in memory; what is written is on the disk before anybody hears of it. Writes take turns. Knows
no HTTP.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

from devices.openadr.announcements import announced
from devices.openadr.bounds import Bounds, leaving
from devices.openadr.changes import Change, Listener, Operation
from devices.openadr.holdings import Holdings
from devices.openadr.iso_time import written
from devices.openadr.notifications import Notification, notifications
from devices.openadr.object_store import ObjectStore, encoded
from devices.openadr.objects import Actor, Stored
from devices.openadr.ports import Body, ObjectKind
from devices.openadr.privacy import seen_targets, with_seen_body
from devices.openadr.problems import not_found, out_of_order
from devices.openadr.queries import EVERYTHING, Query, fits
from devices.openadr.rules import Rules, check_may_read, check_may_write
from devices.openadr.searches import Searches, Seen
from devices.ports import Clock

_T = TypeVar("_T")


NotifierSink = Callable[[Notification], None]
"""Takes one webhook notification at once; never blocks or raises. What it queues, it bounds."""


class VtnObjects:
    """All objects, for whoever asks."""

    def __init__(
        self,
        store: ObjectStore,
        clock: Clock,
        *,
        ven_names: Mapping[str, str] | None = None,
        own_program: str | None = None,
        bounds: Bounds | None = None,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        """`ven_names`: venName -> client id, where it is settled whose a name is. `own_program`: the name of
        the program that only our own business logic writes, events included.
        """
        self._store, self._clock, self._new_id = store, clock, new_id
        self._held = Holdings()
        self._searches = Searches(self._held, clock)
        names = ven_names or {}
        self._rules = Rules(self._held, names, {client: name for name, client in names.items()}, own_program)
        self._bounds = bounds or Bounds()
        self._turn = asyncio.Lock()
        self._worker: ThreadPoolExecutor | None = None
        self._sequence = 0
        self._listeners: list[Listener] = []
        self._webhooks: list[NotifierSink] = []

    async def open(self) -> None:
        """Read the file, once; every call does so that comes first. Raises ProfileRejected."""
        async with self._turn:
            await self._opened()

    async def close(self) -> None:
        """Let the file go."""
        async with self._turn:
            if self._worker is not None:
                await self._offload(self._store.close)
                self._worker.shutdown()
            self._worker = None

    def listen(self, listener: Listener) -> None:
        """Call this for every change from now on, after it is on the disk, on the loop's thread."""
        self._listeners.append(listener)

    def notify_by(self, sink: NotifierSink) -> None:
        """Call this for every webhook notification from now on, as `listen`."""
        self._webhooks.append(sink)

    def search(
        self,
        actor: Actor,
        kind: ObjectKind,
        query: Query = EVERYTHING,
        *,
        ven_id: str | None = None,
        shown: Callable[[Seen], bool] = lambda _: True,
    ) -> list[Seen]:
        """What is looked for, may be seen and is `shown`, the newest first. Raises Problem.

        `ven_id` keeps it to the resources of this ven.
        """
        check_may_read(actor, kind)
        query = query if ven_id is None else replace(query, ven_id=ven_id)
        visible = self._searches.visible(actor, kind, query)
        fitting = (one for one in visible if fits(one.stored, query) and shown(one))
        until = None if query.limit is None else query.skip + query.limit
        return list(islice(fitting, query.skip, until))

    def read(self, actor: Actor, kind: ObjectKind, object_id: str) -> Seen:
        """The object of this id. Raises Problem."""
        check_may_read(actor, kind)
        return self.look_up(actor, kind, object_id)

    def look_up(self, actor: Actor, kind: ObjectKind, object_id: str) -> Seen:
        """As `read`, also for clients that may only write it."""
        return self.as_seen(actor, self._theirs(actor, kind, object_id))

    def as_seen(self, actor: Actor, stored: Stored) -> Seen:
        """The object with what the client may know of it."""
        if not actor.is_ven or stored.kind not in ("program", "event"):
            return Seen(stored)
        granted = self._held.granted(actor.client_id)
        return Seen(with_seen_body(stored, granted), seen_targets(stored.body.get("targets"), granted) or [])

    def resources_of(self, ven_id: str) -> list[Stored]:
        """The resources of a ven."""
        return self._held.below("resource", ven_id)

    async def insert(self, actor: Actor, kind: ObjectKind, body: Body) -> Stored:
        """Make an object; `body` as of `words.read_request`. Raises Problem."""
        check_may_write(actor, kind)
        async with self._turn:
            await self._opened()
            draft = self._rules.draft(actor, kind, body, None)
            at, size = written(self._clock.now()), len(encoded(draft.body))
            new = Stored(kind, self._new_id(), self._sequence + 1, draft.client_id, at, at, draft.body, size)
            leaving_now = leaving(self._bounds, self._held, actor, new, self._clock.now())
            await self._carry_out([new], leaving_now)
            return new

    async def update(self, actor: Actor, kind: ObjectKind, object_id: str, body: Body) -> Stored:
        """Put this in the object's place. Raises Problem."""
        check_may_write(actor, kind)
        async with self._turn:
            await self._opened()
            old = self._theirs(actor, kind, object_id)
            draft = self._rules.draft(actor, kind, body, old)
            new = replace(
                old,
                client_id=draft.client_id,
                modified=written(self._clock.now()),
                body=draft.body,
                size=len(encoded(draft.body)),
            )
            leaving_now = leaving(self._bounds, self._held, actor, new, self._clock.now())
            await self._carry_out([new, *self._moved_resources(new)], leaving_now)
            return new

    async def remove(self, actor: Actor, kind: ObjectKind, object_id: str) -> Stored:
        """Take the object away, and what cannot be without it. Raises Problem."""
        check_may_write(actor, kind)
        async with self._turn:
            await self._opened()
            old = self._theirs(actor, kind, object_id)
            self._rules.check_not_ours(actor, kind, old.body)
            before, after = self._dependent(old)
            await self._carry_out([], [*before, old, *after])
            return old

    def _theirs(self, actor: Actor, kind: ObjectKind, object_id: str) -> Stored:
        stored = self._held.get(kind, object_id)
        if stored is None or not self._rules.may_see(actor, stored):
            raise not_found(kind, object_id)
        return stored

    def _dependent(self, stored: Stored) -> tuple[list[Stored], list[Stored]]:
        """What goes before it: a program's events, a ven's resources; and after it: a program's
        subscriptions, whose owners are told of the rest first. Reports stay: they are facts.
        """
        before: dict[ObjectKind, ObjectKind] = {"program": "event", "ven": "resource"}
        above = self._held.below(before[stored.kind], stored.id) if stored.kind in before else []
        return above, self._held.below("subscription", stored.id) if stored.kind == "program" else []

    def _moved_resources(self, new: Stored) -> list[Stored]:
        """The resources of a ven that business logic gave to another client."""
        if new.kind != "ven":
            return []
        held = self._held.below("resource", new.id)
        return [replace(one, client_id=new.client_id) for one in held if one.client_id != new.client_id]

    async def _carry_out(self, puts: Sequence[Stored], drops: Sequence[Stored]) -> None:
        """To the disk, then into memory, then to everybody who listens.

        What was begun is ended even when we are cancelled: memory and disk agree.
        """
        writing = self._offload(self._store.write, puts, [(one.kind, one.id) for one in drops])
        cancelled = await _to_the_end(writing)
        if (error := writing.exception()) is None:
            for gone in drops:
                self._drop(gone)
            for new in puts:
                self._put(new)
        if cancelled:
            raise asyncio.CancelledError
        if error is not None:
            raise out_of_order(str(error)) from error

    def _drop(self, gone: Stored) -> None:
        news = announced(self._held, "DELETE", gone)
        told = list(notifications(self._held, "DELETE", gone, None)) if self._webhooks else []
        self._held.drop(gone.kind, gone.id)
        self._tell(news, told)

    def _put(self, new: Stored) -> None:
        before = self._held.get(new.kind, new.id)
        was = None if before is None else announced(self._held, "UPDATE", before)
        self._held.put(new)
        self._sequence = max(self._sequence, new.sequence)
        operation: Operation = "CREATE" if before is None else "UPDATE"
        told = list(notifications(self._held, operation, new, before)) if self._webhooks else []
        self._tell(announced(self._held, operation, new, was), told)

    def _tell(self, news: Change, told: Iterable[Notification]) -> None:
        for listener in self._listeners:
            listener(news)
        for notification in told:
            for sink in self._webhooks:
                sink(notification)

    async def _opened(self) -> None:
        """Two that read at once would be in each other's way, so what was begun is ended here, too."""
        if self._worker is not None:
            return
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="openadr-store")
        loading = self._offload(self._store.load)
        cancelled = await _to_the_end(loading)
        if (error := loading.exception()) is None:
            for one in loading.result():
                self._held.put(one)
                self._sequence = max(self._sequence, one.sequence)
        else:
            self._worker.shutdown(wait=False)
            self._worker = None
        if cancelled:
            raise asyncio.CancelledError
        if error is not None:
            raise error

    def _offload(self, function: Callable[..., _T], *args: object) -> asyncio.Future[_T]:
        """In the one worker thread, in order."""
        assert self._worker is not None
        return asyncio.get_running_loop().run_in_executor(self._worker, function, *args)


async def _to_the_end(running: asyncio.Future[Any]) -> bool:
    """Wait until it is done, and say whether we were cancelled meanwhile."""
    cancelled = False
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            cancelled = True
    return cancelled
