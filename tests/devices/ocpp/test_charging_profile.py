"""A limit as a charging profile: units, rounding, id, window, and what the published schemas say to it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp.messages import get_validator

from devices.command_rules import check_limit
from devices.errors import CommandRejected
from devices.messages import LimitCommand
from devices.ocpp.charging_profile import (
    Ability,
    ability,
    profile_id,
    tolerance_kw,
    wire_limit,
    wire_time,
)
from devices.ocpp.codec_v16 import CodecV16
from devices.ocpp.codec_v201 import CodecV201
from devices.ocpp.heard import Codec
from devices.ocpp.settings import Charger, ChargerDevice

AT = datetime(2026, 1, 12, 18, 0, 0, 123_456, tzinfo=UTC)
COMMAND = LimitCommand("f1", "ev1", "E-f1-20260112T180000Z-R001", 4.2, AT, AT + timedelta(minutes=15), 3, 1)
DEVICE = ChargerDevice("f1", "ev1")
CODECS: tuple[Codec, ...] = (CodecV16(), CodecV201())


@pytest.mark.parametrize(
    ("limit_kw", "phases", "step_a", "amps"),
    [
        (4.2, 3, 0.1, 6.1),  # 6.08 A: 6.0 A would be 4.14 kW, below the floor
        (4.2, 3, 1.0, 7.0),
        (4.2, 1, 0.1, 18.3),  # 18.26 A
        (4.2, 1, 1.0, 19.0),
        (5.0, 3, 0.1, 7.2),  # 7.246 A, downwards: no more than was said
        (5.0, 3, 1.0, 7.0),
        (11.04, 3, 0.1, 16.0),
        (11.0, 3, 0.1, 15.9),
        (4.209, 3, 0.1, 6.1),
    ],
)
def test_ampere_are_rounded_down_but_never_below_the_floor(
    limit_kw: float, phases: Any, step_a: float, amps: float
) -> None:
    device = ChargerDevice("f1", "ev1", phases=phases, current_step_a=step_a)
    wire = wire_limit(limit_kw, device, "A")
    assert wire.value == amps
    assert wire.limit_kw == pytest.approx(amps * phases * 0.230)


def test_watt_travel_as_they_are() -> None:
    assert wire_limit(4.2, DEVICE, "W").value == 4200.0
    assert wire_limit(4.23456, DEVICE, "W").value == 4234.6


@given(
    st.floats(4.2, 350.0),
    st.sampled_from([1, 2, 3]),
    st.sampled_from([0.1, 0.5, 1.0]),
    st.floats(200.0, 277.0),
    st.sampled_from(["W", "A"]),
)
def test_no_rounding_goes_below_the_floor_or_far_from_the_limit(
    limit_kw: float, phases: Any, step_a: float, volts: float, unit: Any
) -> None:
    device = ChargerDevice("f1", "ev1", phases=phases, current_step_a=step_a, nominal_v=volts)
    wire = wire_limit(limit_kw, device, unit)
    step_kw = 0.0001 if unit == "W" else step_a * phases * volts / 1000
    assert wire.limit_kw >= device.floor_kw - 1e-9
    assert abs(wire.limit_kw - limit_kw) <= step_kw + 1e-9
    assert wire.value * 10 == pytest.approx(round(wire.value * 10))


def test_the_profiles_id_is_the_requests_and_fits_everywhere() -> None:
    ids = {profile_id(f"E-f1-R{n:03}") for n in range(1000)}
    assert len(ids) == 1000
    assert all(0 < one < 2**31 for one in ids)
    # the same after a restart, and on every machine
    assert profile_id("r1") == 49539526


@given(
    limit_kw=st.floats(4.2, 350.0), seconds=st.floats(0.001, 86400.0), request_id=st.text("aE-1", min_size=1)
)
def test_every_profile_matches_the_published_schema_and_carries_its_end(
    limit_kw: float, seconds: float, request_id: str
) -> None:
    end = AT + timedelta(seconds=seconds) + timedelta(microseconds=1)
    command = replace(COMMAND, limit_kw=limit_kw, end=end, request=request_id)
    for codec, version in zip(CODECS, ("1.6", "2.0.1"), strict=True):
        for unit, device in (("W", DEVICE), ("A", replace(DEVICE, connector=2, phases=1))):
            out = codec.limit(command, device, Ability(unit, 3), None)  # type: ignore[arg-type]
            validator = get_validator(2, out.action, version, parse_float=Decimal)
            validator.validate(json.loads(json.dumps(out.payload), parse_float=Decimal))
            profile = out.payload.get("csChargingProfiles") or out.payload["chargingProfile"]
            assert profile["validTo"] == wire_time(end)
            assert end - timedelta(milliseconds=1) < datetime.fromisoformat(profile["validTo"]) <= end


def test_a_whole_chargers_profile_in_1_6() -> None:
    out = CodecV16().limit(COMMAND, DEVICE, Ability("W", 10), None)
    assert (out.action, out.payload) == (
        "SetChargingProfile",
        {
            "connectorId": 0,
            "csChargingProfiles": {
                "chargingProfileId": profile_id(COMMAND.request),
                "stackLevel": 10,
                "chargingProfilePurpose": "ChargePointMaxProfile",
                "chargingProfileKind": "Absolute",
                "validFrom": "2026-01-12T18:00:00.123Z",
                "validTo": "2026-01-12T18:15:00.123Z",
                "chargingSchedule": {
                    "startSchedule": "2026-01-12T18:00:00.123Z",
                    "duration": 900,
                    "chargingRateUnit": "W",
                    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 4200.0}],
                },
            },
        },
    )


def test_a_connectors_profile_in_2_0_1_in_ampere_of_one_phase() -> None:
    device = replace(DEVICE, connector=2, phases=1)
    out = CodecV201().limit(COMMAND, device, Ability("A", 1), None)
    profile = out.payload["chargingProfile"]
    assert out.payload["evseId"] == 2
    assert profile["chargingProfilePurpose"] == "TxDefaultProfile"
    (schedule,) = profile["chargingSchedule"]
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 18.3, "numberPhases": 1}]


@pytest.mark.parametrize(("codec", "number"), [(CODECS[0], 77), (CODECS[1], "77")], ids=["1.6", "2.0.1"])
def test_a_transactions_profile_names_it(codec: Codec, number: object) -> None:
    device = replace(DEVICE, connector=1)
    out = codec.limit(COMMAND, device, Ability(configured_purpose="transaction"), "77")
    profile = out.payload.get("csChargingProfiles") or out.payload["chargingProfile"]
    assert (profile["chargingProfilePurpose"], profile["transactionId"]) == ("TxProfile", number)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (replace(COMMAND, limit_kw=0.0), "at least the floor of ev1, 4.2"),
        (replace(COMMAND, limit_kw=4.19), "at least the floor"),
        (replace(COMMAND, limit_kw=float("nan")), "nan"),
        (replace(COMMAND, limit_kw=float("inf")), "inf"),
        (replace(COMMAND, request="a/b"), "request id"),
        (replace(COMMAND, end=COMMAND.start), "before it starts"),
        (replace(COMMAND, end=COMMAND.end.replace(tzinfo=None)), "no time zone"),
    ],
)
def test_what_must_not_go_out_is_rejected(bad: LimitCommand, words: str) -> None:
    with pytest.raises(CommandRejected, match=words):
        check_limit(bad, DEVICE.floor_kw)
    for codec in CODECS:
        with pytest.raises(CommandRejected):
            codec.limit(bad, DEVICE, Ability(), None)


def test_a_call_that_does_not_match_the_schema_is_rejected() -> None:
    for codec in CODECS:
        with pytest.raises(CommandRejected, match="'high'"):
            codec.limit(COMMAND, DEVICE, Ability("W", "high"), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"units": "Current,Power", "levels": "8"}, Ability("W", 8)),
        ({"units": "Current", "levels": "0"}, Ability("A", 0)),
        ({"units": "A, W"}, Ability("W", 1)),
        ({"units": "furlongs", "levels": "many"}, Ability("A", 1)),
        ({}, Ability("A", 1)),
    ],
)
def test_what_a_charger_can_do(said: dict[str, str], expected: Ability) -> None:
    assert ability(Charger("cp1", (DEVICE,)), **said) == expected


def test_what_is_configured_goes_before_what_it_says() -> None:
    charger = Charger("cp1", (DEVICE,), rate_unit="A", stack_level=5, purpose="default")
    assert ability(charger, units="W", levels="8") == Ability("A", 5, configured_purpose="default")
    assert ability(charger, units="W", levels="3").stack_level == 3


def test_times_are_utc_with_milliseconds() -> None:
    local = datetime(2026, 3, 29, 3, 30, tzinfo=timezone(timedelta(hours=2)))
    assert wire_time(local) == "2026-03-29T01:30:00.000Z"


def test_a_tenth_of_an_ampere_on_three_phases_is_the_tolerance() -> None:
    assert tolerance_kw(DEVICE) == pytest.approx(0.07)
