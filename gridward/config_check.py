"""`gridward config check SITE.toml`: all that would keep the daemon from starting, told before.

So is what it would start with and could never use, such as a device that can never be asked for anything.
"""

import argparse
import json
import ssl
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from controller.errors import ConfigRejected
from controller.feeder_control import FeederControl, build_control
from controller.proving.settling import site_terms
from controller.settings import Feeder, Site
from controller.settings_file import read_site
from controller.stores.opening import missing_extra
from controller.toml_lines import Place
from customers.charging_station_files import load_stations
from customers.errors import RegistryRejected
from grid_model.errors import NetworkRejected
from grid_model.network import load_network
from gridward.field_findings import field_findings, whole_findings
from gridward.notices import notice_findings
from gridward.registries import registry_of

_REGISTRY_KEYS = frozenset({"customers", "devices", "programmes", "enrolments"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`check SITE.toml`."""
    commands = parser.add_subparsers(dest="config_command", required=True, metavar="check")
    check = commands.add_parser(
        "check", help="settings, customers, devices, programmes and networks of a site"
    )
    check.add_argument("site", type=Path, metavar="SITE.toml")
    check.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def run(args: argparse.Namespace) -> int:
    """0 when there is nothing to mend; 2 with all findings when there is."""
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
    told = {place for place, _ in file.faults}
    controls: list[FeederControl] = []
    findings = list(_more_findings(file.site, told, controls))
    if not findings and not told:
        findings += whole_findings(file.site, controls)
    for finding in findings:
        place, placed = file.placed(finding)
        if place not in told:
            yield placed if place else finding


def _more_findings(site: Site, told: Collection[Place], controls: list[FeederControl]) -> Iterator[str]:
    """What no look at the settings alone can show; feeders that could be built are noted in `controls`."""
    missing = missing_extra() if site.store.postgres is not None else None
    if missing is not None:
        yield f"store.postgres: {missing}"
    if site.ocpp.stations is not None and ("ocpp", "stations") not in told:
        yield from _station_findings(site.ocpp.stations)
    yield from _key_findings(site)
    yield from _provider_findings(site)
    for number, feeder in enumerate(site.feeder):
        wrong = {place[2] for place in told if place[:2] == ("feeder", number) and len(place) > 2}
        yield from _feeder_findings(site, feeder, controls, wrong)
    if not told:
        yield from notice_findings(site)
        yield from _rejected(lambda: site_terms(site, controls))
    if len(controls) == len(site.feeder):
        yield from _channel_findings(site, controls)
    if len({feeder.id for feeder in site.feeder}) == len(site.feeder):  # else nobody knows whose a device is
        yield from field_findings(site, controls, sound=not told)


def _rejected(build: Callable[[], object]) -> Iterator[str]:
    try:
        build()
    except ConfigRejected as error:
        yield from error.findings


def _key_findings(site: Site) -> Iterator[str]:
    """Of key files that are there: the first start makes those that are not."""
    secret, signing = site.secret_file, site.journal.signing_key_file
    if secret.is_file() or signing.is_file():
        from gridward import wiring  # noqa: PLC0415  half a second, which a new site need not wait

        if secret.is_file():
            yield from _rejected(lambda: wiring.site_secret(secret))
        if signing.is_file():
            yield from _rejected(lambda: wiring.signing_key(signing, site.name))


def _provider_findings(site: Site) -> Iterator[str]:
    """Of the authorities that whoever people sign in with is believed by."""
    file = None if site.api.openid is None else site.api.openid.ca_file
    if file is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
        except OSError as error:
            yield f"api.openid.ca_file: expected certificates in PEM: {error}"


def _channel_findings(site: Site, controls: list[FeederControl]) -> Iterator[str]:
    """Customers for whom a channel is meant, and who are nobody's."""
    known = {customer for control in controls for customer in control.customer}
    for number, way in enumerate(site.notices.channel, start=1):
        for customer in way.customers or ():
            if customer not in known:
                place = f"notices.channel[{number}].customers"
                yield f"{place}: expected customers of the feeders, got {customer!r}"


def _station_findings(path: Path) -> Iterator[str]:
    try:
        load_stations(path)
    except RegistryRejected as error:
        yield from map(str, error.findings)


def _feeder_findings(
    site: Site, feeder: Feeder, controls: list[FeederControl], wrong: Collection[str | int]
) -> Iterator[str]:
    """Registry and network are each told whole, but where keys of theirs are `wrong`, which is told already;
    that they fit together is asked only when both are right, and then noted in `controls`.
    """
    registry = network = None
    try:
        registry = None if _REGISTRY_KEYS.intersection(wrong) else registry_of(feeder)
    except RegistryRejected as error:
        yield from map(str, error.findings)
    try:
        if "network" not in wrong:
            network = load_network(feeder.network, metered_generation=feeder.metered_generation)
    except NetworkRejected as error:
        faults = (finding for finding in error.findings if finding.severity == "error")
        yield from (f"{feeder.network}: {finding}" for finding in faults)
    if registry is None or network is None or "id" in wrong:
        return
    try:
        controls.append(build_control(site, feeder, network, registry))
    except ConfigRejected as error:
        yield from error.findings
