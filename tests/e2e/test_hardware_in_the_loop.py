"""Hardware in the loop: a charger and a meter that we did not write take the places of simulated ones. What
they take is seen by the simulated network, and what an operator orders is obeyed by the charger.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyModbusTCP.server import DataBank, ModbusServer

from controller.settings_file import load_site
from gridward.api_client import ApiClient, ApiError
from tests.brokers import free_port
from tests.devices.ocpp.conftest import Point, Process
from tests.e2e.processes import Gridward, gridward, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SCENARIO = """
seed = 5
[network]
source = "pandapower:create_kerber_landnetz_freileitung_1"
[time]
start = "2016-01-12T00:00:00+00:00"
days = 1
step_s = 1
[shares]
ev = 0.5
heat_pump = 0.0
critical = 0.0
"""
HARDWARE = """
[[charger]]
device = "{device}"
charge_point = "CP-3"
[[modbus]]
meter = "{meter}"
host = "127.0.0.1"
port = {modbus_port}
profile = "meter_eastron_sdm630"
period_s = 1.0
plain = true
[ocpp]
port = {ocpp_port}
security_profile = 0
"""
DEVICE, BEHIND = "ev-002", 2
METER, METERED = "M-005", 4
"""and the places of their service points, as the seed draws them; behind the meter is no device"""
CAR_KW, LIMIT_KW, METER_KW = 7.4, 4.2, 3.21
VOLTS, WATTS = (0, 2, 4), 52
"""registers of the meter"""


@pytest.fixture
def charger() -> Iterator[Process]:
    process = Process()
    yield process
    process.stop()


@contextmanager
def real_meter(port: int) -> Iterator[None]:
    """One that always shows the same."""
    bank = DataBank()
    bank.set_input_registers(0, [0] * 400)
    for register in VOLTS:
        bank.set_input_registers(register, _float(230.0))
    bank.set_input_registers(WATTS, _float(1000 * METER_KW))
    server = ModbusServer("127.0.0.1", port, no_block=True, data_bank=bank)
    server.start()
    try:
        yield
    finally:
        server.stop()


def _float(value: float) -> list[int]:
    return list(struct.unpack(">HH", struct.pack(">f", value)))


async def test_what_is_real_counts_in_the_simulated_network_and_obeys(
    tmp_path: Path, charger: Process
) -> None:
    ports = {"ocpp_port": free_port(), "modbus_port": free_port()}
    scenario, hardware, folder = tmp_path / "scenario.toml", tmp_path / "hardware.toml", tmp_path / "site"
    scenario.write_text(SCENARIO, encoding="utf-8")
    hardware.write_text(HARDWARE.format(device=DEVICE, meter=METER, **ports), encoding="utf-8")
    site, clock = folder / "site.toml", folder / "clock.json"
    car = Point(charger, "CP-3", "1.6", f"ws://127.0.0.1:{ports['ocpp_port']}/ocpp/CP-3")
    with (
        real_meter(ports["modbus_port"]),
        gridward(
            "field", scenario, "--embedded-broker", "--real", hardware, "--site", folder, "--speed", "1",
            "--console-port", str(free_port()), "--from", "03:00", output=tmp_path / "field.log",
        ) as field,
    ):  # fmt: skip
        wait_for(clock.exists, 90, "the field is up")
        api = ApiClient.of(load_site(site))
        with gridward("run", site, "--clock", clock, output=tmp_path / "daemon.log"):
            wait_for(lambda: _asked(api, "/health"), 90, "the daemon is up")
            await car.join()
            await car.do("begin", "somebody")
            await car.do("meter", CAR_KW, None)
            wait_for(lambda: _takes(api, CAR_KW), 30, "the car charges, its simulated meter shows it")
            wait_for(lambda: _is_known(field, DEVICE, METER), 30, "the field knows what both take")
            wait_for(lambda: _adds_up(api), 30, "the real meter counts, at the simulated substation too")
            _limit(api)
            assert await _limit_of(car) == pytest.approx(LIMIT_KW, abs=0.05)
            await car.do("meter", LIMIT_KW, None)
            wait_for(lambda: _takes(api, LIMIT_KW), 30, "the car takes less, its simulated meter shows it")


def _asked(api: ApiClient, path: str) -> dict[str, Any]:
    """Nothing while the daemon cannot tell."""
    try:
        return api.get(path)
    except ApiError:
        return {}


def _takes(api: ApiClient, kw: float) -> bool:
    """The charger by its own word, and by the simulated meter; the household behind it adds little."""
    said = _asked(api, f"/api/v1/devices/{DEVICE}").get("device", {})
    shown = _asked(api, "/api/v1/feeders/F1/state").get("service_point_kw")
    is_said = said.get("health") == "good" and said["p_kw"] == pytest.approx(kw)
    return bool(is_said and shown and kw <= shown[BEHIND] < kw + 2.0)


def _is_known(field: Gridward, *parts: str) -> bool:
    known = [line for line in field.said().splitlines() if '"real_power_known"' in line]
    return all(any(f'"{part}"' in line for line in known) for part in parts)


def _adds_up(api: ApiClient) -> bool:
    """The real meter is read as it shows, and meters and losses come to what the substation shows."""
    state = api.get("/api/v1/feeders/F1/state")
    is_read = state["service_point_kw"][METERED] == pytest.approx(METER_KW)
    return is_read and state["quality"]["alarm"] is None and state["quality"]["substation_p_kw"] is not None


def _limit(api: ApiClient) -> None:
    until = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    order = {"action": "limit", "targets": [DEVICE], "limit_kw": LIMIT_KW, "until": until, "why": "try"}
    drafted = api.post("/api/v1/feeders/F1/orders", {**order, "who": "me"})
    api.post(f"/api/v1/orders/{drafted['order']}/confirm", {"who": "me", "seen": drafted["effect_number"]})


async def _limit_of(car: Point) -> float:
    """By the charger's own reading of its profiles, once it was told one by this order."""
    wait_for(lambda: car.events("set"), 30, "the charger is told a limit")
    return await car.limit_kw()
