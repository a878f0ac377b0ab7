"""What a central system needs to know: its listener, its chargers, and which devices of ours they are.

Reads certificates, nothing else.
"""

import math
import ssl
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from devices.errors import ProfileRejected
from devices.identifiers import id_fault

RateUnit = Literal["W", "A"]
Purpose = Literal["max", "default", "transaction"]
"""Which charging profile carries our limit; see "Which profile" in the README."""
SecurityProfile = Literal[0, 1, 2, 3]
MIN_PASSWORD = 16
"""Characters; OCPP 1.6 security white paper and 2.0.1 A00 want 16 to 40."""
MAX_CHARGE_POINT_ID = 48


@dataclass(frozen=True, slots=True)
class ChargerDevice:
    """One device of ours: a whole charger (`connector` 0) or one of its connectors."""

    feeder: str
    device: str
    connector: int = 0
    """connectorId in 1.6, evseId in 2.0.1; 0 is all of them together"""
    floor_kw: float = 4.2
    """nothing below it is ever sent"""
    phases: Literal[1, 2, 3] = 3
    nominal_v: float = 230.0
    """phase to neutral, for chargers that take their limit in ampere"""
    current_step_a: float = 0.1
    """what the charger can set; some take whole ampere only"""
    rated_kw: float | None = None
    """with it, a limit that we did not set ourselves (or not since we started) is shown as one"""
    meter: str | None = None
    """the service point's meter, when the charger's own is that: its values are then readings as well"""


@dataclass(frozen=True, slots=True)
class Charger:
    """One charge point: how it proves who it is, and what is asked of it."""

    charge_point: str
    """the last part of the URL that it connects to"""
    devices: tuple[ChargerDevice, ...]
    password: str | None = field(default=None, repr=False)
    """for security profiles 1 and 2; its user name is `charge_point`"""
    certificate_name: str | None = None
    """common name in its certificate, for security profile 3; the id of the charge point when not given"""
    rate_unit: RateUnit | None = None
    """when it is not to be asked"""
    purpose: Purpose | None = None
    """None: `max` for a whole charger; `default` for a connector, and `transaction` as well while one runs"""
    stack_level: int | None = None
    """None: the highest that it offers, 1 when it does not say"""
    meter_interval_s: int | None = 30
    """how often it is to send power and energy while it charges; None: leave it as it is"""


@dataclass(frozen=True, slots=True)
class CsmsSettings:
    """One listener. Chargers of another security profile have another one."""

    chargers: tuple[Charger, ...]
    host: str = "127.0.0.1"
    port: int = 9000
    path: str = "/ocpp"
    """chargers connect to `ws(s)://HOST:PORT/PATH/CHARGE_POINT`"""
    security_profile: SecurityProfile = 2
    """0 has no check at all: closed networks and tests only"""
    tls: ssl.SSLContext | None = None
    """`server_tls_context`; needed from security profile 2 on"""
    who_may_charge: frozenset[str] | None = None
    """id tokens; None: everybody. It is not our subject, but a charger does not start without an answer."""
    heartbeat_s: int = 60
    """a charger takes our time with every heartbeat"""
    ping_interval_s: float = 20.0
    ping_deadline_s: float = 20.0
    """a charger that has not answered a ping by then is gone (half-open connections)"""
    opening_deadline_s: float = 10.0
    call_deadline_s: float = 8.0
    """of one command, all of its calls; it is Unreachable then"""
    boot_grace_s: float = 5.0
    """so long we wait for a BootNotification before we ask anything: one that only reconnects sends none"""
    read_back_s: float = 60.0
    """how often a charger with a limit is asked what it truly holds"""
    end_grace_s: float = 5.0
    """a limit that is still held so long after its end was not let go by the charger itself"""
    clock_tolerance_s: float = 60.0
    """a charger whose clock is further off gets no limit until it has taken our time"""
    power_fresh_s: float = 300.0
    """a measured power is shown as the present one for so long"""
    max_message_bytes: int = 65_536
    max_connections: int = 10_000
    max_opening: int = 1_000
    """connections that have not yet said who they are"""
    messages_per_s: float = 10.0
    messages_burst: int = 200
    """what a charger may send; beyond it messages are refused, and after as many again it is cut off"""
    password_failures: int = 5
    """per charge point and address; then it is turned away for `lockout_s` without a look at its password"""
    lockout_s: float = 60.0
    first_retry_s: float = 0.5
    longest_retry_s: float = 30.0


def check_settings(settings: CsmsSettings) -> None:
    """Raise ProfileRejected with all that is wrong, one finding a line."""
    findings = [*_listener_faults(settings), *_double_faults(settings)]
    for charger in settings.chargers:
        where = f"charger {charger.charge_point!r}"
        findings += [f"{where}: {fault}" for fault in _charger_faults(charger, settings.security_profile)]
        for device in charger.devices:
            findings += [f"{where}, device {device.device!r}: {fault}" for fault in _device_faults(device)]
    if findings:
        raise ProfileRejected("\n".join(findings))


def gather(placed: Iterable[Charger]) -> tuple[Charger, ...]:
    """One charger of each id, from one of each device (as a site's settings have them).

    ProfileRejected when two of the same id differ in anything but their devices.
    """
    gathered: dict[str, Charger] = {}
    for one in placed:
        known = gathered.get(one.charge_point)
        if known is None:
            gathered[one.charge_point] = one
            continue
        both = replace(known, devices=(*known.devices, *one.devices))
        if replace(one, devices=both.devices) != both:
            raise ProfileRejected(
                f"charger {one.charge_point!r}: its devices say different things of it, expected the same"
            )
        gathered[one.charge_point] = both
    return tuple(gathered.values())


def server_tls_context(
    certificate_file: Path, key_file: Path, client_ca_file: Path | None = None
) -> ssl.SSLContext:
    """A server context of TLS 1.2 or later; with `client_ca_file` only clients with a certificate of that
    authority get in (security profile 3). Raises OSError (ssl.SSLError included) when a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(str(certificate_file), str(key_file))
    if client_ca_file is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cafile=str(client_ca_file))
    return context


def _listener_faults(settings: CsmsSettings) -> Iterator[str]:
    profile, tls = settings.security_profile, settings.tls
    if profile >= 2 and tls is None:
        yield f"security_profile {profile} needs tls"
    if profile < 2 and tls is not None:
        yield f"security_profile {profile} has no tls, expected 2 or 3"
    if profile == 3 and tls is not None and tls.verify_mode is not ssl.CERT_REQUIRED:
        yield "security_profile 3 needs a tls context that asks for the client's certificate"
    if not settings.path.startswith("/"):
        yield f"path is {settings.path!r}, expected to begin with /"


def _double_faults(settings: CsmsSettings) -> Iterator[str]:
    ids = Counter(charger.charge_point for charger in settings.chargers)
    yield from (f"charger {name!r} is there {count} times" for name, count in ids.items() if count > 1)
    devices = Counter((d.feeder, d.device) for charger in settings.chargers for d in charger.devices)
    yield from (
        f"device {device!r} of feeder {feeder!r} is there {count} times"
        for (feeder, device), count in devices.items()
        if count > 1
    )


def _charger_faults(charger: Charger, profile: SecurityProfile) -> Iterator[str]:
    fault = id_fault(charger.charge_point)
    if fault is not None:
        yield f"its id {fault}"
    elif len(charger.charge_point) > MAX_CHARGE_POINT_ID or ":" in charger.charge_point:
        yield f"its id has more than {MAX_CHARGE_POINT_ID} characters or a colon"
    if not charger.devices:
        yield "has no devices"
    connectors = Counter(device.connector for device in charger.devices)
    if max(connectors.values(), default=0) > 1:
        yield "two devices share a connector"
    if len(connectors) > 1 and 0 in connectors:
        yield "is one device (connector 0) and several at once"
    if profile in (1, 2) and len(charger.password or "") < MIN_PASSWORD:
        yield f"security_profile {profile} needs a password of at least {MIN_PASSWORD} characters"
    if charger.purpose == "max" and 0 not in connectors:
        yield "purpose 'max' limits a whole charger, expected connector 0"
    if charger.purpose == "transaction" and 0 in connectors:
        yield "purpose 'transaction' limits one connector, expected connector 1 or more"
    if charger.stack_level is not None and charger.stack_level < 0:
        yield f"stack_level is {charger.stack_level}, expected 0 or more"


def _device_faults(device: ChargerDevice) -> Iterator[str]:
    for name, text in (("feeder", device.feeder), ("device", device.device), ("meter", device.meter)):
        fault = None if text is None else id_fault(text)
        if fault is not None:
            yield f"{name} {fault}"
    if device.connector < 0:
        yield f"connector is {device.connector}, expected 0 or more"
    positive = ("floor_kw", device.floor_kw), ("nominal_v", device.nominal_v)
    for name, value in (*positive, ("current_step_a", device.current_step_a)):
        if not (math.isfinite(value) and value > 0):
            yield f"{name} is {value}, expected more than 0"
    tenths = device.current_step_a * 10
    if not math.isclose(tenths, round(tenths)):
        yield f"current_step_a is {device.current_step_a}, expected whole tenths of an ampere"
