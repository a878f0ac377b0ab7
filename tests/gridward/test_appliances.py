"""`gridward appliances` as it is used: lists in, files and a review list out, decisions back."""

import csv
import fcntl
import json
from contextlib import closing
from pathlib import Path

import pytest

from customers.appliances.appliance_files import load_appliances
from customers.contact_store import ContactStore
from customers.registry_files import load_registry
from gridward import appliance_import
from gridward.appliance_site import Feeders
from gridward.cli import main

LISTS = Path(__file__).parents[1] / "customers/appliances/lists"
CUSTOMERS = "customer,service_point,meter,critical,notices\n" + "".join(
    f"{customer},load:{n},M-{n},false,true\n"
    for n, customer in enumerate(["C-001", "C-002", "C-003", "D-1", "D-2", "D-3", "330101001", "Z-2"])
)
DEVICES = "device,service_point,kind,p_kw,min_kw,critical\nEV-1,load:0,ev_charger,11,,false\n"
CONTACTS = (
    "customer,name,postal,ended_on\n"
    'C-001,Eva Brown,"Flat 3, 12 High Street\nLondon\nSW1A 1AA",\n'
    'C-002,Tom Evans,"14 High Street\nLondon\nSW1A 1AA",\n'
    'X-002,Old Tenant,"14 High Street\nLondon\nSW1A 1AA",2020-01-01\n'
    'C-003,Ann Jones,"16 High Street\nLondon\nSW1A 1AA",\n'
    'D-1,Jörg Müller,"Königsallee 12a\n40212 Düsseldorf",\n'
    'D-2,Rita Weiß,"Gartenstraße 5\n40213 Düsseldorf",\n'
    'D-3,Otto Klein,"Gartenstraße 7\n40213 Düsseldorf",\n'
    'D-9,Ida Lang,"Gartenstraße 7\n40213 Düsseldorf",\n'
    "330101001,王伟,浙江省杭州市西湖区文三路123号5幢2单元301室,\n"
    "Z-2,李娜,浙江省杭州市西湖区文三路125号1幢301室,\n"
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOGNAME", "tester")
    for name, text in (("customers.csv", CUSTOMERS), ("devices.csv", DEVICES), ("contacts.csv", CONTACTS)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name in ("english.csv", "german_latin1.csv", "chinese_gb18030.csv"):
        (tmp_path / name).write_bytes((LISTS / name).read_bytes())
    path = tmp_path / "site.toml"
    path.write_text(
        'name = "dorf"\n[[feeder]]\nid = "dorf"\nnetwork = "pandapower:create_kerber_dorfnetz"\n'
        'customers = "customers.csv"\ndevices = "devices.csv"\nappliances = "appliances.csv"\n',
        encoding="utf-8",
    )
    assert main(["contacts", "import", str(path), str(tmp_path / "contacts.csv")]) == 0
    (tmp_path / "contacts.csv").unlink()
    return path


def command(name: str, site: Path, *more: str | Path) -> int:
    return main(["appliances", name, *map(str, more), "--site", str(site)])


def lists(site: Path) -> list[Path]:
    return [site.parent / name for name in ("english.csv", "german_latin1.csv", "chinese_gb18030.csv")]


def held(site: Path) -> list[tuple[str, str, float]]:
    return [(one.customer, one.kind, one.rated_kw) for one in load_appliances(site.parent / "appliances.csv")]


SURE = [
    ("330101001", "air_conditioner", 1.103),
    ("330101001", "air_conditioner", 1.103),
    ("C-001", "ev_charger", 7.4),
    ("C-002", "air_conditioner", 1.099),
    ("C-002", "air_conditioner", 1.099),
    ("C-003", "boiler", 3.0),
    ("D-1", "ev_charger", 11.0),
    ("D-2", "heat_pump", 3.2),
    ("Z-2", "boiler", 2.0),
]


def test_the_whole_way(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    review = site.parent / "review.csv"
    capsys.readouterr()
    assert command("import", site, *lists(site), "--review", review, "--json") == 1
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert held(site) == SURE
    assert told["units"] == {
        "matched": 9, "known": 0, "doubtful": 3, "refused": 0, "not_supplied": 0, "nobody": 1,
    }  # fmt: skip
    assert told["ways"] == {"address": 5, "customer number": 4}
    assert "english.csv, row 9, Rated Power: expected a power with its unit" in err
    assert [one["rejected"] for one in told["lists"]] == [4, 1, 1]
    assert [one["passed_over"] for one in told["lists"]] == [
        {"washing machine": 1}, {"durchlauferhitzer": 1}, {"洗衣机": 1},
    ]  # fmt: skip

    # the review list: names and addresses, so for its owner alone; nothing in it runs
    assert review.stat().st_mode & 0o777 == 0o600
    (row,) = csv.DictReader(review.read_text(encoding="utf-8").splitlines())
    assert (row["candidate_1"], row["candidate_2"], row["count"]) == ("D-3", "D-9", "3")
    assert row["candidate_1_address"] == "Gartenstraße 7, 40213 Düsseldorf"
    assert row["why"] == "2 customers in this house"
    review.write_text(review.read_text(encoding="utf-8").replace("\n,,", "\nyes,,"), encoding="utf-8")
    assert command("review", site, review) == 0
    assert [one for one in held(site) if one[0] == "D-3"] == [("D-3", "air_conditioner", 1.25)] * 3

    # again: nothing changes, nobody is asked
    before = (site.parent / "appliances.csv").read_bytes()
    assert command("import", site, *lists(site), "--json") == 1, "rows are to be mended"
    out = capsys.readouterr().out.splitlines()[-1]
    assert json.loads(out)["units"] == {
        "matched": 0, "known": 12, "doubtful": 0, "refused": 0, "not_supplied": 0, "nobody": 1,
    }  # fmt: skip
    assert (site.parent / "appliances.csv").read_bytes() == before


def test_no_name_and_no_address_gets_into_what_stays(site: Path) -> None:
    command("import", site, *lists(site))
    for path in (site.parent / "appliances.csv", *(site.parent / "state").glob("appliance*")):
        text = path.read_text(encoding="utf-8")
        assert not any(word in text for word in ("Brown", "High St", "Garten", "Königs", "文三路", "王伟")), (
            path
        )
    with closing(ContactStore(site.parent / "state" / "contacts.sqlite3")) as store:
        noted = store.log("D-2")
    assert [(one.action, one.who, one.why) for one in noted][-1] == (
        "listed",
        "tester",
        "sales lists are matched",
    )


def test_numbers_alone_need_nobodys_address(site: Path) -> None:
    path = site.parent / "numbers.csv"
    path.write_text("customer,product,power\nC-001,Boiler,2 kW\n")
    assert command("import", site, path) == 0
    with closing(ContactStore(site.parent / "state" / "contacts.sqlite3")) as store:
        assert [one.action for one in store.log("C-001")] == ["imported"]


def test_what_two_lists_tell_of_counts_once_and_that_is_said(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shops = [site.parent / "shop_a.csv", site.parent / "shop_b.csv"]
    for shop in shops:
        shop.write_text("customer,product,power\nC-001,Boiler,2 kW\n")
    assert command("import", site, *shops) == 0
    told = capsys.readouterr().out.splitlines()
    assert "2 are new in the registry" in told
    assert told[-2:] == [
        "units in the registry that another list tells of too, and that count once: 1",
        "feeder dorf: 1 appliances",
    ]


def test_rejected_rows_are_mended_and_taken(site: Path) -> None:
    assert command("import", site, site.parent / "german_latin1.csv") == 1
    bad = site.parent / "german_latin1.rejected.csv"
    (row,) = csv.DictReader(bad.read_text(encoding="utf-8").splitlines())
    assert row["gridward says"] == "Leistung [kW]: expected a power such as 3.5 kW, got 'elf'"
    assert bad.stat().st_mode & 0o777 == 0o600
    bad.write_text(bad.read_text(encoding="utf-8").replace("elf,", "11,"), encoding="utf-8")
    kept = bad.read_text(encoding="utf-8")
    assert command("import", site, site.parent / "german_latin1.csv") == 1
    assert (site.parent / "german_latin1.rejected.csv.before").read_text(encoding="utf-8") == kept
    bad.write_text(kept, encoding="utf-8")
    assert command("import", site, bad) == 1, "what was doubtful in the list itself still waits"
    assert "elf" not in bad.read_text(encoding="utf-8")


def test_coordinates_are_matched_with_a_file_of_places(site: Path) -> None:
    path, places = site.parent / "places_sold.csv", site.parent / "places.csv"
    path.write_text("lat,lon,product,power\n51.2,6.8,Boiler,2 kW\n51.3,6.8,Boiler,2 kW\n")
    places.write_text("service_point,latitude,longitude\nload:1,51.2001,6.8\nload:2,51.21,6.8\n")
    assert command("import", site, path, "--places", places) == 0
    assert held(site) == [("C-002", "boiler", 2.0)]
    places.write_text("service_point,latitude,longitude\nload:1,512,6.8\n")
    assert command("import", site, path, "--places", places) == 2


def test_list_and_summary(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("list", site) == 0
    assert "no appliances" in capsys.readouterr().out
    command("import", site, *lists(site))
    capsys.readouterr()
    assert command("summary", site, "--json") == 0
    rows = {row["kind"]: row for row in json.loads(capsys.readouterr().out)["summary"]}
    assert rows["ev_charger"] == {
        "feeder": "dorf", "kind": "ev_charger", "appliances": 2, "customers": 2, "rated_kw": 18.4,
        "without_device_kw": 11.0,
    }  # fmt: skip
    (site.parent / "customers.csv").write_text(CUSTOMERS.replace("D-2,load:4", "E-5,load:4"))
    assert command("list", site, "--feeder", "dorf") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["feeder", "customer", "service"]
    assert [line for line in lines if "not supplied there any more" in line] == [
        line for line in lines if "D-2" in line
    ]
    assert command("list", site, "--feeder", "nowhere") == 2
    command("import", site, *lists(site))
    assert ("D-2", "heat_pump", 3.2) in held(site), "who is not supplied any more is not forgotten"


def test_names_that_look_like_formulas_are_read_as_they_were(site: Path) -> None:
    folder = site.parent
    odd = CUSTOMERS.replace("C-002,load:1", "-C2,=load")
    (folder / "customers.csv").write_text(odd)
    (folder / "odd.csv").write_text("customer,product,power\n-C2,Boiler,2 kW\n")
    assert command("import", site, folder / "odd.csv") == 0
    assert "'-C2,'=load" in (folder / "appliances.csv").read_text()
    assert held(site) == [("-C2", "boiler", 2.0)]


def test_the_daemons_registry_reads_the_file(site: Path) -> None:
    command("import", site, *lists(site))
    folder = site.parent
    registry = load_registry(
        folder / "customers.csv", folder / "devices.csv", appliances=folder / "appliances.csv"
    )
    assert registry.ownership is not None
    assert [one.kind for one in registry.ownership.of("load:3", "D-1")] == ["ev_charger"]
    assert registry.connected == {"load:0"}


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("none.csv", None, "expected a readable file"),
        ("bad.csv", "a,b\n1,2\n", "expected a column for the appliance"),
        ("bad.xlsx", "no zip", "expected an Excel workbook"),
    ],
)
def test_wrong_input_writes_nothing(
    site: Path, capsys: pytest.CaptureFixture[str], name: str, text: str | None, why: str
) -> None:
    if text is not None:
        (site.parent / name).write_text(text)
    assert command("import", site, site.parent / "english.csv", site.parent / name) == 2
    assert why in capsys.readouterr().err
    assert not (site.parent / "appliances.csv").exists()
    assert not (site.parent / "english.rejected.csv").exists()


def test_a_site_without_a_file_for_them_says_what_to_write(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.write_text(site.read_text().replace('appliances = "appliances.csv"\n', ""))
    assert command("summary", site) == 2
    assert 'expected appliances = "appliances.csv" in a [[feeder]]' in capsys.readouterr().err


def test_one_command_writes_at_a_time(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = site.parent / "state" / "appliance_matching.lock"
    with lock.open("w") as held_by_another:
        fcntl.flock(held_by_another, fcntl.LOCK_EX)
        assert command("import", site, site.parent / "english.csv") == 2
    assert "another command writes the appliances" in capsys.readouterr().err
    assert command("import", site, site.parent / "english.csv") == 1


def filled(review: Path, decision: str) -> None:
    review.write_text(review.read_text(encoding="utf-8").replace("\n,,", f"\n{decision},,"), encoding="utf-8")


DOUBTFUL = 'product,power,address\nWallbox,11 kW,"Gartenstr. 7, 40213 Düsseldorf"\n'


@pytest.mark.parametrize("target", ["write", "save_memory"])
def test_a_crash_between_both_files_loses_no_decision(
    site: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    path, review = site.parent / "list.csv", site.parent / "review.csv"
    path.write_text(DOUBTFUL, encoding="utf-8")
    assert command("import", site, path, "--review", review) == 1
    filled(review, "yes")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "no space left")

    with monkeypatch.context() as broken:
        broken.setattr(
            *((Feeders, "write") if target == "write" else (appliance_import, "save_memory")), full
        )
        assert command("review", site, review) == 2
        path.write_text(DOUBTFUL + 'Boiler,elf,"Gartenstr. 5, 40213 Düsseldorf"\n', encoding="utf-8")
        assert command("import", site, path) == 2
        assert not (site.parent / "list.rejected.csv").exists()
    assert command("review", site, review) == 0
    assert held(site) == [("D-3", "ev_charger", 11.0)]


def test_a_review_list_is_never_written_over_and_what_waits_is_counted(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, review = site.parent / "list.csv", site.parent / "review.csv"
    path.write_text(DOUBTFUL, encoding="utf-8")
    assert command("import", site, path, "--review", review) == 1
    filled(review, "yes")
    before = review.read_bytes()
    sure = site.parent / "sure.csv"
    sure.write_text("customer,product,power\nC-001,Boiler,2 kW\n")
    capsys.readouterr()
    assert command("import", site, sure, "--review", review) == 2
    assert "review.csv, --review: expected a file that is not there yet" in capsys.readouterr().err
    assert review.read_bytes() == before
    assert held(site) == []
    assert command("import", site, sure, "--json") == 1, "the first list waits"
    assert json.loads(capsys.readouterr().out)["waiting"] == 1


def test_two_ids_of_which_one_is_not_supplied(site: Path) -> None:
    contacts = site.parent / "more.csv"
    contacts.write_text(
        'customer,name,postal\nOLD-9,Rita Weiß,"Gartenstraße 5\n40213 Düsseldorf"\n', encoding="utf-8"
    )
    assert main(["contacts", "import", str(site), str(contacts)]) == 0
    path, review = site.parent / "list.csv", site.parent / "review.csv"
    path.write_text(
        'customer,product,power,address\nD-2,Boiler,2 kW,"Gartenstr. 5, 40213 Düsseldorf"\n', encoding="utf-8"
    )
    assert command("import", site, path, "--review", review) == 1
    filled(review, "2")
    assert command("review", site, review) == 2
    assert held(site) == [("D-2", "boiler", 2.0)]


@pytest.mark.parametrize("how", [(), ("--json",)])
def test_nothing_that_a_list_says_of_people_is_printed(
    site: Path, capsys: pytest.CaptureFixture[str], how: tuple[str, ...]
) -> None:
    path = site.parent / "shifted.csv"
    path.write_text(
        "customer,name,address,appliance,power,date,quantity,lat,lon\n"
        "1,Canary,Meyer,Canary Street 5,11 kW,,,,\n"  # a comma too many or too few
        "2,Eva,Canary Rd 4,Boiler,Leeds Canary,,,,\n"
        "3,X,Y 5,Waschmaschine für Fr. Canary,2,,,,\n"
        "4,X,Y 5,Boiler,2 kW,Canary,,,\n"
        "5,X,Y 5,Boiler,2 kW,,Canary,,\n"
        "6,X,Y 5,Boiler,2 kW,,,Canary,Canary\n"
        "7,X,Y 5,Boiler,2 Canary,,,,\n",
        encoding="utf-8",
    )
    assert command("import", site, path, *how) == 1
    out, err = capsys.readouterr()
    assert "canary" not in (out + err).casefold()
    assert "shifted.csv, row 3, power: expected a power such as 3.5 kW" in err
    assert "waschmaschine" in out
    rejected = (site.parent / "shifted.rejected.csv").read_text(encoding="utf-8")
    assert "power: expected a power such as 3.5 kW, got 'Leeds Canary'" in rejected


def test_rows_that_were_corrected_in_their_list_are_told_of(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = site.parent / "list.csv"
    path.write_text("customer,product,power\nC-001,Wallbox,110 kW\nC-002,Boiler,elf\n")
    command("import", site, path)
    mended = site.parent / "list.rejected.csv"
    mended.write_text(mended.read_text(encoding="utf-8").replace("elf,", "2 kW,"), encoding="utf-8")
    assert command("import", site, mended) == 0
    assert command("import", site, mended, path) == 2, "one list"
    path.write_text("customer,product,power\nC-001,Wallbox,11 kW\nC-002,Boiler,2 kW\n")
    capsys.readouterr()
    command("import", site, path)
    out = capsys.readouterr().out
    assert "1 units of an earlier reading of list are not in it any more and stay" in out
    assert "1 units of list are alike to rows mended in list.rejected.csv" in out
