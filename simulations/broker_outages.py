"""The broker of an emulated field goes away and comes back when its scenario says so."""

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from devices.mqtt.embedded_broker import EmbeddedBroker
from devices.ports import Clock
from simulations.scenario_faults import Outage

log = structlog.get_logger(__name__)


async def outages_of(broker: EmbeddedBroker, outages: Sequence[Outage], clock: Clock) -> None:
    """Stop it and start it again on the same port; returns after the last outage. Raises OSError when that
    port was taken meanwhile."""
    for begin, end in _merged(outages):
        if end <= clock.now():
            continue
        await _until(begin, clock)
        log.warning("broker_stopped_by_scenario", until=end.isoformat())
        await broker.stop()
        await _until(end, clock)
        await broker.start()
        log.info("broker_back_by_scenario")


async def _until(at: datetime, clock: Clock) -> None:
    seconds = (at - clock.now()).total_seconds()
    if seconds > 0:
        await clock.sleep(seconds)


def _merged(outages: Sequence[Outage]) -> list[tuple[datetime, datetime]]:
    """The times in which the broker is away, those that overlap as one, in order."""
    times = sorted(
        (one.begin.astimezone(UTC), one.end.astimezone(UTC)) for one in outages if one.of == "broker"
    )
    away: list[tuple[datetime, datetime]] = []
    for begin, end in times:
        if away and begin <= away[-1][1]:
            away[-1] = away[-1][0], max(end, away[-1][1])
        else:
            away.append((begin, end))
    return away
