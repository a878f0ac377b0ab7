"""Builds the central system that a site's chargers connect to, from its settings and registries."""

import ssl
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from controller.errors import ConfigRejected
from controller.feeder_control import FeederControl
from controller.settings import FeederCharger, Ocpp, Site
from customers.charging_station_files import load_stations
from customers.charging_stations import ChargingMap, PlugNow
from devices.ocpp.driver import CentralSystem
from devices.ocpp.settings import Charger, ChargerDevice, CsmsSettings, gather, server_tls_context
from devices.ports import Clock


def central_system(
    site: Site, feeders: Iterable[FeederControl], clock: Clock, rng: np.random.Generator, wire_clock: Clock
) -> CentralSystem | None:
    """None when no feeder has a charger. Raises ConfigRejected, ProfileRejected; OSError for certificates."""
    chargers = gather(_placed(site, feeders))
    if not chargers:
        return None
    ocpp = site.ocpp
    settings = CsmsSettings(
        chargers,
        host=ocpp.host,
        port=ocpp.port,
        path=ocpp.path,
        security_profile=ocpp.security_profile,
        tls=_tls(ocpp),
        who_may_charge=None if ocpp.who_may_charge is None else frozenset(ocpp.who_may_charge),
        clock_tolerance_s=ocpp.clock_tolerance_s,
        power_fresh_s=ocpp.power_fresh_s,
    )
    return CentralSystem(settings, clock, rng, wire_clock)


def charging_map(site: Site, central: CentralSystem | None) -> ChargingMap | None:
    """The stations of the site, with what its chargers say. Raises RegistryRejected, ConfigRejected."""
    if site.ocpp.stations is None:
        return None

    def plugs_now() -> dict[tuple[str, int], PlugNow]:
        said = {} if central is None else central.plugs()
        return {
            (name, number): PlugNow(plug.occupancy, plug.since, plug.limit_kw)
            for name, plugs in said.items()
            for number, plug in plugs.items()
        }

    return ChargingMap(load_stations(site.ocpp.stations), plugs_now)


def _placed(site: Site, feeders: Iterable[FeederControl]) -> Iterator[Charger]:
    controls = {control.feeder: control for control in feeders}
    for feeder in site.feeder:
        for row in feeder.charger:
            yield _charger(row, controls[feeder.id])


def _charger(row: FeederCharger, control: FeederControl) -> Charger:
    device = control.registry.device.get(row.device)
    if device is None:
        raise ConfigRejected(
            [f"charger {row.charge_point!r}: no device {row.device!r} on {control.feeder!r}"]
        )
    placed = ChargerDevice(
        feeder=control.feeder,
        device=row.device,
        connector=row.connector,
        floor_kw=device.min_kw,
        phases=row.phases,
        nominal_v=row.nominal_v,
        current_step_a=row.current_step_a,
        rated_kw=device.rated_kw,
        meter=row.meter,
    )
    return Charger(
        charge_point=row.charge_point,
        devices=(placed,),
        password=_password(row.password_file),
        certificate_name=row.certificate_name,
        rate_unit=row.rate_unit,
        purpose=row.purpose,
        stack_level=row.stack_level,
        meter_interval_s=row.meter_interval_s,
    )


def _password(file: Path | None) -> str | None:
    return None if file is None else file.read_text(encoding="utf-8").rstrip("\n")


def _tls(ocpp: Ocpp) -> ssl.SSLContext | None:
    if ocpp.certificate_file is None or ocpp.key_file is None:
        return None
    return server_tls_context(ocpp.certificate_file, ocpp.key_file, ocpp.client_ca_file)
