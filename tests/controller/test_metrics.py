"""What Prometheus sees: names, units, and numbers that follow the loop."""

import re

from prometheus_client.exposition import generate_latest

from controller.books import Books
from controller.entries import DisputeOpened, SettlementCorrected
from controller.metrics import Metrics
from devices.messages import LimitCommand, Reading
from devices.mqtt.codec import decode
from devices.mqtt.topics import Topics
from tests.builders import FEEDER, START, FakeClock
from tests.controller.worlds import World, evening

UNITS = ("_total", "_seconds", "_percent", "_kilowatts", "_pu")
COUNTS = {
    "gridward_alarms_active",
    "gridward_alarm_operators",
    "gridward_voltage_violations",
    "gridward_automatic",
    "gridward_journal_entries",
    "gridward_violations",
    "gridward_requests",
    "gridward_data_alarm",
    "gridward_intake_messages",
    "gridward_disputes_open",
    "gridward_settlements_set_aside",
    "gridward_journal_sealed_entries",
}


def test_every_name_is_ours_and_says_its_unit() -> None:
    names = {metric.name for metric in Metrics().registry.collect()}
    assert all(re.fullmatch(r"gridward_[a-z_]+", name) for name in names)
    told = {
        name for name in names if name.endswith(UNITS[1:]) or name in COUNTS | {"gridward_link_connected"}
    }
    counters = {metric.name for metric in Metrics().registry.collect() if metric.type == "counter"}
    assert names == told | counters


async def test_numbers_follow_the_loop() -> None:
    world = World(evening())
    world.charge()
    world.daemon.intake.deliver(Reading(FEEDER, "M00", world.clock.now(), float("nan")))
    await world.tick(6)
    sample = world.daemon.metrics.registry.get_sample_value
    by_feeder = {"feeder": FEEDER}
    assert sample("gridward_events_total", by_feeder) == 1
    assert sample("gridward_violations", by_feeder) == 0
    assert 90 < (sample("gridward_max_loading_percent", by_feeder) or 0) <= 100
    active = sample("gridward_requests", by_feeder | {"state": "active"}) or 0
    assert active == len(world.field.held())
    assert sample("gridward_readings_refused_total", by_feeder | {"reason": "not_finite"}) == 1
    assert sample("gridward_readings_received_total", by_feeder) == 6 * 20 + 1
    assert sample("gridward_sends_total", {"outcome": "sent"}) == active
    assert sample("gridward_data_alarm", by_feeder) == 0
    assert sample("gridward_cycle_duration_seconds_count") == 6
    assert sample("gridward_referee_disagreements_total", by_feeder) == 0
    assert (sample("gridward_referee_difference_pu", by_feeder) or 0) < 1e-8
    assert b"gridward_curtailed_kilowatts" in generate_latest(world.daemon.metrics.registry)


async def test_what_could_not_be_read_counts_for_the_feeder_that_its_topic_names() -> None:
    world = World(evening())
    topics = Topics()
    for topic in (topics.batch(FEEDER), f"gridward/{FEEDER}/meter/M00/reading", "gridward/f9/readings"):
        world.daemon.intake.deliver(decode(topic, b"{broken", topics=topics))
    await world.tick(1)
    sample = world.daemon.metrics.registry.get_sample_value
    for feeder, reason in ((FEEDER, "malformed"), (FEEDER, "unknown_topic"), ("", "malformed")):
        labels = {"feeder": feeder, "reason": reason}
        assert sample("gridward_readings_refused_total", labels) == 1, labels
    assert world.daemon.books.totals(FEEDER, "EUR").readings_refused == 2


async def test_a_cycle_is_timed_in_real_seconds_also_where_time_runs_faster() -> None:
    world, real = World(evening()), FakeClock()
    world.real_clock = real
    world.daemon = world.start()

    async def slow(_: LimitCommand) -> None:
        await world.clock.sleep(120.0)
        await real.sleep(1.0)

    world.charge()
    world.field.on_send = slow
    while not world.field.commands:
        await world.tick()
    sample = world.daemon.metrics.registry.get_sample_value
    assert sample("gridward_cycle_duration_seconds_sum") == len(world.field.commands)


def test_corrections_and_open_disputes_are_counted() -> None:
    metrics, books = Metrics(), Books()
    books.apply(DisputeOpened(at=START, dispute="D-1", request="R-1", reason="other", who="hotline"))
    metrics.stand(FEEDER, books)
    assert metrics.registry.get_sample_value("gridward_disputes_open") == 1.0
    corrected = SettlementCorrected(
        at=START, request="R-1", feeder=FEEDER, customer="C", version=1, cause="dispute", dispute="D-1",
        asked_kwh=1.0, reduced_kwh=0.5, intervals=1, intervals_measured=1, compliance_percent=50.0, points=5,
        minor_units=0, outcome="credited", reduced_kwh_before=1.0, points_before=10, minor_units_before=0,
    )  # fmt: skip
    metrics.journaled(corrected, None)
    labels = {"feeder": FEEDER, "cause": "dispute"}
    assert metrics.registry.get_sample_value("gridward_settlements_corrected_total", labels) == 1.0
