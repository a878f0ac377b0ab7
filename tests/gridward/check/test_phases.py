"""`gridward check --phases` and `--unbalanced`: per phase and neutral beside `runpp_3ph`, and every fault."""

import copy
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from gridward.cli import main
from tests.grid_model.small_networks import street as balanced_street
from tests.grid_model.three_phase.feeders import customer, street

Rows = Mapping[str, tuple[float, ...]]
Check = Callable[..., tuple[int, str, str]]
HEADER = "service_point,p_kw,q_kvar\n"
BY_PHASE = "service_point,p_a_kw,p_b_kw,p_c_kw,q_a_kvar,q_b_kvar,q_c_kvar\n"
DEVICES = "device,service_point,kind,p_kw,min_kw,critical,phase\n"
HEAVY = BY_PHASE + "house 0,22,,,2,,\nhouse 1,,9,,,1,\nhouse 2,,,5,,,0\nworkshop,6,2,2,0,0,0\n"
"""House 0 is on a, house 1 on b, house 2 on c; a phase of the cable carries some 23 kW."""
CHARGERS = DEVICES + "ev0,house 0,ev_charger,11,4.2,false,\nev1,house 1,ev_charger,7.4,4.2,false,b\n"


@pytest.fixture(scope="module")
def net() -> Any:
    """Three houses, each on a phase of its own, and a workshop on all three behind the last."""
    net = street(3)
    customer(net, 4, (2.0, 2.0, 2.0), name="workshop")
    return net


@pytest.fixture(scope="module")
def net_json(net: Any) -> str:
    return str(pp.to_json(net))


@pytest.fixture
def check(net_json: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Runs the command on files of the given text; gives exit status, standard output and standard error."""

    def run(readings: str, *more: str, of: Any = None, **files: str) -> tuple[int, str, str]:
        (tmp_path / "net.json").write_text(net_json if of is None else str(pp.to_json(of)))
        (tmp_path / "readings.csv").write_text(readings)
        arguments = [str(tmp_path / "net.json"), "--readings", str(tmp_path / "readings.csv"), *more]
        for name, text in files.items():
            (tmp_path / f"{name}.csv").write_text(text)
            arguments += [f"--{name}", str(tmp_path / f"{name}.csv")]
        capsys.readouterr()
        status = main(["check", *arguments])
        return status, *capsys.readouterr()

    return run


def solved(net: Any, kw: Rows, kvar: Rows) -> Any:
    """The network with this demand by name, solved by `runpp_3ph` as its user would call it."""
    net = copy.deepcopy(net)
    for table in (kw, kvar):
        for name, parts in table.items():
            row = net.asymmetric_load.index[net.asymmetric_load.name == name][0]
            for phase, part in zip("abc", parts, strict=True):
                column = f"p_{phase}_mw" if table is kw else f"q_{phase}_mvar"
                net.asymmetric_load.loc[row, column] = part / 1000
    pp.runpp_3ph(net, numba=False)
    return net


def assert_state(state: Any, net: Any) -> None:
    """Loading of each phase and neutral, voltage of each phase, and unbalance, are those of `runpp_3ph`."""
    rating = net.line.max_i_ka * net.line.df * net.line.parallel
    for place, line in enumerate(state["lines"]):
        theirs = [net.res_line_3ph[f"loading_{phase}_percent"].iloc[place] for phase in "abc"]
        assert line["loading_percent"] == pytest.approx(theirs, abs=1e-3)
        neutral = 100 * net.res_line_3ph.i_n_ka.iloc[place] / rating.iloc[place]
        assert line["neutral_percent"] == pytest.approx(neutral, abs=1e-3)
    for place, trafo in enumerate(state["transformers"]):
        theirs = [net.res_trafo_3ph[f"loading_{phase}_percent"].iloc[place] for phase in "abc"]
        assert trafo["loading_percent"] == pytest.approx(theirs, abs=1e-3)
    for place, bus in enumerate(state["buses"]):
        theirs = [net.res_bus_3ph[f"vm_{phase}_pu"].iloc[place] for phase in "abc"]
        assert bus["v_pu"] == pytest.approx(theirs, abs=1e-6)
        assert bus["unbalance_percent"] == pytest.approx(
            net.res_bus_3ph.unbalance_percent.iloc[place], abs=1e-4
        )


def answer(found: tuple[int, str, str]) -> tuple[int, Any]:
    status, out, err = found
    assert err == ""
    return status, json.loads(out)


def test_every_phase_neutral_and_bus_is_as_runpp_3ph_says(check: Check, net: Any) -> None:
    readings = BY_PHASE + "house 0,12,,,1.5,,\nhouse 1,,7,,,-1,\nhouse 2,,,-4,,,0\nworkshop,3,2,9,0,1,0.5\n"
    status, document = answer(check(readings, "--unbalanced", "--json"))
    kw = {"house 0": (12, 0, 0), "house 1": (0, 7, 0), "house 2": (0, 0, -4), "workshop": (3, 2, 9)}
    kvar = {"house 0": (1.5, 0, 0), "house 1": (0, -1, 0), "house 2": (0, 0, 0), "workshop": (0, 1, 0.5)}
    assert_state(document["before"], solved(net, kw, kvar))
    assert document["after"] == document["before"]
    assert (status, document["cleared"], document["allocation"], document["warnings"]) == (0, True, [], [])


def test_the_cut_is_made_on_the_full_phase_and_clears_it(check: Check, net: Any) -> None:
    status, document = answer(check(HEAVY, "--unbalanced", "--json", devices=CHARGERS))
    first = document["before"]["violations"][0]
    assert (first["id"], first["phase"], first["kind"]) == ("line:0", "a", "line_overload")
    (cut,) = document["allocation"]
    assert (cut["device"], cut["service_point"], cut["phase"]) == ("ev0", "house 0", "a")
    assert cut["curtailed_kw"] == pytest.approx(11 - cut["limit_kw"])
    assert document["curtailed_by_phase_kw"] == {"a": cut["curtailed_kw"], "b": 0.0, "c": 0.0}
    assert (status, document["cleared"], document["after"]["violations"]) == (0, True, [])
    kw = {"house 0": (22 - cut["curtailed_kw"], 0, 0), "house 1": (0, 9, 0), "house 2": (0, 0, 5)}
    kw["workshop"] = (6, 2, 2)
    kvar = {"house 0": (2, 0, 0), "house 1": (0, 1, 0), "house 2": (0, 0, 0), "workshop": (0, 0, 0)}
    assert_state(document["after"], solved(net, kw, kvar))
    worst = max(max(line["loading_percent"]) for line in document["after"]["lines"])
    assert worst == pytest.approx(100.0, abs=0.05)  # no kilowatt more than needed


def test_who_causes_it_is_told_by_phase(check: Check) -> None:
    _, document = answer(check(HEAVY, "--unbalanced", "--json", devices=CHARGERS))
    causes = [
        one for one in document["located"] if (one["violation"], one["kind"]) == ("line:0", "line_overload")
    ]
    assert causes[0]["service_point"] == "house 0"
    assert causes[0]["service_point_phase"] == causes[0]["phase"] == "a"
    assert causes[0]["flexible_kw"] == pytest.approx(11 - 4.2)
    assert sum(one["share_percent"] for one in causes) == pytest.approx(100.0)


def test_a_device_on_one_phase_of_a_customer_on_three(check: Check) -> None:
    readings = BY_PHASE + "workshop,8,18.6,8,0,0,0\nhouse 0,1,,,0,,\nhouse 1,,4,,,0,\nhouse 2,,,1,,,0\n"
    devices = DEVICES + "saw,workshop,ev_charger,6,0,false,c\nev,workshop,ev_charger,11,4.2,false,\n"
    status, document = answer(check(readings, "--unbalanced", "--json", devices=devices))
    assert [cut["device"] for cut in document["allocation"]] == ["ev"]
    assert document["allocation"][0]["phase"] == "abc"
    by_phase = document["curtailed_by_phase_kw"]
    assert [by_phase["a"], by_phase["c"]] == pytest.approx([by_phase["b"]] * 2, abs=1e-5)
    assert sum(by_phase.values()) == pytest.approx(document["curtailed_kw"], abs=1e-5)
    told = "; ".join(document["warnings"])
    assert "device 'saw' says 6 kW, but its service point takes less" in told
    assert (status, document["cleared"]) == (0, True)


def test_a_thin_neutral_is_a_limit_of_its_own(check: Check) -> None:
    readings = HEADER + "house 0,14,0\nhouse 1,1,0\nhouse 2,1,0\nworkshop,0,0\n"
    status, document = answer(check(readings, "--unbalanced", "--json"))
    assert (status, document["before"]["violations"]) == (0, [])
    status, document = answer(check(readings, "--unbalanced", "--json", "--neutral-limit", "50"))
    assert status == 1
    assert {one["kind"] for one in document["before"]["violations"]} == {"neutral_overload"}
    assert {(one["phase"], one["limit"]) for one in document["before"]["violations"]} == {("n", 50.0)}


def test_the_voltage_unbalance_factor_is_a_limit_of_its_own(check: Check, net: Any) -> None:
    long = copy.deepcopy(net)
    long.line["length_km"], long.line["max_i_ka"] = 0.3, 0.4
    kw = {"house 0": (12.0, 0, 0), "house 1": (0, 0.0, 0), "house 2": (0, 0, 0.0), "workshop": (6.0, 0, 0)}
    readings = BY_PHASE + "house 0,12,,,0,,\nhouse 1,,0,,,0,\nhouse 2,,,0,,,0\nworkshop,6,0,0,0,0,0\n"
    _, document = answer(check(readings, "--unbalanced", "--json", of=long))
    theirs = solved(long, kw, dict.fromkeys(kw, (0.0, 0.0, 0.0)))
    unbalanced = [one for one in document["before"]["violations"] if one["kind"] == "voltage_unbalance"]
    above = theirs.res_bus_3ph.unbalance_percent[theirs.res_bus_3ph.unbalance_percent > 2.0]
    assert len(above) > 0
    assert {one["id"]: one["value"] for one in unbalanced} == pytest.approx(
        {f"bus:{bus}": value for bus, value in above.items()}, abs=1e-4
    )
    assert {(one["phase"], one["limit"]) for one in unbalanced} == {(None, 2.0)}


def test_customers_of_a_balanced_network_are_put_on_phases_by_a_file(check: Check) -> None:
    phases = "service_point,phase\nhouse 0,a\nhouse 1,B\nload:2,ca\n"
    readings = HEADER + "house 0,6,1\nhouse 1,3,0\nhouse 2,4,2\nhouse 3,9,0\n"
    options = ("--typical-zero-sequence", "--json")
    status, document = answer(check(readings, *options, of=balanced_street(), phases=phases))
    assert status == 0
    net = balanced_street()
    buses = dict(zip(net.load.name, net.load.bus, strict=True))
    net.load = net.load.iloc[:0]
    for name, kw, kvar in (
        ("house 0", (6, 0, 0), (1, 0, 0)),
        ("house 1", (0, 3, 0), (0, 0, 0)),
        ("house 2", (2, 0, 2), (1, 0, 1)),
        ("house 3", (3, 3, 3), (0, 0, 0)),
    ):
        parts = {f"p_{phase}_mw": one / 1000 for phase, one in zip("abc", kw, strict=True)}
        parts |= {f"q_{phase}_mvar": one / 1000 for phase, one in zip("abc", kvar, strict=True)}
        pp.create_asymmetric_load(net, buses[name], name=name, **parts)
    net.line["r0_ohm_per_km"], net.line["x0_ohm_per_km"] = (
        4 * net.line.r_ohm_per_km,
        4 * net.line.x_ohm_per_km,
    )
    net.line["c0_nf_per_km"] = net.line.c_nf_per_km
    net.trafo["vk0_percent"], net.trafo["vkr0_percent"] = net.trafo.vk_percent, net.trafo.vkr_percent
    net.trafo["mag0_percent"], net.trafo["mag0_rx"], net.trafo["si0_hv_partial"] = 100.0, 0.0, 0.9
    net.trafo["vector_group"] = "Dyn"
    net.ext_grid[["s_sc_max_mva", "rx_max", "r0x0_max", "x0x_max"]] = 500.0, 0.1, 0.1, 1.0
    pp.runpp_3ph(net, numba=False)
    assert_state(document["before"], net)
    told = "; ".join(document["warnings"])
    assert "1 service points have no phase, taken as even on all three: house 3" in told
    assert "typical values assumed" in told


def test_a_network_without_zero_sequence_says_which_option_helps(check: Check) -> None:
    status, out, err = check(HEADER + "house 0,1,0\n", "--unbalanced", of=balanced_street())
    assert (status, out) == (2, "")
    assert "line: r0_ohm_per_km, x0_ohm_per_km, c0_nf_per_km" in err
    assert "--typical-zero-sequence allows them" in err


def test_what_cannot_be_cleared_is_told_with_all_its_kinds(check: Check) -> None:
    readings = HEAVY.replace("workshop,6", "workshop,16")
    status, out, _ = check(readings, "--unbalanced", devices=CHARGERS)
    assert status == 1
    assert "line:0" in out
    told = re.search(r"What to cut: (.*) kW \((.*) on a, 0.00 on b, 0.00 on c\), the best that can be", out)
    assert told
    assert [float(kw) for kw in told.groups()] == pytest.approx([6.8, 6.8], abs=0.02)  # all that it has
    verdict = next(line for line in out.splitlines() if line.startswith("NOT cleared: "))
    assert "line overload" in verdict


def test_of_each_kind_the_causes_of_the_worst_are_told(check: Check) -> None:
    readings = BY_PHASE + "workshop,0,20,0,0,0,0\nhouse 0,1,,,0,,\nhouse 1,,9,,,0,\nhouse 2,,,1,,,0\n"
    status, out, _ = check(readings, "--unbalanced")
    assert status == 1
    before = out.partition("Who causes")[0]
    assert len(re.findall(r"line:\d +b +line overload", before)) == 2
    causes = [line for line in out.splitlines() if line.startswith("Who causes")]
    kinds = [line.rpartition(" (")[0].rpartition(", ")[2] for line in causes]
    assert sorted(kinds) == ["line overload", "neutral overload"]
    assert "Nothing can be cut: no device at hand helps." in out


def test_a_quiet_network_in_words(check: Check) -> None:
    status, out, err = check(HEADER + "house 0,2,0\nhouse 1,2,0\nhouse 2,2,0\n", "--unbalanced")
    assert (status, err) == (0, "")
    assert "4 service points, 3 of them on one phase" in out
    assert "Within all limits, on every phase." in out


def test_a_demand_without_a_solution(check: Check) -> None:
    long = street(2)
    long.line["length_km"], long.line["max_i_ka"] = 20.0, 5.0
    status, out, _ = check(HEADER + "house 0,60,0\nhouse 1,60,0\n", "--unbalanced", "--json", of=long)
    document = json.loads(out)
    nothing = {"lines": [], "transformers": [], "buses": [], "violations": []}
    assert status == 1
    assert (document["converged"], document["cleared"]) == (False, False)
    assert document["before"] == document["after"] == nothing


def test_critical_customers_are_not_cut(check: Check) -> None:
    customers = "service_point,critical\nhouse 0,true\n"
    status, document = answer(check(HEAVY, "--unbalanced", "--json", devices=CHARGERS, customers=customers))
    assert status == 1
    assert all(cut["service_point"] != "house 0" for cut in document["allocation"])


def test_a_voltage_of_another_phase_is_told(check: Check, net: Any) -> None:
    kw = {"house 0": (20.0, 0, 0), "house 1": (0, 2.0, 0), "house 2": (0, 0, 2.0), "workshop": (2, 2, 2)}
    theirs = solved(net, kw, dict.fromkeys(kw, (0.0, 0.0, 0.0))).res_bus_3ph
    house, other = theirs.vm_a_pu.iloc[2], theirs.vm_b_pu.iloc[2]
    assert other - house > 0.02
    rows = "house 1,2,0,\nhouse 2,2,0,\nworkshop,6,0,\n"
    for v_pu, warned in ((house, False), (other, True)):
        readings = "service_point,p_kw,q_kvar,v_pu\n" + f"house 0,20,0,{v_pu:.4f}\n" + rows
        _, document = answer(check(readings, "--unbalanced", "--json"))
        assert any("perhaps on another phase" in one for one in document["warnings"]) == warned


FAULTS: list[tuple[str, dict[str, str], str]] = [
    (HEADER + "house 9,1,0\n", {}, "readings.csv row 2, service_point"),
    (HEADER + "house 0,1,0\nhouse 0,1,0\n", {}, "readings.csv row 3, service_point"),
    (HEADER + "house 0,x,0\n", {}, "readings.csv row 2, p_kw"),
    (HEADER + "house 0,900,0\n", {}, "readings.csv row 2, p_kw"),
    (HEADER, {}, "readings.csv: has no readings"),
    ("service_point,q_kvar\nhouse 0,1\n", {}, "readings.csv row 2, p_kw: is empty"),
    (BY_PHASE + "house 0,1,2,,0,,\n", {}, "p_b_kw: is 2; expected 0 or nothing, the customer is on a"),
    (BY_PHASE + "workshop,1,,1,0,0,0\n", {}, "p_b_kw: is empty; expected a number on each phase"),
    (BY_PHASE + "house 0,nan,,,0,,\n", {}, "readings.csv row 2, p_a_kw"),
    (BY_PHASE + "house 0,600,,,0,,\n", {}, "is 600 on one phase; expected at most"),
    ("service_point,p_kw,p_a_kw\nhouse 0,5,4\n", {}, "is 5, but its phases sum to 4 kW"),
    (
        HEAVY,
        {"phases": "service_point,phase\nhouse 0,d\n"},
        "phases.csv row 2, phase: is 'd'; expected a, b, c",
    ),
    (HEAVY, {"phases": "service_point,phase\nhouse 0,aa\n"}, "phases.csv row 2, phase"),
    (HEAVY, {"phases": "service_point,phase\nhouse 0,\n"}, "phases.csv row 2, phase: is empty"),
    (HEAVY, {"phases": "service_point,phase\nhouse 7,a\n"}, "phases.csv row 2, service_point"),
    (HEAVY, {"phases": "service_point,phase\nhouse 0,a\nhouse 0,b\n"}, "is already in row 2"),
    (HEAVY, {"phases": "service_point\nhouse 0\n"}, "phases.csv row 1: has no column phase"),
    (HEAVY, {"devices": DEVICES + "ev,house 0,ev_charger,1,0,false,b\n"}, "devices.csv row 2, phase: is 'b'"),
    (
        HEAVY,
        {"devices": DEVICES + "ev,house 0,ev_charger,1,0,false,x\n"},
        "some of its service point's own, a",
    ),
    (HEAVY, {"devices": DEVICES + "ev,house 8,ev_charger,1,0,false,\n"}, "devices.csv row 2, service_point"),
    (HEAVY, {"customers": "service_point,critical\nhouse 0,perhaps\n"}, "customers.csv row 2, critical"),
]


@pytest.mark.parametrize(("readings", "files", "told"), FAULTS)
def test_faults_of_the_input(check: Check, readings: str, files: dict[str, str], told: str) -> None:
    status, out, err = check(readings, "--unbalanced", **files)
    assert (status, out) == (2, "")
    assert told in err


def test_all_faults_of_all_files_at_once(check: Check) -> None:
    status, _, err = check(
        HEADER + "house 0,x,0\nhouse 9,1,0\n",
        phases="service_point,phase\nhouse 0,q\nhouse 8,a\n",
        devices=DEVICES + "ev,house 0,ev_charger,,0,maybe,\n",
        customers="service_point\nhouse 6\n",
    )
    assert status == 2
    for told in (
        "readings.csv row 2, p_kw",
        "readings.csv row 3, service_point",
        "phases.csv row 2, phase",
        "phases.csv row 3, service_point",
        "devices.csv row 2, p_kw",
        "devices.csv row 2, critical",
        "customers.csv row 2, service_point",
    ):
        assert told in err


def test_faults_of_the_network_stand_with_those_of_the_files(check: Check, net: Any) -> None:
    broken = copy.deepcopy(net)
    broken.line.loc[1, "length_km"] = -1.0
    broken.trafo["vector_group"] = "Dd"
    status, _, err = check(HEADER + "house 0,x,0\n", "--unbalanced", of=broken)
    assert status == 2
    for told in ("length_km", "vector_group is 'Dd'", "readings.csv row 2, p_kw"):
        assert told in err


def test_a_customer_in_delta_has_no_phase_of_its_own(check: Check) -> None:
    delta = street(2)
    customer(delta, 3, (3.0, 1.0, 2.0), type="delta", name="pump")
    status, _, err = check(HEADER + "pump,6,0\n", of=delta, phases="service_point,phase\npump,a\n")
    assert status == 2
    assert "'pump' is in delta" in err
    devices = DEVICES + "motor,pump,heat_pump,6,0,false,\n"
    status, document = answer(
        check(
            HEADER + "house 0,1,0\nhouse 1,1,0\npump,6,0\n",
            "--unbalanced",
            "--json",
            of=delta,
            devices=devices,
        )
    )
    assert status == 0
    kw = {"house 0": (1.0, 0, 0), "house 1": (0, 1.0, 0), "pump": (2.0, 2.0, 2.0)}
    assert_state(document["before"], solved(delta, kw, dict.fromkeys(kw, (0.0, 0.0, 0.0))))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--unbalanced", "--explain", "house 0"), "--explain"),
        (("--typical-zero-sequence",), "--typical-zero-sequence"),
    ],
)
def test_options_that_do_not_go_together(check: Check, options: tuple[str, ...], told: str) -> None:
    status, out, err = check(HEAVY, *options)
    assert (status, out) == (2, "")
    assert f"error: {told}: is for a" in err


def test_the_file_of_phases_is_missing(check: Check, tmp_path: Path) -> None:
    status, _, err = check(HEAVY, "--phases", str(tmp_path / "nowhere.csv"))
    assert status == 2
    assert "nowhere.csv: no such file" in err


def test_json_holds_no_nan_where_a_bus_is_not_supplied(check: Check, net: Any) -> None:
    dark = copy.deepcopy(net)
    pp.create_bus(dark, 0.4, name="stub")
    status, out, _ = check(HEAVY, "--unbalanced", "--json", of=dark, devices=CHARGERS)
    document = json.loads(out, parse_constant=pytest.fail)
    assert status == 0
    assert document["before"]["buses"][-1] == {"id": "bus:5", "v_pu": [None] * 3, "unbalance_percent": None}
    assert np.isfinite([bus["unbalance_percent"] for bus in document["before"]["buses"][:-1]]).all()
