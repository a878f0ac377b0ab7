"""Of Gridward itself: how it is, its settings, its log, its health, and what is no JSON."""

from controller.api.bodies import FeederHealth, Health
from controller.api.examples.example import EVENT, FEEDER, NOW, OPENED, Example, Examples
from controller.api.system import LogBody, SystemBody
from controller.log_ring import LogLine
from controller.running_record import CycleStatus, LinkStatus, SourceStatus
from controller.system_status import DaemonStatus, JournalStatus, ProcessStatus, QueueStatus, RefusedStatus

_DAEMON = DaemonStatus(
    version="1.6.0",
    holder="control-1",
    epoch=3,
    started_at=OPENED.replace(hour=6),
    now=NOW,
    cycles=CycleStatus(cycles=2410, failures=0, late=1, latest_s=0.041, median_s=0.038, p99_s=0.12),
    links=(LinkStatus(link="mqtt", connected=True, since=OPENED.replace(hour=6), losses=0),),
    sources=(SourceStatus(source="mqtt", restarts=0, last_reason=None, last_stopped_at=None),),
    queues=(QueueStatus(queue="readings", waiting=12, bound=50_000),),
    shed=0,
    refused=(RefusedStatus(feeder=FEEDER, reason="too_old", count=4),),
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
    "# HELP gridward_cycles_total Cycles that were run.\n"
    "# TYPE gridward_cycles_total counter\n"
    f'gridward_cycles_total{{feeder="{FEEDER}"}} 2410.0\n'
)
_ROWS = (
    "request,resource,target,kind,p_before_kw,limit_kw,state\r\n"
    f"{EVENT}-R001,device,device 1,ev_charger,11.0,4.2,settled\r\n"
)
EXAMPLES: Examples = {
    "GET /api/v1/system": Example(answered=SystemBody(daemon=_DAEMON, process=_PROCESS)),
    "GET /api/v1/system/config": Example(
        answered={"name": "Westend", "limits": {"loading_percent": 100.0}, "api": {"port": 8080}}
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
            "info": {"title": "Gridward", "version": "1.6.0"},
            "channels": {"readings": {"address": "gridward/{feeder}/readings/{meter}"}},
        }
    ),
    "GET /health": Example(
        answered=Health(
            status="ready", feeders=(FeederHealth(id=FEEDER, ready=True, seconds_since_cycle=1.2),)
        )
    ),
    "GET /metrics": Example(files={"text/plain": _METRICS, "application/openmetrics-text": f"{_METRICS}# EOF\n"}),
    "GET /api/v1/events/{event_id}/export": Example(
        answered={"summary": {"event": EVENT, "feeder": FEEDER}, "requests": []},
        files={"text/csv": _ROWS, "application/zip": "PK\x03\x04"},
    ),
    "GET /api/v1/stream": Example(
        files={
            "text/event-stream": "retry: 2000\n\n"
            'event: told\nid: 4812\ndata: {"whole":false,"told":[{"seq":4812,"at":"2026-01-12T17:54:47Z",'
            f'"feeder":"{FEEDER}","entry":"event_opened","severity":"alarm",'
            '"text":"Transformer 0 at 106.9 %, over its limit of 100.0 %: event opened"}]}\n\n'
        }
    ),
}
