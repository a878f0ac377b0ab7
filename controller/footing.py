"""What all parts of a daemon's rounds stand on, as one value. Part of the shell; does nothing."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from controller import settings
from controller.bookkeeping import Bookkeeper, Offload
from controller.feeder_control import FeederControl
from controller.metrics import Metrics
from devices.ports import Clock


@dataclass(frozen=True)
class Footing:
    """Of one daemon."""

    site: settings.Site
    controls: Mapping[str, FeederControl]
    keeper: Bookkeeper
    clock: Clock
    offload: Offload
    metrics: Metrics
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Whoever decides and writes holds it: the desks beside the rounds as well."""
