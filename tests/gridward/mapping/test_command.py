"""`gridward mapping` from the command line: what it finds in files and in a record, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from controller.stores.sqlite import SqliteStore
from grid_model.network import Network
from gridward.cli import main
from gridward.mapping.history import MOST_SNAPSHOTS, History, complete_snapshots, thinned
from gridward.mapping.report import _busiest
from tests.grid_model.small_networks import loaded, street
from tests.gridward.mapping.streets import BEGIN, N, Told, told, write_files, write_site

Mapping = Callable[..., tuple[int, str, str]]


@pytest.fixture
def mapping(capsys: pytest.CaptureFixture[str]) -> Mapping:
    """Runs the command; gives exit status, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(["mapping", *arguments])
        return status, *capsys.readouterr()

    return run


def replaced(argument: str, old: str, new: str) -> None:
    path = Path(argument)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


# Files


def test_a_right_plan_is_left_alone(mapping: Mapping, tmp_path: Path) -> None:
    status, out, _ = mapping(*write_files(tmp_path, told()))
    assert status == 0
    assert out.count("  none") == 3
    assert "96 times from 2026-01-12 00:00 to 2026-01-12 23:45 (UTC+01:00), 10 of 10 meters" in out


def test_load_without_a_meter_is_told_with_its_place_amount_and_hours(
    mapping: Mapping, tmp_path: Path
) -> None:
    files = write_files(tmp_path, told(missing_kw=12.0))
    status, out, _ = mapping(*files)
    assert status == 1
    assert "about 2.0 kW (" in out
    assert "is taken behind cable 3 (line:3) that no meter shows, mostly 18:00–22:00; confidence" in out
    status, out, _ = mapping(*files, "--json")
    found = json.loads(out)["unmetered"]
    assert (status, found["placed"], found["section"]) == (1, True, "line:3")
    assert found["p_kw"] == pytest.approx(12.0 * 4 / 24, abs=2 * found["sd_kw"])
    assert found["by_hour_kw"][20] == pytest.approx(12.0, rel=0.1)
    assert abs(found["by_hour_kw"][3]) < 0.5


def test_missing_power_is_not_laid_to_customers(mapping: Mapping, tmp_path: Path) -> None:
    _, out, _ = mapping(*write_files(tmp_path, told(missing_kw=12.0)), "--json")
    document = json.loads(out)
    assert "missing power to be found first" in document["wrong_bus"]["needs"]
    assert "missing power to be found first" in document["wrong_group"]["needs"]


def test_a_load_too_small_to_tell_is_not_laid_to_customers(mapping: Mapping, tmp_path: Path) -> None:
    status, out, _ = mapping(*write_files(tmp_path, told(missing_kw=3.0)), "--json")
    document = json.loads(out)
    assert (status, document["unmetered"]["missing"]) == (0, False)
    assert "a sum that meters explain" in document["wrong_bus"]["needs"]


def test_a_customer_on_another_cable_is_not_taken_for_missing_power(mapping: Mapping, tmp_path: Path) -> None:
    status, out, _ = mapping(*write_files(tmp_path, told(moved=(4, 8))), "--json")
    document = json.loads(out)
    assert status == 1
    assert document["unmetered"]["missing"] is False
    (bus,) = document["wrong_bus"]["customers"]
    assert (bus["service_point"], bus["recorded"]) == ("house 4", "bus:6")
    assert bus["candidates"][0]["bus"] == "bus:10"
    (group,) = document["wrong_group"]["customers"]
    assert (group["service_point"], group["recorded"], group["likely"]) == ("house 4", "line:0", "line:5")


def test_who_is_read_here_but_supplied_from_elsewhere(mapping: Mapping, tmp_path: Path) -> None:
    status, out, _ = mapping(*write_files(tmp_path, told(away=7)))
    assert status == 1
    assert "house 7 does not show in the power of cable 5 (line:5), where the plan has it" in out
    assert "Load without a meter:\n  none" in out


def test_only_the_substations_sum_says_how_much_but_not_where(mapping: Mapping, tmp_path: Path) -> None:
    files = write_files(tmp_path, told(missing_kw=12.0))
    only_sum(files)
    without_voltages(files)
    status, out, _ = mapping(*files)
    assert status == 1
    assert "is taken that no meter shows, mostly 18:00–22:00" in out
    assert "where is not known" in out
    assert "Customers on another bus:\n  not looked for; it needs a history with v_pu of the meters" in out


def only_sum(files: list[str]) -> None:
    path = Path(files[-1])
    path.write_text("\n".join(row for row in path.read_text().splitlines() if ",line:" not in row))


def without_voltages(files: list[str]) -> None:
    path = Path(files[2])
    path.write_text("\n".join(row.rpartition(",")[0] for row in path.read_text().splitlines()))


def test_without_a_substation_it_says_what_would_be_needed(mapping: Mapping, tmp_path: Path) -> None:
    status, out, _ = mapping(*write_files(tmp_path, told())[:3])
    assert status == 0
    assert "Load without a meter:\n  not looked for; it needs the substation's readings" in out
    assert "another cable or feeder:\n  not looked for; it needs the substation's readings" in out


def test_groups_of_a_plan(mapping: Mapping, tmp_path: Path) -> None:
    files = write_files(tmp_path, told())
    plan = tmp_path / "groups.csv"
    rows = [f"house {house},{'north' if house < 6 else 'south'}" for house in range(10)]
    plan.write_text("\n".join(["service_point,group", *rows]))
    substation = Path(files[-1])
    substation.write_text(substation.read_text().replace("line:0", "north").replace("line:5", "south"))
    status, out, _ = mapping(*files, "--groups", str(plan))
    assert status == 1
    assert "house 5 is not on north, as the plan says, but on south; confidence above 99.9 %" in out


def test_phases_by_voltages(mapping: Mapping, tmp_path: Path) -> None:
    seen = told()
    phase = np.arange(10) % 3
    rng = np.random.default_rng(2)
    moves = np.cumsum(rng.normal(0, 0.002, (N, 3)), axis=0)
    v_pu = 1 + moves[:, phase] + rng.normal(0, 0.0003, (N, 10))
    files = write_files(tmp_path, Told(seen.at, seen.p_kw, v_pu, seen.flow_kw))
    plan = tmp_path / "phases.csv"
    recorded = ["b" if house == 6 else "abc"[phase[house]] for house in range(10)]
    plan.write_text("\n".join(["service_point,phase", *(f"house {h},{p}" for h, p in enumerate(recorded))]))
    status, out, _ = mapping(*files, "--phases", str(plan))
    assert status == 1
    assert "house 6 is not on b, as the plan says, but on a; confidence above 99.9 %" in out
    assert "Customers on another bus:\n  not looked for; it needs a plan without phases" in out


@pytest.mark.parametrize(
    ("fault", "told_of"),
    [
        ((2, "house 3,", "house 33,"), "readings.csv row 5, service_point: 'house 33' is no service point"),
        ((2, "+01:00,house 1,", ",house 1,"), "readings.csv row 3, at: is '2026-01-12T00:00:00'; expected"),
        ((2, ",house 1,", ",house 0,"), "row 3, service_point: is already read at this time in row 2"),
        ((2, "p_kw", "kw"), "readings.csv row 1: has no column p_kw"),
        ((4, "trafo:0,", "trafo:9,"), "substation.csv row 2, element: is 'trafo:9'; expected a transformer"),
        ((4, "trafo:0,", "trafo:0,x"), "substation.csv row 2, p_kw: is 'x"),
    ],
)  # fmt: skip
def test_wrong_input_is_told_with_file_row_and_field(
    mapping: Mapping, tmp_path: Path, fault: tuple[int, str, str], told_of: str
) -> None:
    files = write_files(tmp_path, told())
    file, old, new = fault
    replaced(files[file], old, new)
    status, out, err = mapping(*files)
    assert (status, out) == (2, "")
    assert told_of in err


def test_watts_for_kilowatts_are_told(mapping: Mapping, tmp_path: Path) -> None:
    seen = told()
    seen.p_kw[0, 0] = 5000.0
    status, _, err = mapping(*write_files(tmp_path, seen))
    assert status == 2
    assert "readings.csv row 2, p_kw: is 5000; expected at most" in err
    assert "were W written as kW?" in err


def test_histories_of_different_times_are_refused(mapping: Mapping, tmp_path: Path) -> None:
    files = write_files(tmp_path, told())
    path = Path(files[-1])
    path.write_text(path.read_text().replace("2026-01", "2025-01"))
    status, _, err = mapping(*files)
    assert status == 2
    assert "substation.csv, at: has 0 times in common with readings.csv; expected at least 10" in err


def test_a_fault_in_every_row_is_told_some_times(mapping: Mapping, tmp_path: Path) -> None:
    files = write_files(tmp_path, told())
    path = Path(files[2])
    path.write_text(path.read_text().replace(",house ", ",home "))
    status, _, err = mapping(*files)
    assert status == 2
    assert len(err.splitlines()) == 21
    assert err.endswith("and 940 more\n")


def test_a_network_without_readings_is_refused(mapping: Mapping) -> None:
    status, _, err = mapping("net.json")
    assert status == 2
    assert "expected a SITE.toml, or a network with --readings HISTORY.csv" in err


# The daemon's record


def test_a_record_tells_missing_power_in_the_sites_hours(mapping: Mapping, tmp_path: Path) -> None:
    site = write_site(tmp_path, told(missing_kw=12.0))
    status, out, _ = mapping(site)
    assert status == 1
    assert "Feeder dorf" in out
    assert "is taken that no meter shows, mostly 18:00–22:00" in out
    assert "which the daemon's record does not hold" in out


def test_a_record_of_a_right_plan(mapping: Mapping, tmp_path: Path) -> None:
    status, out, _ = mapping(write_site(tmp_path, told()), "--feeder", "dorf", "--json")
    document = json.loads(out)["feeders"]["dorf"]
    assert (status, document["found"]) == (0, False)
    assert (document["snapshots"], document["meters_read"]) == (N, 10)
    assert document["unmetered"]["missing"] is False
    assert document["wrong_group"] == {"groups": ["dorf"], "customers": [], "joining": [], "untold": []}


def test_a_record_tells_who_is_on_no_feeder_of_it(mapping: Mapping, tmp_path: Path) -> None:
    status, out, _ = mapping(write_site(tmp_path, told(away=7)))
    assert status == 1
    assert "house 7 does not show in the power of dorf" in out


def test_a_customer_of_one_feeder_who_hangs_on_another(mapping: Mapping, tmp_path: Path) -> None:
    dorf = told(away=7)
    berg = told(guest_kw=dorf.p_kw[:, 7], seed=6)
    site = write_site(tmp_path, dorf, berg=berg)
    status, out, _ = mapping(site)
    assert status == 1
    assert "house 7 is not on dorf, as the plan says, but on berg; confidence above 99.9 %" in out
    assert "dorf/house 7 hangs here, not on dorf; confidence above 99.9 %" in out
    _, out, _ = mapping(site, "--json")
    feeders = json.loads(out)["feeders"]
    assert feeders["dorf"]["unmetered"]["missing"] is False
    assert [one["likely"] for one in feeders["dorf"]["wrong_group"]["customers"]] == ["berg"]
    assert feeders["berg"]["wrong_group"]["customers"] == []


def test_only_the_last_days_count(mapping: Mapping, tmp_path: Path) -> None:
    _, out, _ = mapping(write_site(tmp_path, told()), "--days", "0.5", "--json")
    document = json.loads(out)["feeders"]["dorf"]
    assert document["snapshots"] == N // 2 + 1
    assert document["from"] == BEGIN.replace(hour=11, minute=45).isoformat()


def test_a_record_without_the_substation_says_so(mapping: Mapping, tmp_path: Path) -> None:
    status, out, _ = mapping(write_site(tmp_path, told(missing_kw=12.0), with_rtu=False))
    assert status == 0
    assert "it needs an RTU ([feeder.rtu] of dorf) whose readings are in the record: it has none" in out


def test_a_record_is_only_read(mapping: Mapping, tmp_path: Path) -> None:
    site = write_site(tmp_path, told())
    store = SqliteStore(tmp_path / "record.sqlite3", durable=False)  # as the daemon has it open
    before = (tmp_path / "record.sqlite3").stat().st_mtime_ns
    assert mapping(site)[0] == 0
    assert (tmp_path / "record.sqlite3").stat().st_mtime_ns == before
    store.close()


@pytest.mark.parametrize(
    ("break_it", "arguments", "told_of"),
    [
        (None, ["--feeder", "berg"], "site.toml, feeder: 'berg' is none of the site's; expected one of dorf"),
        ("record", [], "there is no store at"),
        ("net", [], "net.json"),
        ("samples", [], "no sample of feeder dorf"),
    ],
)
def test_a_site_that_cannot_be_looked_into(
    mapping: Mapping, tmp_path: Path, break_it: str | None, arguments: list[str], told_of: str
) -> None:
    site = write_site(tmp_path, told())
    if break_it == "samples":
        store = SqliteStore(tmp_path / "record.sqlite3", durable=False)
        store.prune_samples(BEGIN.replace(year=2030))
        store.close()
    elif break_it is not None:
        (tmp_path / {"record": "record.sqlite3", "net": "net.json"}[break_it]).unlink()
    status, out, err = mapping(site, *arguments)
    assert (status, out) == (2, "")
    assert told_of in err


# Snapshots and hours


@pytest.fixture(scope="module")
def network() -> Network:
    return loaded(street(3))


def history(network: Network, p_kw: Any) -> History:
    nothing = np.full(p_kw.shape, np.nan)
    return History(network, (BEGIN,) * len(p_kw), p_kw, nothing, nothing)


def test_short_gaps_are_bridged_and_long_ones_leave_their_snapshots_out(network: Network) -> None:
    p_kw = np.tile(np.arange(40.0)[:, None], (1, 3))
    p_kw[5:7, 0] = np.nan
    p_kw[20:23, 1] = np.nan
    found = complete_snapshots(history(network, p_kw))
    assert set(range(40)) - set(found.rows.tolist()) == {20, 21, 22}
    assert found.p_kw[5:7, 0].tolist() == [5.0, 6.0]


def test_who_is_seldom_read_is_estimated_as_the_others_and_marked(network: Network) -> None:
    p_kw = np.full((20, 3), 2.5)
    p_kw[:12, 2] = np.nan
    found = complete_snapshots(history(network, p_kw))
    assert found.read.tolist() == [0, 1]
    assert found.p_kw[:, 2] == pytest.approx(2.5)  # half of its 5 kW, as the others take of theirs
    assert found.estimate_sd_kw.tolist() == pytest.approx([0.0, 0.0, 2.5])
    assert found.q_kvar == pytest.approx(0.5 * np.ones((20, 3)))


def test_a_long_history_is_thinned_out_evenly() -> None:
    rows = thinned(np.arange(5 * MOST_SNAPSHOTS))
    assert len(rows) == MOST_SNAPSHOTS
    assert (rows[0], rows[-1]) == (0, 5 * MOST_SNAPSHOTS - 1)
    assert set(np.diff(rows).tolist()) <= {4, 5, 6}


@pytest.mark.parametrize(
    ("hours", "expected"),
    [([18, 19, 20], (18, 3)), ([23, 0, 1], (23, 3)), (list(range(24)), None), ([], None)],
)
def test_the_part_of_the_day_with_most_of_the_energy(
    hours: list[int], expected: tuple[int, int] | None
) -> None:
    kw = np.zeros(24)
    kw[hours] = 1.0
    assert _busiest(kw) == expected
