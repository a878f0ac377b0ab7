"""Of Gridward itself: how it is, its settings, its log, its health, and what is no JSON."""

import msgspec

from controller.api import event_bodies
from controller.api.bodies import FeederHealth, Health
from controller.api.examples.example import FEEDER, NOW, OPENED, Example, Examples
from controller.api.system import LogBody, SystemBody
from controller.log_ring import LogLine
from controller.occurrences import exports
from controller.occurrences.bodies import EventBody
from controller.running_record import CycleStatus, LinkStatus, SourceStatus
from controller.system_status import DaemonStatus, JournalStatus, ProcessStatus, QueueStatus, RefusedStatus

_DAEMON = DaemonStatus(
    version="1.6.0",
    holder="control-1",
    epoch=3,
    started_at=OPENED.replace(hour=6),
    now=NOW,
    cycles=CycleStatus(
        cycles=2410,
        failures=0,
        last_failed_at=None,
        late=1,
        late_lately=0,
        latest_s=0.041,
        median_s=0.038,
        p99_s=0.12,
    ),
    links=(LinkStatus(link="mqtt", connected=True, since=OPENED.replace(hour=6), losses=0),),
    sources=(SourceStatus(source="mqtt", restarts=0, last_reason=None, last_stopped_at=None),),
    queues=(QueueStatus(queue="readings", waiting=12, bound=50_000),),
    shed=0,
    refused=(RefusedStatus(feeder=FEEDER, reason="malformed", count=4),),
    journal=JournalStatus(
        entries=4812,
        sealed_entries=4800,
        fault=None,
        failures=0,
        latest_commit_s=0.003,
        copy_failures=0,
        store="sqlite",
    ),
)
_PROCESS = ProcessStatus(
    cpu_s=812.4,
    memory_bytes=214_000_000.0,
    open_files=41.0,
    most_open_files=1024.0,
    threads=9,
    disk_free_bytes=41_000_000_000,
    disk_bytes=64_000_000_000,
)
_METRICS = (
    "# HELP gridward_events_total Events opened\n"
    "# TYPE gridward_events_total counter\n"
    f'gridward_events_total{{feeder="{FEEDER}"}} 3.0\n'
)
_EVENT = msgspec.convert(event_bodies.BODY, EventBody)
EXAMPLES: Examples = {
    "GET /api/v1/system": Example(answered=SystemBody(daemon=_DAEMON, process=_PROCESS)),
    "GET /api/v1/system/config": Example(
        answered={
            "name": "Westend",
            "cycle": {"period_s": 5.0, "fresh_s": 15.0},
            "limits": {"loading_percent": 100.0, "min_v_pu": 0.9, "max_v_pu": 1.1},
        }
    ),
    "GET /api/v1/system/log": Example(
        answered=LogBody(
            items=(
                LogLine(
                    seq=902,
                    at="2026-01-12T17:54:47Z",
                    level="warning",
                    event="event_opened",
                    fields={"feeder": FEEDER, "element": "trafo:0"},
                ),
            ),
            next=None,
        )
    ),
    "GET /api/v1/asyncapi.json": Example(
        answered={
            "asyncapi": "3.0.0",
            "info": {"title": "Gridward over MQTT", "version": "1.6.0"},
            "channels": {"meterReading": {"address": "gridward/{feeder}/meters/{meter}/reading"}},
        }
    ),
    "GET /health": Example(
        answered=Health(
            status="ready", feeders=(FeederHealth(id=FEEDER, ready=True, seconds_since_cycle=1.2),)
        )
    ),
    "GET /metrics": Example(
        files={"text/plain": _METRICS, "application/openmetrics-text": f"{_METRICS}# EOF\n"}
    ),
    "GET /api/v1/events/{event_id}/export": Example(
        answered={"event": _EVENT, "states": None},
        files={
            "text/csv": exports.as_csv(_EVENT, None, "rounds").decode(),
            "application/zip": "PK\x03\x04 ...",
        },
    ),
}
