"""`gridward people`: what was agreed, who is in, who was called, and answers through the daemon."""

import json
from pathlib import Path
from typing import Any

import pytest

from controller.entries import ControllerStarted, RequestSent
from controller.stores.sqlite import SqliteStore
from gridward.api_client import ApiRefused
from gridward.cli import main
from tests.controller.record_builders import EVENT, T0, after, opened, planned
from tests.gridward import test_config_check as config_check

PROGRAMMES = """
[[programme]]
id = "evening"
weekday = ["17:00-21:00"]
weekend = []
months = [10, 11, 12, 1]
calls_per_day = 1
calls_per_season = 30
notice_minutes = 15
points_per_kwh = 120
[programme.name]
en = "Evening relief"
"""
ENROLMENTS = "customer,programme,from,until\nC-1,evening,2026-01-01,2026-01-31\n"
CUSTOMERS = config_check.CUSTOMERS.replace("false,false", "false,true")


def site(folder: Path, programmes: str = PROGRAMMES, enrolments: str = ENROLMENTS) -> str:
    text = config_check.SITE + 'programmes = "programmes.toml"\nenrolments = "enrolments.csv"\n'
    (folder / "programmes.toml").write_text(programmes)
    (folder / "enrolments.csv").write_text(enrolments)
    return config_check.site(folder, text + '[store]\npath = "a.sqlite3"\n', CUSTOMERS)


def test_programmes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["people", "programmes", site(tmp_path)]) == 0
    header, line = (row.split() for row in capsys.readouterr().out.splitlines())
    assert header[:3] == ["feeder", "programme", "name"]
    assert line[:6] == ["dorf", "evening", "Evening", "relief", "people", "opt_out"]
    assert "17:00-21:00" in line
    assert main(["people", "programmes", "--json", site(tmp_path)]) == 0
    (row,) = json.loads(capsys.readouterr().out)["programmes"]
    assert (row["weekend"], row["months"]) == ("never", "1 10 11 12")
    assert (row["calls_per_season"], row["longest_call_minutes"]) == (30, None)
    assert (row["notice_minutes"], row["points_per_kwh"]) == (15, 120)


@pytest.mark.parametrize(
    ("on", "found"), [(None, 1), ("2026-01-31", 1), ("2026-02-01", 0), ("2025-12-31", 0)]
)
def test_enrolments(tmp_path: Path, capsys: pytest.CaptureFixture[str], on: str | None, found: int) -> None:
    assert main(["people", "enrolments", "--json", site(tmp_path), *(["--on", on] if on else [])]) == 0
    rows = json.loads(capsys.readouterr().out)["enrolments"]
    assert len(rows) == found
    if found:
        (row,) = rows
        assert (row["customer"], row["from"], row["until"]) == ("C-1", "2026-01-01", "2026-01-31")


def test_a_site_without_programmes_has_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config_check.site(tmp_path)
    assert main(["people", "programmes", path]) == 0
    assert main(["people", "enrolments", path]) == 0
    assert capsys.readouterr().out == "no programmes\nno enrolments\n"


def test_what_is_wrong_is_told_by_the_check_and_by_the_lists(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = site(tmp_path, PROGRAMMES.replace("17:00-21:00", "evening"), ENROLMENTS.replace("C-1", "C-9"))
    told = []
    for command in (["config", "check", path], ["people", "programmes", path]):
        assert main(command) == 2
        told.append(capsys.readouterr().err)
    assert told[0] == told[1]
    programme, enrolment = told[0].splitlines()
    assert programme.startswith(f"{tmp_path}/programmes.toml, programme[1].weekday: expected windows such as")
    assert enrolment.startswith(f"{tmp_path}/enrolments.csv, row 2, customer: expected a customer")


def test_a_published_baseline_is_known_and_others_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "check", site(tmp_path, PROGRAMMES + "")]) == 0
    known = PROGRAMMES.replace("weekend = []", 'baseline = "high 5 of 10"')
    assert main(["config", "check", site(tmp_path, known)]) == 0
    capsys.readouterr()
    assert main(["config", "check", site(tmp_path, known.replace("high 5", "high 6"))]) == 2
    assert "programme[1].baseline: expected one of live_meter, " in capsys.readouterr().err


def test_programmes_and_enrolments_belong_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(site(tmp_path))
    path.write_text(path.read_text().replace('enrolments = "enrolments.csv"\n', ""))
    assert main(["config", "check", str(path)]) == 2
    assert "feeder[1].programmes: expected enrolments beside it" in capsys.readouterr().err


def check(path: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What `config check` tells; empty when all is fine."""
    main(["config", "check", path])
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "fine"),
    [
        ("longest_call_minutes = 30", True),
        ("longest_call_minutes = 31", False),
        ('longest_call_minutes = 120\nbaseline = "high 5 of 10"', True),
    ],
)
def test_calls_that_outlast_their_baseline_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, fine: bool
) -> None:
    programmes = PROGRAMMES.replace("points_per_kwh", f"{more}\npoints_per_kwh")
    told = check(site(tmp_path, programmes), capsys)
    assert (told == "") is fine
    if not fine:
        assert "programme 'evening': longest_call_minutes: expected at most 30" in told
        assert "published baseline" in told


@pytest.mark.parametrize("same", [True, False])
def test_one_programme_has_the_same_terms_at_every_feeder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], same: bool
) -> None:
    path = Path(site(tmp_path))
    other = PROGRAMMES if same else PROGRAMMES.replace("120", "130").replace("15", "16")
    (tmp_path / "others.toml").write_text(other)
    text = path.read_text()
    feeder = text[text.index("[[feeder]]") : text.index("[store]")]
    second = feeder.replace('"dorf"', '"land"').replace("programmes.toml", "others.toml")
    path.write_text(text.replace("[store]", second + "[store]"))
    told = check(str(path), capsys)
    expected = "those of feeder 'dorf' and of feeder 'land' differ in notice_s, points_per_kwh"
    assert (
        (told == "")
        if same
        else ("programme 'evening': expected the same terms" in told and expected in told)
    )


def calls(path: str, on: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    assert main(["people", "calls", path, "--on", on, "--json"]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["calls"]
    return rows


def test_who_was_called_how_often(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = site(tmp_path)
    notice = planned(resource="person", kind="person", customer="C-1", target="C-1", programme="evening")
    device = planned(2, customer="C-2", programme="charging")
    store = SqliteStore(tmp_path / "a.sqlite3", durable=False)
    store.take_over("test")
    store.commit(
        [
            ControllerStarted(at=T0, epoch=1, version="0", feeders=("dorf",)),
            opened(),
            notice,
            device,
            RequestSent(at=after(1), request=notice.request, sequence=1, attempt=1),
            RequestSent(at=after(1), request=device.request, sequence=1, attempt=1),
        ]
    )
    store.close()
    notices, devices = calls(path, "2026-01-12", capsys)
    assert (notices["customer"], notices["programme"]) == ("C-1", "evening")
    assert (notices["day"], notices["calls_per_day"], notices["season"], notices["calls_per_season"]) == (
        1,
        1,
        1,
        30,
    )
    assert (notices["season_since"], notices["last"]) == ("2025-10-01", "2026-01-12T18:00+00:00")
    assert (devices["customer"], devices["programme"]) == ("C-2", "charging")
    (later, _) = calls(path, "2026-01-13", capsys)
    assert (later["day"], later["season"]) == (0, 1)
    (before, _) = calls(path, "2026-01-11", capsys)
    assert (before["day"], before["season"]) == (0, 0)
    assert main(["people", "calls", path, "--on", "2026-01-12"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:3] == ["dorf", "C-1", "evening"]


def test_calls_without_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["people", "calls", site(tmp_path)]) == 2
    assert "there is no store" in capsys.readouterr().err


class Client:
    """Answers as the daemon would."""

    def __init__(self, again: bool = False, refuses: bool = False) -> None:
        self.again, self.refuses = again, refuses
        self.posted: list[tuple[str, dict[str, Any]]] = []

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.posted.append((path, body))
        if self.refuses:
            raise ApiRefused(409, "request is over")
        return {
            "request": "R",
            "customer": "C-1",
            "answer": body["answer"],
            "state": "ended",
            "again": self.again,
        }


@pytest.mark.parametrize(
    ("word", "again", "told"),
    [
        ("no", False, "C-1 does not take part; the request is ended"),
        ("yes", False, "C-1 takes part; the request is ended"),
        ("no", True, "C-1 does not take part, as was noted before; the request is ended"),
    ],
)
def test_an_answer_goes_through_the_daemon(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], word: str, again: bool, told: str
) -> None:
    client = Client(again)
    monkeypatch.setattr("gridward.api_client.load_site", lambda _: None)
    monkeypatch.setattr("gridward.api_client.ApiClient.of", lambda _: client)
    assert main(["people", "answer", f"{EVENT}-R001", word, "--site", "site.toml"]) == 0
    assert capsys.readouterr().out == f"{EVENT}-R001: {told}\n"
    chosen = "opted_out" if word == "no" else "opted_in"
    assert client.posted == [(f"/api/v1/notices/{EVENT}-R001/answer", {"answer": chosen})]
    assert main(["people", "answer", "a/b", word, "--site", "site.toml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answer"] == chosen
    assert client.posted[1][0] == "/api/v1/notices/a%2Fb/answer"


def test_what_the_daemon_refuses_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gridward.api_client.load_site", lambda _: None)
    monkeypatch.setattr("gridward.api_client.ApiClient.of", lambda _: Client(refuses=True))
    assert main(["people", "answer", "R", "no", "--site", "site.toml"]) == 2
    assert "request is over" in capsys.readouterr().err
