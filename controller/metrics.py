"""What Prometheus sees of the daemon: its own registry, every name begins with `gridward_` and carries its
unit.

Knows the values that cycles leave behind; decides nothing.
"""

from collections.abc import Iterable, Mapping
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from controller.alarms.alarm_list import PriorityCount
from controller.alarms.kinds import PRIORITIES
from controller.books import Books
from controller.cycle import Decisions
from controller.entries import (
    Entry,
    EventOpened,
    RequestSettled,
    RequestState,
    SettlementCorrected,
)
from controller.events import highest_loading

_CYCLE_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """All metrics of one daemon."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry, by_feeder = self.registry, ("feeder",)
        self.cycle_seconds = Histogram(
            "gridward_cycle_duration_seconds",
            "Time of one cycle over all feeders",
            buckets=_CYCLE_BUCKETS,
            registry=registry,
        )
        self.cycle_failures = Counter(
            "gridward_cycle_failures_total", "Passes over a feeder that raised", by_feeder, registry=registry
        )
        self.overtaken = Counter(
            "gridward_rounds_overtaken_total",
            "Rounds that took so long that nobody was limited by them",
            registry=registry,
        )
        self.loading = Gauge(
            "gridward_max_loading_percent",
            "Highest loading of any line or transformer",
            by_feeder,
            registry=registry,
        )
        self.violations = Gauge(
            "gridward_violations", "Elements outside their limits", by_feeder, registry=registry
        )
        self.voltage_violations = Gauge(
            "gridward_voltage_violations",
            "Buses whose voltage is outside its limits",
            by_feeder,
            registry=registry,
        )
        self.events = Counter("gridward_events_total", "Events opened", by_feeder, registry=registry)
        self.requests = Gauge(
            "gridward_requests", "Requests by the state they are in", ("feeder", "state"), registry=registry
        )
        self.curtailed = Gauge(
            "gridward_curtailed_kilowatts",
            "Power that limits in force take away",
            by_feeder,
            registry=registry,
        )
        self.points = Counter(
            "gridward_credited_points_total", "Points credited", by_feeder, registry=registry
        )
        self.alarm = Gauge(
            "gridward_data_alarm",
            "1 while the feeder's data are not good enough to act on",
            by_feeder,
            registry=registry,
        )
        self.readings = Counter(
            "gridward_readings_received_total", "Readings taken in for a feeder", by_feeder, registry=registry
        )
        self.refused = Counter(
            "gridward_readings_refused_total",
            "Input that was not used",
            ("feeder", "reason"),
            registry=registry,
        )
        self.late = Counter(
            "gridward_readings_late_total",
            "Readings no newer than the newest known",
            by_feeder,
            registry=registry,
        )
        self.shed = Counter(
            "gridward_intake_shed_total", "Messages dropped at a full intake", registry=registry
        )
        self.queue = Gauge(
            "gridward_intake_messages", "Messages found at the start of a cycle", registry=registry
        )
        self.gate = Counter(
            "gridward_gate_refusals_total",
            "Commands that the safety gate refused",
            ("feeder", "reason"),
            registry=registry,
        )
        self.sends = Counter(
            "gridward_sends_total", "Commands by what came of sending them", ("outcome",), registry=registry
        )
        self.link = Gauge(
            "gridward_link_connected", "1 while the far side answers", ("link",), registry=registry
        )
        self.referee = Gauge(
            "gridward_referee_difference_pu",
            "Largest voltage difference from runpp, latest",
            by_feeder,
            registry=registry,
        )
        self.disagreements = Counter(
            "gridward_referee_disagreements_total",
            "Checks in which runpp was believed",
            by_feeder,
            registry=registry,
        )
        self.commit_seconds = Histogram(
            "gridward_commit_duration_seconds",
            "Time until a commit is durable",
            buckets=_CYCLE_BUCKETS,
            registry=registry,
        )
        self.store_failures = Counter(
            "gridward_store_failures_total", "Commits that the store could not take", registry=registry
        )
        self.sealed = Gauge(
            "gridward_journal_sealed_entries",
            "Entries that the newest checkpoint of this run seals",
            registry=registry,
        )
        self.checkpoint_failures = Counter(
            "gridward_checkpoint_copy_failures_total",
            "Checkpoints that could not be copied to the second place",
            registry=registry,
        )
        self.disputes = Gauge(
            "gridward_disputes_open", "Disputes about settlements that nobody has decided", registry=registry
        )
        self.set_aside = Gauge(
            "gridward_settlements_set_aside",
            "Requests whose settlement failed: not tried again before the next start",
            registry=registry,
        )
        self.corrections = Counter(
            "gridward_settlements_corrected_total",
            "Settlements calculated anew to something else",
            ("feeder", "cause"),
            registry=registry,
        )
        self.alarms = Counter("gridward_alarms_total", "Alarms raised", ("priority",), registry=registry)
        self.alarm_operators = Gauge(
            "gridward_alarm_operators", "Operators that share the alarms", registry=registry
        )
        self.alarms_active = Gauge(
            "gridward_alarms_active",
            "Alarms that are not normal, by whether somebody has acknowledged them",
            ("priority", "acknowledged"),
            registry=registry,
        )
        self.automatic = Gauge(
            "gridward_automatic",
            "1 while the automatic may act, 0 while an operator keeps it out",
            by_feeder,
            registry=registry,
        )
        self.journal_entries = Gauge("gridward_journal_entries", "Entries in the journal", registry=registry)
        self.cycle_period = Gauge(
            "gridward_cycle_period_seconds", "Time between two cycles on the site's clock", registry=registry
        )
        self.source_restarts = Counter(
            "gridward_source_restarts_total",
            "Telemetry sources that were started again",
            ("source",),
            registry=registry,
        )
        self.states_not_recorded = Counter(
            "gridward_states_not_recorded_total",
            "States that could not be kept to be replayed",
            by_feeder,
            registry=registry,
        )

    def begin(self, feeders: Iterable[str], period_s: float) -> None:
        """Have every series there from the start: of one that begins with its first count Prometheus sees no
        increase.
        """
        self.cycle_period.set(period_s)
        self.cycle_failures.labels("")
        for feeder in feeders:
            for counter in (
                self.cycle_failures,
                self.events,
                self.readings,
                self.late,
                self.disagreements,
                self.states_not_recorded,
            ):
                counter.labels(feeder)
        for priority in PRIORITIES:
            self.alarms.labels(priority)
        for outcome in ("sent", "not_taken", "rejected"):
            self.sends.labels(outcome)

    def decided(self, feeder: str, decided: Decisions) -> None:
        """One pass over a feeder is over."""
        self.loading.labels(feeder).set(highest_loading(decided.check.result) or 0.0)
        self.violations.labels(feeder).set(len(decided.check.violations))
        voltages = sum(one.kind.endswith("voltage") for one in decided.check.violations)
        self.voltage_violations.labels(feeder).set(voltages)
        self.curtailed.labels(feeder).set(decided.sample.curtailed_kw)
        self.alarm.labels(feeder).set(not decided.good)
        for reason, count in decided.gate_refused.items():
            self.gate.labels(feeder, reason).inc(count)

    def journaled(self, entry: Entry, feeder: str | None) -> None:
        """An entry became durable; `feeder` is that of the request it speaks of."""
        match entry:
            case EventOpened():
                self.events.labels(entry.feeder).inc()
            case RequestSettled() if feeder is not None:
                self.points.labels(feeder).inc(entry.points)
            case SettlementCorrected():
                self.corrections.labels(entry.feeder, entry.cause).inc()
            case _:
                pass  # told by gauges, or no number of its own

    def alarms_stand(self, counts: Iterable[PriorityCount]) -> None:
        """The alarms have changed."""
        for one in counts:
            self.alarms_active.labels(one.priority, "no").set(one.unacknowledged)
            self.alarms_active.labels(one.priority, "yes").set(one.acknowledged)

    def alarms_told(self, counts: Iterable[int]) -> None:
        """So many more were raised, by priority, the most urgent first."""
        for priority, count in zip(PRIORITIES, counts, strict=True):
            self.alarms.labels(priority).inc(count)

    def requests_by_state(self, feeder: str, books: Books) -> None:
        """The books as they stand now. A state that nobody is in any more shows 0."""
        self.disputes.set(len(books.open_disputes()))
        self.journal_entries.set(books.seq)
        self.automatic.labels(feeder).set(books.automatic(feeder))
        counts: Mapping[str, int] = books.count_by_state(feeder)
        for state in _STATES:
            self.requests.labels(feeder, state).set(counts.get(state, 0))


_STATES: tuple[str, ...] = get_args(RequestState)
