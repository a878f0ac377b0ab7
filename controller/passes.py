"""[1 to 6] The pure halves of a cycle, run on a thread for one feeder after the other. Part of the shell.

A pass that fails is caught for its feeder alone; after `FAULTS_TO_SUSPEND` in a row the automatic stays out
there until an operator hands it back. What a pass decides is written by the rounds, not here.
"""

from datetime import datetime

import structlog

from controller.cycle import Decisions, Surroundings, decide
from controller.data_alarms import CONTROLLER_FAULT
from controller.entries import DataAlarm
from controller.feeder_check import AGREED_V_PU
from controller.feeder_control import FeederControl
from controller.footing import Footing
from controller.gate_telling import GateTelling
from controller.hearing import Heard, hear
from controller.intake import Drained
from controller.orders.more_reach import HeldBack, held_back
from controller.orders.stopping import overdue
from controller.round_state import RoundState

FAULTS_TO_SUSPEND = 3
log = structlog.get_logger()


class Passes:
    """Runs them, and tells their figures."""

    def __init__(self, footing: Footing, state: RoundState) -> None:
        self._site, self._controls, self._keeper = footing.site, footing.controls, footing.keeper
        self._offload, self._metrics, self._state = footing.offload, footing.metrics, state
        self._telling = GateTelling("gate_refused")
        self._fleet_kw = sum(control.controllable_kw for control in self._controls.values())
        self.held_back: dict[str, HeldBack] = {}
        """by feeder: when the limits on reach last held the automatic back in this run"""

    async def hear(self, control: FeederControl, drained: Drained, now: datetime) -> Heard | None:
        """The first half, on what came in; None when it failed."""
        feeder, books, memory = control.feeder, self._keeper.books, self._state.memory[control.feeder]
        try:
            heard = await self._offload(hear, control, books, memory, drained, now)
            self._keeper.fits(heard.entries)
        except Exception:  # noqa: BLE001  one feeder's fault must not stop the others
            await self._failed(feeder, now)
            return None
        self._metrics.intake.readings.labels(feeder).inc(heard.readings)
        self._metrics.intake.late.labels(feeder).inc(heard.late)
        for reason, refused in heard.refused.items():
            self._metrics.intake.refused.labels(feeder, reason).inc(refused.count)
        return heard

    async def decide(self, control: FeederControl, now: datetime, moved_kw: float) -> Decisions | None:
        """The second half; None when it failed. `moved_kw`: what the fleet was asked for lately."""
        feeder, books, memory = control.feeder, self._keeper.books, self._state.memory[control.feeder]
        around = Surroundings(
            now=now,
            epoch=self._keeper.epoch,
            orders=self._keeper.orders,
            fleet_budget_kw=self._fleet_budget_kw(feeder, now, moved_kw),
        )
        try:
            found = await self._offload(decide, control, books, memory, around)
            self._keeper.fits(found.entries)
        except Exception:  # noqa: BLE001  one feeder's fault must not stop the others
            await self._failed(feeder, now)
            return None
        self._state.faults[feeder] = 0
        self._tell(feeder, found, now)
        return found

    def _fleet_budget_kw(self, feeder: str, now: datetime, moved_kw: float) -> float:
        if len(self._controls) == 1 or self._keeper.books.order_book.has_more_reach(feeder, now):
            return float("inf")
        return self._site.safety.fleet_share_per_minute * self._fleet_kw - moved_kw

    def _tell(self, feeder: str, found: Decisions, now: datetime) -> None:
        self._metrics.decided(feeder, found)
        self._judge_referee(feeder, found)
        if (held := held_back(found.gate_refused, now)) is not None:
            self.held_back[feeder] = held
        self._telling.refused(feeder, found.gate_refused, now)

    def _judge_referee(self, feeder: str, found: Decisions) -> None:
        difference = found.check.referee_difference
        if difference is None:
            return
        self._metrics.network.referee.labels(feeder).set(difference)
        if difference > AGREED_V_PU:
            self._metrics.network.disagreements.labels(feeder).inc()
            log.warning("referee_disagrees", feeder=feeder, difference_v_pu=difference, believed="runpp")

    async def _failed(self, feeder: str, now: datetime) -> None:
        """Our own pass raised: log it, and take the automatic out when it goes on."""
        log.exception("pass_failed", feeder=feeder)
        self._metrics.cycles.failures.labels(feeder).inc()
        self._state.good[feeder] = False
        self._state.faults[feeder] += 1
        raised = {alarm.kind for alarm in self._keeper.books.alarms(feeder)}
        if self._state.faults[feeder] >= FAULTS_TO_SUSPEND and CONTROLLER_FAULT not in raised:
            text = f"{FAULTS_TO_SUSPEND} cycles failed in a row: the automatic is out until it is handed back"
            out = [DataAlarm(at=now, feeder=feeder, kind=CONTROLLER_FAULT, raised=True, text=text)]
            await self._keeper.write_or_apply(out)  # to the safe side
        freed = overdue(self._keeper.books, self._keeper.epoch, feeder=feeder, site=self._site, now=now)
        if freed:
            await self._keeper.write_or_apply(freed)
