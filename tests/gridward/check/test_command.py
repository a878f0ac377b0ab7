"""`gridward check` from the command line: answers, exit status, and every fault of the input by name."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from grid_model.load_flow import FactoredLoadFlow
from gridward.cli import main
from tests.grid_model.small_networks import loaded, street

HEADER = "service_point,p_kw,q_kvar\n"
DEVICES = "device,service_point,kind,p_kw,min_kw,critical\n"
CALM = HEADER + "".join(f"house {house},5,1\n" for house in range(4))
HEAVY = HEADER + "".join(f"house {house},21,1\n" for house in range(4))
CHARGERS = DEVICES + "".join(f"ev{house},house {house},ev_charger,11,4.2,false\n" for house in range(4))

Check = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def street_json() -> str:
    return str(pp.to_json(street()))


@pytest.fixture
def check(street_json: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Runs the command on files of the given text; gives exit status, standard output and standard error."""

    def run(readings: str, *more: str, net: Any = None, **files: str) -> tuple[int, str, str]:
        (tmp_path / "net.json").write_text(street_json if net is None else pp.to_json(net))
        (tmp_path / "readings.csv").write_text(readings)
        arguments = [str(tmp_path / "net.json"), "--readings", str(tmp_path / "readings.csv"), *more]
        for name, text in files.items():
            (tmp_path / f"{name}.csv").write_text(text)
            arguments += [f"--{name}", str(tmp_path / f"{name}.csv")]
        capsys.readouterr()
        status = main(["check", *arguments])
        return status, *capsys.readouterr()

    return run


def keys(document: Any) -> Any:
    """The shape of a JSON document."""
    if isinstance(document, dict):
        return {key: keys(value) for key, value in document.items()}
    return [keys(document[0])] if isinstance(document, list) and document else type(document).__name__


def test_json_is_the_documented_one(check: Check, tmp_path: Path) -> None:
    status, out, _ = check(HEAVY, "--json", devices=CHARGERS)
    document = json.loads(out)
    assert status == 0
    state = {
        "lines": [{"id": "str", "loading_percent": "float"}],
        "transformers": [{"id": "str", "loading_percent": "float"}],
        "buses": [{"id": "str", "v_pu": "float"}],
    }
    assert keys(document) == {
        "network": "str",
        "converged": "bool",
        "before": {
            **state,
            "violations": [{"id": "str", "kind": "str", "value": "float", "limit": "float"}],
        },
        "located": [
            {
                "service_point": "str",
                "violation": "str",
                "share_percent": "float",
                "p_kw": "float",
                "flexible_kw": "float",
                "part": "float",
                "losses_percent": "float",
            }
        ],
        "relieving": "list",
        "compositions": [
            {
                "violation": "str",
                "value": "float",
                "without_load": "float",
                "caused": "float",
                "losses": "float",
                "relieved": "float",
                "rest": "float",
            }
        ],
        "explanations": "list",
        "allocation": [
            {
                "device": "str",
                "service_point": "str",
                "p_kw": "float",
                "limit_kw": "float",
                "curtailed_kw": "float",
                "limits": "str",
                "says": "str",
            }
        ],
        "curtailed_kw": "float",
        "cleared": "bool",
        "after": {**state, "violations": "list"},
        "warnings": "list",
    }
    assert document["network"] == str(tmp_path / "net.json")
    assert [v["kind"] for v in document["before"]["violations"]] == ["line_overload"]
    assert document["cleared"]
    assert document["after"]["violations"] == document["warnings"] == []
    assert document["curtailed_kw"] == pytest.approx(
        sum(cut["curtailed_kw"] for cut in document["allocation"])
    )
    assert sum(part["share_percent"] for part in document["located"]) == pytest.approx(100.0)


def test_what_the_value_is_made_of_adds_up(check: Check) -> None:
    readings = HEADER + "house 0,-9,0\nhouse 1,31,1\nhouse 2,31,1\nhouse 3,31,1\n"
    _, out, _ = check(readings, "--json")
    document = json.loads(out)
    violations = {violation["id"]: violation["value"] for violation in document["before"]["violations"]}
    assert violations.keys() == {composed["violation"] for composed in document["compositions"]}
    for composed in document["compositions"]:
        parts = [composed[key] for key in ("without_load", "caused", "losses", "relieved", "rest")]
        assert sum(parts) == pytest.approx(violations[composed["violation"]], abs=1e-4)
        assert composed["value"] == pytest.approx(sum(parts), abs=1e-4)
        located = [part for part in document["located"] if part["violation"] == composed["violation"]]
        assert sum(part["part"] for part in located) == pytest.approx(
            composed["caused"] + composed["losses"], abs=1e-4
        )
        assert sum(part["share_percent"] for part in located) == pytest.approx(100.0)
    line = document["compositions"][0]
    assert line["relieved"] < 0 < line["losses"] < line["caused"]
    assert {part["service_point"] for part in document["relieving"]} == {"house 0"}
    assert all(part["share_percent"] < 0 for part in document["relieving"])
    _, out, _ = check(readings)
    assert "without load" in out
    assert "relieved by 1" in out


def test_one_customer_is_told_its_part(check: Check) -> None:
    _, out, _ = check(HEAVY, "--json", "--explain", "house 3", "--explain", "load:1")
    told = json.loads(out)["explanations"]
    assert [one["service_point"] for one in told] == ["house 3", "house 1"]
    assert all(one["element"] == "line:0" for one in told)
    first = told[0]
    assert first["own_kw"] == pytest.approx(21.0, abs=0.01)
    assert [step["element"] for step in first["path"]] == ["line:3", "line:2", "line:1", "line:0", "trafo:0"]
    _, out, _ = check(HEAVY, "--explain", "house 3")
    assert "What to tell 'house 3'" in out
    assert first["sentence"] in out


def test_without_violation_the_fullest_element_is_told(check: Check) -> None:
    status, out, _ = check(CALM, "--json", "--explain", "house 0")
    (told,) = json.loads(out)["explanations"]
    assert status == 0
    assert told["element"] == "line:0"
    assert told["customers_behind"] == 4


def test_nothing_is_told_to_a_stranger(check: Check) -> None:
    status, out, err = check(CALM, "--json", "--explain", "house 9", "--explain", "house 8")
    assert (status, out) == (2, "")
    assert "--explain: 'house 9' is no service point" in err
    assert "'house 8'" in err


def test_the_limits_of_the_answer_clear_it_in_pandapower(check: Check) -> None:
    _, out, _ = check(HEAVY, "--json", devices=CHARGERS)
    p_kw = np.full(4, 21.0)
    for cut in json.loads(out)["allocation"]:
        p_kw[int(cut["device"].removeprefix("ev"))] -= 11.0 - cut["limit_kw"]
    referee = FactoredLoadFlow(loaded(street())).referee
    assert referee.solve(p_kw, np.ones(4)).line_loading_percent.max() <= 100.0


def test_text_tells_the_same(check: Check) -> None:
    status, out, _ = check(HEAVY, devices=CHARGERS)
    assert status == 0
    for words in (
        "cable 0 (line:0)",
        "line overload",
        "Who causes",
        "What to cut",
        "ev3",
        "Cleared by cutting",
    ):
        assert words in out


def test_within_limits(check: Check) -> None:
    status, out, err = check(CALM)
    assert (status, err) == (0, "")
    assert "Within all limits." in out


def test_what_cannot_be_cleared_is_exit_1(check: Check) -> None:
    status, out, _ = check(HEAVY, "--json")
    document = json.loads(out)
    assert status == 1
    assert not document["cleared"]
    assert document["allocation"] == []
    assert document["after"]["violations"] == document["before"]["violations"]
    status, out, _ = check(HEAVY)
    assert "NOT cleared" in out


def test_no_convergence_is_said_without_numbers(check: Check) -> None:
    net = street()
    net.line["max_i_ka"] = 10.0
    status, out, _ = check(HEADER + "house 3,5000,0\n", "--json", net=net)
    document = json.loads(out)
    assert status == 1
    assert not document["converged"]
    assert not document["cleared"]
    assert document["before"] == {"lines": [], "transformers": [], "buses": [], "violations": []}
    assert any("does not converge" in warning for warning in document["warnings"])
    assert any("no reading is believed; house 3 reads 5000 kW" in warning for warning in document["warnings"])
    status, out, _ = check(CALM.replace("house 3,5,1", "house 3,5000,0"), net=net)
    assert status == 1
    assert "does not converge" in out


def test_critical_customers_and_devices_are_left_alone(check: Check) -> None:
    customers = "service_point,customer,critical\nhouse 0,Ada,yes\nhouse 1,Bo,no\n"
    devices = CHARGERS.replace("ev3,house 3,ev_charger,11,4.2,false", "ev3,house 3,ev_charger,11,4.2,TRUE")
    _, out, _ = check(HEAVY, "--json", devices=devices, customers=customers)
    document = json.loads(out)
    assert {cut["device"] for cut in document["allocation"]} <= {"ev1", "ev2"}
    flexible = {part["service_point"]: part["flexible_kw"] for part in document["located"]}
    assert flexible == {
        "house 0": 0.0,
        "house 1": pytest.approx(6.8),
        "house 2": pytest.approx(6.8),
        "house 3": 0.0,
    }


@pytest.mark.parametrize(
    ("kind", "floor"),
    [("ev_charger", 4.2), ("EV", 4.2), ("heat_pump", 4.2), ("boiler", 0.0), ("air_conditioner", 0.0)],
)
def test_the_floor_goes_by_kind_where_the_file_is_silent(check: Check, kind: str, floor: float) -> None:
    readings = HEADER + "".join(f"house {house},26,1\n" for house in range(4))
    devices = f"device,service_point,kind,p_kw\nd,house 3,{kind},11\n"
    _, out, _ = check(readings, "--json", devices=devices)
    limits = [cut["limit_kw"] for cut in json.loads(out)["allocation"]]
    assert limits == [pytest.approx(floor, abs=0.05)]
    assert limits[0] >= floor


def test_missing_readings_are_estimated_and_told(check: Check) -> None:
    status, out, _ = check(HEADER + "house 0,10,\nload:1,10,2\n", "--json")
    document = json.loads(out)
    assert status == 0
    said = " ".join(document["warnings"])
    assert "2 of 4 service points have no reading; estimated from 2.00 times" in said
    assert "house 2, house 3" in said
    assert "1 readings have no q_kvar" in said
    _, same, _ = check(HEADER + "".join(f"house {house},10,2\n" for house in range(4)), "--json")
    assert json.loads(same)["before"]["lines"] == document["before"]["lines"]


def test_measured_voltages_that_do_not_fit_are_told(check: Check) -> None:
    readings = (
        "service_point,p_kw,q_kvar,v_pu\nhouse 0,5,1,0.99\nhouse 1,5,1,0.93\nhouse 2,5,1,\nhouse 3,5,1,\n"
    )
    _, out, _ = check(readings, "--json")
    (warning,) = json.loads(out)["warnings"]
    assert "1 measured voltages" in warning
    assert "house 1 0.930" in warning


def test_a_device_cannot_take_more_than_its_service_point(check: Check) -> None:
    devices = DEVICES + "a,house 3,ev_charger,20,0,\nb,house 3,ev_charger,20,0,\n"
    _, out, _ = check(HEAVY, "--json", devices=devices)
    document = json.loads(out)
    assert sum("takes 21 kW in all" in warning for warning in document["warnings"]) == 2
    assert all(cut["p_kw"] == pytest.approx(10.5) for cut in document["allocation"])


def test_what_only_runpp_can_goes_through_runpp(check: Check) -> None:
    net = street()
    net["user_pf_options"] = {"trafo_loading": "power"}
    status, out, _ = check(HEAVY.replace("21", "30"), "--json", net=net, devices=CHARGERS)
    document = json.loads(out)
    assert any("solved by runpp throughout" in warning for warning in document["warnings"])
    assert document["located"]
    assert status in {0, 1}
    _, out, _ = check(HEAVY, "--json", "--explain", "house 1", net=net)
    document = json.loads(out)
    assert document["explanations"] == []
    assert any("cannot be explained to 'house 1'" in warning for warning in document["warnings"])


@pytest.mark.parametrize(
    ("readings", "said"),
    [
        (
            HEADER + "hause 0,5,1\n",
            ["readings.csv row 2, service_point", "'hause 0'", "did you mean 'house 0'"],
        ),
        (HEADER + "xyzzy,5,1\n", ["readings.csv row 2, service_point", "'xyzzy'", "load:INDEX"]),
        (HEADER + "house 0,nan,1\n", ["readings.csv row 2, p_kw", "'nan'", "finite number in kW"]),
        (HEADER + "house 0,inf,1\n", ["readings.csv row 2, p_kw", "'inf'"]),
        (HEADER + "house 0,5,-inf\n", ["readings.csv row 2, q_kvar", "'-inf'", "kvar"]),
        (HEADER + "house 0,five,1\n", ["readings.csv row 2, p_kw", "'five'"]),
        (HEADER + "house 0,,1\n", ["readings.csv row 2, p_kw", "is empty"]),
        (HEADER + ",5,1\n", ["readings.csv row 2, service_point", "is empty"]),
        (HEADER + "house 0,5,1\nhouse 1,5000,1\n", ["readings.csv row 3, p_kw", "5000", "at most 83 kW"]),
        (HEADER + "house 0,5,1\nhouse 1,5,-900\n", ["readings.csv row 3, q_kvar", "at most 83 kvar"]),
        (HEADER + "house 0,5,1\nhouse 0,6,1\n", ["readings.csv row 3, service_point", "already in row 2"]),
        (HEADER + "house 0,5,1\nload:0,6,1\n", ["readings.csv row 3, service_point", "already in row 2"]),
        (HEADER + "house 0,5\n", ["readings.csv row 2", "has 2 values; expected 3"]),
        (HEADER + 'house 0,"5,1\n', ["readings.csv row 2", "is no CSV"]),
        (
            "service_point;p_kw;q_kvar\nhouse 0;5;1\n",
            ["readings.csv row 1", "no column", "separated by commas"],
        ),
        ("service_point,q_kvar\nhouse 0,5\n", ["readings.csv row 1", "has no column p_kw"]),
        (HEADER, ["readings.csv", "has no readings"]),
        ("", ["readings.csv row 1", "has no column service_point, p_kw, q_kvar"]),
        (HEADER.strip() + ",v_pu\nhouse 0,5,1,230\n", ["readings.csv row 2, v_pu", "per unit"]),
        (HEADER.strip() + ",at\nhouse 0,5,1,yesterday\n", ["readings.csv row 2, at", "'yesterday'", "zone"]),
        (HEADER.strip() + ",at\nhouse 0,5,1,2016-01-12T18:00\n", ["readings.csv row 2, at", "zone"]),
        (
            HEADER.strip() + ",at\nhouse 0,5,1,2016-01-12T18:00:00Z\nhouse 1,5,1,2016-01-12T18:16:00Z\n",
            ["readings.csv row 2, at", "more than 15 minutes older"],
        ),
    ],
)
def test_wrong_readings(check: Check, readings: str, said: list[str]) -> None:
    status, out, err = check(readings, "--json")
    assert (status, out) == (2, "")
    for words in said:
        assert words in err


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("ev,house 9,ev_charger,11,4.2,false", ["devices.csv row 2, service_point", "'house 9'"]),
        ("ev,house 0,toaster,11,,false", ["devices.csv row 2, kind", "'toaster'", "heat_pump"]),
        ("ev,house 0,ev_charger,nan,4.2,false", ["devices.csv row 2, p_kw", "'nan'"]),
        ("ev,house 0,ev_charger,-3,4.2,false", ["devices.csv row 2, p_kw", "0 or more"]),
        ("ev,house 0,ev_charger,11,-1,false", ["devices.csv row 2, min_kw", "0 or more"]),
        ("ev,house 0,ev_charger,11,4.2,perhaps", ["devices.csv row 2, critical", "true or false"]),
        (",house 0,ev_charger,11,4.2,false", ["devices.csv row 2, device", "is empty"]),
        ("a,house 0,ev,1,,\na,house 1,ev,1,,", ["devices.csv row 3, device", "already in row 2"]),
    ],
)
def test_wrong_devices(check: Check, row: str, said: list[str]) -> None:
    status, out, err = check(CALM, devices=DEVICES + row + "\n")
    assert (status, out) == (2, "")
    for words in said:
        assert words in err


def test_wrong_customers(check: Check) -> None:
    status, _, err = check(CALM, customers="service_point,critical\nhouse 7,true\nhouse 1,maybe\n")
    assert status == 2
    assert "customers.csv row 2, service_point: 'house 7'" in err
    assert "customers.csv row 3, critical: is 'maybe'" in err


def test_shared_names_are_ambiguous(check: Check) -> None:
    net = street()
    net.load["name"] = ["twin", "twin", "house 2", "house 3"]
    status, _, err = check(HEADER + "twin,5,1\n", net=net)
    assert status == 2
    assert "'twin' is the name of several loads; expected load:INDEX" in err
    status, _, _ = check(HEADER + "load:0,5,1\nload:1,5,1\nhouse 2,5,1\nhouse 3,5,1\n", net=net)
    assert status == 0


def test_everything_wrong_is_told_at_once(check: Check) -> None:
    net = street()
    net.ext_grid["in_service"] = False
    net.line.loc[0, "max_i_ka"] = np.nan
    status, _, err = check(HEADER + "house 0,nan,1\n", net=net, devices=DEVICES + "ev,house 0,ev,x,,\n")
    assert status == 2
    for words in ("no external grid", "cable 0", "readings.csv row 2, p_kw", "devices.csv row 2, p_kw"):
        assert words in err


def test_files_that_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "pandapower:create_kerber_dorfnetz", "--readings", str(tmp_path / "none.csv")]) == 2
    assert "none.csv: no such file" in capsys.readouterr().err
    assert main(["check", "simbench:nothing", "--readings", str(tmp_path / "none.csv")]) == 2
    assert "not a SimBench code" in capsys.readouterr().err


def test_older_readings_where_they_are_allowed(check: Check) -> None:
    readings = HEADER.strip() + ",at\nhouse 0,5,1,2016-01-12T18:00:00Z\nhouse 1,5,1,2016-01-12T18:16:00Z\n"
    assert check(readings, "--max-age", "20")[0] == 0
    with pytest.raises(SystemExit, match="2"):
        check(readings, "--max-age", "-1")
