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
    """Whatever can be looked at is, also when something else is wrong."""
    try:
        file = read_site(path)
    except ConfigRejected as error:
        yield from error.findings
        return
    yield from file.told(file.faults)
    site, told = file.site, {place for place, _ in file.faults}
    missing = missing_extra() if site.store.postgres is not None else None
    if missing is not None:
        yield f"{path}, store.postgres: {missing}"
    if site.ocpp.stations is not None and ("ocpp", "stations") not in told:
        yield from _station_findings(site.ocpp.stations)
    yield from _key_findings(site)
    controls: list[FeederControl] = []
    for number, feeder in enumerate(site.feeder):
        wrong = {str(place[2]) for place in told if place[:2] == ("feeder", number) and len(place) > 2}
        yield from _feeder_findings(site, feeder, controls, wrong)
    if not told:
        yield from _findings_of_all(site, controls)
    for finding in _findings_with_keys(site, controls, sound=not told):
        place, text = file.placed(finding)
        if place not in told:
            yield text


def _findings_of_all(site: Site, controls: list[FeederControl]) -> Iterator[str]:
    """Of what is not the field's."""
    try:
        site_terms(site, controls)
    except ConfigRejected as error:
        yield from error.findings


def _findings_with_keys(site: Site, controls: list[FeederControl], *, sound: bool) -> Iterator[str]:
    """Those that may begin with a key of the settings, as `SiteFile.placed` takes them."""
    if sound:
        yield from notice_findings(site)
    if len(controls) == len(site.feeder):
        yield from _customer_findings(site, controls)
    yield from field_findings(site, controls, sound=sound)


def _customer_findings(site: Site, controls: list[FeederControl]) -> Iterator[str]:
    """Customers for whom a channel is meant, and who are nobody's."""
    known = {customer for control in controls for customer in control.customer}
    for number, way in enumerate(site.notices.channel, start=1):
        for customer in way.customers or ():
            if customer not in known:
                key = f"notices.channel[{number}].customers"
                yield f"{key}: expected customers of the feeders, got {customer!r}"


def _key_findings(site: Site) -> Iterator[str]:
    """Of key files that are there: the others are made at the first start."""
    from gridward.wiring import signing_key, site_secret  # noqa: PLC0415  half a second, for started sites only

    looks = (
        (site.secret_file, site_secret),
        (site.journal.signing_key_file, lambda path: signing_key(path, site.name)),
    )


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
