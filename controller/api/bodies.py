"""Response bodies that are not views: what a feeder is, as opposed to how it is now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from controller.views import FeederView, Told, TrendPoint


@dataclass(frozen=True, slots=True)
class FeederBrief:
    """One line of the list of feeders."""

    id: str
    network: str
    period_s: float
    """seconds of site time between two cycles"""
    at: datetime | None
    """of the latest cycle; None before the first"""
    seconds_since_cycle: float | None
    """in real seconds, even where the site's own time runs faster"""
    automatic: bool | None
    highest_loading_percent: float | None
    violations: int
    alarm: str | None


@dataclass(frozen=True, slots=True)
class Feeders:
    """All feeders of the site."""

    site: str
    feeders: tuple[FeederBrief, ...]


@dataclass(frozen=True, slots=True)
class ServicePointBody:
    """Where a customer is connected."""

    name: str
    index: int
    """its place in `FeederView.service_point_kw`"""
    customer: str | None
    """null: nobody is known there, or it is not for who asks"""
    critical: bool | None
    """null for who may not see customers"""
    device_kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BusBody:
    """A bus, with its place on the map (where the network has coordinates) and in the diagram."""

    id: str
    name: str
    x: float | None
    y: float | None
    """drawing units, y downwards, 1000 wide at most"""
    diagram_x: float
    diagram_y: float
    min_v_pu: float | None
    max_v_pu: float | None
    """its own limits; None where only the site's count"""
    service_points: tuple[ServicePointBody, ...]


@dataclass(frozen=True, slots=True)
class LineBody:
    """A line."""

    id: str
    name: str
    from_bus: str
    to_bus: str
    max_loading_percent: float


@dataclass(frozen=True, slots=True)
class TransformerBody:
    """A transformer."""

    id: str
    name: str
    hv_bus: str
    lv_bus: str
    max_loading_percent: float


@dataclass(frozen=True, slots=True)
class NetworkBody:
    """A feeder's network as it is drawn. Does not change while the daemon runs."""

    feeder: str
    source: str
    map_turned: bool
    """north is to the left on the map, not up"""
    buses: tuple[BusBody, ...]
    lines: tuple[LineBody, ...]
    transformers: tuple[TransformerBody, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StateEvent:
    """The data of one `state` event of the stream."""

    full: bool
    """True in a subscriber's first event of a feeder: `trend` and `told` then replace what was known."""
    view: FeederView
    trend: tuple[TrendPoint, ...]
    """all points since the event before; a slow subscriber misses views, never points"""
    told: tuple[Told, ...]
    """all sentences since the event before"""


@dataclass(frozen=True, slots=True)
class FeederHealth:
    """Whether one feeder's cycles run."""

    id: str
    ready: bool
    seconds_since_cycle: float | None


@dataclass(frozen=True, slots=True)
class Health:
    """Ready when every feeder has a recent cycle."""

    status: Literal["ready", "not_ready"]
    feeders: tuple[FeederHealth, ...]
