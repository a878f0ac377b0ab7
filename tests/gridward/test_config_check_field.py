"""What `gridward config check` tells of a site's field: whatever `gridward run` would refuse, and what could
never work, each by its key."""

import json
from pathlib import Path

import pytest

from gridward.cli import main
from tests.gridward.test_config_check import DEVICES, site
from tests.gridward.test_config_check import SITE as LARGE

SITE = LARGE.replace("create_kerber_landnetz_freileitung_1", "panda_four_load_branch")
PLAIN = "[ocpp]\nsecurity_profile = 0\n"
CHARGER = '[[feeder.charger]]\ncharge_point = "cp-1"\ndevice = "ev-1"\n'
VEN = '[[feeder.ven]]\nven = "v1"\ndevice = "ev-1"\nclient_id = "c1"\n'
OPENADR = '[openadr]\nclients_file = "clients.toml"\n'
CLIENT = '[[client]]\nid = "c1"\nrole = "VEN"\nsecret = "{}"\n'
HASHED = f"scrypt$14$8$1${'A' * 12}${'A' * 43}="


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clients.toml").write_text(CLIENT.format(HASHED))
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], path: str) -> list[str]:
    """The findings, without the file's name."""
    main(["config", "check", "--json", path])
    findings = json.loads(capsys.readouterr().out)["findings"]
    return [finding.removeprefix(f"{path}, ") for finding in findings]


def test_what_works_is_fine_and_nothing_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    devices = DEVICES + "ev-2,load:0,ev_charger,11,4.2,false\n"
    more = PLAIN + CHARGER + OPENADR + VEN.replace("ev-1", "ev-2")
    channel = "[[notices.channel]]\nname = 'a'\ncustomers = ['C-1']\n"
    before = {*folder.iterdir()}
    path = site(folder, SITE + more + channel, devices=devices)
    assert told(capsys, path) == []
    written = {file.name for file in {*folder.iterdir()} - before}
    assert written == {"site.toml", "customers.csv", "devices.csv"}


@pytest.mark.parametrize(
    ("more", "findings"),
    [
        (
            PLAIN + CHARGER + OPENADR + VEN,
            [
                "line 17: feeder[1].ven[1].device: expected each device on one protocol, 'ev-1' is"
                " feeder[1].charger[1] already",
            ],
        ),
        (
            OPENADR + 'host = "0.0.0.0"\n' + VEN.replace("c1", "c2"),
            [
                "line 10: openadr.host: '0.0.0.0': secrets would go in clear text; expected certificate_file"
                " and key_file",
                "line 14: feeder[1].ven[1].client_id: expected a client of {folder}/clients.toml, got 'c2':"
                " device 'ev-1' can get no event",
            ],
        ),
        (
            VEN.replace("ev-1", "ev-999") + PLAIN + CHARGER.replace("ev-1", "ev-998"),
            [
                "line 10: feeder[1].ven[1].device: ven 'v1': no device 'ev-999' on 'dorf'",
                "line 8: feeder[1].ven[1]: expected [openadr]",
                "line 16: feeder[1].charger[1].device: charger 'cp-1': no device 'ev-998' on 'dorf'",
            ],
        ),
        (
            PLAIN + 'path = "x"\n' + CHARGER + 'purpose = "transaction"\n' + CHARGER.replace("cp-1", "cp-2"),
            [
                "line 10: ocpp.path: path is 'x', expected to begin with /",
                "line 17: feeder[1].charger[2].device: device 'ev-1' of feeder 'dorf' is there 2 times",
                "line 14: feeder[1].charger[1].purpose: charger 'cp-1': purpose 'transaction' limits one"
                " connector, expected connector 1 or more",
            ],
        ),
        (
            "[[notices.channel]]\nname = 'email'\nurl = 'nothing://h'\ncustomers = ['C-1', 'C-77']\n",
            [
                "line 10: notices.channel[1].url: way 'email': expected a URL that apprise knows, with all it"
                " needs in it",
                "line 11: notices.channel[1].customers: expected customers of the feeders, got 'C-77'",
            ],
        ),
    ],
)
def test_a_fault_is_told_by_its_key(
    folder: Path, capsys: pytest.CaptureFixture[str], more: str, findings: list[str]
) -> None:
    assert told(capsys, site(folder, SITE + more)) == [one.format(folder=folder) for one in findings]


def test_chargers_without_certificates_and_passwords(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, site(folder, SITE + CHARGER)) == [
        "line 1: ocpp.certificate_file, ocpp.key_file: security_profile 2 needs tls",
        "line 8: feeder[1].charger[1].password_file: charger 'cp-1': security_profile 2 needs a password of"
        " at least 16 characters",
    ]


def test_a_guard_whose_protocol_knows_no_failsafe(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    guard = DEVICES.replace("critical\n", "critical,on_contact_loss,failsafe_kw\n", 1)
    guard = guard.replace("11,4.2,false", "11,4.2,false,guard,4.2")
    guard += "ev-2,load:0,ev_charger,11,4.2,false,guard,4.2\n"
    more = PLAIN + CHARGER + OPENADR + VEN.replace("ev-1", "ev-2")
    places = {"feeder[1].charger[1].device": ("ev-1", "OCPP"), "feeder[1].ven[1].device": ("ev-2", "OpenADR")}
    assert [
        finding.partition(": ")[2] for finding in told(capsys, site(folder, SITE + more, devices=guard))
    ] == [
        f"{place}: expected on_contact_loss event for {device!r}, got guard: {protocol} has no word for a"
        " failsafe, so the device is asked for nothing"
        for place, (device, protocol) in places.items()
    ]


def test_what_only_all_parts_together_show(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "ca.pem").write_text("no certificate")
    (finding,) = told(capsys, site(folder, SITE + '[broker]\nca_file = "ca.pem"\n'))
    assert "PEM" in finding or "certificate" in finding


def test_files_that_are_none_of_their_kind(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "ca.pem").write_text("no certificate")
    (folder / "clients.toml").write_text(CLIENT.format("hush"))
    openid = (
        '[api]\npublic_url = "https://x"\n[api.openid]\nissuer = "https://i"\nclient_id = "c"\n'
        'client_secret_file = "ca.pem"\nca_file = "ca.pem"\nroles = { staff = "operator" }\n'
    )
    authorities, clients = told(capsys, site(folder, SITE + openid + OPENADR))
    assert authorities.startswith("line 14: api.openid.ca_file: expected certificates in PEM: ")
    assert clients.startswith("line 17: openadr.clients_file: ")
    assert clients.endswith("client 'c1': `secret` is not of the form scrypt$LOG2_N$R$P$SALT$HASH")


def test_of_two_feeders_of_one_id_no_device_is_missed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "more.csv").write_text(DEVICES.replace("ev-1", "ev-2"))
    second = SITE.partition("\n\n")[2].replace("devices.csv", "more.csv")
    (finding,) = told(capsys, site(folder, SITE + second + PLAIN + CHARGER.replace("ev-1", "ev-2")))
    assert finding == "line 9: feeder[2].id: expected each id once, 'dorf' is feeder[1] already"


def test_one_fault_hides_no_other(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = (
        "[ocpp]\nsecurity_profile = 1\n"
        + CHARGER.replace("ev-1", "ev-999")
        + 'password_file = "none"\n'
        + CHARGER.replace("cp-1", "cp:2")
        + OPENADR.replace('"clients', '"nobody')
        + VEN.replace("ev-1", "ev-998")
        + VEN.replace("ev-1", "ev-997").replace("v1", "v2")
        + "[look_ahead]\ntime_zone = 'Nowhere'\n"
    )
    keys = [finding.split(": ")[1] for finding in told(capsys, site(folder, SITE + more))]
    assert sorted(keys) == [
        "feeder[1].charger[1].device",
        "feeder[1].charger[1].password_file",
        "feeder[1].charger[2].charge_point",
        "feeder[1].charger[2].password_file",
        "feeder[1].ven[1].device",
        "feeder[1].ven[2].device",
        "look_ahead.time_zone",
        "openadr.clients_file",
    ]


def test_key_files_that_are_there_are_read_and_others_not_made(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = site(folder, SITE)
    assert told(capsys, path) == []
    assert not (folder / "state").exists()
    (folder / "state").mkdir()
    (folder / "state" / "site.secret").write_text("short")
    (finding,) = told(capsys, path)
    assert finding.startswith(f"{folder}/state/site.secret: expected at least 64 hexadecimal digits")
