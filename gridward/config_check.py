"""`gridward config check SITE.toml`: all that would keep the daemon from starting, told before."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from controller.clock import WallClock
from controller.errors import ConfigRejected
from controller.feeder_control import FeederControl, build_control
from controller.proving.settling import site_terms
from controller.settings import Feeder, Site
from controller.settings_file import load_site
from controller.stores.opening import missing_extra
from customers.charging_station_files import load_stations
from customers.errors import RegistryRejected
from devices.errors import ProfileRejected
from grid_model.errors import NetworkRejected
from grid_model.network import load_network
from gridward.chargers import central_system
from gridward.modbus_units import modbus_units
from gridward.notices import notice_findings
from gridward.openadr_devices import openadr_rows
from gridward.registries import registry_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`check SITE.toml`."""
    commands = parser.add_subparsers(dest="config_command", required=True, metavar="check")
    check = commands.add_parser(
        "check", help="settings, customers, devices, programmes and networks of a site"
    )
    check.add_argument("site", type=Path, metavar="SITE.toml")
    check.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def run(args: argparse.Namespace) -> int:
    """0 when a daemon can run on it; 2 with all findings when not."""
    findings = list(_findings(args.site))
    if args.json:
        print(
            json.dumps(
                {"site": str(args.site), "fine": not findings, "findings": findings}, ensure_ascii=False
            )
        )
    elif findings:
        print("\n".join(findings), file=sys.stderr)
    else:
        print(f"{args.site}: fine")
    return 2 if findings else 0


def _findings(path: Path) -> Iterator[str]:
    try:
        site = load_site(path)
    except ConfigRejected as error:
        yield from error.findings
        return
    missing = missing_extra() if site.store.postgres is not None else None
    if missing is not None:
        yield f"{path}, store.postgres: {missing}"
    controls: list[FeederControl] = []
    if site.ocpp.stations is not None:
        yield from _station_findings(site.ocpp.stations)
    yield from notice_findings(site)
    for feeder in site.feeder:
        yield from _feeder_findings(site, feeder, controls)
    try:
        site_terms(site, controls)
    except ConfigRejected as error:
        yield from error.findings
    yield from _field_findings(path, site, controls)


def _field_findings(path: Path, site: Site, controls: list[FeederControl]) -> Iterator[str]:
    """What is wrong with the rows of devices, protocol by protocol; nothing is connected."""
    clock, rng = WallClock(), np.random.default_rng()
    looks: tuple[Callable[[], object], ...] = (
        lambda: modbus_units(site, controls),
        lambda: openadr_rows(site, controls),
        lambda: central_system(site, controls, clock, rng, clock),
    )
    for look in looks if len(controls) == len(site.feeder) else ():
        try:
            look()
        except ConfigRejected as error:
            yield from (f"{path}: {finding}" for finding in error.findings)
        except (ProfileRejected, OSError) as error:
            yield f"{path}: {error}"


def _station_findings(path: Path) -> Iterator[str]:
    try:
        load_stations(path)
    except RegistryRejected as error:
        yield from map(str, error.findings)


def _feeder_findings(site: Site, feeder: Feeder, controls: list[FeederControl]) -> Iterator[str]:
    """Registry and network are each told whole; that they fit together is asked only when both are right, and
    then noted in `controls`.
    """
    registry = network = None
    try:
        registry = registry_of(feeder)
    except RegistryRejected as error:
        yield from map(str, error.findings)
    try:
        network = load_network(feeder.network, metered_generation=feeder.metered_generation)
    except NetworkRejected as error:
        wrong = (finding for finding in error.findings if finding.severity == "error")
        yield from (f"{feeder.network}: {finding}" for finding in wrong)
    if registry is None or network is None:
        return
    try:
        controls.append(build_control(site, feeder, network, registry))
    except ConfigRejected as error:
        yield from error.findings
