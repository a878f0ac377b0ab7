"""A made feeder of 2,000 buses with an event and its requests, whose figures all move at every step: what the
console's stream is measured with. No load flow; what the views cost to make is in it.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from controller.live import Live
from controller.settings import Feeder, Site
from controller.views import (
    BusVoltage,
    DataQuality,
    ElementLoading,
    EventView,
    FeederView,
    RequestView,
    Told,
    Totals,
    TrendPoint,
)
from devices.ports import Clock
from grid_model.network import Branches, Buses, Floats, Network

FEEDER = "made"
REQUESTS = 100
_TELLS_EVERY = 2
"""A sentence with every second step."""


def made_network(n_bus: int) -> Network:
    """A line of buses behind one transformer, a service point at each but the first two."""
    n_line, n_sp = n_bus - 2, n_bus - 2
    places = np.arange(n_bus, dtype=np.int64)
    return Network(
        source="made",
        net=None,
        buses=Buses(
            ids=tuple(f"bus:{i}" for i in range(n_bus)),
            names=tuple(f"Bus {i}" for i in range(n_bus)),
            vn_kv=np.full(n_bus, 0.4),
            min_v_pu=np.full(n_bus, np.nan),
            max_v_pu=np.full(n_bus, np.nan),
            xy=np.column_stack((places * 10.0, np.zeros(n_bus))),
        ),
        lines=Branches(
            ids=tuple(f"line:{i}" for i in range(n_line)),
            names=tuple(f"Cable {i}" for i in range(n_line)),
            from_bus=places[1:-1],
            to_bus=places[2:],
            max_loading_percent=np.full(n_line, 100.0),
        ),
        transformers=Branches(("trafo:0",), ("Trafo",), places[:1], places[1:2], np.array([100.0])),
        service_points=tuple(f"House {i}" for i in range(n_sp)),
        load_ids=tuple(f"load:{i}" for i in range(n_sp)),
        service_point_bus=places[2:],
        default_p_kw=np.full(n_sp, 0.5),
        default_q_kvar=np.zeros(n_sp),
    )


class MadeViews:
    """What the stream needs of `controller.views.LiveViews`; nobody orders anything here."""

    def __init__(self, n_bus: int, clock: Clock, seed: int) -> None:
        self._network, self._clock, self._rng = made_network(n_bus), clock, np.random.default_rng(seed)
        self._site = Site(
            name="made",
            feeder=(Feeder(id=FEEDER, network="made", customers=Path("c.csv"), devices=Path("d.csv")),),
        )
        self._live = Live((FEEDER,))
        self._cycle = 0
        self._began = clock.now()
        self._requests = tuple(self._request(number) for number in range(REQUESTS))

    def step(self) -> None:
        """One more cycle."""
        self._cycle += 1
        n_line, n_bus = len(self._network.lines.ids), len(self._network.buses.ids)
        loading = self._rng.uniform(20.0, 95.0, n_line)
        v_pu = self._rng.uniform(0.93, 1.02, n_bus)
        p_kw = self._rng.uniform(0.1, 9.0, len(self._network.service_points))
        if self._cycle % _TELLS_EVERY == 0:
            text = "Asking EV charger EV-17 of customer C-17 to stay below 4.2 kW until 18:15 UTC"
            told = Told(self._cycle, self._clock.now(), FEEDER, "request_planned", "info", text)
            self._live.tell(told)
        at = self._clock.now()
        point = TrendPoint(at, 92.0, float(loading.max()), 110.0, 240.0)
        self._live.show(self._view(at, loading, v_pu, p_kw), point)

    def _view(self, at: datetime, loading: Floats, v_pu: Floats, p_kw: Floats) -> FeederView:
        network = self._network
        return FeederView(
            feeder=FEEDER,
            at=at,
            cycle=self._cycle,
            automatic=True,
            converged=True,
            quality=DataQuality(len(p_kw) - 2, 1, 1, None, float(p_kw.sum()), float(p_kw.sum())),
            transformers=(ElementLoading("trafo:0", 92.0 + self._cycle % 7),),
            lines=tuple(map(ElementLoading, network.lines.ids, loading.tolist())),
            buses=tuple(map(BusVoltage, network.buses.ids, v_pu.tolist())),
            service_point_kw=tuple(p_kw.tolist()),
            service_point_quality=(0,) * len(p_kw),
            violations=(),
            located=(),
            event=EventView("made-1", self._began, None, "trafo:0", 104.0, 100.0, 112.0, REQUESTS, 240.0),
            requests=self._moved(p_kw),
            without_control_percent=118.0,
            totals=Totals(1, REQUESTS, REQUESTS, REQUESTS, 100.0, 1000, 250, "EUR-cent", 0),
        )

    def _moved(self, p_kw: Floats) -> tuple[RequestView, ...]:
        """A fifth of all shows another power with each step."""
        first = self._cycle % 5
        moving = set(range(first, REQUESTS, 5))
        self._requests = tuple(
            replace(request, observed_kw=round(float(p_kw[place]), 2)) if place in moving else request
            for place, request in enumerate(self._requests)
        )
        return self._requests

    def _request(self, number: int) -> RequestView:
        return RequestView(
            request=f"made-1/{number}",
            event="made-1",
            resource="device",
            target=f"EV-{number}",
            kind="ev_charger",
            customer=f"C-{number}",
            service_point=f"House {number}",
            state="active",
            limit_kw=4.2,
            p_before_kw=11.0,
            observed_kw=4.2,
            start=self._began,
            end=self._began + timedelta(minutes=15),
            reduced_kwh=None,
            points=None,
            reason=None,
        )

    @property
    def site(self) -> Site:
        """The settings in force."""
        return self._site

    def now(self) -> datetime:
        """The time of day."""
        return self._clock.now()

    def network(self, feeder: str) -> Network | None:
        """The one network."""
        return self._network if feeder == FEEDER else None

    def feeder_view(self, feeder: str) -> FeederView | None:
        """The latest view."""
        return self._live.view(feeder)

    def trend(self, feeder: str) -> tuple[TrendPoint, ...]:
        """The latest cycles."""
        return self._live.trend(feeder)

    def told(self, after: int = 0) -> tuple[Told, ...]:
        """The latest sentences."""
        return self._live.told(after)

    def changes(self) -> tuple[Told, ...]:
        """Nothing that a shift is told."""
        return self._live.changes()

    def subscribe_told(self, heard: Callable[[], None]) -> Callable[[], None]:
        """See `LiveViews`."""
        return self._live.subscribe_told(heard)

    def subscribe(self, changed: Callable[[str], None]) -> Callable[[], None]:
        """See `LiveViews`."""
        return self._live.subscribe(changed)
