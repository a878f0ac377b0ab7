"""What is known of a charger and shown of it: power, limits, transactions; and whether its clock is right."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from devices.command_rules import CommandRules
from devices.errors import CommandRejected
from devices.messages import Answer, LimitCommand, Reading
from devices.ocpp.charger_state import MAX_CONNECTORS, ChargerState
from devices.ocpp.charging_profile import wire_limit
from devices.ocpp.clock_watch import ClockWatch
from devices.ocpp.heard import Charging, ConnectorSaid, Measured, Measurement
from devices.ocpp.settings import Charger, ChargerDevice
from devices.rate import Bucket

NOW = datetime(2026, 1, 12, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
WHOLE = ChargerDevice("f1", "ev1", rated_kw=11.0)
LEFT, RIGHT = ChargerDevice("f1", "left", 1, meter="m1"), ChargerDevice("f1", "right", 2)
COMMAND = LimitCommand("f1", "ev1", "r1", 4.2, NOW, NOW + timedelta(minutes=15), 1, 1)


def state_of(*devices: ChargerDevice) -> ChargerState:
    state = ChargerState(Charger("cp1", devices), power_fresh_s=300)
    state.online = True
    return state


def said(state: ChargerState, connector: int, status: str, at: datetime = NOW) -> None:
    state.learn(ConnectorSaid(connector, status, at), at)


def measured(
    state: ChargerState, connector: int, p_kw: float | None, at: datetime = NOW
) -> tuple[Reading, ...]:
    return state.learn(Measured(connector, (Measurement(at, p_kw, 12.5),)), at)


def powers(state: ChargerState, now: datetime = NOW) -> list[float | None]:
    return [status.p_kw for status in state.statuses(now)]


def test_nothing_heard_is_nothing_known() -> None:
    assert powers(state_of(WHOLE)) == [None]


def test_each_connector_is_a_device_or_all_of_them_are_one() -> None:
    apart, together = state_of(LEFT, RIGHT), state_of(WHOLE)
    for state in (apart, together):
        said(state, 0, "Available")
        said(state, 1, "Charging")
        said(state, 2, "Charging")
        measured(state, 1, 7.4)
    assert powers(apart) == [7.4, None]
    assert powers(together) == [None]  # half of it is not it
    for state in (apart, together):
        measured(state, 2, 3.6)
    assert powers(apart) == [7.4, 3.6]
    assert powers(together) == [11.0]
    measured(together, 0, 11.2)
    assert powers(together) == [11.2]  # the charger's own meter goes before the sum


def test_a_connector_without_a_car_takes_nothing_and_any_other_is_not_known() -> None:
    state = state_of(LEFT)
    said(state, 1, "Available")
    assert powers(state) == [0.0]
    for status in ("Preparing", "Occupied", "SuspendedEV", "Faulted", "Unavailable"):
        said(state, 1, status)
        assert powers(state) == [None]


def test_a_measured_power_ends_with_the_state_or_with_age() -> None:
    state = state_of(LEFT)
    said(state, 1, "Charging")
    measured(state, 1, 7.4)
    said(state, 1, "Charging", NOW + timedelta(seconds=30))
    assert powers(state) == [7.4]
    assert powers(state, NOW + timedelta(seconds=301)) == [None]
    said(state, 1, "Finishing")
    assert powers(state) == [None]
    measured(state, 1, 7.4)
    state.learn(Charging("started", 1, "tx", NOW), NOW)
    state.learn(Charging("ended", None, "tx", NOW), NOW)
    assert powers(state) == [None]


def test_an_older_measurement_never_takes_the_place_of_a_newer_one() -> None:
    state = state_of(LEFT)
    measured(state, 1, 7.4)
    measured(state, 1, 1.0, NOW - timedelta(seconds=60))
    assert powers(state) == [7.4]


def test_energy_alone_is_no_power_and_no_reading() -> None:
    state = state_of(LEFT)
    assert measured(state, 1, None) == ()
    assert powers(state) == [None]
    assert measured(state, 1, 7.4) == (Reading("f1", "m1", NOW, 7.4, energy_kwh=12.5),)
    assert measured(state, 2, 7.4) == ()


def test_a_charger_that_is_away_is_only_that() -> None:
    state = state_of(LEFT)
    measured(state, 1, 7.4)
    state.online = False
    (status,) = state.statuses(NOW)
    assert (status.online, status.at, status.p_kw) == (False, None, None)


def test_connectors_are_bounded() -> None:
    state = state_of(WHOLE)
    for number in range(2 * MAX_CONNECTORS):
        said(state, number, "Charging")
        measured(state, number, 1.0)
    assert len(state.connectors) == MAX_CONNECTORS


@pytest.mark.parametrize("before", [[], ["Available"]])
def test_a_connector_that_is_still_free_ends_no_transaction_that_has_begun(before: list[str]) -> None:
    """OCPP 2.0.1 lets one begin with the authorisation; and a state told now may be one of a moment ago."""
    state = state_of(LEFT)
    for status in before:
        said(state, 1, status)
    state.learn(Charging("started", 1, "t1", NOW, "x"), NOW)
    said(state, 1, "Available")
    assert state.transaction_at(1) == "t1"
    said(state, 1, "Occupied")
    said(state, 1, "Available")
    assert state.transaction_at(1) is None


def test_a_start_told_twice_is_one_transaction_and_numbers_only_grow() -> None:
    state = state_of(LEFT)
    start = Charging("started", 1, None, NOW, "token")
    first = state.number_of(start, NOW)
    assert state.number_of(start, NOW + HOUR) == first
    second = state.number_of(replace(start, at=NOW + HOUR), NOW)
    assert second > first
    # after a restart of ours the clock is further on
    assert state_of(LEFT).number_of(start, NOW + timedelta(seconds=5)) > second
    assert 0 < second < 2**31
    state.learn(start, NOW)
    assert state.transaction_at(1) == str(first)
    said(state, 1, "Occupied")
    said(state, 1, "Available")
    assert state.transaction_at(1) is None
    state.learn(Measured(1, (), "99"), NOW)
    assert state.transaction_at(1) == "99"


# ---- limits ------------------------------------------------------------------------------------------------


def shown(state: ChargerState, now: datetime = NOW) -> tuple[float | None, str | None]:
    (status,) = state.statuses(now)
    return status.limit_kw, status.request


def accepted(command: LimitCommand = COMMAND) -> ChargerState:
    state = state_of(WHOLE)
    assert state.accept(WHOLE, command, wire_limit(command.limit_kw, WHOLE, "A")) is None
    return state


@pytest.mark.parametrize(
    ("held_kw", "expected"),
    [
        (4.209, (4.2, "r1")),  # 6.1 A is 4.2 kW on this wire
        (4.14, (4.2, "r1")),  # a tenth of an ampere is as near as it can say
        (3.0, (3.0, "r1")),  # tighter, by somebody else's hand: what it holds is told
        (11.0, (None, None)),
        (None, (None, None)),
    ],
)
def test_a_limit_is_shown_as_it_is_read_back(
    held_kw: float | None, expected: tuple[float | None, str | None]
) -> None:
    state = accepted()
    assert shown(state) == (4.2, "r1")  # while it does not say
    state.read_back(WHOLE, held_kw)
    assert shown(state) == expected


def test_a_limit_is_shown_from_its_start_until_its_end() -> None:
    state = accepted()
    assert shown(state, COMMAND.start - timedelta(seconds=1)) == (None, None)
    assert shown(state, COMMAND.end - timedelta(seconds=1)) == (4.2, "r1")
    assert shown(state, COMMAND.end) == (None, None)


def test_a_renewal_replaces_itself_and_another_request_ends_the_first() -> None:
    state = accepted()
    wire = wire_limit(4.2, WHOLE, "A")
    renewal = replace(COMMAND, end=COMMAND.end + HOUR, sequence=2)
    assert state.accept(WHOLE, renewal, wire) is None
    assert shown(state, COMMAND.end) == (4.2, "r1")
    other = replace(COMMAND, request="r2")
    assert state.accept(WHOLE, other, wire) == Answer("f1", "ev1", "r1", "ended", "replaced")
    assert state.let_go(WHOLE, "r1") is None
    assert shown(state) == (4.2, "r2")
    assert state.let_go(WHOLE, "r2") is not None
    assert shown(state) == (None, None)


def test_a_limit_that_is_not_ours_is_shown_without_a_request() -> None:
    state = state_of(WHOLE)
    state.read_back(WHOLE, 11.0)
    assert shown(state) == (None, None)
    state.read_back(WHOLE, 4.2)
    assert shown(state) == (4.2, None)


def test_what_a_charger_always_holds_is_not_an_overstay() -> None:
    state = state_of(WHOLE)
    state.read_back(WHOLE, 4.2)
    state.accept(WHOLE, COMMAND, wire_limit(4.2, WHOLE, "W"))
    assert not state.overstays(WHOLE, state.claims["ev1"], 4.2)
    state.free_kw["ev1"] = 11.0
    assert state.overstays(WHOLE, state.claims["ev1"], 4.2)
    assert not state.overstays(WHOLE, state.claims["ev1"], 11.0)
    assert not state.overstays(WHOLE, state.claims["ev1"], None)


# ---- the clock ---------------------------------------------------------------------------------------------


def test_one_time_stamp_from_the_future_is_enough() -> None:
    watch = ClockWatch(60)
    heard = Measured(1, (Measurement(NOW, 1.0), Measurement(NOW + HOUR, 2.0)))
    believed, ahead_s = watch.look(heard, NOW)
    assert believed == Measured(1, (Measurement(NOW, 1.0),))
    assert (ahead_s, watch.off_s) == (3600, 3600)
    # and what it says after it took our time takes that back
    assert watch.judge() == 3600
    watch.look(ConnectorSaid(1, "Charging", NOW), NOW)
    assert watch.judge() is None


def test_what_waited_is_old_but_the_clock_is_only_behind_when_all_is_old() -> None:
    watch = ClockWatch(60)
    watch.look(ConnectorSaid(1, "Charging", NOW - HOUR), NOW)
    watch.look(ConnectorSaid(1, "Charging", NOW - timedelta(seconds=5)), NOW)
    assert watch.judge() is None
    watch.look(ConnectorSaid(1, "Charging", NOW - HOUR), NOW)
    assert watch.judge() == -3600
    assert watch.judge() == -3600  # no news


def test_what_is_said_to_have_waited_and_what_has_no_time_are_no_witnesses() -> None:
    watch = ClockWatch(60)
    watch.look(Charging("ended", 1, "tx", NOW - HOUR, buffered=True), NOW)
    watch.look(ConnectorSaid(1, "Charging", None), NOW)
    assert watch.judge() is None
    ahead, ahead_s = watch.look(Charging("updated", 1, "tx", NOW + HOUR), NOW)
    assert ahead_s == 3600
    assert ahead == Charging("updated", 1, "tx", NOW + HOUR)


# ---- sequence, epoch, rate ---------------------------------------------------------------------------------


def test_a_lower_epoch_or_sequence_never_goes_out() -> None:
    rules = CommandRules()
    rules.admit(replace(COMMAND, epoch=3, sequence=2))
    rules.admit(replace(COMMAND, epoch=3, sequence=2))  # once more is the same
    for stale, words in (
        (replace(COMMAND, epoch=2, sequence=9), "stale epoch 2"),
        (replace(COMMAND, epoch=2, request="other", device="ev2"), "stale epoch 2"),
        (replace(COMMAND, epoch=3, sequence=1), "stale sequence 1"),
    ):
        with pytest.raises(CommandRejected, match=words):
            rules.admit(stale)
        assert not rules.is_newest(stale)
    assert rules.highest_epoch == 3
    rules.admit(replace(COMMAND, epoch=4, sequence=3))
    assert not rules.is_newest(replace(COMMAND, epoch=3, sequence=2))


def test_a_bucket_has_a_burst_and_a_rate() -> None:
    bucket = Bucket(per_s=10, burst=5)
    assert [bucket.take(100.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert bucket.refused == 2
    assert bucket.take(100.125)
    assert not bucket.take(100.125)
    assert bucket.take(200.0)
    assert bucket.refused == 0
