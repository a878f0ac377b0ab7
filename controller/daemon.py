"""Runs the built parts in one TaskGroup: sources, rounds, housekeeping. Decides nothing.

Every task has a name and this owner. A source that fails is started again, with a growing pause and one line
in the log for each new reason. A round that fails is logged and counted, and the next one comes; what nobody
can go on after (another controller has taken over, books that do not fit the journal) ends the daemon.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

import structlog

from controller import settings
from controller.auditing.sealing import Sealer
from controller.bookkeeping import Bookkeeper, Offload
from controller.books import Books
from controller.contributions import Contributions
from controller.desks import build_desks
from controller.dispatch import Dispatch
from controller.entries import Entry
from controller.errors import ControllerError
from controller.feeder_control import FeederControl
from controller.footing import Footing
from controller.guarding import Guarding
from controller.housekeeping import Housekeeping
from controller.intake import Intake
from controller.live import Live
from controller.metrics import Metrics
from controller.occurrences.recorder import Recorder
from controller.order_effects import ProposedOrder, WhatIf
from controller.orders.giving import Warrant
from controller.people.messaging import Messaging
from controller.proving.kept_readings import KeptReadings
from controller.proving.settling import Settling
from controller.recalled import recalled_trend
from controller.rewards.reward_errors import RewardRefused
from controller.rounds import Rounds
from controller.running_record import RunningRecord
from controller.stores.history import History
from controller.stores.port import Store, StoreUnavailable
from controller.system_status import DaemonStatus, journal_of, queues_of, refused_of, value_of
from controller.views import ContributionsView, FeederView, Told, TrendPoint
from customers.contacts import LookableContacts
from customers.errors import ContactsUnavailable
from devices.messages import Direction
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


Pace = Callable[[float], Awaitable[int]]
"""Waits so many seconds, until the next cycle is due, and for any further periods that it lets pass; returns
how many those were."""


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
        open_contacts: Callable[[], LookableContacts] | None = None,
        history: History | None = None,
        background: Offload | None = None,
        copies: Offload | None = None,
        failsafes: FailsafeChannel | None = None,
        heartbeats: HeartbeatChannel | None = None,
        recorder: Recorder | None = None,
        pace: Pace | None = None,
    ) -> None:
        """`wire_clock` tells how long a cycle really takes, when `clock` does not run at real speed. Without
        a `sealer` the journal has no checkpoints, as in simulations. Without a `history` old samples are
        forgotten. `background`: a thread for slow work, so that no commit waits for it; `copies`: one for the
        copies of checkpoints alone, whose place may hang. Without `failsafes` no device is told what to do in
        silence, without `heartbeats` none hears that we live: those of guard mode then stay unconfirmed and
        unasked, or at the failsafe that they show. Without a `recorder` no states are kept to be replayed.
        `pace` waits for the next cycle; without it each is run when it is due.
        """
        self._site, self._store, self._sources = site, store, tuple(sources)
        self._clock, self._wire_clock, self._offload = clock, wire_clock or clock, offload
        self._links, self._holder, self._version = dict(links or {}), holder, version
        self._controls = {control.feeder: control for control in controls}
        self.metrics = metrics or Metrics()
        self.metrics.begin(self._controls, site.cycle.period_s)
        self.intake = intake or Intake(readings_bound=site.broker.queue_bound)
        self._live = Live(self._controls)
        self._keeper = Bookkeeper(
            store, offload, self.metrics, self._live, sealer, background=copies, wire_clock=self._wire_clock
        )
        footing = Footing(site, self._controls, self._keeper, clock, offload, self.metrics)
        within_s = site.requests.answer_within_s
        self._dispatch = Dispatch(commands, notices, clock, secret, within_s)
        self._guarding = Guarding(failsafes, heartbeats, clock, secret, within_s)
        points = {control.feeder: control.network.service_points for control in controls}
        self._housekeeping = Housekeeping(store, site.store, points, history)
        self._background, self._recorder = background or offload, recorder
        self._pace = pace or self._when_due
        self._contributions = Contributions(self._background)
        self._rounds = Rounds(
            footing,
            store=store,
            intake=self.intake,
            dispatch=self._dispatch,
            settling=Settling(
                footing,
                store=store,
                samples=None if history is None else KeptReadings(store, history, points).readable,
            ),
            live=self._live,
            wire_clock=self._wire_clock,
            background=background,
        )
        self.desks = build_desks(
            footing,
            store=store,
            live=self._live,
            health=self._links,
            carrier=self._rounds,
            latest=self._rounds.latest,
            wire_clock=self._wire_clock,
            background=self._background,
            ready=self.start,
            open_contacts=open_contacts,
            past=None if history is None else KeptReadings(store, history, points),
        )
        shows = self._rounds.meter_shows
        self._messaging = Messaging(
            self._keeper, self._controls, notices, clock, shows=shows, deadline_s=within_s
        )
        self._record = RunningRecord(self._source_names(), site.cycle.period_s)
        self._began_at: datetime | None = None
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
            await self._recall()
            self._began_at, self._started = self._clock.now(), True
        log.info("controller_started", epoch=self._keeper.epoch, feeders=list(self._controls))
        for feeder, control in self._controls.items():
            if control.load_flow.unfit_reason is not None:
                log.warning("solved_by_runpp", feeder=feeder, reason=control.load_flow.unfit_reason)

    async def _recall(self) -> None:
        """Have the console show the time before our start as well; it can do without."""
        period_s = self._site.cycle.period_s
        try:
            points = await self._offload(
                recalled_trend, self._store, tuple(self._controls), self._clock.now(), period_s
            )
        except StoreUnavailable as error:
            log.warning("trend_not_recalled", reason=str(error))
            return
        self._live.remember(points)

    async def run(self) -> None:
        """Run until cancelled."""
        await self.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                for name, source in zip(self._source_names(), self._sources, strict=True):
                    tasks.create_task(self._keep_running(source, name), name=name)
                tasks.create_task(self._cycles(), name="rounds")
                tasks.create_task(self._keep_house(), name="housekeeping")
                if self._recorder is not None:
                    tasks.create_task(self._recorder.run(self, self._not_recorded), name="recorder")
        finally:
            await self.desks.devices.stop()
            await self._messaging.stop()
            await self._guarding.stop()
            await self._dispatch.stop()

    async def cycle(self) -> None:
        """One cycle over all feeders."""
        await self.start()
        began, began_on_site = self._wire_clock.monotonic(), self._clock.monotonic()
        connected = {name: link.connected for name, link in self._links.items()}
        self._record.links_are(connected, self._clock.now())
        for name, is_there in connected.items():
            self.metrics.intake.link.labels(name).set(is_there)
        await self._rounds.round()
        if self._keeper.store_fault is None:  # without a journal nobody is in control: silence says so
            await self._guarding.after_round(self._keeper.epoch, self._rounds.take_armed())
        await self.desks.alarms.round()
        async with self._rounds.turn:
            await self._messaging.round(self._clock.now())
        await self.desks.orders.round()
        took_s = self._wire_clock.monotonic() - began
        self.metrics.cycles.seconds.observe(took_s)
        self._record.cycle_took(took_s)
        self.desks.alarms.telling.cycle_took(self._clock.monotonic() - began_on_site)

    async def _cycles(self) -> None:
        period_s, due = self._site.cycle.period_s, self._clock.monotonic()
        await self._guarded_cycle()
        self.desks.devices.warm()  # not before: the first orders come first
        while True:
            # After a cycle that took too long the next one comes at once, and those missed are not made up
            # for.
            due = max(due + period_s, self._clock.monotonic())
            due += period_s * await self._pace(due - self._clock.monotonic())
            await self._guarded_cycle()

    async def _when_due(self, seconds: float) -> int:
        await self._clock.sleep(seconds)
        return 0

    async def _guarded_cycle(self) -> None:
        try:
            await self.cycle()
        except ControllerError:
            raise  # nobody can go on after these
        except Exception:
            log.exception("cycle_failed")
            self._record.cycle_failed(self._clock.now())
            self.metrics.cycles.failures.labels("").inc()
            self.desks.alarms.telling.cycle_failed()
            if self._started:  # operators are told what stands also when what comes before that fails
                await self.desks.alarms.round()

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
            self.metrics.intake.source_restarts.labels(name).inc()
            self._record.source_stopped(name, reason, self._clock.now())
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

    def _not_recorded(self, feeder: str) -> None:
        self.metrics.cycles.states_not_recorded.labels(feeder).inc()

    def status(self) -> DaemonStatus:
        """How we are ourselves."""
        return DaemonStatus(
            version=self._version,
            holder=self._holder,
            epoch=self._keeper.epoch,
            started_at=self._began_at or self._clock.now(),
            now=self._clock.now(),
            cycles=self._record.cycles,
            links=self._record.links,
            sources=self._record.sources,
            queues=queues_of(self.intake),
            shed=int(value_of(self.metrics.intake.shed)),
            refused=refused_of(self.metrics),
            journal=journal_of(self._keeper, self.metrics, self._site.store.kind),
        )

    def _source_names(self) -> tuple[str, ...]:
        return tuple(f"source {place} {type(one).__name__}" for place, one in enumerate(self._sources))

    # --- LiveViews
    # -----------------------------------------------------------------------------------------------

    @property
    def site(self) -> settings.Site:
        """The settings in force."""
        return self._site

    def now(self) -> datetime:
        """The site's own time."""
        return self._clock.now()

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

    def changes(self) -> tuple[Told, ...]:
        """The latest sentences of what changed, oldest first."""
        return self._live.changes()

    def subscribe_told(self, heard: Callable[[], None]) -> Callable[[], None]:
        """Call `heard()` after each new sentence; the returned function ends that."""
        return self._live.subscribe_told(heard)

    async def contributions(self, feeder: str, element: str) -> ContributionsView | None:
        """Who makes up an element's value; see `LiveViews`."""
        decided = self._rounds.latest(feeder)
        return None if decided is None else await self._contributions.of(decided, element)

    def subscribe(self, changed: Callable[[str], None]) -> Callable[[], None]:
        """Call `changed(feeder)` after each cycle; the returned function ends that."""
        return self._live.subscribe(changed)

    async def operate(
        self,
        feeder: str,
        action: str,
        target: str | None,
        who: str,
        why: str,
        *,
        limit_kw: float | None = None,
        until: datetime | None = None,
        targets: Sequence[str] | None = None,
        direction: Direction = "consumption",
        warrant: Warrant | None = None,
    ) -> Entry:
        """Carry an operator's action out ahead of all else; see `LiveViews`."""
        control = self._control(feeder)
        await self.start()
        order = ProposedOrder(action, target, tuple(targets or ()), limit_kw, until, direction)
        return await self._rounds.operate(control, order, who=who, why=why, warrant=warrant)

    async def what_if(self, feeder: str, *orders: ProposedOrder) -> WhatIf:
        """What these orders together would do; see `LiveViews`."""
        control = self._control(feeder)
        await self.start()
        return await self._rounds.what_if(control, orders)

    def _control(self, feeder: str) -> FeederControl:
        control = self._controls.get(feeder)
        if control is None:
            raise ValueError(f"feeder {feeder!r}: expected one of {', '.join(self._controls)}")
        return control
