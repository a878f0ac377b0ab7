"""Which plugs of a charger are free, from the words of both versions of OCPP: for the map of chargers. Pure.

Words: 1.6 section 7.7 ChargePointStatus, 2.0.1 part 2 section 3.21 ConnectorStatusEnumType.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from devices.ocpp.charger_state import ChargerState

Occupancy = Literal["available", "occupied", "reserved", "out_of_order", "unknown"]
_FREE_OR_NOT: Mapping[str, Occupancy] = {
    "Available": "available",
    "Preparing": "occupied",
    "Charging": "occupied",
    "SuspendedEV": "occupied",
    "SuspendedEVSE": "occupied",
    "Finishing": "occupied",
    "Occupied": "occupied",
    "Reserved": "reserved",
    "Unavailable": "out_of_order",
    "Faulted": "out_of_order",
}


@dataclass(frozen=True, slots=True)
class PlugState:
    """One connector, as a driver sees it."""

    occupancy: Occupancy
    since: datetime | None
    limit_kw: float | None
    """of the connector or of its whole charger, the lower one; None: none, as far as is known"""


def plugs(state: ChargerState, now: datetime) -> dict[int, PlugState]:
    """Every connector that was heard of, by number. Of a charger that is away nothing is known.

    A charger that is out of order as a whole (connector 0) has no free connector.
    """
    limits = _limits(state, now)
    broken = _said(state, 0) == "out_of_order"
    shown: dict[int, PlugState] = {}
    for number, known in state.connectors.items():
        if number == 0:
            continue
        occupancy = _said(state, number)
        if broken and occupancy != "occupied":
            occupancy = "out_of_order"
        held = [limits[place] for place in (0, number) if place in limits]
        since = known.since if state.online else None
        shown[number] = PlugState(occupancy if state.online else "unknown", since, min(held, default=None))
    return shown


def _said(state: ChargerState, connector: int) -> Occupancy:
    known = state.connectors.get(connector)
    return "unknown" if known is None or known.status is None else _FREE_OR_NOT.get(known.status, "unknown")


def _limits(state: ChargerState, now: datetime) -> dict[int, float]:
    """The limits that are in force, by the connector of their device; none of a charger that is away."""
    shown = zip(state.charger.devices, state.statuses(now), strict=True)
    return {device.connector: said.limit_kw for device, said in shown if said.limit_kw is not None}
