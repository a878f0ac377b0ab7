from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from controller.errors import ConfigRejected
from controller.settings_file import load_site
from controller.toml_lines import TomlLines

GOOD = """name = "Dorf"

[[feeder]]
id = "dorf"
network = "simbench:1-LV-rural1--0-sw"
customers = "customers.csv"
devices = "devices.csv"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "customers.csv").write_text("")
    (tmp_path / "devices.csv").write_text("")
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return path


def rejected(folder: Path, text: str) -> list[str]:
    """The findings without the file's name."""
    path = write(folder, text)
    with pytest.raises(ConfigRejected) as caught:
        load_site(path)
    assert all(finding.startswith(str(path)) for finding in caught.value.findings)
    assert str(caught.value) == "\n".join(caught.value.findings)
    return [finding.removeprefix(f"{path}, ").removeprefix(f"{path}: ") for finding in caught.value.findings]


def test_defaults_and_paths_relative_to_the_file(folder: Path) -> None:
    site = load_site(write(folder, GOOD))
    assert site.feeder[0].customers == folder / "customers.csv"
    assert site.store.path == folder / "state" / "gridward.sqlite3"
    assert site.secret_file == folder / "state" / "site.secret"
    assert site.feeder[0].network == "simbench:1-LV-rural1--0-sw"
    assert site.cycle.period_s == 5.0


def test_a_network_file_is_relative_too(folder: Path) -> None:
    (folder / "net.json").write_text("{}")
    site = load_site(write(folder, GOOD.replace("simbench:1-LV-rural1--0-sw", "net.json")))
    assert site.feeder[0].network == str(folder / "net.json")


def test_a_network_may_be_a_folder(folder: Path) -> None:
    text = GOOD.replace("simbench:1-LV-rural1--0-sw", "cgmes")
    with pytest.raises(ConfigRejected, match=r"network: expected a file or folder at .*cgmes"):
        load_site(write(folder, text))
    (folder / "cgmes").mkdir()
    assert load_site(write(folder, text)).feeder[0].network == str(folder / "cgmes")


def test_absolute_paths_stay(folder: Path) -> None:
    other = folder / "elsewhere" / "x.sqlite3"
    site = load_site(write(folder, GOOD + f'[store]\npath = "{other.as_posix()}"\n'))
    assert site.store.path == other


def test_wrong_types_ranges_words_and_keys_are_all_told_with_their_lines(folder: Path) -> None:
    text = (
        GOOD
        + """
[cycle]
period_s = "five"
fresh_s = -1
perod = 3

[feeder.rtu]
port = 99999

[broker]
protocol = "6"

[requests]
attempts = 2.5
duration_s = inf
"""
    )
    assert rejected(folder, text) == [
        "line 10: cycle.period_s: expected a number, got 'five'",
        "line 11: cycle.fresh_s: expected a number > 0.0, got -1",
        "line 12: cycle.perod: this key is not known; did you mean period_s?",
        "line 14: feeder[1].rtu.host: expected a value, the key is missing",
        "line 15: feeder[1].rtu.port: expected a whole number <= 65535, got 99999",
        "line 18: broker.protocol: expected one of '3.1.1', '5', got '6'",
        "line 21: requests.attempts: expected a whole number, got 2.5",
        "line 22: requests.duration_s: expected a finite number, got inf",
    ]


def test_a_fault_of_syntax_has_its_line(folder: Path) -> None:
    (finding,) = rejected(folder, GOOD + "[cycle\n")
    assert "line 8" in finding


def test_no_file_and_no_utf8(folder: Path) -> None:
    with pytest.raises(ConfigRejected, match=r"none\.toml: expected a readable file"):
        load_site(folder / "none.toml")
    (folder / "latin.toml").write_bytes(b'name = "D\xf6rf"\n')
    with pytest.raises(ConfigRejected, match="UTF-8"):
        load_site(folder / "latin.toml")


@pytest.mark.parametrize(
    ("extra", "finding"),
    [
        ("[cycle]\nfresh_s = 2.0\n", "line 9: cycle.fresh_s: expected at least period_s (5 s), got 2"),
        (
            "[requests]\nrenew_before_s = 900\n",
            "line 9: requests.renew_before_s: expected less than duration_s (900 s), got 900",
        ),
        (
            '[alarms]\nout_of_service = ["journal_unwritable"]\n',
            "line 9: alarms.out_of_service: expected no alarm of priority critical, got 'journal_unwritable'",
        ),
        (
            '[alarms]\nout_of_service = ["wrong_meter/F9"]\n',
            "line 9: alarms.out_of_service: expected a feeder of this site, got 'F9'",
        ),
        (
            '[alarms]\nout_of_service = ["wrong_meter", "noise"]\n',
            "line 9: alarms.out_of_service: expected kinds of alarms, 'noise' is none",
        ),
        (
            '[rewards]\nholidays = "DE-XY"\n',
            "line 9: rewards.holidays: expected a country and region of ISO 3166, such as DE or DE-BY; "
            "got 'DE-XY'",
        ),
        (
            "[requests]\nanswer_within_s = 400\n",
            "line 9: requests.answer_within_s: expected, times attempts, "
            "less than duration_s (900 s), got 1200",
        ),
        (
            "[events]\nmax_duration_s = 600\n",
            "line 1: requests.duration_s: expected at most events.max_duration_s (600 s), got 900",
        ),
        ("[limits]\nmin_v_pu = 1.2\n", "line 9: limits.min_v_pu: expected less than max_v_pu (1.1), got 1.2"),
        (
            "[events]\nat_once_percent = 90\n",
            "line 9: events.at_once_percent: expected at least limits.loading_percent (100), got 90",
        ),
        (
            "[requests]\ntarget_share = 0.99\n",
            "line 9: requests.target_share: expected above 0 and at most events.close_below (0.95), "
            "or what is asked for never ends an event; got 0.99",
        ),
        (
            "[requests]\nact_above_share = 0.9\n",
            "line 9: requests.act_above_share: expected at least target_share (0.95), got 0.9",
        ),
        (
            '[broker]\nroot = "a/#"\n',
            "line 9: broker.root: expected the first levels of a topic: 'a/#', of which one "
            "contains '#': none of / + # and no control characters can be in an id",
        ),
        (
            '[broker]\nusername = "u"\npassword_file = "customers.csv"\nkey_file = "devices.csv"\n',
            "line 11: broker.key_file: expected certificate_file beside it",
        ),
        (
            '[store]\npassword_file = "customers.csv"\n',
            "line 9: store.password_file: expected postgres beside it",
        ),
        (
            '[store]\npostgres = "db.example"\n',
            "line 9: store.postgres: expected a URL such as postgresql://gridward@db.example/gridward, "
            "or host=... dbname=...",
        ),
    ],
)
def test_settings_that_cannot_be_meant_together(folder: Path, extra: str, finding: str) -> None:
    assert rejected(folder, GOOD + extra) == [finding]


@pytest.mark.parametrize(
    "place",
    [
        "postgresql://gridward:hunter2@db/gridward",
        "postgres://db/gridward?user=g&password=hunter2",
        "host=db dbname=gridward password=hunter2",
        "host=db password = 'hunter2'",
    ],
)
def test_a_password_does_not_belong_into_settings(folder: Path, place: str) -> None:
    (finding,) = rejected(folder, GOOD + f'[store]\npostgres = "{place}"\n')
    assert finding.startswith("line 9: store.postgres: expected no password in it")
    assert "hunter2" not in finding


@pytest.mark.parametrize(
    "place", ["postgresql://gridward@db/gridward", "postgres:///g?host=/run/postgresql", "host=db dbname=g"]
)
def test_a_store_in_postgresql(folder: Path, place: str) -> None:
    (folder / "password").write_text("hunter2\n")
    text = GOOD + f'[store]\npostgres = "{place}"\npassword_file = "password"\n'
    store = load_site(write(folder, text)).store
    assert (store.postgres, store.password_file) == (place, folder / "password")


def test_feeders_are_told_apart_and_their_files_are_there(folder: Path) -> None:
    second = (
        GOOD.split("\n\n", 1)[1]
        .replace("customers.csv", "nobody.csv")
        .replace("simbench:1-LV-rural1--0-sw", "n.json")
    )
    third = (
        second.replace('"dorf"', '"a/b"')
        .replace("nobody.csv", "customers.csv")
        .replace("n.json", "simbench:x")
    )
    found = rejected(folder, GOOD + second + third)
    assert [finding.split(": expected")[0] for finding in found] == [
        "line 9: feeder[2].id",
        "line 10: feeder[2].network",
        "line 11: feeder[2].customers",
        "line 14: feeder[3].id",
    ]


@pytest.mark.parametrize(
    ("line", "key"),
    [("reserve_probability = 0.3", "reserve_probability"), ("fairness_days = 120", "fairness_days")],
)
def test_wishes_for_allocation_that_cannot_be_meant_are_refused(folder: Path, line: str, key: str) -> None:
    (finding,) = rejected(folder, f"{GOOD}[requests]\n{line}\n")
    assert finding.startswith(f"line 9: requests.{key}: expected")


def test_a_reserve_is_kept_only_where_one_is_wanted(folder: Path) -> None:
    assert load_site(write(folder, GOOD)).requests.reserve_probability is None
    wanted = load_site(write(folder, f"{GOOD}[requests]\nreserve_probability = 0.9\n"))
    assert wanted.requests.reserve_probability == 0.9


def test_a_site_needs_a_name_and_a_feeder(folder: Path) -> None:
    assert rejected(folder, 'name = " "\nfeeder = []\n') == [
        "line 1: name: expected a name, it is empty",
        "line 2: feeder: expected at least one [[feeder]]",
    ]
    assert rejected(folder, 'feeder = 3\nbroker = "x"\n') == [
        "line 1: feeder: expected [[feeder]] tables, got 3",
        "line 1: name: expected a value, the key is missing",
        "line 2: broker: expected a table, got 'x'",
    ]


def test_lines_of_other_ways_to_write_toml() -> None:
    lines = TomlLines(
        'a.b = 1\n"quoted key" = 2\ntext = """\nx = 3\n"""\n[t] # comment\n  y = {z = 1}\n'
        "[[l]]\n[[l]]\nk=1\n[l.m]\nn=1"
    )
    assert lines.line(("a", "b")) == 1
    assert lines.line(("quoted key",)) == 2
    assert lines.line(("x",)) == 1
    assert lines.line(("t", "y", "z")) == 7
    assert lines.line(("l", 1, "k")) == 10
    assert lines.line(("l", 1, "m", "n")) == 12
    assert lines.line(("l", 0, "k")) == 8


@given(
    text=st.text(max_size=200)
    | st.builds(
        lambda key, value: f"{GOOD}[{key}]\n{value}\n",
        st.sampled_from(["cycle", "broker", "feeder", "feeder.rtu", "store", "x"]),
        st.text(max_size=60),
    )
)
@profile(max_examples=150, deadline=None)
def test_any_text_is_a_site_or_the_one_named_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(ConfigRejected):
        load_site(path)


@pytest.mark.parametrize("url", ["https://people.example.org", "http://localhost:8080/grid/"])
def test_a_public_address(folder: Path, url: str) -> None:
    assert load_site(write(folder, GOOD + f'[api]\npublic_url = "{url}"\n')).api.public_url == url


@pytest.mark.parametrize(
    "url", ["people.example.org", "ftp://example.org", "https://", "https://a.org/?x=1", "https://a.org/#b",
            "https://me@a.org", "https://a .org", "https://[a"]
)  # fmt: skip
def test_what_is_no_public_address_is_refused(folder: Path, url: str) -> None:
    (finding,) = rejected(folder, GOOD + f'[api]\npublic_url = "{url}"\n')
    assert finding.startswith(
        "line 9: api.public_url: expected an address such as https://people.example.org"
    )
    assert repr(url) in finding


def test_programmes_and_enrolments_are_files_that_belong_together(folder: Path) -> None:
    both = GOOD + 'programmes = "programmes.toml"\nenrolments = "enrolments.csv"\n'
    assert rejected(folder, both) == [
        f"line 8: feeder[1].programmes: expected a file at {folder}/programmes.toml",
        f"line 9: feeder[1].enrolments: expected a file at {folder}/enrolments.csv",
    ]
    (folder / "programmes.toml").write_text("")
    (folder / "enrolments.csv").write_text("")
    assert load_site(write(folder, both)).feeder[0].programmes == folder / "programmes.toml"
    for one, needed in (("programmes", "enrolments"), ("enrolments", "programmes")):
        alone = "\n".join(line for line in both.splitlines() if not line.startswith(needed))
        assert rejected(folder, alone) == [f"line 8: feeder[1].{one}: expected {needed} beside it"]


@pytest.mark.parametrize("text", ["a = " + "9" * 5000, "a = " + "[" * 3000, "a = {" * 2000])
def test_a_file_that_no_reader_can_take_is_told_by_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text)
    with pytest.raises(ConfigRejected, match=r"site\.toml: expected TOML"):
        load_site(path)


def test_proxies_in_front_are_addresses_or_networks(folder: Path) -> None:
    good = '[api]\ntrusted_proxies = ["10.0.0.5", "2001:db8::/64"]\n'
    assert load_site(write(folder, GOOD + good)).api.trusted_proxies == ("10.0.0.5", "2001:db8::/64")
    (finding,) = rejected(folder, GOOD + '[api]\ntrusted_proxies = ["10.0.0.5", "*"]\n')
    assert finding.endswith("expected an address or network such as 10.0.0.5 or 10.0.0.0/24; got '*'")


def test_people_come_back_from_their_provider_to_an_address_without_a_path(folder: Path) -> None:
    (folder / "secret").write_text("s")
    openid = (
        '[api.openid]\nissuer = "https://login.example"\nclient_id = "g"\nclient_secret_file = "secret"\n'
        'roles = { a = "viewer" }\n'
    )
    for path, findings in (("", 0), ("/", 0), ("/grid", 1)):
        toml = write(folder, GOOD + f'[api]\npublic_url = "https://grid.example{path}"\n' + openid)
        if not findings:
            load_site(toml)
            continue
        with pytest.raises(
            ConfigRejected, match=r"line 9: api\.public_url: expected an address without a path"
        ):
            load_site(toml)


def test_words_inside_tables_and_lists_are_told_with_those_allowed(folder: Path) -> None:
    (folder / "secret").write_text("")
    openid = (
        '[api.openid]\nissuer = "https://i"\nclient_id = "c"\nclient_secret_file = "secret"\n'
        '[api.openid.roles]\nstaff = "operator"\nchiefs = "boss"\n'
    )
    vtn = '[openadr]\nclients_file = "secret"\nversions = ["3.1.1", "2.0b"]\n'
    charger = '[[feeder.charger]]\ncharge_point = "c"\ndevice = "d"\nrate_unit = "kW"\n'
    assert rejected(folder, GOOD + charger + openid + vtn) == [
        "line 11: feeder[1].charger[1].rate_unit: expected one of 'W', 'A', got 'kW'",
        "line 18: api.openid.roles.chiefs: expected one of 'viewer', 'operator', 'supervisor', 'engineer',"
        " 'auditor', got 'boss'",
        "line 21: openadr.versions[2]: expected one of '3.0.1', '3.1.1', got '2.0b'",
    ]
