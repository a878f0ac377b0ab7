"""What is wrong with how a site speaks to its field: every part is built as the daemon builds it.

No socket is opened, nothing is written, and no store is looked into.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from controller.clock import WallClock
from controller.errors import ConfigRejected
from controller.feeder_control import FeederControl
from controller.settings import OpenAdr, Site
from devices.errors import ProfileRejected
from gridward.charger_rows import charger_rows
from gridward.chargers import central_system
from gridward.field_links import field_links
from gridward.modbus_units import modbus_units
from gridward.openadr import vtn_clients, vtn_tls
from gridward.openadr_devices import openadr_rows, ven_rows

_NO_SECRET = bytes(32)
"""stands for the site's, which may not be made yet; nothing is signed with it"""


def field_findings(site: Site, controls: Sequence[FeederControl], *, sound: bool) -> Iterator[str]:
    """Part by part, for the feeders that could be built. Where the site is not `sound`, which is told
    elsewhere, what a part stumbles over may be just that, and is left out.
    """
    clock, rng = WallClock(), np.random.default_rng()
    parts: list[Callable[[], object]] = [
        lambda: modbus_units(site, controls),
        lambda: openadr_rows(site, controls),
        lambda: central_system(site, controls, clock, rng, clock),
    ]
    own = site.openadr
    if own is not None:
        parts += [lambda: vtn_tls(own), lambda: _check_clients(own, site)]
    for part in parts:
        yield from _faults_of(part, sound=sound)
    yield from _never_asked(site, {control.feeder: control for control in controls})


def whole_findings(site: Site, controls: Sequence[FeederControl]) -> Iterator[str]:
    """Of all parts together, once none has a fault by itself. `controls` are those of all feeders."""
    clock, rng = WallClock(), np.random.default_rng()
    yield from _faults_of(
        lambda: field_links(site, controls, clock, wire_clock=clock, rng=rng, secret=_NO_SECRET), sound=True
    )


def _faults_of(build: Callable[[], object], *, sound: bool) -> Iterator[str]:
    try:
        build()
    except ConfigRejected as error:
        yield from error.findings
    except ProfileRejected as error:
        yield from str(error).splitlines()
    except OSError as error:
        if sound:
            yield str(error)
    except (ValueError, LookupError):
        if sound:
            raise


def _check_clients(own: OpenAdr, site: Site) -> None:
    """Raises ConfigRejected also for devices on a VEN that nobody may connect as. The daemon starts with
    such, so that taking a client out of the file does not stop it.
    """
    try:
        known = vtn_clients(own).by_id
    except ProfileRejected as error:
        lines = str(error).splitlines()
        raise ConfigRejected([f"openadr.clients_file: {line}" for line in lines]) from error
    unknown = [
        f"{place}.client_id: expected a client of {own.clients_file}, got {row.client_id!r}:"
        f" device {row.device!r} can get no event"
        for place, _, row in ven_rows(site)
        if row.vtn is None and row.client_id is not None and row.client_id not in known
    ]
    if unknown:
        raise ConfigRejected(unknown)


def _never_asked(site: Site, controls: Mapping[str, FeederControl]) -> Iterator[str]:
    """Devices of guard mode on protocols that have no word for a failsafe: they never show one."""
    rows: Iterable[tuple[str, str, str, str]] = (
        *((row.place, row.feeder, row.settings.device, "OCPP") for row in charger_rows(site)),
        *((place, feeder, row.device, "OpenADR") for place, feeder, row in ven_rows(site)),
    )
    for place, feeder, name, protocol in rows:
        device = controls[feeder].registry.device.get(name) if feeder in controls else None
        if device is not None and device.on_contact_loss == "guard":
            yield (
                f"{place}.device: expected on_contact_loss event for {name!r}, got guard:"
                f" {protocol} has no word for a failsafe, so the device is asked for nothing"
            )
