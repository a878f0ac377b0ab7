"""Frames and payloads of both versions: the specifications' shapes with values of our own, and any bytes."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp.messages import get_validator

from devices.errors import MalformedMessage
from devices.ocpp.charging_profile import Ability
from devices.ocpp.codec_v16 import CodecV16
from devices.ocpp.codec_v201 import CodecV201
from devices.ocpp.frames import (
    Call,
    CallError,
    CallResult,
    call_frame,
    error_frame,
    read_frame,
    result_frame,
)
from devices.ocpp.heard import (
    Beat,
    Booted,
    Charging,
    Codec,
    ConnectorSaid,
    Heard,
    Measured,
    Measurement,
    Noted,
    ReplyFacts,
    TokenAsked,
)
from devices.ocpp.settings import Charger, ChargerDevice

V16, V201 = CodecV16(), CodecV201()
CODECS: dict[str, Codec] = {"1.6": V16, "2.0.1": V201}
AT = datetime(2026, 1, 12, 18, 0, 30, tzinfo=UTC)
T = "2026-01-12T18:00:30Z"
DEVICE = ChargerDevice("f1", "ev1")


def read(codec: Codec, action: str, payload: Any, phases: dict[int, int] | None = None) -> Heard:
    return codec.read(action, json.dumps(payload).encode(), phases or {})


# ---- frames ------------------------------------------------------------------------------------------------


def test_the_three_frames() -> None:
    assert read_frame('[2,"19223201","BootNotification",{"a":1}]') == Call(
        "19223201", "BootNotification", b'{"a":1}'
    )
    assert read_frame(b'[3, "19223201", {"status": "Accepted"}]') == CallResult(
        "19223201", b'{"status": "Accepted"}'
    )
    assert read_frame('[4,"162376037","NotSupported","SetDisplayMessageRequest not implemented",{}]') == (
        CallError("162376037", "NotSupported", "SetDisplayMessageRequest not implemented")
    )
    # chargers leave the details out, and the description too
    assert read_frame('[4,"1","InternalError"]') == CallError("1", "InternalError", "")


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("", "malformed"),
        ("{}", "malformed"),
        ("[]", "missing_field"),
        ('["2","1","Heartbeat",{}]', "wrong_type"),
        ('[2,1,"Heartbeat",{}]', "wrong_type"),
        ('[2,"1","Heartbeat"]', "malformed"),
        ('[5,"1",{}]', "malformed"),
        ('[2,"","Heartbeat",{}]', "out_of_range"),
        (f'[2,"{"1" * 37}","Heartbeat",{{}}]', "out_of_range"),
        ('[2,"1","Heartbeat",{}', "malformed"),
        ("[" * 100_000, "malformed"),
        (b"\xff\xfe", "malformed"),
    ],
)
def test_what_is_no_frame_is_malformed(frame: str | bytes, reason: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        read_frame(frame)
    assert caught.value.reason == reason


def test_our_frames() -> None:
    assert call_frame("1", "Reset", {"type": "Hard"}) == '[2,"1","Reset",{"type":"Hard"}]'
    assert result_frame("1", {}) == '[3,"1",{}]'
    assert error_frame("1", "GenericError", "x" * 300) == f'[4,"1","GenericError","{"x" * 255}",{{}}]'


# ---- what they mean ----------------------------------------------------------------------------------------

HEARD_16: list[tuple[str, dict[str, Any], Heard]] = [
    (
        "BootNotification",
        {"chargePointVendor": "VendorX", "chargePointModel": "SingleSocketCharger", "iccid": ""},
        Booted("VendorX", "SingleSocketCharger", None),
    ),
    ("Heartbeat", {}, Beat()),
    (
        "StatusNotification",
        {"connectorId": 1, "errorCode": "NoError", "status": "SuspendedEV", "timestamp": T},
        ConnectorSaid(1, "SuspendedEV", AT),
    ),
    (
        "StatusNotification",
        {"connectorId": 0, "errorCode": "GroundFailure", "status": "Faulted"},
        ConnectorSaid(0, "Faulted", None, "GroundFailure"),
    ),
    ("Authorize", {"idTag": "B4F62CEF"}, TokenAsked("B4F62CEF")),
    (
        "StartTransaction",
        {"connectorId": 2, "idTag": "B4F62CEF", "meterStart": 300, "timestamp": T},
        Charging("started", 2, None, AT, "B4F62CEF"),
    ),
    (
        "StopTransaction",
        {"transactionId": 49, "meterStop": 9100, "timestamp": T, "reason": "EVDisconnected"},
        Charging("ended", None, "49", AT),
    ),
    (
        "MeterValues",
        {
            "connectorId": 1,
            "transactionId": 49,
            "meterValue": [
                {
                    "timestamp": T,
                    "sampledValue": [
                        {"value": "7360", "measurand": "Power.Active.Import", "unit": "W"},
                        {"value": "12.5", "measurand": "Energy.Active.Import.Register", "unit": "kWh"},
                        {"value": "231.5", "measurand": "Voltage", "phase": "L1-N", "unit": "V"},
                        {"value": "32.1", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
                        {"value": "55", "measurand": "SoC", "unit": "Percent"},
                    ],
                }
            ],
        },
        Measured(1, (Measurement(AT, 7.36, 12.5, (231.5,), (32.1,)),), "49"),
    ),
    ("FirmwareStatusNotification", {"status": "Idle"}, Noted("FirmwareStatusNotification")),
    ("DataTransfer", {"vendorId": "x"}, Noted("DataTransfer")),
]
HEARD_201: list[tuple[str, dict[str, Any], Heard]] = [
    (
        "BootNotification",
        {
            "reason": "PowerUp",
            "chargingStation": {"model": "M", "vendorName": "V", "firmwareVersion": "3"},
            "customData": {"vendorId": "v"},
        },
        Booted("V", "M", "3"),
    ),
    ("Heartbeat", {}, Beat()),
    (
        "StatusNotification",
        {"timestamp": T, "connectorStatus": "Occupied", "evseId": 2, "connectorId": 1},
        ConnectorSaid(2, "Occupied", AT),
    ),
    ("Authorize", {"idToken": {"idToken": "042F", "type": "ISO14443"}}, TokenAsked("042F")),
    (
        "TransactionEvent",
        {
            "eventType": "Updated",
            "timestamp": T,
            "triggerReason": "MeterValuePeriodic",
            "seqNo": 3,
            "offline": True,
            "transactionInfo": {"transactionId": "ab-1", "chargingState": "Charging"},
            "evse": {"id": 2, "connectorId": 1},
            "meterValue": [
                {
                    "timestamp": T,
                    "sampledValue": [
                        {"value": 2.2, "measurand": "Power.Active.Import", "phase": p,
                         "unitOfMeasure": {"unit": "W", "multiplier": 3}}
                        for p in ("L1", "L2", "L3")
                    ] + [{"value": 8000}],
                }
            ],
        },
        Charging(
            "updated", 2, "ab-1", AT, None, (Measurement(AT, 6.6000000000000005, 8.0),), True
        ),
    ),
    ("NotifyReport", {"requestId": 1}, Noted("NotifyReport")),
    ("NotifyEVChargingNeeds", {"evseId": 1}, Noted("NotifyEVChargingNeeds")),
]  # fmt: skip
BOTH = [("1.6", *case) for case in HEARD_16] + [("2.0.1", *case) for case in HEARD_201]


@pytest.mark.parametrize(("version", "action", "payload", "expected"), BOTH)
def test_what_a_charger_says(version: str, action: str, payload: Any, expected: Heard) -> None:
    assert read(CODECS[version], action, payload) == expected


@pytest.mark.parametrize(("version", "action", "payload", "expected"), BOTH)
@pytest.mark.parametrize("accepted", [True, False])
def test_every_reply_matches_the_published_schema(
    version: str, action: str, payload: Any, expected: Heard, accepted: bool
) -> None:
    facts = ReplyFacts(AT, 60, accepted, 7)
    reply = CODECS[version].reply(action, expected, facts)
    get_validator(3, action, version).validate(reply)


def test_replies_give_time_token_and_number() -> None:
    facts = ReplyFacts(AT, 60, False, 7)
    now = "2026-01-12T18:00:30.000Z"
    boot = {"status": "Accepted", "currentTime": now, "interval": 60}
    for codec in CODECS.values():
        assert codec.reply("BootNotification", Booted("V", "M", None), facts) == boot
        assert codec.reply("Heartbeat", Beat(), facts) == {"currentTime": now}
    start = Charging("started", 1, None, AT, "T")
    assert V16.reply("StartTransaction", start, facts) == {
        "idTagInfo": {"status": "Invalid"},
        "transactionId": 7,
    }
    begun = Charging("started", 1, "tx", AT, "T")
    assert V201.reply("TransactionEvent", begun, facts) == {"idTokenInfo": {"status": "Invalid"}}


def metered(*sampled: dict[str, Any], version: str = "1.6", phases: int = 3) -> Measurement | None:
    place = "connectorId" if version == "1.6" else "evseId"
    payload = {place: 1, "meterValue": [{"timestamp": T, "sampledValue": list(sampled)}]}
    heard = read(CODECS[version], "MeterValues", payload, {1: phases})
    assert isinstance(heard, Measured)
    return heard.values[0] if heard.values else None


def watts(value: str, **more: str) -> dict[str, str]:
    return {"value": value, "measurand": "Power.Active.Import", "unit": "W", **more}


def test_absent_is_not_zero() -> None:
    only_energy = metered({"value": "1000"})
    assert only_energy == Measurement(AT, None, 1.0)
    # two phases of three are not the connector's power
    assert metered(watts("1000", phase="L1"), watts("1000", phase="L2"), {"value": "1"}) == (
        Measurement(AT, None, 0.001)
    )
    assert metered({"value": "21", "measurand": "Temperature", "unit": "Celcius"}) is None
    zero = metered(watts("0"))
    assert zero is not None
    assert zero.p_kw == 0.0


def test_phases_are_summed_when_all_are_there_and_the_total_goes_before_them() -> None:
    phases = [watts(value, phase=phase) for value, phase in (("1000", "L1"), ("1100", "L2"), ("900", "L3-N"))]
    summed = metered(*phases)
    assert summed is not None
    assert summed.p_kw == pytest.approx(3.0)
    total = metered(*phases, watts("3.1", unit="kW"))
    assert total is not None
    assert total.p_kw == pytest.approx(3.1)
    single = metered(watts("1000", phase="L1"), phases=1)
    assert single is not None
    assert single.p_kw == pytest.approx(1.0)


def test_the_outlet_counts_then_the_inlet_and_never_the_car() -> None:
    both = metered(watts("50", location="Inlet"), watts("40", location="Outlet"), watts("30", location="EV"))
    assert both is not None
    assert both.p_kw == pytest.approx(0.04)
    assert metered(watts("30", location="EV")) is None


def test_what_is_fed_back_is_taken_off() -> None:
    export = {"value": "2000", "measurand": "Power.Active.Export"}
    back = metered(watts("500"), export)
    assert back is not None
    assert back.p_kw == pytest.approx(-1.5)


@pytest.mark.parametrize(
    ("sampled", "reason"),
    [
        (watts("seven"), "wrong_type"),
        (watts("12,5"), "wrong_type"),
        (watts("NaN"), "out_of_range"),
        (watts("inf"), "out_of_range"),
        (watts("-1000"), "out_of_range"),
        (watts("99999999999"), "out_of_range"),
        (watts("1", unit="hp"), "wrong_type"),
        ({"value": "-1"}, "out_of_range"),
        ({"measurand": "Voltage"}, "missing_field"),
        ({"value": 7}, "wrong_type"),
    ],
)
def test_a_value_that_cannot_be_is_told(sampled: dict[str, Any], reason: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        metered(sampled)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("sampled", "reason"),
    [
        ({"value": 1, "unitOfMeasure": {"multiplier": 400}}, "out_of_range"),
        ({"value": -1}, "out_of_range"),
        ({"value": "7"}, "wrong_type"),
        ({}, "missing_field"),
    ],
)
def test_a_value_that_cannot_be_is_told_in_2_0_1(sampled: dict[str, Any], reason: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        metered(sampled, version="2.0.1")
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"errorCode": "NoError", "status": "Available"}, "missing_field"),
        ({"connectorId": "1", "errorCode": "NoError", "status": "Available"}, "wrong_type"),
        ({"connectorId": -1, "errorCode": "NoError", "status": "Available"}, "out_of_range"),
        ({"connectorId": 1, "status": "Available", "timestamp": "2026-01-12T18:00:30"}, "wrong_type"),
        ([], "wrong_type"),
    ],
)
def test_a_status_that_cannot_be_is_told(payload: Any, reason: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        read(V16, "StatusNotification", payload)
    assert caught.value.reason == reason


def test_a_call_that_we_do_not_answer_is_told_in_the_protocols_words() -> None:
    for codec in CODECS.values():
        with pytest.raises(MalformedMessage) as caught:
            read(codec, "MakeCoffee", {})
        assert codec.error_code(caught.value.reason) == "NotImplemented"
    assert V16.error_code("missing_field") == "OccurenceConstraintViolation"
    assert V201.error_code("missing_field") == "OccurrenceConstraintViolation"


# ---- answers to our calls ----------------------------------------------------------------------------------


def composite(version: str, unit: str, periods: list[dict[str, Any]]) -> bytes:
    schedule = {"chargingRateUnit": unit, "chargingSchedulePeriod": periods, "duration": 60}
    if version == "1.6":
        return json.dumps({"status": "Accepted", "connectorId": 0, "chargingSchedule": schedule}).encode()
    return json.dumps({"status": "Accepted", "schedule": {"evseId": 0, **schedule}}).encode()


@pytest.mark.parametrize("version", CODECS)
def test_what_a_charger_holds(version: str) -> None:
    codec = CODECS[version]
    watt = composite(version, "W", [{"startPeriod": 0, "limit": 4200}, {"startPeriod": 30, "limit": 11000}])
    assert codec.read_held(watt, DEVICE) == pytest.approx(4.2)
    ampere = composite(version, "A", [{"startPeriod": 0, "limit": 6.1}])
    assert codec.read_held(ampere, DEVICE) == pytest.approx(4.209)
    one_phase = composite(version, "A", [{"startPeriod": 0, "limit": 16, "numberPhases": 1}])
    assert codec.read_held(one_phase, DEVICE) == pytest.approx(3.68)
    assert codec.read_held(composite(version, "A", [{"startPeriod": 9, "limit": 1}]), DEVICE) is None
    assert codec.read_held(b'{"status": "Accepted"}', DEVICE) is None
    for wrong in (b'{"status": "Rejected"}', composite(version, "A", [{"startPeriod": 0, "limit": -1}])):
        with pytest.raises(MalformedMessage):
            codec.read_held(wrong, DEVICE)


def test_what_a_charger_says_it_can_do() -> None:
    charger = Charger("cp1", (DEVICE,))
    said = {
        "configurationKey": [
            {"key": "ChargingScheduleAllowedChargingRateUnit", "readonly": True, "value": "Current,Power"},
            {"key": "ChargeProfileMaxStackLevel", "readonly": True, "value": "8"},
            {"key": "SupportedFeatureProfiles", "readonly": True, "value": "Core, FirmwareManagement"},
        ],
        "unknownKey": ["x"],
    }
    assert V16.read_ability(json.dumps(said).encode(), charger) == Ability("W", 8, smart_charging=False)
    assert V16.read_ability(b"{}", charger) == Ability("A", 1)
    component = {"name": "SmartChargingCtrlr"}
    result = [
        {"attributeStatus": "Accepted", "attributeValue": "A", "component": component,
         "variable": {"name": "RateUnit"}},
        {"attributeStatus": "UnknownVariable", "component": component,
         "variable": {"name": "ProfileStackLevel"}},
    ]  # fmt: skip
    read_201 = V201.read_ability(json.dumps({"getVariableResult": result}).encode(), charger)
    assert read_201 == Ability("A", 1)


@pytest.mark.parametrize("version", CODECS)
def test_our_calls_match_the_published_schemas(version: str) -> None:
    codec, charger = CODECS[version], Charger("cp1", (DEVICE,))
    calls = [
        codec.ask_held(DEVICE, "A"),
        codec.ask_ability(),
        codec.release("r1"),
        codec.clear_level(DEVICE, Ability()),
        codec.trigger("StatusNotification"),
        codec.trigger("MeterValues"),
        codec.trigger("Heartbeat"),
        *codec.wishes(charger),
    ]
    for call in calls:
        get_validator(2, call.action, version).validate(call.payload)
    assert codec.wishes(Charger("cp1", (DEVICE,), meter_interval_s=None)) == ()


def test_an_answers_reason_is_read() -> None:
    payload = b'{"status":"Rejected","statusInfo":{"reasonCode":"DuplicateProfile","additionalInfo":"id 3"}}'
    assert V201.read_status(payload) == ("Rejected", "DuplicateProfile: id 3")
    assert V16.read_status(b'{"status":"NotSupported"}') == ("NotSupported", None)


# ---- any bytes ---------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(T),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ACTIONS = [*sorted({action for action, _, _ in HEARD_16 + HEARD_201}), "MakeCoffee"]
FIELDS = st.sampled_from(
    ["connectorId", "evseId", "status", "timestamp", "meterValue", "sampledValue", "value", "unit",
     "transactionInfo", "transactionId", "evse", "idToken", "idTag", "chargingStation", "eventType"]
)  # fmt: skip
PAYLOADS = st.dictionaries(FIELDS, JSON, max_size=5)


ALLOWED = {None, "malformed", "unknown_topic", "missing_field", "wrong_type", "too_large", "out_of_range"}


def reason_of(read_it: Callable[[], object]) -> str | None:
    """None when it can be read; any error but the one fails the test."""
    try:
        read_it()
    except MalformedMessage as error:
        return error.reason
    return None


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_frame_is_read_or_raises_the_one_error(data: bytes | str) -> None:
    assert reason_of(lambda: read_frame(data)) in ALLOWED


@given(st.sampled_from(sorted(CODECS)), st.sampled_from(ACTIONS), st.binary(max_size=80) | PAYLOADS)
def test_any_payload_is_read_and_answered_or_raises_the_one_error(
    version: str, action: str, payload: bytes | dict[str, Any]
) -> None:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    codec = CODECS[version]

    def read_and_answer() -> str:
        heard = codec.read(action, raw, {})
        return result_frame("1", codec.reply(action, heard, ReplyFacts(AT, 60)))

    assert reason_of(read_and_answer) in ALLOWED


@given(st.sampled_from(sorted(CODECS)), st.binary(max_size=80) | JSON.map(lambda j: json.dumps(j).encode()))
def test_any_answer_is_read_or_raises_the_one_error(version: str, raw: bytes) -> None:
    codec, charger = CODECS[version], Charger("cp1", (DEVICE,))
    assert reason_of(lambda: codec.read_status(raw)) in ALLOWED
    assert reason_of(lambda: codec.read_held(raw, DEVICE)) in ALLOWED
    assert reason_of(lambda: codec.read_ability(raw, charger)) in ALLOWED


@pytest.mark.parametrize("position", range(0, 240, 7))
def test_a_frame_with_one_byte_changed_is_read_or_raises_the_one_error(position: int) -> None:
    frame = json.dumps([2, "1", "MeterValues", HEARD_16[7][1]]).encode()

    def read_it(changed: bytes) -> None:
        call = read_frame(changed)
        if isinstance(call, Call):
            V16.read(call.action, call.payload, {})

    for value in (0, 0x22, 0x5D, 0x7D, 0x80, 0xFF):
        changed = frame[:position] + bytes([value]) + frame[position + 1 :]
        assert reason_of(lambda changed=changed: read_it(changed)) in ALLOWED  # type: ignore[misc]
