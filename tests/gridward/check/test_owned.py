"""`gridward check --appliances`: what customers without a device could give shows where they are located."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandapower as pp
import pytest

from customers.appliances.use_files import default_use
from gridward.check.command import _flexible_kw
from gridward.check.input import CheckFiles, read_input
from gridward.check.owned import LEAST_KW
from gridward.cli import main
from tests.grid_model.small_networks import street

READINGS = "service_point,p_kw,q_kvar,at\n" + "".join(
    f"house {house},21,1,2026-01-12T18:30:00+01:00\n" for house in range(4)
)
OWNED = (
    "customer,service_point,kind,rated_kw,bought_on\n"
    "A,house 0,ev_charger,11,2024-01-01\nB,house 1,boiler,2,2024-01-01\n"
    "C,house 2,ev_charger,11,2024-01-01\nD,house 9,ev_charger,11,2024-01-01\n"
)


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    (tmp_path / "net.json").write_text(str(pp.to_json(street())))
    (tmp_path / "readings.csv").write_text(READINGS)
    (tmp_path / "appliances.csv").write_text(OWNED)
    (tmp_path / "devices.csv").write_text("device,service_point,kind,p_kw\nev,house 0,ev_charger,11\n")
    (tmp_path / "customers.csv").write_text("service_point,critical\nhouse 2,yes\n")
    named = [f"--{name}={tmp_path / name}.csv" for name in ("readings", "appliances", "devices", "customers")]
    return ["check", str(tmp_path / "net.json"), *named]


def located(out: str) -> dict[str, float]:
    return {part["service_point"]: part["flexible_kw"] for part in json.loads(out)["located"]}


def test_what_is_owned_counts_where_no_device_is(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main([*arguments, "--json"])
    out = capsys.readouterr().out
    flexible = located(out)
    assert flexible["house 0"] == pytest.approx(6.8), "a device tells better"
    assert 0.1 < flexible["house 1"] <= 2.0 * default_use().kinds["boiler"].flexible
    assert flexible["house 2"] == flexible["house 3"] == 0.0, "critical; and nobody knows"
    warnings = json.loads(out)["warnings"]
    assert any(
        "1 customers without a device could give" in w and "at 18:30 on 2026-01-12" in w for w in warnings
    )
    assert any("1 service points with appliances are not in the network: house 9" in w for w in warnings)
    assert {cut["device"] for cut in json.loads(out)["allocation"]} == {"ev"}


def test_without_a_time_it_is_the_mean_of_all_hours(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*arguments, "--json"])
    evening = located(capsys.readouterr().out)["house 1"]
    (tmp_path / "readings.csv").write_text(READINGS.replace("2026-01-12T18:30:00+01:00", ""))
    main([*arguments, "--json"])
    out = capsys.readouterr().out
    assert 0.0 < located(out)["house 1"] < evening
    assert any("at any hour" in warning for warning in json.loads(out)["warnings"])


def test_a_wrong_file_says_where_and_a_check_per_phase_takes_none(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--unbalanced"]) == 2
    assert "--appliances" in capsys.readouterr().err
    (tmp_path / "appliances.csv").write_text(OWNED.replace("boiler,2", "boiler,two"))
    assert main(arguments) == 2
    assert "appliances.csv row 3, rated_kw: expected a power in kW" in capsys.readouterr().err


def test_who_lived_there_before_owns_nothing_there(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "customers.csv").write_text("service_point,customer,critical\nhouse 2,C,yes\nhouse 1,Z,no\n")
    main([*arguments, "--json"])
    out = capsys.readouterr().out
    assert located(out)["house 1"] == 0.0
    assert any(
        "1 appliances are of customers who are not supplied there any more" in w
        for w in json.loads(out)["warnings"]
    )


def test_never_more_than_is_believed_of_the_house(arguments: list[str], tmp_path: Path) -> None:
    """As after an estimate that puts a meter right which was far off."""
    files = CheckFiles(tmp_path / "readings.csv", appliances=tmp_path / "appliances.csv")
    data = read_input(arguments[1], files, max_age=timedelta(minutes=15))
    believed = np.full(len(data.snapshot.p_kw), LEAST_KW + 0.1)
    less = _flexible_kw(replace(data, snapshot=replace(data.snapshot, p_kw=believed)))
    assert data.owned_kw.max() > 0.5
    assert less.max() == pytest.approx(0.1)
    believed[:] = -5.0
    assert _flexible_kw(replace(data, snapshot=replace(data.snapshot, p_kw=believed))).max() == 0.0
