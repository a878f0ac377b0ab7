"""What the feeders are and how they are: the list, one network, one state, its trend, and what was told."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException

from controller.api.bodies import (
    BusBody,
    FeederBrief,
    Feeders,
    LineBody,
    NetworkBody,
    ServicePointBody,
    TransformerBody,
)
from controller.api.encoding import JSON, entity_tag, json_response, tagged_response, to_json
from controller.api.health import Pulse
from controller.api.layout import Map, diagram_positions, map_positions
from controller.api.problems import no_such_feeder
from controller.api.scope import sees_customers, sight_of
from controller.api.unnamed import sentences, unnamed
from controller.settings import Feeder
from controller.views import FeederView, LiveViews, Told, TrendPoint
from customers.registry import Registry
from grid_model.network import Network

_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"description": "there is no such feeder"}}
_TOO_EARLY: dict[int | str, dict[str, Any]] = {503: {"description": "the feeder has had no cycle yet"}}


def feeder_routes(views: LiveViews, registries: Mapping[str, Registry], pulse: Pulse) -> APIRouter:
    """The routes; `registries` tell who is behind a service point, by feeder."""
    router = APIRouter(prefix="/api/v1", tags=["feeders"])
    drawn: dict[tuple[str, bool], tuple[bytes, str]] = {}

    @router.get("/feeders", response_model=Feeders)
    async def feeders() -> Response:
        """All feeders of the site, with the most important of each."""
        period_s = views.site.cycle.period_s
        briefs = tuple(
            brief(feeder, period_s, pulse.silent_s(feeder.id), views.feeder_view(feeder.id))
            for feeder in views.site.feeder
        )
        return json_response(Feeders(views.site.name, briefs))

    @router.get("/feeders/{feeder}/network", response_model=NetworkBody, responses=_UNKNOWN)
    async def network(feeder: str, request: Request) -> Response:
        """The network by names, ids and places, for other programs than the console, which takes `layout`.
        Whose a service point is, is told as in the layout. Static while the daemon runs: comes with an ETag.
        """
        found = views.network(feeder)
        if found is None:
            raise no_such_feeder(feeder)
        named = sees_customers(request, feeder)
        if (feeder, named) not in drawn:
            encoded = to_json(network_body(feeder, found, registries.get(feeder), named=named))
            drawn[feeder, named] = encoded, entity_tag(encoded)
        body, tag = drawn[feeder, named]
        return tagged_response(request, body, tag, {"cache-control": "no-cache"}, JSON)

    @router.get("/feeders/{feeder}/state", response_model=FeederView, responses=_UNKNOWN | _TOO_EARLY)
    async def state(feeder: str, request: Request) -> Response:
        """The feeder after its latest cycle. Of whom something was asked, and who causes what, is told as in
        the layout.
        """
        _require(views, feeder)
        view = views.feeder_view(feeder)
        if view is None:
            raise HTTPException(503, f"feeder {feeder!r} has had no cycle yet", {"retry-after": "5"})
        return json_response(view if sees_customers(request, feeder) else unnamed(view))

    @router.get("/feeders/{feeder}/trend", response_model=tuple[TrendPoint, ...], responses=_UNKNOWN)
    async def trend(feeder: str) -> Response:
        """The latest 2,000 cycles, oldest first."""
        _require(views, feeder)
        return json_response(views.trend(feeder))

    @router.get("/told", response_model=tuple[Told, ...])
    async def told(request: Request, after: Annotated[int, Query(ge=0)] = 0) -> Response:
        """The latest 500 journal entries above `after` as sentences, oldest first. To who may not see
        customers those that are `personal` say only what kind of thing happened.
        """
        return json_response(sentences(views.told(after), sight_of(request)))

    return router


def _require(views: LiveViews, feeder: str) -> None:
    if views.network(feeder) is None:
        raise no_such_feeder(feeder)


def brief(feeder: Feeder, period_s: float, silent_s: float | None, view: FeederView | None) -> FeederBrief:
    """One line of the list."""
    if view is None:
        return FeederBrief(feeder.id, feeder.network, period_s, None, None, None, None, 0, None)
    loadings = (element.loading_percent for element in (*view.transformers, *view.lines))
    return FeederBrief(
        id=feeder.id,
        network=feeder.network,
        period_s=period_s,
        at=view.at,
        seconds_since_cycle=silent_s,
        automatic=view.automatic,
        highest_loading_percent=max(loadings, default=None) if view.converged else None,
        violations=len(view.violations),
        alarm=view.quality.alarm,
    )


def network_body(
    feeder: str, network: Network, registry: Registry | None, *, named: bool = True
) -> NetworkBody:
    """The network as it is drawn; `named`: with whose its service points are."""
    ids = network.buses.ids
    on_map = map_positions(network)
    lines, transformers = network.lines, network.transformers
    return NetworkBody(
        feeder=feeder,
        source=network.source,
        map_turned=on_map is not None and on_map.turned,
        buses=_buses(network, registry, on_map, named),
        lines=tuple(
            LineBody(line, name, ids[start], ids[end], float(limit))
            for line, name, start, end, limit in zip(
                lines.ids, lines.names, lines.from_bus, lines.to_bus, lines.max_loading_percent, strict=True
            )
        ),
        transformers=tuple(
            TransformerBody(trafo, name, ids[high], ids[low], float(limit))
            for trafo, name, high, low, limit in zip(
                transformers.ids,
                transformers.names,
                transformers.from_bus,
                transformers.to_bus,
                transformers.max_loading_percent,
                strict=True,
            )
        ),
        warnings=tuple(str(finding) for finding in network.warnings),
    )


def _buses(
    network: Network, registry: Registry | None, on_map: Map | None, named: bool
) -> tuple[BusBody, ...]:
    buses = network.buses
    in_diagram = diagram_positions(network)
    points: list[list[ServicePointBody]] = [[] for _ in buses.ids]
    kinds: dict[str, list[str]] = defaultdict(list)
    for device in () if registry is None else registry.devices:
        kinds[device.service_point].append(device.kind)
    for index, bus in enumerate(network.service_point_bus.tolist()):
        point = _service_point(network, index, registry, kinds)
        points[bus].append(point if named else replace(point, customer=None, critical=None))
    return tuple(
        BusBody(
            id=bus,
            name=buses.names[at],
            x=None if on_map is None else round(float(on_map.xy[at, 0]), 2),
            y=None if on_map is None else round(float(on_map.xy[at, 1]), 2),
            diagram_x=round(float(in_diagram[at, 0]), 2),
            diagram_y=round(float(in_diagram[at, 1]), 2),
            min_v_pu=float(buses.min_v_pu[at]),
            max_v_pu=float(buses.max_v_pu[at]),
            service_points=tuple(points[at]),
        )
        for at, bus in enumerate(buses.ids)
    )


def _service_point(
    network: Network, index: int, registry: Registry | None, kinds: Mapping[str, Sequence[str]]
) -> ServicePointBody:
    name = network.service_points[index]
    if registry is None:
        return ServicePointBody(name, index, None, False, ())
    spellings = (name, network.load_ids[index])
    customer = next(filter(None, map(registry.by_service_point.get, spellings)), None)
    return ServicePointBody(
        name=name,
        index=index,
        customer=None if customer is None else customer.customer,
        critical=customer is not None and customer.critical,
        device_kinds=tuple(kind for spelling in dict.fromkeys(spellings) for kind in kinds.get(spelling, ())),
    )
