"""A feeder as it is drawn, in columns: what the live stream's columns are in the order of."""

from typing import Literal

import msgspec

Coordinates = Literal["degrees", "metres"]
Numbers = tuple[float | None, ...]
Places = tuple[int, ...]


class _Columns(msgspec.Struct, frozen=True, kw_only=True):
    """One value for each element in every column; numbers of buses are places in the columns of buses."""


class BusColumns(_Columns, frozen=True, kw_only=True):
    """All buses."""

    id: tuple[str, ...]
    name: tuple[str, ...]
    vn_kv: Numbers
    min_v_pu: Numbers
    """the limits in force: the stricter of the site's and the bus's own"""
    max_v_pu: Numbers
    x: Numbers
    """on the map: longitude in degrees, or metres eastwards; null where the network has no coordinates"""
    y: Numbers
    """latitude in degrees, or metres northwards"""
    depth: Places
    """in the diagram: how many branches from the supply"""
    row: Places
    """in the diagram: the row, from above"""
    parent: tuple[int | None, ...]
    """in the diagram: the bus that feeds it"""


class LineColumns(_Columns, frozen=True, kw_only=True):
    """All lines."""

    id: tuple[str, ...]
    name: tuple[str, ...]
    from_bus: Places
    to_bus: Places
    limit_percent: Numbers
    """the limit in force: the stricter of the site's and the line's own"""
    length_m: Numbers
    type: tuple[str, ...]
    closed: tuple[bool, ...]
    in_tree: tuple[bool, ...]
    """of the diagram; all other lines are drawn across it"""
    path: dict[str, tuple[tuple[float, float], ...]]
    """by place in these columns: the way on the map of a line that is not straight, ends included"""


class TransformerColumns(_Columns, frozen=True, kw_only=True):
    """All transformers."""

    id: tuple[str, ...]
    name: tuple[str, ...]
    hv_bus: Places
    lv_bus: Places
    limit_percent: Numbers
    rated_kva: Numbers
    closed: tuple[bool, ...]
    in_tree: tuple[bool, ...]


class LinkColumns(_Columns, frozen=True, kw_only=True):
    """What else joins buses: switches between them, third windings, impedances."""

    id: tuple[str, ...]
    from_bus: Places
    to_bus: Places
    closed: tuple[bool, ...]
    switch: tuple[bool, ...]
    in_tree: tuple[bool, ...]


class OpenSwitchColumns(_Columns, frozen=True, kw_only=True):
    """Open switches at the ends of lines and transformers."""

    id: tuple[str, ...]
    bus: Places
    element: tuple[str, ...]


class ServicePointColumns(_Columns, frozen=True, kw_only=True):
    """All service points."""

    name: tuple[str, ...]
    bus: Places
    customer: tuple[str | None, ...]
    """null: nobody is known there, or it is not for who asks"""
    critical: tuple[bool | None, ...]
    """never limited; null for who may not see customers"""
    metered: tuple[bool, ...]


class DeviceColumns(_Columns, frozen=True, kw_only=True):
    """All devices that can be limited."""

    id: tuple[str, ...]
    kind: tuple[str, ...]
    service_point: Places
    """place in the columns of service points"""
    rated_kw: tuple[float, ...]
    min_kw: tuple[float, ...]
    """no limit is ever below it"""
    protected: tuple[bool, ...]
    """never limited: it or its customer is critical, or is asked by notice only"""


class SiteLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What holds where an element has no stricter limit of its own."""

    loading_percent: float
    min_v_pu: float
    max_v_pu: float


class TilesBody(msgspec.Struct, frozen=True, kw_only=True):
    """The map beneath the network."""

    url: str
    """with {z}, {x} and {y}"""
    attribution: str


class LayoutBody(msgspec.Struct, frozen=True, kw_only=True):
    """All that a drawing of a feeder needs. Changes with the network's topology, its limits, and who is
    registered where; not with the figures.
    """

    id: str
    """names all of this, the order of elements too: the same as `layout` in the stream"""
    feeder: str
    source: str
    coordinates: Coordinates | None
    """None: there is no map, because some bus has no coordinates, or all are one spot"""
    tiles: TilesBody | None
    """None: nothing lies beneath"""
    limits: SiteLimits
    supply: Places
    """buses that the grid above feeds"""
    buses: BusColumns
    lines: LineColumns
    transformers: TransformerColumns
    links: LinkColumns
    open_switches: OpenSwitchColumns
    service_points: ServicePointColumns
    devices: DeviceColumns
    warnings: tuple[str, ...]


EXAMPLE = LayoutBody(
    id="5f0c6a0e2b7d4c19",
    feeder="dorf",
    source="dorf.json",
    coordinates="degrees",
    tiles=None,
    limits=SiteLimits(loading_percent=100.0, min_v_pu=0.9, max_v_pu=1.1),
    supply=(0,),
    buses=BusColumns(
        id=("bus:0", "bus:1", "bus:2"),
        name=("MV busbar", "LV busbar", "House 1"),
        vn_kv=(20.0, 0.4, 0.4),
        min_v_pu=(0.9, 0.9, 0.9),
        max_v_pu=(1.1, 1.1, 1.1),
        x=(11.4112, 11.4112, 11.4124),
        y=(53.6407, 53.6407, 53.6411),
        depth=(0, 1, 2),
        row=(0, 0, 0),
        parent=(None, 0, 1),
    ),
    lines=LineColumns(
        id=("line:0",),
        name=("Cable 1",),
        from_bus=(1,),
        to_bus=(2,),
        limit_percent=(100.0,),
        length_m=(85.0,),
        type=("NAYY 4x150 SE",),
        closed=(True,),
        in_tree=(True,),
        path={},
    ),
    transformers=TransformerColumns(
        id=("trafo:0",),
        name=("Trafo 1",),
        hv_bus=(0,),
        lv_bus=(1,),
        limit_percent=(100.0,),
        rated_kva=(250.0,),
        closed=(True,),
        in_tree=(True,),
    ),
    links=LinkColumns(id=(), from_bus=(), to_bus=(), closed=(), switch=(), in_tree=()),
    open_switches=OpenSwitchColumns(id=(), bus=(), element=()),
    service_points=ServicePointColumns(
        name=("House 1",), bus=(2,), customer=("C-001",), critical=(False,), metered=(True,)
    ),
    devices=DeviceColumns(
        id=("EV-001",),
        kind=("ev_charger",),
        service_point=(0,),
        rated_kw=(11.0,),
        min_kw=(4.2,),
        protected=(False,),
    ),
    warnings=(),
)
