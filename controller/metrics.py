"""What Prometheus sees of the daemon: its own registry, every name begins with `gridward_` and carries its
unit.

One small class for each subject. Knows the values that cycles leave behind; decides nothing.
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

_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_STATES: tuple[str, ...] = get_args(RequestState)


class _New:
    """Makes the metrics of one registry: what each is called, what it tells, what it is told by."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def counter(self, name: str, told: str, *by: str) -> Counter:
        return Counter(name, told, by, registry=self._registry)

    def gauge(self, name: str, told: str, *by: str) -> Gauge:
        return Gauge(name, told, by, registry=self._registry)

    def times(self, name: str, told: str) -> Histogram:
        return Histogram(name, told, buckets=_BUCKETS_S, registry=self._registry)


class CycleMetrics:
    """How the cycles go."""

    def __init__(self, new: _New) -> None:
        self.period = new.gauge(
            "gridward_cycle_period_seconds", "Time between two cycles on the site's clock"
        )
        self.seconds = new.times("gridward_cycle_duration_seconds", "Time of one cycle over all feeders")
        self.failures = new.counter(
            "gridward_cycle_failures_total", "Passes over a feeder that raised", "feeder"
        )
        self.overtaken = new.counter(
            "gridward_rounds_overtaken_total", "Rounds that took so long that nobody was limited by them"
        )
        self.states_not_recorded = new.counter(
            "gridward_states_not_recorded_total", "States that could not be kept to be replayed", "feeder"
        )


class IntakeMetrics:
    """What comes in."""

    def __init__(self, new: _New) -> None:
        self.readings = new.counter(
            "gridward_readings_received_total", "Readings taken in for a feeder", "feeder"
        )
        self.refused = new.counter(
            "gridward_readings_refused_total", "Input that was not used", "feeder", "reason"
        )
        self.late = new.counter(
            "gridward_readings_late_total", "Readings no newer than the newest known", "feeder"
        )
        self.shed = new.counter("gridward_intake_shed_total", "Messages dropped at a full intake")
        self.queue = new.gauge("gridward_intake_messages", "Messages found at the start of a cycle")
        self.link = new.gauge("gridward_link_connected", "1 while the far side answers", "link")
        self.source_restarts = new.counter(
            "gridward_source_restarts_total", "Telemetry sources that were started again", "source"
        )


class NetworkMetrics:
    """How the feeders are."""

    def __init__(self, new: _New) -> None:
        self.loading = new.gauge(
            "gridward_max_loading_percent", "Highest loading of any line or transformer", "feeder"
        )
        self.violations = new.gauge("gridward_violations", "Elements outside their limits", "feeder")
        self.voltage_violations = new.gauge(
            "gridward_voltage_violations", "Buses whose voltage is outside its limits", "feeder"
        )
        self.alarm = new.gauge(
            "gridward_data_alarm", "1 while the feeder's data are not good enough to act on", "feeder"
        )
        self.referee = new.gauge(
            "gridward_referee_difference_pu", "Largest voltage difference from runpp, latest", "feeder"
        )
        self.disagreements = new.counter(
            "gridward_referee_disagreements_total", "Checks in which runpp was believed", "feeder"
        )

    def decided(self, feeder: str, decided: Decisions) -> None:
        """One pass over a feeder is over."""
        self.loading.labels(feeder).set(highest_loading(decided.check.result) or 0.0)
        self.violations.labels(feeder).set(len(decided.check.violations))
        voltages = sum(one.kind.endswith("voltage") for one in decided.check.violations)
        self.voltage_violations.labels(feeder).set(voltages)
        self.alarm.labels(feeder).set(not decided.good)


class RequestMetrics:
    """Who is asked for something, and by whom."""

    def __init__(self, new: _New) -> None:
        self.automatic = new.gauge(
            "gridward_automatic", "1 while the automatic may act, 0 while an operator keeps it out", "feeder"
        )
        self.events = new.counter("gridward_events_total", "Events opened", "feeder")
        self.requests = new.gauge("gridward_requests", "Requests by the state they are in", "feeder", "state")
        self.curtailed = new.gauge(
            "gridward_curtailed_kilowatts", "Power that limits in force take away", "feeder"
        )
        self.gate = new.counter(
            "gridward_gate_refusals_total", "Commands that the safety gate refused", "feeder", "reason"
        )
        self.sends = new.counter("gridward_sends_total", "Commands by what came of sending them", "outcome")

    def decided(self, feeder: str, decided: Decisions) -> None:
        """One pass over a feeder is over."""
        self.curtailed.labels(feeder).set(decided.sample.curtailed_kw)
        self.refused(feeder, decided.gate_refused)

    def refused(self, feeder: str, by_reason: Mapping[str, int]) -> None:
        """The gate let so many commands not pass."""
        for reason, count in by_reason.items():
            self.gate.labels(feeder, reason).inc(count)

    def stand(self, feeder: str, books: Books) -> None:
        """The books as they stand now. A state that nobody is in any more shows 0."""
        self.automatic.labels(feeder).set(books.automatic(feeder))
        counts: Mapping[str, int] = books.count_by_state(feeder)
        for state in _STATES:
            self.requests.labels(feeder, state).set(counts.get(state, 0))


class SettlingMetrics:
    """What requests were worth."""

    def __init__(self, new: _New) -> None:
        self.points = new.counter("gridward_credited_points_total", "Points credited", "feeder")
        self.set_aside = new.gauge(
            "gridward_settlements_set_aside",
            "Requests whose settlement failed: not tried again before the next start",
        )
        self.corrections = new.counter(
            "gridward_settlements_corrected_total",
            "Settlements calculated anew to something else",
            "feeder",
            "cause",
        )
        self.disputes = new.gauge(
            "gridward_disputes_open", "Disputes about settlements that nobody has decided"
        )


class JournalMetrics:
    """The journal and its seals."""

    def __init__(self, new: _New) -> None:
        self.entries = new.gauge("gridward_journal_entries", "Entries in the journal")
        self.commit_seconds = new.times("gridward_commit_duration_seconds", "Time until a commit is durable")
        self.store_failures = new.counter(
            "gridward_store_failures_total", "Commits that the store could not take"
        )
        self.sealed = new.gauge(
            "gridward_journal_sealed_entries", "Entries that the newest checkpoint of this run seals"
        )
        self.checkpoint_failures = new.counter(
            "gridward_checkpoint_copy_failures_total",
            "Checkpoints that could not be copied to the second place",
        )


class AlarmMetrics:
    """The alarms of the control room."""

    def __init__(self, new: _New) -> None:
        self.raised = new.counter("gridward_alarms_total", "Alarms raised", "priority")
        self.operators = new.gauge("gridward_alarm_operators", "Operators that share the alarms")
        self.active = new.gauge(
            "gridward_alarms_active",
            "Alarms that are not normal, by whether somebody has acknowledged them",
            "priority",
            "acknowledged",
        )

    def stand(self, counts: Iterable[PriorityCount]) -> None:
        """The alarms have changed."""
        for one in counts:
            self.active.labels(one.priority, "no").set(one.unacknowledged)
            self.active.labels(one.priority, "yes").set(one.acknowledged)

    def told(self, counts: Iterable[int]) -> None:
        """So many more were raised, by priority, the most urgent first."""
        for priority, count in zip(PRIORITIES, counts, strict=True):
            self.raised.labels(priority).inc(count)


class Metrics:
    """All metrics of one daemon."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        new = _New(self.registry)
        self.cycles = CycleMetrics(new)
        self.intake = IntakeMetrics(new)
        self.network = NetworkMetrics(new)
        self.requests = RequestMetrics(new)
        self.settling = SettlingMetrics(new)
        self.journal = JournalMetrics(new)
        self.alarms = AlarmMetrics(new)

    def begin(self, feeders: Iterable[str], period_s: float) -> None:
        """Have every series there from the start: of one that begins with its first count Prometheus sees no
        increase.
        """
        self.cycles.period.set(period_s)
        self.cycles.failures.labels("")
        by_feeder = (
            self.cycles.failures,
            self.cycles.states_not_recorded,
            self.intake.readings,
            self.intake.late,
            self.network.disagreements,
            self.requests.events,
        )
        for feeder in feeders:
            for counter in by_feeder:
                counter.labels(feeder)
        for priority in PRIORITIES:
            self.alarms.raised.labels(priority)
        for outcome in ("sent", "not_taken", "rejected"):
            self.requests.sends.labels(outcome)

    def decided(self, feeder: str, decided: Decisions) -> None:
        """One pass over a feeder is over."""
        self.network.decided(feeder, decided)
        self.requests.decided(feeder, decided)

    def journaled(self, entry: Entry, feeder: str | None) -> None:
        """An entry became durable; `feeder` is that of the request it speaks of."""
        match entry:
            case EventOpened():
                self.requests.events.labels(entry.feeder).inc()
            case RequestSettled() if feeder is not None:
                self.settling.points.labels(feeder).inc(entry.points)
            case SettlementCorrected():
                self.settling.corrections.labels(entry.feeder, entry.cause).inc()
            case _:
                pass  # told by gauges, or no number of its own

    def stand(self, feeder: str, books: Books) -> None:
        """The books as they stand now."""
        self.settling.disputes.set(len(books.open_disputes()))
        self.journal.entries.set(books.seq)
        self.requests.stand(feeder, books)
