"""Security profiles 1 to 3 over real sockets: who proves who it is gets in, and nobody else disturbs it."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devices.messages import DeviceStatus, Refused
from devices.ocpp.settings import Charger, ChargerDevice, server_tls_context
from tests.devices.live import Deliveries, until
from tests.devices.ocpp.certificates import Authority, Issued
from tests.devices.ocpp.conftest import DEVICE, Join, central
from tests.devices.ocpp.test_driver import command

PASSWORD, OTHER = "correct horse battery", "battery horse correct"
CP1 = Charger("cp1", (DEVICE,), password=PASSWORD)
CP2 = Charger("cp2", (ChargerDevice("f1", "ev2"),), password=OTHER)


@dataclass(frozen=True)
class Certificates:
    """What the tests need of them."""

    ca: str
    server: ssl.SSLContext
    """as it asks nobody for a certificate"""
    mutual: ssl.SSLContext
    cp1: Issued
    cp2: Issued
    foreign: Issued
    """names cp1, but of an authority that nobody trusts"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    ours = Authority(tmp_path_factory.mktemp("ours"), "ours")
    theirs = Authority(tmp_path_factory.mktemp("theirs"), "theirs")
    server = ours.issue("csms")
    return Certificates(
        str(ours.file),
        server_tls_context(server.certificate, server.key),
        server_tls_context(server.certificate, server.key, ours.file),
        ours.issue("cp1"),
        ours.issue("cp2"),
        theirs.issue("cp1"),
    )


def holder(issued: Issued) -> dict[str, str]:
    return {"certificate": str(issued.certificate), "key": str(issued.key)}


def stayed_online(deliveries: Deliveries) -> bool:
    return not any(isinstance(m, DeviceStatus) and not m.online for m in deliveries)


@pytest.mark.parametrize("profile", [1, 2])
async def test_with_its_password_a_charger_gets_in(
    version: str, profile: int, certificates: Certificates, point_at: Join
) -> None:
    tls: Any = {"tls": certificates.server} if profile == 2 else {}
    trust: Any = {"ca": certificates.ca} if profile == 2 else {}
    async with central(CP1, CP2, security_profile=profile, **tls) as (system, got):
        point = point_at(system, version, password=PASSWORD, **trust)
        await point.join()
        await system.send(command())
        assert await point.limit_kw() == 4.2
        for wrong in (
            {"password": OTHER},
            {"password": "x" * 16},
            {},
            {"password": OTHER, "user": "cp2"},
        ):
            thief = point_at(system, version, "cp1", **trust, **wrong)
            assert (await thief.try_to_join())["status"] == 401
        assert (await point_at(system, version, "cp9", password=OTHER, **trust).try_to_join())[
            "status"
        ] == 401
        # what others try does not touch the one that is there
        assert stayed_online(got)
        assert system.connections == 1
        assert {m.reason for m in got if isinstance(m, Refused)} == {"unauthorised"}


async def test_guessing_is_stopped(point_at: Join) -> None:
    async with central(CP1, security_profile=1, password_failures=2) as (system, _):
        guesser = point_at(system, "1.6", password="x" * 16)
        statuses = [(await guesser.try_to_join())["status"] for _ in range(3)]
        assert statuses == [401, 401, 429]
        assert system.turned_away["too many failures, locked out"] == 1


async def test_a_second_connection_that_proves_itself_takes_over(version: str, point_at: Join) -> None:
    async with central(CP1, security_profile=1) as (system, got):
        first = point_at(system, version, password=PASSWORD)
        await first.join()
        await first.try_to_join()  # the same charger, whose old connection nobody closed
        await until(lambda: bool(first.events("parted")))
        await system.send(command())
        assert await first.limit_kw() == 4.2
        assert stayed_online(got)


async def test_a_charger_is_known_by_its_certificate(
    version: str, certificates: Certificates, point_at: Join
) -> None:
    async with central(CP1, CP2, security_profile=3, tls=certificates.mutual) as (system, got):
        point = point_at(system, version, ca=certificates.ca, **holder(certificates.cp1))
        await point.join()
        await system.send(command())
        assert await point.limit_kw() == 4.2
        as_cp1 = point_at(system, version, ca=certificates.ca, **holder(certificates.cp2))
        assert (await as_cp1.try_to_join())["status"] == 403
        for wrong in (holder(certificates.foreign), {}):
            thief = point_at(system, version, ca=certificates.ca, **wrong)
            assert (await thief.try_to_join())["event"] == "failed"
        assert stayed_online(got)
        assert system.connections == 1


async def test_a_charger_can_check_whom_it_talks_to(certificates: Certificates, point_at: Join) -> None:
    async with central(CP1, security_profile=2, tls=certificates.server) as (system, _):
        plain = point_at(system, "1.6", password=PASSWORD)
        assert (await plain.try_to_join())["event"] == "failed"
        by_name = point_at(
            system,
            "1.6",
            password=PASSWORD,
            ca=certificates.ca,
            url=f"wss://localhost:{system.port}/ocpp/cp1",
        )
        assert (await by_name.try_to_join())["event"] == "failed"
        assert system.connections == 0


def test_the_tls_contexts_check(certificates: Certificates, tmp_path: Path) -> None:
    assert certificates.mutual.verify_mode is ssl.CERT_REQUIRED
    assert certificates.server.minimum_version == ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError, match="No such file"):
        server_tls_context(tmp_path / "none.crt", tmp_path / "none.key")
