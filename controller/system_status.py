"""How the daemon is: for people to whom something seems wrong with Gridward itself, not with the grid."""

import shutil
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from prometheus_client import Counter, Gauge, ProcessCollector

from controller.bookkeeping import Bookkeeper
from controller.intake import Intake
from controller.metrics import Metrics
from controller.running_record import CycleStatus, LinkStatus, SourceStatus


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """One bounded queue."""

    queue: str
    waiting: int
    bound: int


@dataclass(frozen=True, slots=True)
class RefusedStatus:
    """Input that was not used, since our start."""

    feeder: str | None
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class JournalStatus:
    """The one record."""

    entries: int
    sealed_entries: int
    """that the newest checkpoint seals"""
    fault: str | None
    """why the latest commit failed; None while the store works"""
    failures: int
    latest_commit_s: float | None
    copy_failures: int
    """checkpoints that did not reach their second place"""
    store: str
    """sqlite or postgres"""


@dataclass(frozen=True, slots=True)
class DaemonStatus:
    """Of the daemon's own parts."""

    version: str
    holder: str
    epoch: int
    started_at: datetime
    """by the site's clock"""
    now: datetime
    cycles: CycleStatus
    links: tuple[LinkStatus, ...]
    sources: tuple[SourceStatus, ...]
    queues: tuple[QueueStatus, ...]
    shed: int
    """messages that were dropped at the bound of their queue, since our start"""
    refused: tuple[RefusedStatus, ...]
    journal: JournalStatus


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """Of the process and its machine; None where the machine does not tell."""

    cpu_s: float | None
    """of processor time since the process began"""
    memory_bytes: float | None
    open_files: float | None
    most_open_files: float | None
    threads: int
    disk_free_bytes: int | None
    """where the store is"""
    disk_bytes: int | None


def queues_of(intake: Intake) -> tuple[QueueStatus, ...]:
    """As they are now."""
    return tuple(QueueStatus(name, waiting, bound) for name, waiting, bound in intake.queues)


def refused_of(metrics: Metrics) -> tuple[RefusedStatus, ...]:
    """What was refused most, first."""
    samples = (one for metric in metrics.intake.refused.collect() for one in metric.samples)
    found = [
        RefusedStatus(one.labels["feeder"] or None, one.labels["reason"], int(one.value))
        for one in samples
        if one.name.endswith("_total") and one.value
    ]
    return tuple(sorted(found, key=lambda one: (-one.count, one.feeder or "", one.reason)))


def journal_of(keeper: Bookkeeper, metrics: Metrics, store: str) -> JournalStatus:
    """The record as its one writer has it."""
    return JournalStatus(
        entries=keeper.books.seq,
        sealed_entries=int(value_of(metrics.journal.sealed)),
        fault=keeper.store_fault,
        failures=int(value_of(metrics.journal.store_failures)),
        latest_commit_s=keeper.latest_commit_s,
        copy_failures=int(value_of(metrics.journal.checkpoint_failures)),
        store=store,
    )


def value_of(metric: Counter | Gauge) -> float:
    """Of a metric without labels."""
    samples = (one for family in metric.collect() for one in family.samples)
    return next(one.value for one in samples if not one.name.endswith("_created"))


_COLLECTED = {
    "process_cpu_seconds": "cpu_s",
    "process_resident_memory_bytes": "memory_bytes",
    "process_open_fds": "open_files",
    "process_max_fds": "most_open_files",
}


def process_status(collector: ProcessCollector, store: Path) -> ProcessStatus:
    """As it is now. Reads files of the machine: not for the loop's thread."""
    found: dict[str, float | None] = dict.fromkeys(_COLLECTED.values())
    for metric in collector.collect():
        field = _COLLECTED.get(metric.name)
        if field is not None and metric.samples:
            found[field] = metric.samples[0].value
    try:
        disk = shutil.disk_usage(next(folder for folder in store.absolute().parents if folder.exists()))
    except OSError:
        disk = None
    return ProcessStatus(
        **found,
        threads=threading.active_count(),
        disk_free_bytes=None if disk is None else disk.free,
        disk_bytes=None if disk is None else disk.total,
    )
