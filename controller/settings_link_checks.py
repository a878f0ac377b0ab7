"""Do the settings of the field's links make sense together: broker, OCPP, OpenADR, and who is on which?

Pure but for one look: whether the files they name are there. Modbus rows are checked with their profiles and
devices, by whoever builds them.
"""

from collections.abc import Iterator
from pathlib import Path

from controller.settings import Broker, Feeder, Site
from controller.toml_lines import Place
from devices.identifiers import id_fault

Fault = tuple[Place, str]
"""where, and what was expected"""


def link_faults(site: Site) -> Iterator[Fault]:
    """All that cannot be meant. Paths are absolute."""
    yield from _broker(site.broker)
    yield from _ocpp(site)
    yield from _openadr(site)
    for number, feeder in enumerate(site.feeder):
        yield from _claims(feeder, ("feeder", number))


def there(path: Path | None, place: Place) -> Iterator[Fault]:
    """Whether a file is."""
    if path is not None and not path.is_file():
        yield place, f"expected a file at {path}"


def _broker(broker: Broker) -> Iterator[Fault]:
    for level in broker.root.split("/"):
        fault = id_fault(level)
        if fault is not None:
            yield (
                ("broker", "root"),
                f"expected the first levels of a topic: {broker.root!r}, of which one {fault}",
            )
    pairs = (
        ("certificate_file", "key_file"),
        ("key_file", "certificate_file"),
        ("password_file", "username"),
    )
    for given, needed in pairs:
        if getattr(broker, given) is not None and getattr(broker, needed) is None:
            yield ("broker", given), f"expected {needed} beside it"
    if broker.certificate_file is not None and broker.ca_file is None:
        yield ("broker", "certificate_file"), "expected ca_file beside it: without it the link is not TLS"
    for name in ("password_file", "ca_file", "certificate_file", "key_file"):
        yield from there(getattr(broker, name), ("broker", name))


def _ocpp(site: Site) -> Iterator[Fault]:
    ocpp = site.ocpp
    for given, needed in (("certificate_file", "key_file"), ("key_file", "certificate_file")):
        if getattr(ocpp, given) is not None and getattr(ocpp, needed) is None:
            yield ("ocpp", given), f"expected {needed} beside it"
    for name in ("certificate_file", "key_file", "client_ca_file", "stations"):
        yield from there(getattr(ocpp, name), ("ocpp", name))
    for number, feeder in enumerate(site.feeder):
        for place, charger in enumerate(feeder.charger):
            yield from there(charger.password_file, ("feeder", number, "charger", place, "password_file"))


def _openadr(site: Site) -> Iterator[Fault]:
    own = site.openadr
    if own is not None:
        yield from there(own.clients_file, ("openadr", "clients_file"))
        for name in ("certificate_file", "key_file"):
            yield from there(getattr(own, name), ("openadr", name))
        if own.mqtt is not None:
            for name in ("password_file", "ca_file", "certificate_file", "key_file"):
                yield from there(getattr(own.mqtt, name), ("openadr", "mqtt", name))
    for number, vtn in enumerate(site.vtn):
        yield from there(vtn.secret_file, ("vtn", number, "secret_file"))
        yield from there(vtn.ca_file, ("vtn", number, "ca_file"))
        if vtn.name in [other.name for other in site.vtn[:number]] or not vtn.name:
            yield ("vtn", number, "name"), f"expected another name for each, got {vtn.name!r}"


def _claims(feeder: Feeder, place: tuple[str, int]) -> Iterator[Fault]:
    """VENs whose device another protocol or another VTN claims. All other rows are compared by whoever builds
    them.
    """
    first: dict[str | None, tuple[str, str | None]] = {}
    for number, charger in enumerate(feeder.charger, start=1):
        first.setdefault(charger.device, (f"charger[{number}]", None))
    for number, unit in enumerate(feeder.modbus, start=1):
        first.setdefault(unit.device, (f"modbus[{number}]", None))
    for number, ven in enumerate(feeder.ven):
        other, vtn = first.setdefault(ven.device, (f"ven[{number + 1}]", ven.vtn))
        if vtn != ven.vtn or not other.startswith("ven"):
            claimed = f"feeder[{place[1] + 1}].{other}"
            yield (
                (*place, "ven", number, "device"),
                f"expected each device on one protocol, {ven.device!r} is {claimed} already",
            )
