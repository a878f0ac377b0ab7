"""`gridward check` with inverters: their feed-in is held back where it helps, never where it does not."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandapower as pp
import pytest

from gridward.cli import main
from tests.grid_model.small_networks import street
from tests.grid_model.three_phase.feeders import customer
from tests.grid_model.three_phase.feeders import street as street_by_phase

HEADER = "service_point,p_kw,q_kvar\n"
DEVICES = "device,service_point,kind,p_kw,min_kw\n"
NOON = HEADER + "".join(f"house {house},-20,0\n" for house in range(4))
"""80 kW backwards through a cable for some 69."""
INVERTERS = DEVICES + "".join(f"pv{house},house {house},pv_inverter,20,4\n" for house in range(4))

Check = Callable[..., tuple[int, str, str]]


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Runs the command on a network and files of the given text; gives exit status and both outputs."""

    def run(readings: str, *more: str, devices: str, net: Any = None) -> tuple[int, str, str]:
        (tmp_path / "net.json").write_text(str(pp.to_json(street() if net is None else net)))
        (tmp_path / "readings.csv").write_text(readings)
        (tmp_path / "devices.csv").write_text(devices)
        files = [f"--{name}={tmp_path / name}.csv" for name in ("readings", "devices")]
        capsys.readouterr()
        status = main(["check", str(tmp_path / "net.json"), *files, *more])
        return status, *capsys.readouterr()

    return run


def in_pandapower(net: Any, p_kw: list[float]) -> Any:
    """The street with these powers and no reactive one, solved by `runpp`."""
    net = copy.deepcopy(net)
    net.load["p_mw"], net.load["q_mvar"] = [kw / 1000 for kw in p_kw], 0.0
    pp.runpp(net)
    return net


def held_back(answer: str, p_kw: list[float]) -> list[float]:
    """The powers of the houses when each inverter of the answer feeds in no more than it is told."""
    p_kw = list(p_kw)
    for cut in json.loads(answer)["allocation"]:
        assert cut["limits"] == "production"
        assert cut["says"] == f"feeds in no more than {-cut['limit_kw']:.3f} kW"
        assert cut["curtailed_kw"] == pytest.approx(cut["limit_kw"] - cut["p_kw"])
        p_kw[int(cut["device"].removeprefix("pv"))] += cut["limit_kw"] - cut["p_kw"]
    return p_kw


def test_feed_in_that_overloads_the_cable_is_held_back_until_it_is_clear(check: Check) -> None:
    status, out, _ = check(NOON, "--json", devices=INVERTERS)
    document = json.loads(out)
    assert (status, document["cleared"]) == (0, True)
    assert in_pandapower(street(), [-20.0] * 4).res_line.loading_percent.max() > 105
    after = in_pandapower(street(), held_back(out, [-20.0] * 4))
    assert 99 < after.res_line.loading_percent.max() <= 100
    assert after.res_line.loading_percent.tolist() == pytest.approx(
        [line["loading_percent"] for line in document["after"]["lines"]], abs=1e-3
    )
    assert {part["flexible_kw"] for part in document["located"]} == {16.0}


def test_feed_in_that_lifts_the_voltage_too_high_is_held_back(check: Check) -> None:
    net = street(v_grid_pu=1.06, span_km=0.2)
    net.bus["max_vm_pu"], net.line["max_i_ka"] = 1.1, 1.0
    status, out, _ = check(NOON, "--json", net=net, devices=INVERTERS)
    kinds = {violation["kind"] for violation in json.loads(out)["before"]["violations"]}
    assert (status, kinds) == (0, {"overvoltage"})
    assert in_pandapower(net, [-20.0] * 4).res_bus.vm_pu.max() > 1.1
    assert 1.099 < in_pandapower(net, held_back(out, [-20.0] * 4)).res_bus.vm_pu.max() <= 1.1


def test_an_inverter_is_never_cut_to_relieve_what_is_taken(check: Check) -> None:
    devices = INVERTERS + "ev0,house 0,ev_charger,11,4.2\n"
    readings = HEADER + "house 0,31,0\nhouse 1,31,0\nhouse 2,31,0\nhouse 3,-19,0\n"
    _, out, _ = check(readings, "--json", devices=devices)
    document = json.loads(out)
    assert {cut["device"]: (cut["limits"], cut["says"]) for cut in document["allocation"]} == {
        "ev0": ("consumption", f"takes no more than {document['allocation'][0]['limit_kw']:.3f} kW")
    }
    status, out, _ = check(readings, devices=INVERTERS)
    assert status == 1
    assert "Nothing can be cut: no device at hand helps." in out


@pytest.mark.parametrize("written", ["20", "-20"])
def test_either_sign_is_feed_in_and_what_is_guaranteed_is_left(check: Check, written: str) -> None:
    devices = DEVICES + f"pv3,house 3,PV,{written},15\n"
    status, out, _ = check(NOON, "--json", devices=devices)
    (cut,) = json.loads(out)["allocation"]
    assert status == 1
    assert cut["p_kw"] == -20.0
    assert -15.05 < cut["limit_kw"] <= -15.0
    assert cut["says"].startswith("feeds in no more than 15.0")


def test_without_a_guarantee_all_of_it_may_go(check: Check) -> None:
    devices = DEVICES + "pv3,house 3,pv_inverter,7,\npv2,house 2,pv_inverter,3,8\n"
    _, out, _ = check(NOON, "--json", devices=devices)
    (cut,) = json.loads(out)["allocation"]
    assert cut["device"] == "pv3"
    assert -0.05 < cut["limit_kw"] <= 0.0
    assert cut["says"].startswith("feeds in no more than 0.0")


def test_the_table_says_which_way(check: Check) -> None:
    devices = DEVICES + "pv3,house 3,pv_inverter,20,15\n"
    _, out, _ = check(NOON, devices=devices)
    told = next(line for line in out.splitlines() if line.startswith("  pv3"))
    device, point, now, limit, cut = re.split(r"  +", told.strip())
    assert (device, point, now) == ("pv3", "house 3", "feeds in 20.00")
    assert re.fullmatch(r"feeds in no more than 15\.0\d\d kW", limit)
    assert float(cut) == pytest.approx(5.0, abs=0.05)


def test_no_more_feed_in_is_believed_than_the_meter_shows(check: Check) -> None:
    """Rated powers are no powers of now: held back on paper they would clear what in truth stays."""
    readings = HEADER + "house 0,-40,0\nhouse 1,-40,0\nhouse 2,5,0\nhouse 3,-8,0\n"
    devices = DEVICES + "a,house 3,pv_inverter,15,0\nb,house 3,pv_inverter,5,0\nc,house 2,pv_inverter,9,0\n"
    _, out, _ = check(readings, "--json", devices=devices)
    document = json.loads(out)
    assert {cut["device"]: cut["p_kw"] for cut in document["allocation"]} == {"a": -6.0, "b": -2.0}
    (warning,) = document["warnings"]
    assert warning == (
        "3 inverters are said to feed in more than their service point does; taken as the part that it feeds "
        "in: a (15 kW as 6.000), b (5 kW as 2.000), c (9 kW as 0.000)"
    )


def test_an_inverter_claims_nothing_of_what_a_charger_takes(check: Check) -> None:
    devices = DEVICES + "pv,house 3,pv_inverter,20,0\nev,house 3,ev_charger,11,4.2\n"
    readings = HEADER + "".join(f"house {house},21,0\n" for house in range(4))
    _, out, _ = check(readings, "--json", devices=devices)
    document = json.loads(out)
    assert [(cut["device"], cut["p_kw"]) for cut in document["allocation"]] == [("ev", 11.0)]


def test_per_phase_the_feed_in_of_the_full_phase_is_held_back(check: Check) -> None:
    net = street_by_phase(3)
    readings = HEADER + "house 0,-26,0\nhouse 1,-2,0\nhouse 2,-2,0\n"
    devices = DEVICES + "pv0,house 0,pv_inverter,26,0\nev1,house 1,ev_charger,0,0\n"
    _, out, _ = check(readings, "--unbalanced", "--json", net=net, devices=devices)
    document = json.loads(out)
    (cut,) = document["allocation"]
    assert (cut["device"], cut["phase"], cut["limits"], document["cleared"]) == ("pv0", "a", "production", True)
    net.asymmetric_load[["q_a_mvar", "q_b_mvar", "q_c_mvar"]] = 0.0
    for place, (phase, kw) in enumerate((("a", cut["limit_kw"]), ("b", -2.0), ("c", -2.0))):
        net.asymmetric_load.loc[net.asymmetric_load.index[place], f"p_{phase}_mw"] = kw / 1000
    pp.runpp_3ph(net, numba=False)
    assert net.res_line_3ph.loading_a_percent.max() <= 100
    assert net.res_bus_3ph[["vm_a_pu", "vm_b_pu", "vm_c_pu"]].max().max() <= 1.1
    _, out, _ = check(readings, "--unbalanced", net=net, devices=devices)
    assert f"feeds in no more than {-cut['limit_kw']:.3f} kW" in out


def test_per_phase_no_more_feed_in_is_believed_than_its_phase_shows(check: Check) -> None:
    net = street_by_phase(3)
    customer(net, 4, (2.0, 2.0, 2.0), name="workshop")
    readings = "service_point,p_a_kw,p_b_kw,p_c_kw\nhouse 0,-26,,\nworkshop,-3,-5,2\n"
    devices = "device,service_point,kind,p_kw,min_kw,phase\npv,workshop,pv_inverter,6,1,a\n"
    _, out, _ = check(readings, "--unbalanced", "--json", net=net, devices=devices)
    document = json.loads(out)
    (cut,) = document["allocation"]
    assert (cut["p_kw"], cut["phase"]) == (-3.0, "a")
    assert -1.05 < cut["limit_kw"] <= -1.0
    assert any("'pv' says 6 kW, but its service point feeds in less on its" in w for w in document["warnings"])
