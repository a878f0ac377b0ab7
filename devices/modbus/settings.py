"""What the Modbus driver needs to know: its units, what each is for us, and how patient it is.

Reads certificates, nothing else.
"""

import math
import ssl
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from devices.errors import ProfileRejected
from devices.identifiers import id_fault
from devices.messages import SUBSTATION, Direction
from devices.modbus.dialogue import Unit

PLAIN_PORT = 502
TLS_PORT = 802
"""MODBUS/TCP Security Protocol Specification 36."""


@dataclass(frozen=True, slots=True)
class LinkPlace:
    """Where one connection goes: all units of one host and port share it."""

    host: str
    port: int = PLAIN_PORT
    tls: ssl.SSLContext | None = None
    """`client_tls_context`; None: not encrypted, nobody proves who they are"""
    server_name: str | None = None
    """whom the certificate must name, where that is not `host`"""

    @property
    def name(self) -> str:
        """As it stands in logs and in `Refused.source`."""
        return f"{'modbus' if self.tls is None else 'modbuss'}://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class FieldUnit:
    """One unit id behind a link, how it is spoken to, and what it is for us."""

    feeder: str
    link: LinkPlace
    unit: int
    """its unit id, 0 to 255"""
    speech: Unit
    meter: str | None = None
    """what it measures is this meter's (`SUBSTATION`: the feeder's own)"""
    device: str | None = None
    """it is this device of ours"""
    limits: Direction = "consumption"
    """which limit it is that it says it holds, where its speech does not know (`OneDirection`)"""
    floor_kw: float = 4.2
    """no consumption limit below it is ever sent"""
    period_s: float = 5.0

    @property
    def source(self) -> str:
        """Where its readings come from, as it stands in `Refused.source`."""
        return f"{self.link.name}/{self.unit}"


@dataclass(frozen=True, slots=True)
class FieldSettings:
    """How long the driver waits for what."""

    deadline_s: float = 2.0
    """for a connection, and for each answer"""
    command_deadline_s: float = 8.0
    """of one command, all that is said for it"""
    first_retry_s: float = 0.5
    longest_retry_s: float = 30.0
    end_grace_s: float = 5.0
    """a limit that is still held so long after its end was not let go by the unit itself"""
    max_waiting: int = 4
    """commands that may wait for one unit; more are Unreachable at once"""


def check_units(units: Sequence[FieldUnit]) -> None:
    """Raise ProfileRejected with all that is wrong, one finding a line."""
    findings = [f"{unit.source}: {fault}" for unit in units for fault in _unit_faults(unit)]
    findings += _double_faults(units)
    if findings:
        raise ProfileRejected("\n".join(findings))


def client_tls_context(ca_file: Path, certificate_file: Path, key_file: Path) -> ssl.SSLContext:
    """A client context as Modbus/TCP Security wants it: TLS 1.2 or later, both sides prove who they are by
    certificate. Raises OSError (ssl.SSLError included) when a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # it checks certificate and name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=str(ca_file))
    context.load_cert_chain(str(certificate_file), str(key_file))
    return context


def _unit_faults(unit: FieldUnit) -> Iterator[str]:
    if unit.meter is None and unit.device is None:
        yield "is neither a meter nor a device"
    for name, text in (("feeder", unit.feeder), ("meter", unit.meter), ("device", unit.device)):
        fault = None if text is None or text == SUBSTATION else id_fault(text)
        if fault is not None:
            yield f"{name} {fault}"
    if not 0 <= unit.unit <= 255:
        yield f"unit is {unit.unit}, expected 0 to 255"
    if not (math.isfinite(unit.period_s) and unit.period_s > 0):
        yield f"period_s is {unit.period_s}, expected more than 0"
    if not (math.isfinite(unit.floor_kw) and unit.floor_kw >= 0):
        yield f"floor_kw is {unit.floor_kw}, expected 0 or more"


def _double_faults(units: Sequence[FieldUnit]) -> Iterator[str]:
    places = Counter(unit.source for unit in units)
    yield from (f"{place}: is there {count} times" for place, count in places.items() if count > 1)
    for what in ("device", "meter"):
        names = Counter((u.feeder, getattr(u, what)) for u in units if getattr(u, what) is not None)
        yield from (
            f"{what} {name!r} of feeder {feeder!r}: is there {count} times"
            for (feeder, name), count in names.items()
            if count > 1
        )
    links: dict[tuple[str, int], LinkPlace] = {}
    for unit in units:
        if links.setdefault((unit.link.host, unit.link.port), unit.link) != unit.link:
            yield f"{unit.source}: its link is described in two ways, expected one for each host and port"
