"""Settings that contradict themselves are told all at once; who is let in is decided before anything else."""

import base64
import ssl
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import ProfileRejected
from devices.ocpp.admission import Admission, TurnedAway
from devices.ocpp.settings import Charger, ChargerDevice, CsmsSettings, check_settings, gather

DEVICE = ChargerDevice("f1", "ev1")
PASSWORD = "correct horse battery"
CHARGER = Charger("cp 1", (DEVICE,), password=PASSWORD)
CLIENT_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (CsmsSettings((CHARGER,)), "security_profile 2 needs tls"),
        (CsmsSettings((CHARGER,), security_profile=1, tls=CLIENT_TLS), "expected 2 or 3"),
        (CsmsSettings((CHARGER,), security_profile=3, tls=CLIENT_TLS), "asks for the client's certificate"),
        (CsmsSettings((CHARGER,), security_profile=1, path="ocpp"), "begin with /"),
        (
            CsmsSettings((CHARGER, CHARGER), security_profile=1),
            "device 'ev1' of feeder 'f1' is there 2 times",
        ),
        (CsmsSettings((Charger("a/b", (DEVICE,)),), security_profile=0), "none of / "),
        (CsmsSettings((Charger("a:b", (DEVICE,)),), security_profile=0), "a colon"),
        (CsmsSettings((Charger("cp1", ()),), security_profile=0), "has no devices"),
        (CsmsSettings((Charger("cp1", (DEVICE,), "short"),), security_profile=1), "at least 16"),
        (
            CsmsSettings((Charger("cp1", (DEVICE, ChargerDevice("f1", "ev2", 1))),), security_profile=0),
            "several at once",
        ),
        (
            CsmsSettings((Charger("cp1", (DEVICE, ChargerDevice("f1", "ev2"))),), security_profile=0),
            "share a connector",
        ),
        (
            CsmsSettings((Charger("cp1", (DEVICE,), purpose="transaction"),), security_profile=0),
            "connector 1 or more",
        ),
        (
            CsmsSettings(
                (Charger("cp1", (ChargerDevice("f1", "e", 1),), purpose="max"),), security_profile=0
            ),
            "expected connector 0",
        ),
        (
            CsmsSettings((Charger("cp1", (ChargerDevice("f1", "e", floor_kw=0),)),), security_profile=0),
            "floor_kw is 0, expected more than 0",
        ),
        (
            CsmsSettings(
                (Charger("cp1", (ChargerDevice("f1", "e", current_step_a=0.25),)),), security_profile=0
            ),
            "whole tenths",
        ),
        (
            CsmsSettings((Charger("cp1", (ChargerDevice("f#", "e", meter=""),)),), security_profile=0),
            "meter is empty",
        ),
    ],
)
def test_what_cannot_be_is_told(settings: CsmsSettings, words: str) -> None:
    with pytest.raises(ProfileRejected, match=words):
        check_settings(settings)


def test_all_is_told_at_once_and_passwords_are_not_shown() -> None:
    wrong = Charger("a:b", (ChargerDevice("f#", "e#", -1, floor_kw=-1),), "short")
    with pytest.raises(ProfileRejected) as caught:
        check_settings(CsmsSettings((wrong,), security_profile=1))
    assert len(str(caught.value).splitlines()) == 6
    assert PASSWORD not in repr(CHARGER)
    check_settings(CsmsSettings((CHARGER,), security_profile=1))


def test_a_chargers_devices_are_gathered_and_must_agree_about_it() -> None:
    left, right = ChargerDevice("f1", "left", 1), ChargerDevice("f1", "right", 2)
    apart = [Charger("cp1", (left,), PASSWORD), Charger("cp2", (DEVICE,)), Charger("cp1", (right,), PASSWORD)]
    assert gather(apart) == (Charger("cp1", (left, right), PASSWORD), Charger("cp2", (DEVICE,)))
    with pytest.raises(ProfileRejected, match="charger 'cp1': its devices say different things"):
        gather([Charger("cp1", (left,), PASSWORD), Charger("cp1", (right,), "another password!")])


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def judge(admission: Admission, target: str = "/ocpp/cp%201", **more: Any) -> Charger | TurnedAway:
    values = {
        "authorization": basic("cp 1", PASSWORD),
        "certificate": None,
        "address": "10.0.0.1",
        "at_s": 0.0,
    }
    return admission.judge(target, **{**values, **more})


@pytest.fixture
def door() -> Admission:
    return Admission(CsmsSettings((CHARGER,), security_profile=1, password_failures=3, lockout_s=60))


def test_the_right_id_and_password_get_in(door: Admission) -> None:
    assert judge(door) is CHARGER
    assert judge(door, "/ocpp/cp%201?x=1") is CHARGER


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"target": "/ocpp/cp2"}, HTTPStatus.UNAUTHORIZED),
        ({"authorization": None}, HTTPStatus.UNAUTHORIZED),
        ({"authorization": basic("cp 1", "wrong")}, HTTPStatus.UNAUTHORIZED),
        ({"authorization": basic("cp2", PASSWORD)}, HTTPStatus.UNAUTHORIZED),
        ({"authorization": "Bearer x"}, HTTPStatus.UNAUTHORIZED),
        ({"authorization": "Basic ?"}, HTTPStatus.UNAUTHORIZED),
        ({"target": "/ocpp/"}, HTTPStatus.NOT_FOUND),
        ({"target": "/other/cp%201"}, HTTPStatus.NOT_FOUND),
        ({"target": "/ocpp/cp%201/more"}, HTTPStatus.NOT_FOUND),
    ],
)
def test_all_others_do_not(door: Admission, more: dict[str, Any], status: HTTPStatus) -> None:
    verdict = judge(door, **more)
    assert isinstance(verdict, TurnedAway)
    assert verdict.status == status


def test_failures_in_a_row_lock_an_address_out_for_a_while(door: Admission) -> None:
    for at_s in range(3):
        judge(door, authorization=basic("cp 1", "wrong"), at_s=float(at_s))
    locked = judge(door, at_s=3.0)
    assert isinstance(locked, TurnedAway)
    assert locked.status == HTTPStatus.TOO_MANY_REQUESTS
    assert judge(door, at_s=3.0, address="10.0.0.2") is CHARGER
    assert judge(door, at_s=62.1) is CHARGER


def test_a_certificate_must_be_of_that_name() -> None:
    settings = CsmsSettings((Charger("cp1", (DEVICE,)),), security_profile=3)
    door = Admission(settings)
    own = {"subject": ((("organizationName", "x"),), (("commonName", "cp1"),))}
    other = {"subject": ((("commonName", "cp2"),),), "subjectAltName": (("DNS", "cp3"),)}
    assert isinstance(judge(door, "/ocpp/cp1", certificate=own), Charger)
    for wrong in (other, {}, None):
        assert isinstance(judge(door, "/ocpp/cp1", certificate=wrong), TurnedAway)
    by_dns = Admission(CsmsSettings((Charger("cp1", (DEVICE,), certificate_name="cp3"),), security_profile=3))
    assert isinstance(judge(by_dns, "/ocpp/cp1", certificate=other), Charger)


@given(st.text(max_size=60), st.none() | st.text(max_size=60))
def test_any_target_and_header_are_judged(target: str, authorization: str | None) -> None:
    door = Admission(CsmsSettings((CHARGER,), security_profile=1))
    for asked in (target, "/ocpp/" + target):
        assert isinstance(judge(door, asked, authorization=authorization), TurnedAway)
