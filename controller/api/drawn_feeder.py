"""A feeder's network, limits, customers and devices put into the columns of one drawing. Pure arrays, linear
in the number of elements.
"""

import hashlib
from collections.abc import Sequence

import msgspec
import numpy as np

from controller.api.encoding import to_json
from controller.api.layout_bodies import (
    BusColumns,
    Coordinates,
    DeviceColumns,
    LayoutBody,
    LineColumns,
    LinkColumns,
    OpenSwitchColumns,
    ServicePointColumns,
    SiteLimits,
    TilesBody,
    TransformerColumns,
)
from controller.api.one_line import OneLine, one_line
from controller.settings import Limits as LimitSettings
from customers.registry import Customer, Registry
from grid_model.network import Floats, Ints, Network
from grid_model.network_drawing import Wiring, wiring_of
from grid_model.violations import Limits, loading_limits, voltage_limits

_WIDEST_DEGREES = 3.0
"""No feeder is wider: what is, are somebody's drawing units."""
_DEGREE_DIGITS, _METRE_DIGITS = 6, 2
"""a tenth of a metre, or a centimetre"""


def layout_body(
    feeder: str,
    network: Network,
    registry: Registry | None,
    limits: LimitSettings,
    tiles: TilesBody | None = None,
) -> LayoutBody:
    """The drawing of one feeder; `limits` and `tiles` are the site's. Its id is a digest of all the rest, so
    that whatever of it changes, also over a restart, makes an open page fetch it anew.
    """
    body = _body(feeder, network, registry, limits, tiles)
    return msgspec.structs.replace(body, id=hashlib.sha256(to_json(body)).hexdigest()[:16])


def _body(
    feeder: str,
    network: Network,
    registry: Registry | None,
    limits: LimitSettings,
    tiles: TilesBody | None,
) -> LayoutBody:
    wiring = wiring_of(network)
    drawn = one_line(network, wiring)
    coordinates = coordinates_of(network)
    of_site = Limits(limits.loading_percent, limits.min_v_pu, limits.max_v_pu)
    return LayoutBody(
        id="",
        feeder=feeder,
        source=network.source,
        coordinates=coordinates,
        tiles=tiles if coordinates == "degrees" else None,
        limits=SiteLimits(
            loading_percent=limits.loading_percent, min_v_pu=limits.min_v_pu, max_v_pu=limits.max_v_pu
        ),
        supply=_places(wiring.supply),
        buses=_buses(network, drawn, of_site, coordinates),
        lines=_lines(network, wiring, drawn, of_site, coordinates),
        transformers=_transformers(network, wiring, drawn, of_site),
        links=_links(wiring, drawn),
        open_switches=OpenSwitchColumns(
            id=wiring.open_switches.ids,
            bus=_places(wiring.open_switches.bus),
            element=wiring.open_switches.element,
        ),
        service_points=_service_points(network, registry),
        devices=_devices(network, registry),
        warnings=tuple(str(finding) for finding in network.warnings),
    )


def without_customers(body: LayoutBody) -> LayoutBody:
    """The same drawing, by the same id, for who may not see customers."""
    points, unknown = body.service_points, (None,) * len(body.service_points.name)
    points = msgspec.structs.replace(points, customer=unknown, critical=unknown)
    return msgspec.structs.replace(body, service_points=points)


def coordinates_of(network: Network) -> Coordinates | None:
    """What the coordinates of the buses are, as far as their values tell; None where they make no map."""
    xy = network.buses.xy
    if not len(xy) or not np.isfinite(xy).all():
        return None
    span = np.ptp(xy, axis=0)
    if not span.any():
        return None
    on_earth = (np.abs(xy[:, 0]) <= 180).all() and (np.abs(xy[:, 1]) <= 90).all()
    return "degrees" if on_earth and (span <= _WIDEST_DEGREES).all() else "metres"


def _buses(network: Network, drawn: OneLine, limits: Limits, coordinates: Coordinates | None) -> BusColumns:
    buses = network.buses
    low, high = voltage_limits(network, limits)
    x, y = (_on_map(buses.xy[:, axis], coordinates) for axis in (0, 1))
    return BusColumns(
        id=buses.ids,
        name=buses.names,
        vn_kv=_numbers(buses.vn_kv, 4),
        min_v_pu=_numbers(low, 4),
        max_v_pu=_numbers(high, 4),
        x=x,
        y=y,
        depth=_places(drawn.depth),
        row=_places(drawn.row),
        parent=tuple(None if parent < 0 else parent for parent in drawn.parent.tolist()),
    )


def _lines(
    network: Network, wiring: Wiring, drawn: OneLine, limits: Limits, coordinates: Coordinates | None
) -> LineColumns:
    lines, digits = network.lines, _digits(coordinates)
    paths = wiring.line_path if coordinates is not None else ()
    return LineColumns(
        id=lines.ids,
        name=lines.names,
        from_bus=_places(lines.from_bus),
        to_bus=_places(lines.to_bus),
        limit_percent=_numbers(loading_limits(lines, limits), 2),
        length_m=_numbers(wiring.line_length_m, 2),
        type=wiring.line_type,
        closed=_flags(wiring.line_closed),
        in_tree=_flags(drawn.line_in_tree),
        path={
            str(place): tuple((round(x, digits), round(y, digits)) for x, y in path)
            for place, path in enumerate(paths)
            if path
        },
    )


def _transformers(network: Network, wiring: Wiring, drawn: OneLine, limits: Limits) -> TransformerColumns:
    transformers = network.transformers
    return TransformerColumns(
        id=transformers.ids,
        name=transformers.names,
        hv_bus=_places(transformers.from_bus),
        lv_bus=_places(transformers.to_bus),
        limit_percent=_numbers(loading_limits(transformers, limits), 2),
        rated_kva=_numbers(wiring.transformer_kva, 2),
        closed=_flags(wiring.transformer_closed),
        in_tree=_flags(drawn.transformer_in_tree),
    )


def _links(wiring: Wiring, drawn: OneLine) -> LinkColumns:
    links = wiring.links
    return LinkColumns(
        id=links.ids,
        from_bus=_places(links.from_bus),
        to_bus=_places(links.to_bus),
        closed=_flags(links.closed),
        switch=_flags(links.switch),
        in_tree=_flags(drawn.link_in_tree),
    )


def _service_points(network: Network, registry: Registry | None) -> ServicePointColumns:
    found: list[Customer | None] = [None] * len(network.service_points)
    if registry is not None:
        known = registry.by_service_point
        spelled = zip(network.service_points, network.load_ids, strict=True)
        found = [known.get(name) or known.get(load) for name, load in spelled]
    return ServicePointColumns(
        name=network.service_points,
        bus=_places(network.service_point_bus),
        customer=tuple(None if one is None else one.customer for one in found),
        critical=tuple(one is not None and one.critical for one in found),
        metered=tuple(one is not None for one in found),
    )


def _devices(network: Network, registry: Registry | None) -> DeviceColumns:
    place = network.service_point_index()
    devices = [d for d in (() if registry is None else registry.devices) if d.service_point in place]
    return DeviceColumns(
        id=tuple(d.device for d in devices),
        kind=tuple(d.kind for d in devices),
        service_point=tuple(place[d.service_point] for d in devices),
        rated_kw=tuple(d.rated_kw for d in devices),
        min_kw=tuple(d.min_kw for d in devices),
        protected=tuple(registry is not None and registry.is_protected(d) for d in devices),
    )


def _on_map(values: Floats, coordinates: Coordinates | None) -> tuple[float | None, ...]:
    return (None,) * len(values) if coordinates is None else _numbers(values, _digits(coordinates))


def _digits(coordinates: Coordinates | None) -> int:
    return _DEGREE_DIGITS if coordinates == "degrees" else _METRE_DIGITS


def _numbers(values: Floats, digits: int) -> tuple[float | None, ...]:
    """Rounded; None for what is not a number."""
    return tuple(value if value == value else None for value in np.round(values, digits).tolist())  # noqa: PLR0124


def _places(values: Ints) -> tuple[int, ...]:
    return tuple(values.tolist())


def _flags(values: Sequence[bool] | np.ndarray) -> tuple[bool, ...]:
    return tuple(bool(value) for value in values)
