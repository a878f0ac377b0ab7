"""Runs the built parts in one TaskGroup: sources, rounds, housekeeping. Decides nothing.

Every task has a name and this owner. A source that fails is started again, with a growing pause and one line
in the log for each new reason. A round that fails is logged and counted, and the next one comes; what nobody
can go on after (another controller has taken over, books that do not fit the journal) ends the daemon.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import structlog

from controller import settings
from controller.auditing.sealing import Sealer
from controller.bookkeeping import Bookkeeper, Offload
from controller.books import Books
from controller.desks import build_desks
from controller.dispatch import Dispatch
from controller.entries import Entry
from controller.errors import ControllerError
from controller.feeder_control import FeederControl
from controller.guarding import Guarding
from controller.housekeeping import Housekeeping
from controller.intake import Intake
from controller.live import Live
from controller.metrics import Metrics
from controller.people.messaging import Messaging
from controller.proving.kept_readings import KeptReadings
from controller.rewards.reward_errors import RewardRefused
from controller.rounds import Rounds
from controller.stores.history import History
from controller.stores.port import Store, StoreUnavailable
from controller.views import FeederView, Told, TrendPoint
from customers.contacts import ErasableContacts
from customers.errors import ContactsUnavailable
from devices.ports import (
    Clock,
    CommandChannel,
    FailsafeChannel,
    HeartbeatChannel,
    LinkHealth,
    NoticeChannel,
    TelemetrySource,
)
from grid_model.network import Network

LONGEST_PAUSE_S = 60.0
HOUSEKEEPING_S = 3600.0
BETWEEN_STEPS_S = 1.0
"""of the housekeeping: the cycles go first"""
log = structlog.get_logger()


class Daemon:
    """The controller of a site's feeders. Implements `controller.views.LiveViews`."""

    def __init__(
        self,
        site: settings.Site,
        controls: Sequence[FeederControl],
        *,
        store: Store,
        sources: Sequence[TelemetrySource],
        commands: CommandChannel,
        notices: NoticeChannel,
        clock: Clock,
        offload: Offload,
        secret: bytes,
        wire_clock: Clock | None = None,
        metrics: Metrics | None = None,
        links: Mapping[str, LinkHealth] | None = None,
        holder: str = "gridward",
        version: str = "0",
        intake: Intake | None = None,
        sealer: Sealer | None = None,
        open_contacts: Callable[[], ErasableContacts] | None = None,
        history: History | None = None,
        background: Offload | None = None,
        copies: Offload | None = None,
        failsafes: FailsafeChannel | None = None,
        heartbeats: HeartbeatChannel | None = None,
    ) -> None:
        """`wire_clock` tells how long a cycle really takes, when `clock` does not run at real speed. Without
        a `sealer` the journal has no checkpoints, as in simulations. Without a `history` old samples are
        forgotten. `background`: a thread for slow work, so that no commit waits for it; `copies`: one for the
        copies of checkpoints alone, whose place may hang. Without `failsafes` no device is told what to do in
        silence, without `heartbeats` none hears that we live: those of guard mode then stay unconfirmed and
        unasked, or at the failsafe that they show.
        """
        self._site, self._store, self._sources = site, store, tuple(sources)
        self._clock, self._wire_clock, self._offload = clock, wire_clock or clock, offload
        self._links, self._holder, self._version = dict(links or {}), holder, version
        self._controls = {control.feeder: control for control in controls}
        self.metrics = metrics or Metrics()
        self.intake = intake or Intake(readings_bound=site.broker.queue_bound)
        self._live = Live(self._controls)
        self._keeper = Bookkeeper(store, offload, self.metrics, self._live, sealer, background=copies)
        self._dispatch = Dispatch(commands, notices, clock, secret, site.requests.answer_within_s)
        self._guarding = Guarding(failsafes, heartbeats, clock, secret, site.requests.answer_within_s)
        points = {control.feeder: control.network.service_points for control in controls}
        self._rounds = Rounds(
            site,
            self._controls,
            store=store,
            keeper=self._keeper,
            intake=self.intake,
            dispatch=self._dispatch,
            clock=clock,
            offload=offload,
            metrics=self.metrics,
            live=self._live,
            samples=None if history is None else KeptReadings(store, history, points).readable,
        )
        self._housekeeping = Housekeeping(store, site.store, points, history)
        self._background = background or offload
        self.desks = build_desks(
            site,
            self._controls,
            keeper=self._keeper,
            turn=self._rounds.turn,
            clock=clock,
            store=store,
            background=self._background,
            ready=self.start,
            open_contacts=open_contacts,
            past=None if history is None else KeptReadings(store, history, points),
        )
        self._messaging = Messaging(
            self._keeper,
            self._controls,
            notices,
            clock,
            shows=self._rounds.meter_shows,
            deadline_s=site.requests.answer_within_s,
        )
        self._starting = asyncio.Lock()
        self._started = False

    @property
    def books(self) -> Books:
        """The state that the journal gives; read only."""
        return self._keeper.books

    async def start(self) -> None:
        """Take over and resume; once, and before the first cycle. Raises what makes going on unsafe.

        Whoever comes while that is under way, as an operator's first order may, waits for it.
        """
        async with self._starting:
            if self._started:
                return
            feeders = tuple(self._controls)
            await self._keeper.take_over(self._holder, self._version, feeders, self._clock.now())
            await self._rounds.resume()
            self._started = True
        log.info("controller_started", epoch=self._keeper.epoch, feeders=list(self._controls))
        for feeder, control in self._controls.items():
            if control.load_flow.unfit_reason is not None:
                log.warning("solved_by_runpp", feeder=feeder, reason=control.load_flow.unfit_reason)

    async def run(self) -> None:
        """Run until cancelled."""
        await self.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                for place, source in enumerate(self._sources):
                    name = f"source {place} {type(source).__name__}"
                    tasks.create_task(self._keep_running(source, name), name=name)
                tasks.create_task(self._cycles(), name="rounds")
                tasks.create_task(self._keep_house(), name="housekeeping")
        finally:
            await self._messaging.stop()
            await self._guarding.stop()
            await self._dispatch.stop()

    async def cycle(self) -> None:
        """One cycle over all feeders."""
        await self.start()
        began = self._wire_clock.monotonic()
        for name, link in self._links.items():
            self.metrics.link.labels(name).set(link.connected)
        await self._rounds.round()
        if self._keeper.store_fault is None:  # without a journal nobody is in control: silence says so
            await self._guarding.after_round(self._keeper.epoch, self._rounds.take_armed())
        async with self._rounds.turn:
            await self._messaging.round(self._clock.now())
        self.metrics.cycle_seconds.observe(self._wire_clock.monotonic() - began)

    async def _cycles(self) -> None:
        period_s, due = self._site.cycle.period_s, self._clock.monotonic()
        while True:
            await self._guarded_cycle()
            # After a cycle that took too long the next one comes at once, and those missed are not made up
            # for.
            due = max(due + period_s, self._clock.monotonic())
            await self._clock.sleep(due - self._clock.monotonic())

    async def _guarded_cycle(self) -> None:
        try:
            await self.cycle()
        except ControllerError:
            raise  # nobody can go on after these
        except Exception:
            log.exception("cycle_failed")
            self.metrics.cycle_failures.labels("").inc()

    async def _keep_running(self, source: TelemetrySource, name: str) -> None:
        pause_s, told = 1.0, ""
        while True:
            began = self._clock.monotonic()
            try:
                await source.run(self.intake.deliver)
                reason = "it ended"
            except Exception as error:  # noqa: BLE001  whatever ended it, it is started again
                reason = f"{type(error).__name__}: {error}"
            if reason != told:
                log.error("source_stopped", source=name, reason=reason)
                told = reason
            self.metrics.source_restarts.labels(name).inc()
            if self._clock.monotonic() - began > LONGEST_PAUSE_S:
                pause_s, told = 1.0, ""
            await self._clock.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _keep_house(self) -> None:
        while True:
            more = False
            try:
                more = await self._background(self._housekeeping.step, self._clock.now())
            except (StoreUnavailable, OSError) as error:
                log.warning("samples_not_pruned", reason=str(error))
            except Exception:
                log.exception("housekeeping_failed")  # control goes on without it
            if not more:
                await self._keep_promises()
            await self._clock.sleep(BETWEEN_STEPS_S if more else HOUSEKEEPING_S)

    async def _keep_promises(self) -> None:
        """What is due by the calendar: points that expire, redemptions nobody fulfilled, erasures to note."""
        due = [self.desks.rewards.housekeep]
        if self.desks.contacts is not None:
            due.append(self.desks.contacts.catch_up)
        for keep in due:
            try:
                await keep()
            except (StoreUnavailable, RewardRefused, ContactsUnavailable) as error:
                log.warning("promise_not_kept_yet", reason=str(error))
            except ControllerError:
                raise  # nobody can go on after these
            except Exception:
                log.exception("promise_failed")

    # --- LiveViews
    # -----------------------------------------------------------------------------------------------

    @property
    def site(self) -> settings.Site:
        """The settings in force."""
        return self._site

    def network(self, feeder: str) -> Network | None:
        """A feeder's network, or None when there is no such feeder."""
        control = self._controls.get(feeder)
        return None if control is None else control.network

    def feeder_view(self, feeder: str) -> FeederView | None:
        """The latest view, or None before the first cycle."""
        return self._live.view(feeder)

    def trend(self, feeder: str) -> tuple[TrendPoint, ...]:
        """The latest cycles, oldest first."""
        return self._live.trend(feeder)

    def told(self, after: int = 0) -> tuple[Told, ...]:
        """The latest sentences with a number above `after`, oldest first."""
        return self._live.told(after)

    def subscribe(self, changed: Callable[[str], None]) -> Callable[[], None]:
        """Call `changed(feeder)` after each cycle; the returned function ends that."""
        return self._live.subscribe(changed)

    async def operate(self, feeder: str, action: str, target: str | None, who: str, why: str) -> Entry:
        """Carry an operator's action out ahead of all else; raises ValueError naming what was expected."""
        control = self._controls.get(feeder)
        if control is None:
            raise ValueError(f"feeder {feeder!r}: expected one of {', '.join(self._controls)}")
        await self.start()
        return await self._rounds.operate(control, action=action, target=target, who=who, why=why)
