"""LiveViews without a daemon: an evening of chargers on a network, as values that move plausibly.

Run it to look at the console: `python -m tests.controller.api.fake_views [NETWORK] [PORT] [CYCLE] [PERIOD]`.
The flows are sums down the tree, no load flow: no test compares them with physics.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from controller.entries import Entry, OperatorActed
from controller.live import CHANGES
from controller.order_effects import ProposedOrder, WhatIf
from controller.settings import Api, Feeder, Site
from controller.views import (
    BusVoltage,
    ContributionsView,
    ContributionView,
    DataQuality,
    ElementLoading,
    EventView,
    FeederView,
    ForecastPoint,
    RequestView,
    Told,
    Totals,
    TrendPoint,
    ViolationView,
)
from devices.messages import Direction
from grid_model.errors import UnknownElement
from grid_model.network import Floats, Network
from tests.controller.api.fake_what_if import Street, fake_what_if
from tests.controller.api.street import CHARGER_KW, FLOOR_KW, below, registry_of, street_network

START = datetime(2016, 1, 12, 16, 30, tzinfo=UTC)
STEP = timedelta(seconds=60)


class FakeViews:
    """Each `step()` is one cycle: chargers come, an event opens, requests change state, credits follow."""

    def __init__(
        self, network: Network | None = None, token_file: Path | None = None, idle: tuple[str, ...] = ()
    ) -> None:
        """`idle` feeders share the network and never have a cycle."""
        self.net = network or street_network()
        self.registry = registry_of(self.net)
        self._site = Site(
            name="Evening street",
            feeder=tuple(
                Feeder(id=feeder, network=self.net.source, customers=Path("c.csv"), devices=Path("d.csv"))
                for feeder in ("street", *idle)
            ),
            api=Api(operator_token_file=token_file),
        )
        self.subscribers: list[Callable[[str], None]] = []
        self.told_subscribers: list[Callable[[], None]] = []
        self.view: FeederView | None = None
        self.points: list[TrendPoint] = []
        self.sentences: list[Told] = []
        self.requests: dict[str, RequestView] = {}
        self.alarm: str | None = None
        self.automatic = True
        self.cycle = 0
        self._event: EventView | None = None
        self._since: dict[str, datetime] = {}
        self._kwh, self._points = 0.0, 0
        n_sp = len(self.net.service_points)
        self._charger = np.array([CHARGER_KW if i % 5 < 3 else 0.0 for i in range(n_sp)])
        self._arrives = np.array([15 + (i * 37) % 75 for i in range(n_sp)])
        self._stays = np.array([60 + (i * 53) % 90 for i in range(n_sp)])
        self._feeds, self._steps = below(self.net)
        peak = max(self._power(minute, {})[0].sum() for minute in range(300))
        self._capacity_kw = peak / 1.31
        base = self._feeds @ (self._charger + 1.0) * 0.9
        spread = np.array([1.35 + 0.9 * ((i * 29) % 17) / 17 for i in range(len(base))])
        self._line_capacity_kw = np.maximum(base * spread, 9.0)
        self._line_capacity_kw[int(np.argmax(base))] = base.max() * 0.72

    # ---- the protocol

    @property
    def site(self) -> Site:
        return self._site

    def now(self) -> datetime:
        return self._at

    def network(self, feeder: str) -> Network | None:
        return self.net if any(known.id == feeder for known in self.site.feeder) else None

    def feeder_view(self, feeder: str) -> FeederView | None:
        return self.view if feeder == "street" else None

    def trend(self, feeder: str) -> tuple[TrendPoint, ...]:
        return tuple(self.points[-2000:]) if feeder == "street" else ()

    def told(self, after: int = 0) -> tuple[Told, ...]:
        return tuple(sentence for sentence in self.sentences if sentence.seq > after)[-500:]

    def changes(self) -> tuple[Told, ...]:
        return tuple(sentence for sentence in self.sentences if sentence.entry in CHANGES)

    def subscribe_told(self, heard: Callable[[], None]) -> Callable[[], None]:
        self.told_subscribers.append(heard)
        return lambda: self.told_subscribers.remove(heard)

    async def contributions(self, feeder: str, element: str) -> ContributionsView | None:
        if element not in {"trafo:0", *self.net.lines.ids, *self.net.buses.ids}:
            raise UnknownElement(f"element: got {element!r}")
        view = self.feeder_view(feeder)
        if view is None:
            return None
        p_kw = np.array([p or 0.0 for p in view.service_point_kw])
        loaded = {e.id: e.loading_percent for e in (*view.transformers, *view.lines)}
        value = loaded.get(element, 1.0)
        causes = self._contributions(p_kw, element)
        kind = {"trafo": "transformer_overload", "line": "line_overload"}.get(element.partition(":")[0])
        return ContributionsView(
            feeder, view.at, element, kind or "undervoltage", value, 100.0 if kind else 0.9,
            1.0, value - 1.0, 0.0, 0.0, 0.0, causes, (), 0,
        )  # fmt: skip

    def subscribe(self, changed: Callable[[str], None]) -> Callable[[], None]:
        self.subscribers.append(changed)
        return lambda: self.subscribers.remove(changed)

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
    ) -> Entry:
        if action == "release" and target not in self.requests:
            raise ValueError(f"target {target!r}: expected an open request")
        self.automatic = action != "automatic_off"
        self._tell("operator_acted", "info", f"{who} did {action}: {why}.")
        return OperatorActed(
            at=self._at,
            who=who,
            why=why,
            action=action,
            feeder=feeder,
            target=target,  # type: ignore[arg-type]
        )

    async def what_if(self, feeder: str, *orders: ProposedOrder) -> WhatIf:
        def loadings(p_kw: Floats) -> tuple[float, Floats]:
            trafo = float(100 * p_kw.sum() * 1.03 / self._capacity_kw)
            return trafo, 100 * (self._feeds @ p_kw) / self._line_capacity_kw

        view = self.feeder_view(feeder)
        return fake_what_if(Street(self.net, self.registry, view, self._charger, loadings), orders)

    # ---- the evening

    @property
    def _at(self) -> datetime:
        return START + self.cycle * STEP

    def _power(self, minute: float, limits: dict[str, float]) -> tuple[Floats, Floats]:
        """(n_sp,) what each takes, and what it would without limits."""
        n_sp = len(self._charger)
        household = 0.5 + 0.35 * np.sin(minute / 60 + np.arange(n_sp)) ** 2
        household *= 1 + 0.6 * np.exp(-(((minute - 100) / 70) ** 2))
        there = (self._arrives <= minute) & (minute < self._arrives + self._stays)
        free = np.where(there, self._charger, 0.0)
        held = np.array([limits.get(point, np.inf) for point in self.net.service_points])
        return household + np.minimum(free, held), household + free

    def step(self, cycles: int = 1) -> FeederView:
        """Run cycles and tell the subscribers of each."""
        for _ in range(cycles):
            self.cycle += 1
            self.view = self._cycle()
            for changed in list(self.subscribers):
                changed("street")
        assert self.view is not None
        return self.view

    def step_until(self, condition: Callable[[FeederView], object]) -> FeederView:
        """Run cycles until the view is as wanted."""
        while not condition(view := self.step()):
            assert self.cycle < 400, "the evening is over"
        return view

    def _cycle(self) -> FeederView:
        minute = self.cycle * STEP.total_seconds() / 60
        limits = {
            r.service_point: r.limit_kw for r in self.requests.values() if r.state in ("accepted", "active")
        }
        p_kw, free_kw = self._power(minute, limits)
        trafo = 100 * p_kw.sum() * 1.03 / self._capacity_kw
        without = 100 * free_kw.sum() * 1.03 / self._capacity_kw
        lines = 100 * (self._feeds @ p_kw) / self._line_capacity_kw
        violations = self._violations(trafo, lines)
        self._advance(p_kw, violations, trafo, without)
        curtailed = float((free_kw - p_kw).sum())
        self._kwh += curtailed * STEP.total_seconds() / 3600
        if self._event:
            self._event = replace(self._event, curtailed_kw=curtailed, requests=len(self.requests))
        self.points.append(TrendPoint(self._at, trafo, float(lines.max()), without, curtailed))
        drop = 0.002 * self._steps * trafo / 60
        volts = {int(bus): 1.01 - d for bus, d in zip(self.net.service_point_bus, drop, strict=True)}
        order = sorted(
            self.requests.values(),
            key=lambda r: (r.state not in ("planned", "sent", "accepted", "active"), r.request),
        )
        stale = 3 if self.cycle % 40 < 6 else 0
        return FeederView(
            feeder="street",
            at=self._at,
            cycle=self.cycle,
            automatic=self.automatic,
            converged=True,
            quality=DataQuality(
                len(p_kw) - 1 - stale, stale, 1, self.alarm, p_kw.sum() * 1.03, p_kw.sum() * 1.025
            ),
            transformers=(ElementLoading("trafo:0", trafo),),
            lines=tuple(ElementLoading(i, float(v)) for i, v in zip(self.net.lines.ids, lines, strict=True)),
            buses=tuple(BusVoltage(i, volts.get(at, 1.01)) for at, i in enumerate(self.net.buses.ids)),
            service_point_kw=tuple(None if i == 7 else float(p) for i, p in enumerate(p_kw)),
            violations=violations,
            located=self._located(p_kw, violations),
            event=self._event,
            requests=tuple(order),
            without_control_percent=max(
                without, 100 * float((self._feeds @ free_kw / self._line_capacity_kw).max())
            ),
            totals=self._totals(),
            service_point_quality=tuple(2 if i == 7 else int(i < stale) for i in range(len(p_kw))),
            forecast=self._forecast(trafo, float(lines.max())),
        )

    def _forecast(self, trafo: float, line: float) -> tuple[ForecastPoint, ...]:
        """Half a wave over the next six hours."""
        waves = (1 + 0.3 * np.sin(np.pi * np.arange(1, 11) / 10)).tolist()
        quarter = timedelta(minutes=15)
        return tuple(
            ForecastPoint(
                self._at + (n + 1) * quarter,
                trafo * wave,
                0.9 * trafo * wave,
                1.1 * trafo * wave,
                line * wave,
                0.9 * line * wave,
                1.1 * line * wave,
            )
            for n, wave in enumerate(waves)
        )

    def _violations(self, trafo: float, lines: Floats) -> tuple[ViolationView, ...]:
        over = {"trafo:0": trafo} | dict(zip(self.net.lines.ids, lines.tolist(), strict=True))
        over = {element: value for element, value in over.items() if value > 100}
        for element in over.keys() - self._since.keys():
            self._since[element] = self._at
            self._tell(
                "violation_appeared",
                "warning",
                f"{self._name(element)} went over its limit: {over[element]:.0f} %.",
            )
        for element in self._since.keys() - over.keys():
            del self._since[element]
            self._tell("violation_cleared", "good", f"{self._name(element)} is inside its limit again.")
        return tuple(
            ViolationView(
                e, "line_overload" if "line" in e else "transformer_overload", v, 100.0, self._since[e]
            )
            for e, v in sorted(over.items(), key=lambda item: -item[1])
        )

    def _name(self, element: str) -> str:
        if element == "trafo:0":
            return "The transformer"
        return self.net.lines.names[self.net.lines.ids.index(element)]

    def _located(self, p_kw: Floats, violations: tuple[ViolationView, ...]) -> tuple[ContributionView, ...]:
        if not violations:
            return ()
        return self._contributions(p_kw, violations[0].id)[:12]

    def _contributions(self, p_kw: Floats, worst: str) -> tuple[ContributionView, ...]:
        feeds = self._feeds[self.net.lines.ids.index(worst)] if worst in self.net.lines.ids else 1.0
        part = p_kw * feeds
        largest = np.argsort(-part, kind="stable")[:100]
        return tuple(
            ContributionView(
                self.net.service_points[i],
                self.registry.customers[i].customer,
                worst,
                float(100 * part[i] / part.sum()),
                float(p_kw[i]),
                float(max(0.0, min(self._charger[i], p_kw[i]) - FLOOR_KW)) if i != 4 else 0.0,
            )
            for i in largest.tolist()
            if part[i] > 0
        )

    def _advance(
        self, p_kw: Floats, violations: tuple[ViolationView, ...], trafo: float, without: float
    ) -> None:
        """Open and close the event; move each request on by one state."""
        if (self._event is None or self._event.closed_at) and violations and self.automatic:
            worst = violations[0]
            name = f"E-street-{self._at:%Y%m%dT%H%M%SZ}"
            self._event = EventView(name, self._at, None, worst.id, worst.value, 100.0, worst.value, 0, 0.0)
            self._tell(
                "event_opened", "alarm", f"Event opened: {self._name(worst.id)} at {worst.value:.0f} %."
            )
        if self._event is None:
            return
        self._event = replace(self._event, peak_percent=max(self._event.peak_percent, trafo))
        for request in list(self.requests.values()):
            self._move(request, p_kw)
        if violations and self.automatic:
            self._ask(p_kw, max(3, int((trafo - 92) * self._capacity_kw / 100 / (CHARGER_KW - FLOOR_KW))))
        elif without < 90 and self._event.closed_at is None:
            self._event = replace(self._event, closed_at=self._at)
            for key, request in self.requests.items():
                if request.state == "active":
                    self.requests[key] = replace(request, state="ended", end=self._at)
            self._tell(
                "event_closed",
                "good",
                f"Event over: peak {self._event.peak_percent:.0f} %, everybody is free.",
            )

    def _ask(self, p_kw: Floats, count: int) -> None:
        done = ("ended", "settled")
        asked = {request.service_point for request in self.requests.values() if request.state not in done}
        for i in np.argsort(-p_kw, kind="stable").tolist():
            point = self.net.service_points[i]
            if count == 0 or p_kw[i] < CHARGER_KW:
                return
            if point in asked or i == 4 or not self._event:
                continue
            key = f"{self._event.event}-R{len(self.requests) + 1:03d}"
            person = len(self.requests) % 9 == 8
            customer = self.registry.customers[i].customer
            self.requests[key] = RequestView(
                request=key, event=self._event.event, resource="person" if person else "device",
                target=customer if person else f"EV-{i + 1:03d}", kind="person" if person else "ev_charger",
                customer=customer, service_point=point, state="planned", limit_kw=FLOOR_KW,
                p_before_kw=CHARGER_KW, observed_kw=None, start=self._at,
                end=self._at + timedelta(minutes=15), reduced_kwh=None, points=None, reason=None,
            )  # fmt: skip
            count -= 1

    def _move(self, request: RequestView, p_kw: Floats) -> None:
        number = int(request.request[-3:])
        point = self.net.service_points.index(request.service_point)
        household = self._power(self.cycle, {request.service_point: 0.0})[0][point]
        observed = float(p_kw[point] - (0.0 if request.resource == "person" else household))
        after = {"planned": "sent", "sent": "accepted", "accepted": "active", "ended": "settled"}
        if request.state == "sent" and number % 11 == 7:
            after["sent"] = "refused"
            self._tell("request_answered", "warning", f"{request.target} refused: its owner leaves soon.")
        if request.state == "sent" and number % 13 == 9:
            after["sent"] = "unanswered"
        moved = replace(request, state=after.get(request.state, request.state), observed_kw=observed)
        if moved.state == "active":
            end = (
                moved.end
                if moved.end - self._at > timedelta(minutes=4)
                else moved.end + timedelta(minutes=15)
            )
            moved = replace(moved, end=end)
        if moved.state == "refused":
            moved = replace(moved, reason="owner leaves soon")
        if moved.state == "settled" and request.state == "ended":
            kwh = (moved.end - moved.start).total_seconds() / 3600 * (CHARGER_KW - FLOOR_KW) * 0.8
            moved = replace(moved, reduced_kwh=kwh, points=round(kwh * 100))
            self._points += round(kwh * 100)
            self._tell(
                "request_settled",
                "good",
                f"{moved.customer} gave {kwh:.1f} kWh and gets {round(kwh * 100)} points.",
            )
        self.requests[request.request] = moved

    def _totals(self) -> Totals:
        states = [request.state for request in self.requests.values()]
        sent = [state for state in states if state != "planned"]
        answered = [state for state in sent if state not in ("sent", "unanswered")]
        events = 1 if self._event else 0
        return Totals(
            events,
            len(states),
            len(sent),
            len(answered),
            self._kwh,
            self._points,
            self._points // 4,
            "EUR-cent",
            2,
        )

    def _tell(self, entry: str, severity: str, text: str) -> None:
        feeder = None if entry == "operator_acted" else "street"
        self.sentences.append(Told(len(self.sentences) + 1, self._at, feeder, entry, severity, text))
        for heard in list(self.told_subscribers):
            heard()


async def _show(source: str | None, port: int, begin: int, period_s: float) -> None:
    from prometheus_client import CollectorRegistry

    from console import static_dir
    from controller.api.app import create_app
    from controller.api.server import serve
    from controller.clock import WallClock
    from grid_model.network import load_network

    views = FakeViews(load_network(source) if source else None)
    app = create_app(
        views, CollectorRegistry(), static_dir(), clock=WallClock(), registries={"street": views.registry}
    )
    views.step(begin)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(app, "127.0.0.1", port, lambda taken: print(f"http://127.0.0.1:{taken}/")))
        while views.cycle < 400:
            await asyncio.sleep(period_s)
            views.step()


if __name__ == "__main__":
    arguments = [*sys.argv[1:], *["", "8090", "60", "1"][len(sys.argv) - 1 :]]
    asyncio.run(_show(arguments[0] or None, int(arguments[1]), int(arguments[2]), float(arguments[3])))
