"""Modbus/TCP Security: both sides prove who they are, or nothing is said at all."""

import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from devices.messages import Reading, Refused
from devices.modbus.settings import LinkPlace, client_tls_context
from devices.modbus.sunspec import SunSpecSettings, SunSpecUnit
from devices.ocpp.settings import server_tls_context
from simulations.modbus_units import EmulatedUnit, UnitServer
from tests.devices.live import until
from tests.devices.modbus.rig import answers, command, field, mapped, unit
from tests.devices.ocpp.certificates import Authority, Issued


class Expired(Authority):
    """Issues what was good until yesterday."""

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        builder = super()._builder(subject, key)
        builder._not_valid_before = (yesterday - timedelta(days=1)).replace(tzinfo=None)
        builder._not_valid_after = yesterday.replace(tzinfo=None)
        return builder


@dataclass(frozen=True)
class Certificates:
    ca: Path
    unit: Issued
    ours: Issued
    other_ca: Path
    other: Issued


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    site = Authority(tmp_path_factory.mktemp("site"), "site")
    other = Authority(tmp_path_factory.mktemp("other"), "other")
    return Certificates(
        site.file, site.issue("rtu-1"), site.issue("gridward"), other.file, other.issue("gridward")
    )


def far_side(issued: Issued, client_ca: Path) -> UnitServer:
    far = EmulatedUnit(mapped().profile)
    far.update({"p_kw": 12.5})
    return UnitServer({1: far}, tls=server_tls_context(issued.certificate, issued.key, client_ca))


def place(port: int, ca: Path, ours: Issued, server_name: str | None = None) -> LinkPlace:
    return LinkPlace("127.0.0.1", port, client_tls_context(ca, ours.certificate, ours.key), server_name)


async def test_with_the_right_certificates_all_is_said(certificates: Certificates) -> None:
    async with far_side(certificates.unit, certificates.ca) as server:
        link = place(server.port, certificates.ca, certificates.ours)
        async with field(unit(0, mapped(), link=link, meter="m1")) as (driver, got):
            await until(lambda: any(isinstance(m, Reading) and m.p_kw == 12.5 for m in got))
            assert driver.stations[0].place.source == f"modbuss://127.0.0.1:{server.port}/1"
            await driver.send(command())
            assert answers(got)[0][1] == "refused"  # this one takes no writes, and its no came through


async def nothing_is_said(server: UnitServer, link: LinkPlace, words: str) -> None:
    async with field(unit(0, mapped(), link=link, meter="m1")) as (driver, got):
        lost: list[str] = []
        watched = driver.links[link]
        tell = watched._tell_loss
        watched._tell_loss = lambda error: (lost.append(str(error)), tell(error))[1]  # type: ignore[method-assign]
        await until(lambda: len(lost) >= 2)
        assert not driver.connected
        assert not any(isinstance(m, Reading) for m in got)
    assert any(words in reason for reason in lost), lost


async def test_a_unit_of_another_authority_is_not_spoken_to(certificates: Certificates) -> None:
    async with far_side(certificates.other, certificates.ca) as server:
        link = place(server.port, certificates.ca, certificates.ours)
        await nothing_is_said(server, link, "certificate verify failed")


async def test_a_unit_of_another_name_is_not_spoken_to(certificates: Certificates) -> None:
    async with far_side(certificates.unit, certificates.ca) as server:
        link = place(server.port, certificates.ca, certificates.ours, "rtu-2.example")
        await nothing_is_said(server, link, "certificate is not valid for 'rtu-2.example'")


async def test_an_expired_certificate_is_not_good(certificates: Certificates, tmp_path: Path) -> None:
    authority = Expired(tmp_path, "expired")
    async with far_side(authority.issue("rtu-1"), certificates.ca) as server:
        link = place(server.port, authority.file, certificates.ours)
        await nothing_is_said(server, link, "expired")


async def test_the_unit_checks_us_too(certificates: Certificates) -> None:
    async with far_side(certificates.unit, certificates.ca) as server:
        link = place(server.port, certificates.ca, certificates.other)
        await nothing_is_said(server, link, "")


async def test_plain_modbus_is_not_answered_there(certificates: Certificates) -> None:
    async with far_side(certificates.unit, certificates.ca) as server:
        await nothing_is_said(server, LinkPlace("127.0.0.1", server.port), "")


def test_our_context_checks(certificates: Certificates, tmp_path: Path) -> None:
    ours = certificates.ours
    context = client_tls_context(certificates.ca, ours.certificate, ours.key)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError, match="No such file"):
        client_tls_context(certificates.ca, tmp_path / "none.crt", ours.key)


def banner_in_the_last_flight(listening: socket.socket, context: ssl.SSLContext) -> None:
    """Shakes hands, and sends what is no Modbus in one segment with the end of it."""
    with suppress(OSError):
        while True:
            there, _ = listening.accept()
            into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(into, out, server_side=True)
            with there, suppress(OSError):
                shaken = False
                while not shaken:
                    try:
                        tls.do_handshake()
                        shaken = True
                        tls.write(b"BANNER: no Modbus at all\r\n")
                    except ssl.SSLWantReadError:
                        pass
                    there.sendall(out.read())
                    if not shaken:
                        into.write(there.recv(65536) or b"")


async def test_what_comes_with_the_handshake_does_not_stop_the_loop(certificates: Certificates) -> None:
    context = server_tls_context(certificates.unit.certificate, certificates.unit.key, certificates.ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    listening = socket.create_server(("127.0.0.1", 0))
    far = threading.Thread(target=banner_in_the_last_flight, args=(listening, context), daemon=True)
    far.start()
    link = place(listening.getsockname()[1], certificates.ca, certificates.ours)
    asking = SunSpecUnit(SunSpecSettings("meter"))
    async with field(unit(0, asking, link=link, meter="m1", device=None)) as (driver, got):
        await until(lambda: len(got) >= 2)
        assert {m.reason for m in got if isinstance(m, Refused)} == {"malformed"}
        assert not driver.connected
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
