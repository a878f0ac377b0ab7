from contextlib import suppress
from datetime import date, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from customers.errors import RegistryRejected
from customers.programmes import Agreements, Hours, Programme, Window
from customers.registry_files import load_registry

CUSTOMERS = """customer,service_point,meter,critical,notices,tags
C-1,load:0,M-1,false,yes,
C-2,load:1,M-2,false,no,
C-3,load:2,M-3,false,yes,ev_owner; no_night_calls
C-4,load:3,M-4,false,yes,medical
"""
DEVICES = "device,service_point,kind,p_kw,min_kw,critical\nev-1,load:0,ev_charger,11,4.2,false\n"
PROGRAMMES = """
[[programme]]
id = "evening"
answer = "opt_in"
weekday = ["17:00-21:00", "22:00-24:00"]
weekend = []
months = [10, 11, 12, 1]
calls_per_day = 1
calls_per_season = 30
longest_call_minutes = 120
notice_minutes = 15
rest_hours = 12
points_per_kwh = 120
minor_units_per_kwh = 30
baseline = "high 5 of 10"
follow_up_minutes = 20
budget_points = 1000
[programme.name]
en = "Evening relief"
zh = "晚间减负"
[[programme]]
id = "flex"
asks = "devices"
"""
ENROLMENTS = "customer,programme,from,until\nC-1,evening,2026-01-01,2026-03-31\nC-1,flex,2026-01-01,\n"


def read(folder: Path, programmes: str = PROGRAMMES, enrolments: str = ENROLMENTS) -> Agreements:
    for name, text in (
        ("customers.csv", CUSTOMERS),
        ("devices.csv", DEVICES),
        ("programmes.toml", programmes),
        ("enrolments.csv", enrolments),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    names = ("customers.csv", "devices.csv", "programmes.toml", "enrolments.csv")
    agreements = load_registry(*(folder / name for name in names), ("high 5 of 10",)).agreements
    assert agreements is not None
    return agreements


def findings(folder: Path, programmes: str = PROGRAMMES, enrolments: str = ENROLMENTS) -> list[str]:
    """Without the folder."""
    with pytest.raises(RegistryRejected) as caught:
        read(folder, programmes, enrolments)
    return [str(finding).removeprefix(f"{folder}/") for finding in caught.value.findings]


def test_both_files_as_values(tmp_path: Path) -> None:
    agreed = read(tmp_path)
    assert agreed.programmes == {
        "evening": Programme(
            programme="evening",
            names={"en": "Evening relief", "zh": "晚间减负"},
            answer="opt_in",
            hours=Hours(
                weekday=(Window(time(17), time(21)), Window(time(22), time(0))),
                weekend=(),
                months=frozenset({10, 11, 12, 1}),
            ),
            calls_per_day=1,
            calls_per_season=30,
            longest_call_s=7200.0,
            notice_s=900.0,
            rest_s=43200.0,
            points_per_kwh=120,
            minor_units_per_kwh=30,
            baseline="high 5 of 10",
            follow_up_s=1200.0,
            budget_points=1000,
        ),
        "flex": Programme("flex", asks="devices"),
    }
    first, second = agreed.of("C-1")
    assert (first.from_day, first.until_day) == (date(2026, 1, 1), date(2026, 3, 31))
    assert second.until_day is None
    assert agreed.of("C-2") == ()


def test_a_registry_without_programmes_has_no_agreements(tmp_path: Path) -> None:
    read(tmp_path)
    assert load_registry(tmp_path / "customers.csv", tmp_path / "devices.csv").agreements is None


ONE = '[[programme]]\nid = "evening"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[programme]]\nid = ""\n', "programmes.toml, programme[1].id: expected a text, got ''"),
        (
            "[[programme]]\nasks = 'people'\n",
            "programmes.toml, programme[1].id: expected a text, it is missing",
        ),
        (
            '[[programme]]\nid = "a/b"\n',
            "programme[1].id: expected at most 128 letters, digits, - _ and ., got 'a/b'",
        ),
        (ONE + ONE, "programme[2].id: expected each id once, 'evening' is there already"),
        (ONE + 'asks = "cars"\n', "programme[1].asks: expected one of people, devices, both, got 'cars'"),
        (ONE + 'answer = "maybe"\n', "programme[1].answer: expected one of opt_out, opt_in, got 'maybe'"),
        (ONE + 'asks = "devices"\nanswer = "opt_in"\n', "programme[1].answer: expected opt_out"),
        (ONE + 'answer = "opt_in"\n', "programme[1].notice_minutes: expected more than 0 with opt_in"),
        (
            ONE + 'weekdays = ["17:00-21:00"]\n',
            "programme[1].weekdays: this key is not known; did you mean weekday?",
        ),
        (ONE + 'weekday = "17:00-21:00"\n', "programme[1].weekday: expected a list, got '17:00-21:00'"),
        (
            ONE + 'weekday = ["17-21"]\n',
            "programme[1].weekday: expected windows such as 17:00-21:00, got '17-21'",
        ),
        (ONE + 'weekday = ["18:00-18:00"]\n', "programme[1].weekday: expected windows such as"),
        (ONE + 'weekday = ["24:00-06:00"]\n', "programme[1].weekday: expected windows such as"),
        (ONE + "weekend = [17]\n", "programme[1].weekend: expected windows such as 17:00-21:00, got 17"),
        (ONE + "months = []\n", "programme[1].months: expected at least one month"),
        (
            ONE + "months = [0]\n",
            "programme[1].months: expected at least one month, each a number from 1 to 12, got [0]",
        ),
        (ONE + "months = [true]\n", "programme[1].months: expected at least one month"),
        (
            ONE + "calls_per_day = 0\n",
            "programme[1].calls_per_day: expected a whole number from 1 to 366, got 0",
        ),
        (
            ONE + "calls_per_season = 1.5\n",
            "programme[1].calls_per_season: expected a whole number from 1 to 366",
        ),
        (ONE + "longest_call_minutes = 0\n", "programme[1].longest_call_minutes: expected more than 0"),
        (
            ONE + "notice_minutes = -1\n",
            "programme[1].notice_minutes: expected a number from 0 to 1440, got -1",
        ),
        (
            ONE + "notice_minutes = nan\n",
            "programme[1].notice_minutes: expected a number from 0 to 1440, got nan",
        ),
        (ONE + "points_per_kwh = true\n", "programme[1].points_per_kwh: expected a whole number"),
        (
            ONE + 'baseline = "guess"\n',
            "programme[1].baseline: expected one of live_meter, high 5 of 10, got 'guess'",
        ),
        (ONE + '[programme.name]\nfr = "Soir"\n', "programme[1].name.fr: this key is not known"),
        (ONE + 'name = "Evening"\n', "programme[1].name: expected a table, got 'Evening'"),
        ("programme = 3\n", "programmes.toml, programme: expected a list, got 3"),
        ("programme = [3]\n", "programmes.toml, programme[1]: expected a [[programme]] table, got 3"),
        ("", "programmes.toml, programme: expected at least one [[programme]]"),
        ("[[programme]\n", "programmes.toml: expected TOML"),
        (
            ONE + f"notice_minutes = {'9' * 400}\n",
            "programme[1].notice_minutes: expected a number from 0 to 1440",
        ),
        (ONE + f"points_per_kwh = {'9' * 5000}\n", "programmes.toml: expected TOML"),
        (ONE + f"months = {'[' * 3000}\n", "programmes.toml: expected TOML"),
        (ONE + f"months = {'[' * 3000}{']' * 3000}\n", "programmes.toml: expected TOML"),
    ],
)
def test_what_is_wrong_with_a_programme_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    found = findings(tmp_path, text, "customer,programme,from,until\n")
    assert any(told in one for one in found), found


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("C-9,evening,2026-01-01,", "row 2, customer: expected a customer of customers.csv, 'C-9' is none"),
        ("C-1,night,2026-01-01,", "row 2, programme: expected a programme (evening, flex), got 'night'"),
        ("C-1,evening,1.1.2026,", "row 2, from: expected a date, YYYY-MM-DD, got '1.1.2026'"),
        ("C-1,evening,2026-01-02,2026-01-01", "row 2, until: expected a day not before from (2026-01-02)"),
        ("C-1,evening,2026-01-01,never", "row 2, until: expected a date, YYYY-MM-DD, got 'never'"),
        ("C-2,evening,2026-01-01,", "row 2, customer: expected notices = true of 'C-2', whom evening asks"),
        ("C-4,flex,2026-01-01,", "row 2, customer: expected a customer who may be asked, 'C-4' is critical"),
    ],
)
def test_what_is_wrong_with_an_enrolment_is_told_with_its_row(tmp_path: Path, row: str, told: str) -> None:
    (found,) = findings(tmp_path, enrolments=f"customer,programme,from,until\n{row}\n")
    assert found.startswith(f"enrolments.csv, {told}")


def test_two_programmes_at_a_time_for_one_kind_of_call_are_refused(tmp_path: Path) -> None:
    both = PROGRAMMES + '[[programme]]\nid = "all"\nasks = "both"\n'
    (found,) = findings(tmp_path, both, ENROLMENTS.replace("C-1,flex,2026-01-01,", "C-1,all,2026-03-31,"))
    assert found == (
        "enrolments.csv, row 3, from: expected one programme at a time for people of 'C-1', "
        "who is in evening from 2026-01-01 until 2026-03-31"
    )
    read(tmp_path, both, ENROLMENTS.replace("C-1,flex,2026-01-01,", "C-1,all,2026-04-01,"))


def test_files_that_are_not_there_are_told_with_all_others(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(CUSTOMERS)
    (tmp_path / "devices.csv").write_text(DEVICES.replace("11", "much"))
    names = ("customers.csv", "devices.csv", "programmes.toml", "enrolments.csv")
    with pytest.raises(RegistryRejected) as caught:
        load_registry(*(tmp_path / name for name in names))
    told = [str(finding).removeprefix(f"{tmp_path}/") for finding in caught.value.findings]
    assert [one.split(",")[0].split(":")[0] for one in told] == [
        "devices.csv",
        "programmes.toml",
        "enrolments.csv",
    ]


def test_tags_are_words_of_the_table(tmp_path: Path) -> None:
    read(tmp_path)
    registry = load_registry(tmp_path / "customers.csv", tmp_path / "devices.csv")
    third, fourth = registry.customers[2:]
    assert third.tags == {"ev_owner", "no_night_calls"}
    assert fourth.critical
    (tmp_path / "customers.csv").write_text(CUSTOMERS.replace("medical", "medicall"))
    with pytest.raises(RegistryRejected) as caught:
        load_registry(tmp_path / "customers.csv", tmp_path / "devices.csv")
    assert "row 5, tags: expected words of medical, critical," in str(caught.value)
    assert "did you mean medical?" in str(caught.value)


@profile(max_examples=60, deadline=None)
@given(
    text=st.text(alphabet='[]programme=id"a,1\n\r', max_size=80),
    rows=st.text(alphabet="C-1,evening\n2026", max_size=60),
)
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str, rows: str) -> None:
    with suppress(RegistryRejected):
        read(tmp_path_factory.mktemp("any"), text, f"customer,programme,from,until\n{rows}")


def test_a_finding_repeats_no_endless_value(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, ONE + f"points_per_kwh = {'9' * 4000}\n", "customer,programme,from,until\n")
    assert len(found) < 300
