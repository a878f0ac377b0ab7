"""[6] Begins to send what the books say is due, and notes what came of it. Part of the shell; what is due is
`dispatch.due_sends`.

When the store cannot be written nothing goes out but releases (C20). While people of a feeder are being let
go it sends them no new limit.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from controller.dispatch import (
    Dispatch,
    Sending,
    due_sends,
    entries_of,
    gatekeeper_for_sending,
    releases_of,
    unconfirmed,
)
from controller.entries import Entry
from controller.failsafes import unproven
from controller.feeder_control import FeederControl
from controller.footing import Footing
from controller.gate_telling import GateTelling
from controller.gatekeeper import Gatekeeper
from controller.round_state import RoundState


class Sender:
    """Between the books and the dispatch."""

    def __init__(self, footing: Footing, state: RoundState, dispatch: Dispatch) -> None:
        self._site, self._controls, self._keeper = footing.site, footing.controls, footing.keeper
        self._clock, self._metrics = footing.clock, footing.metrics
        self._state, self._dispatch = state, dispatch
        self._telling = GateTelling("gate_refused_sending")
        self._stopping: Counter[str] = Counter()

    @contextmanager
    def stopping(self, controls: Iterable[FeederControl]) -> Iterator[None]:
        """In the block their people are being let go: a round under way sends them no new limit."""
        feeders = [control.feeder for control in controls]
        self._stopping.update(feeders)
        try:
            yield
        finally:
            self._stopping.subtract(feeders)

    async def start(self, controls: Iterable[FeederControl], now: datetime, *, waits: bool = True) -> None:
        """Begin to send what is due; the epoch is read once more before anything goes out, but for releases
        while the store is out of order (`waits`: afterwards then, else not at all).
        """
        sendings: list[Sending] = []
        for control in controls:
            sendings += self._due(control, now)
        if not sendings:
            return
        if self._keeper.store_fault is not None:  # then only releases are due, and a store that hangs
            self._dispatch.start(sendings)  # holds up none of them
            if waits:
                await self._keeper.check_epoch()
            return
        await self._keeper.check_epoch()
        self._dispatch.start(sendings)

    def start_releases(self, entries: Iterable[Entry]) -> None:
        """Begin to send those among entries that are not written."""
        keeper = self._keeper
        self._dispatch.start(releases_of(entries, keeper.books, self._controls, keeper.epoch))

    async def note(self, now: datetime) -> None:
        """Note what came of sendings. What cannot be noted now counts as not sent: it goes out again."""
        outcomes = self._dispatch.outcomes()
        if outcomes:
            entries, counts = entries_of(outcomes, self._keeper.books, now)
            for outcome, count in counts.items():
                self._metrics.requests.sends.labels(outcome).inc(count)
            await self._keeper.try_write(entries)

    async def note_or_forget(self, now: datetime) -> None:
        """The same for who cannot wait for a store that is out of order."""
        if self._keeper.store_fault is None:
            await self.note(now)
        else:
            self._dispatch.outcomes()  # what cannot be noted counts as not sent, without waiting for that

    def _due(self, control: FeederControl, now: datetime) -> list[Sending]:
        feeder, keeper, memory = control.feeder, self._keeper, self._state.memory[control.feeder]
        good = self._is_good(feeder)
        may_ask = keeper.store_fault is None and not self._stopping[feeder]
        gatekeeper = gatekeeper_for_sending(control, keeper.books, epoch=keeper.epoch, good=good, now=now)
        gatekeeper.unproven = unproven(control, memory.state)
        sendings = due_sends(
            control,
            keeper.books,
            memory,
            to_release=keeper.freeing(feeder, partial(unconfirmed, memory=memory, now=now)),
            gatekeeper=gatekeeper,
            may_limit=good and keeper.is_automatic(feeder) and may_ask,
            looked=self._state.looked,
            may_order=may_ask and keeper.books.order_book.stopped(feeder) is None,
            may_try=partial(self._dispatch.may_try, now=now, patience_s=self._site.requests.answer_within_s),
        )
        self._tell_refused(feeder, gatekeeper, now)
        return sendings

    def _is_good(self, feeder: str) -> bool:
        """Whether the feeder's data were good when it was looked at, and that still counts."""
        looked = self._state.looked
        return self._state.good[feeder] and looked is not None and not looked.is_past(self._clock)

    def _tell_refused(self, feeder: str, gatekeeper: Gatekeeper, now: datetime) -> None:
        self._metrics.requests.refused(feeder, gatekeeper.refused)
        self._telling.refused(feeder, gatekeeper.refused, now)
