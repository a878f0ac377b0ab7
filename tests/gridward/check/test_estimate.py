"""`gridward check` with missing meters and a measured substation: how sure it is, and whom it does not
believe.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandapower as pp
import pytest

from grid_model.load_flow import FactoredLoadFlow
from gridward.cli import main
from tests.grid_model.small_networks import loaded, street

P_KW = np.array([10.0, 14.0, 9.0, 22.0, 18.0, 12.0])
ROWS = [f"house {house},{p:g},{p / 5:g}" for house, p in enumerate(P_KW)]
HEADER = "p_kw,q_kvar,i_a,v_pu,element\n"

Check = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def street_json() -> str:
    return str(pp.to_json(street(6)))


@pytest.fixture(scope="module")
def substation() -> str:
    """What the transformer's low-voltage side shows of P_KW: all of it leaves by the one cable."""
    network = loaded(street(6))
    result = FactoredLoadFlow(network).solve(P_KW, P_KW / 5)
    net = copy.deepcopy(network.net)
    net.load.p_mw, net.load.q_mvar = P_KW / 1000, P_KW / 5000
    pp.runpp(net, numba=False)
    p_kw, q_kvar = 1000 * net.res_line.p_from_mw[0], 1000 * net.res_line.q_from_mvar[0]
    return f"{p_kw:.3f},{q_kvar:.3f},,{result.v_pu[1]:.5f},"


@pytest.fixture
def check(street_json: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Runs the command on rows of readings and, if any, the text of a substation file."""

    def run(rows: list[str], *more: str, measured: str | None = None) -> tuple[int, str, str]:
        (tmp_path / "net.json").write_text(street_json)
        (tmp_path / "readings.csv").write_text("service_point,p_kw,q_kvar\n" + "\n".join(rows) + "\n")
        arguments = [str(tmp_path / "net.json"), "--readings", str(tmp_path / "readings.csv"), *more]
        if measured is not None:
            (tmp_path / "substation.csv").write_text(measured)
            arguments += ["--substation", str(tmp_path / "substation.csv")]
        capsys.readouterr()
        status = main(["check", *arguments])
        return status, *capsys.readouterr()

    return run


def test_with_all_meters_and_nothing_else_nothing_is_estimated(check: Check) -> None:
    _, out, _ = check(ROWS, "--json")
    assert "estimate" not in json.loads(out)
    _, out, _ = check(ROWS)
    assert "How sure" not in out


def test_the_substation_tells_what_a_missing_house_takes(check: Check, substation: str) -> None:
    exact = json.loads(check(ROWS, "--json")[1])["before"]["lines"]
    without = json.loads(check([*ROWS[:4], *ROWS[5:]], "--json")[1])
    status, out, _ = check([*ROWS[:4], *ROWS[5:]], "--json", measured=HEADER + substation)
    document = json.loads(out)
    assert status == 1  # two cables are over their limits, and nobody can be cut
    blunt, sharp = without["estimate"]["lines"], document["estimate"]["lines"]
    for true, wide, narrow in zip(exact, blunt, sharp, strict=True):
        assert wide["low"] <= true["loading_percent"] <= wide["high"]
        assert narrow["loading_percent"] == pytest.approx(true["loading_percent"], abs=1.5)
    assert sharp[0]["high"] - sharp[0]["low"] < 0.3 * (blunt[0]["high"] - blunt[0]["low"])
    before = {line["id"]: line["loading_percent"] for line in document["before"]["lines"]}
    assert before == {line["id"]: pytest.approx(line["loading_percent"]) for line in sharp}
    sure = {one["id"]: one["probability"] for one in document["estimate"]["violations"]}
    assert {one["id"] for one in document["before"]["violations"]} <= sure.keys()
    assert sure["line:0"] > 0.999
    assert {part["service_point"] for part in document["located"]} >= {"house 4"}


def test_the_measured_voltage_is_that_of_the_check(check: Check, substation: str) -> None:
    low = substation.replace(substation.split(",")[3], "0.96")
    _, out, _ = check(ROWS, "--json", measured=HEADER + low)
    busbar = json.loads(out)["before"]["buses"][1]
    assert busbar["v_pu"] == pytest.approx(0.96, abs=2e-3)


def test_a_wrong_meter_is_left_out_and_told(check: Check, substation: str) -> None:
    wrong = [*ROWS[:3], "house 3,-22,-4.4", *ROWS[4:]]
    _, out, _ = check(wrong, "--json", measured=HEADER + substation)
    document = json.loads(out)
    (suspect,) = document["estimate"]["suspects"]
    assert (suspect["source"], suspect["fault"], suspect["value"]) == ("house 3", "sign", -22.0)
    assert suspect["expected"] == pytest.approx(22.0, abs=1.5)
    assert document["before"]["lines"][0]["loading_percent"] == pytest.approx(131.7, abs=2.0)
    _, out, _ = check(wrong, measured=HEADER + substation)
    assert "house 3 is left out: reads -22 kW, all others say 2" in out
    assert "How sure: from 5 of 6 meters and 3 readings inside the network" in out
    assert "cable 0 (line:0)" in out
    assert "above 99.9 %" in out


def test_what_may_be_over_its_limit_is_told_though_it_probably_is_not(check: Check) -> None:
    rows = [f"house {house},{p},1" for house, p in enumerate((8, 12, 9, 11, 14))]
    status, out, _ = check(rows, "--json")
    document = json.loads(out)
    assert (status, document["before"]["violations"]) == (0, [])
    (cable,) = document["estimate"]["violations"]
    assert cable["id"] == "line:0"
    assert 0.05 < cable["probability"] < 0.5
    assert cable["value"] < cable["limit"] < cable["high"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("5,,,400,\n", "row 2, v_pu: is 400; expected per unit"),
        (",,,,substation\n", "row 2, p_kw: is empty; expected at least one of p_kw, q_kvar, i_a and v_pu"),
        ("x,,,,\n", "row 2, p_kw: is 'x'; expected a finite number in kW"),
        ("5,,-3,,\n", "row 2, i_a: is -3; expected A"),
        ("5,,,,line:1\n", "'line:1' does not begin at a transformer; expected a transformer or an outgoing"),
        ("5,,,,line:9\n", "'line:9' is none of the network"),
        ("5,,,,\n5,,,,substation\n", "row 3, element: trafo:0 is already in row 2"),
        ("5,,,1.0,cable 0\n", "row 2, v_pu: is given for a line"),
        ("", "substation.csv: has no readings"),
    ],
)
def test_a_wrong_substation_file_is_told_by_row_and_field(check: Check, rows: str, said: str) -> None:
    status, out, err = check(ROWS, measured=HEADER + rows)
    assert (status, out) == (2, "")
    assert said in err
    assert "substation.csv" in err


def test_columns_that_are_missing_are_told(check: Check) -> None:
    status, _, err = check(ROWS, measured="power\n5\n")
    assert status == 2
    assert "substation.csv row 1: has no column p_kw" in err


def test_the_substation_is_for_a_balanced_check(check: Check, substation: str) -> None:
    status, _, err = check(ROWS, "--unbalanced", measured=HEADER + substation)
    assert status == 2
    assert "--substation: is for a balanced check" in err


def test_where_nothing_can_be_estimated_the_check_goes_on_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = street(6)
    pp.create_gen(net, 4, p_mw=0.01, vm_pu=1.0)
    (tmp_path / "net.json").write_text(str(pp.to_json(net)))
    (tmp_path / "readings.csv").write_text("service_point,p_kw,q_kvar\n" + ROWS[0] + "\n")
    main(["check", str(tmp_path / "net.json"), "--readings", str(tmp_path / "readings.csv"), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert "estimate" not in document
    assert any("how sure this is cannot be told" in warning for warning in document["warnings"])
