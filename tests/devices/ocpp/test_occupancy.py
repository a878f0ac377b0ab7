"""Which plugs are free, in a driver's words."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from ocpp.v16.enums import ChargePointStatus
from ocpp.v201.enums import ConnectorStatusEnumType

from devices.messages import LimitCommand
from devices.ocpp.charger_state import ChargerState
from devices.ocpp.charging_profile import wire_limit
from devices.ocpp.heard import ConnectorSaid
from devices.ocpp.occupancy import Occupancy, PlugState, plugs
from devices.ocpp.settings import Charger, ChargerDevice

NOW = datetime(2026, 1, 12, 18, tzinfo=UTC)
WORDS = sorted({str(w.value) for w in (*ChargePointStatus, *ConnectorStatusEnumType)})


def state_of(*devices: ChargerDevice, online: bool = True) -> ChargerState:
    state = ChargerState(Charger("cp1", devices or (ChargerDevice("f1", "ev1"),)), power_fresh_s=300)
    state.online = online
    return state


def said(state: ChargerState, connector: int, status: str) -> ChargerState:
    state.learn(ConnectorSaid(connector, status, NOW), NOW)
    return state


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_both_versions_is_understood(word: str) -> None:
    occupancy = plugs(said(state_of(), 1, word), NOW)[1].occupancy
    assert occupancy in get_args(Occupancy)
    assert occupancy != "unknown"
    assert (occupancy == "available") == (word == "Available")


def test_what_nobody_knows_is_not_free() -> None:
    assert plugs(said(state_of(), 1, "Resting"), NOW)[1].occupancy == "unknown"
    assert plugs(said(state_of(online=False), 1, "Available"), NOW)[1] == PlugState("unknown", None, None)
    assert plugs(state_of(), NOW) == {}


def test_a_charger_that_is_broken_has_no_free_plug() -> None:
    state = said(said(said(state_of(), 0, "Faulted"), 1, "Available"), 2, "Charging")
    assert {number: plug.occupancy for number, plug in plugs(state, NOW).items()} == {
        1: "out_of_order",
        2: "occupied",
    }


def test_the_lower_limit_of_charger_and_connector_counts_while_it_is_in_force() -> None:
    whole, left = ChargerDevice("f1", "whole", 0), ChargerDevice("f1", "left", 1)
    state = said(said(state_of(whole, left), 1, "Charging"), 2, "Charging")
    for device, kw in ((whole, 11.0), (left, 4.2)):
        command = LimitCommand("f1", device.device, "r1", kw, NOW, NOW + timedelta(minutes=15), 1, 1)
        state.accept(device, command, wire_limit(kw, device, "W"))
    assert {n: plug.limit_kw for n, plug in plugs(state, NOW).items()} == {1: 4.2, 2: 11.0}
    assert plugs(state, NOW + timedelta(minutes=15))[1].limit_kw is None
