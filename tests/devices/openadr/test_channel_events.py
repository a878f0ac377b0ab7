"""Our requests as events: what the published documents say to them, and that every one of them has an end."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import CommandRejected, ProfileRejected
from devices.messages import LimitCommand
from devices.openadr.channel_settings import ChannelSettings, OpenAdrDevice, Version, check_settings
from devices.openadr.events_out import (
    Standing,
    check_command,
    limit_event,
    read_limit,
    read_standing,
    release_event,
    standing_event,
)
from tests.devices.openadr.openapi_document import faults

AT = datetime(2026, 1, 10, 18, 0, tzinfo=UTC)
DEVICE = OpenAdrDevice("f1", "ev1", "home-1", "client-1", "wallbox", floor_kw=4.2)
COMMAND = LimitCommand("f1", "ev1", "r1", 4.2, AT, AT + timedelta(minutes=15), 3, 2)
SCHEMAS: dict[Version, str] = {"3.0.1": "event", "3.1.1": "eventRequest"}
VERSIONS = list(SCHEMAS)


def settings(version: Version = "3.1.1") -> ChannelSettings:
    return ChannelSettings((DEVICE,), version)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_event_is_as_its_document_says(version: Version) -> None:
    rules = settings(version)
    for device in (DEVICE, replace(DEVICE, resource=None)):
        for body in (
            limit_event(COMMAND, device, "p1", rules),
            release_event(COMMAND, device, "p1", rules, AT + timedelta(minutes=3)),
            standing_event(device, "p1", rules, AT),
        ):
            assert faults(version, SCHEMAS[version], body) == []


def test_the_documents_are_judges_that_can_say_no() -> None:
    body = limit_event(COMMAND, DEVICE, "p1", settings())
    assert faults("3.1.1", "eventRequest", {**body, "priority": -1})
    assert faults("3.1.1", "eventRequest", {**body, "targets": [{"type": "VEN_NAME", "values": ["x"]}]})
    assert faults("3.0.1", "event", {**body, "targets": ["home-1"]})


def test_the_request_is_all_inside() -> None:
    body = limit_event(COMMAND, DEVICE, "p1", settings())
    assert body["eventName"] == "gridward/f1/ev1/r1/3"
    assert body["intervalPeriod"] == {"start": "2026-01-10T18:00:00Z", "duration": "PT900S"}
    assert body["intervals"] == [{"id": 2, "payloads": [{"type": "IMPORT_CAPACITY_LIMIT", "values": [4.2]}]}]
    assert body["payloadDescriptors"][0]["units"] == "KW"
    assert [each["payloadType"] for each in body["reportDescriptors"]] == [
        "SETPOINT",
        "OPERATING_STATE",
        "READING",
    ]


def test_a_limit_of_production_is_another_payload_and_knows_no_floor() -> None:
    command = replace(COMMAND, direction="production", limit_kw=0.0)
    check_command(command, DEVICE.floor_kw)
    body = limit_event(command, DEVICE, "p1", settings())
    assert body["intervals"][0]["payloads"] == [{"type": "EXPORT_CAPACITY_LIMIT", "values": [0.0]}]
    assert read_limit(body) == command


def test_targets_are_named_by_type_in_3_0_and_are_one_granted_word_in_3_1() -> None:
    assert limit_event(COMMAND, DEVICE, "p1", settings())["targets"] == ["RESOURCE_NAME:wallbox"]
    assert limit_event(COMMAND, replace(DEVICE, target="x"), "p1", settings())["targets"] == ["x"]
    assert limit_event(COMMAND, DEVICE, "p1", settings("3.0.1"))["targets"] == [
        {"type": "RESOURCE_NAME", "values": ["wallbox"]},
        {"type": "VEN_NAME", "values": ["home-1"]},
    ]


moments = st.timedeltas(timedelta(days=-9000), timedelta(days=30_000)).map(lambda later: AT + later)
lengths = st.timedeltas(timedelta(seconds=2), timedelta(days=400))


@given(moments, lengths, st.floats(4.2, 1e6), st.integers(1, 2**31 - 1))
def test_every_limit_has_an_end_that_is_not_after_ours(
    start: datetime, length: timedelta, limit_kw: float, sequence: int
) -> None:
    command = LimitCommand("f1", "ev1", "r1", limit_kw, start, start + length, 1, sequence)
    body = limit_event(command, DEVICE, "p1", settings())
    assert re.fullmatch(r"PT[1-9]\d*S", body["intervalPeriod"]["duration"])
    back = read_limit(body)
    assert back is not None
    assert back.limit_kw == limit_kw
    assert command.end - timedelta(seconds=1) < back.end <= command.end


@given(moments, lengths, st.timedeltas(timedelta(days=-500), timedelta(days=500)))
def test_a_release_is_an_event_that_is_over_and_still_has_an_end(
    start: datetime, length: timedelta, later: timedelta
) -> None:
    now = start + later
    command = LimitCommand("f1", "ev1", "r1", 4.2, start, start + length, 1, 2)
    body = release_event(command, DEVICE, "p1", settings(), now)
    assert re.fullmatch(r"PT[1-9]\d*S", body["intervalPeriod"]["duration"])
    back = read_limit(body)
    assert back is not None
    assert back.start < back.end <= now
    assert back.end <= command.end


@pytest.mark.parametrize(
    "command",
    [
        replace(COMMAND, limit_kw=4.1),
        replace(COMMAND, limit_kw=float("nan")),
        replace(COMMAND, limit_kw=float("inf")),
        replace(COMMAND, end=AT),
        replace(COMMAND, end=AT + timedelta(milliseconds=900)),
        replace(COMMAND, start=AT.replace(tzinfo=None)),
        replace(COMMAND, sequence=0),
        replace(COMMAND, sequence=2**31),
        replace(COMMAND, request="a/b"),
    ],
)
def test_what_must_not_go_out_does_not(command: LimitCommand) -> None:
    with pytest.raises(CommandRejected):
        check_command(command, DEVICE.floor_kw)


@pytest.mark.parametrize(
    "change",
    [
        {"eventName": "gridward/f1/ev1/r1"},
        {"eventName": "somebody/f1/ev1/r1/3"},
        {"eventName": None},
        {"intervals": []},
        {"intervalPeriod": {"start": "2026-01-10T18:00:00Z"}},
        {"intervalPeriod": {"start": "2026-01-10T18:00:00Z", "duration": "P9999Y"}},
        {"intervalPeriod": {"start": "0001-01-01T00:00:00Z", "duration": "PT1H"}},
        {"intervals": [{"id": 1, "payloads": [{"type": "PRICE", "values": [1.0]}]}]},
        {"intervals": [{"id": 1, "payloads": [{"type": "IMPORT_CAPACITY_LIMIT", "values": ["4.2"]}]}]},
    ],
)
def test_what_we_never_say_is_not_ours(change: dict[str, object]) -> None:
    assert read_limit({**limit_event(COMMAND, DEVICE, "p1", settings()), **change}) is None


def test_a_standing_request_is_known_again_and_sets_no_limit() -> None:
    body = standing_event(DEVICE, "p1", settings(), AT)
    assert read_standing(body) == Standing("f1", "ev1", AT)
    assert read_limit(body) is None
    assert read_standing(limit_event(COMMAND, DEVICE, "p1", settings())) is None


@pytest.mark.parametrize(
    ("devices", "word"),
    [
        ((DEVICE, DEVICE), "twice"),
        ((DEVICE, replace(DEVICE, device="ev2")), "resource"),
        ((DEVICE, replace(DEVICE, device="ev2", ven="home-2")), "target"),
        ((replace(DEVICE, feeder="a/b"),), "feeder"),
        ((replace(DEVICE, ven=""),), "ven"),
    ],
)
def test_settings_that_contradict_themselves_are_rejected(
    devices: tuple[OpenAdrDevice, ...], word: str
) -> None:
    with pytest.raises(ProfileRejected, match=word):
        check_settings(ChannelSettings(devices))
