"""`gridward check` with inverters: their feed-in is held back where it helps, never where it does not."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandapower as pp
import pytest

from grid_model.network import network_of
from grid_model.three_phase.network import three_phase_network
from gridward.cli import main
from tests.grid_model.small_networks import street
from tests.grid_model.three_phase.feeders import customer
from tests.grid_model.three_phase.feeders import street as street_by_phase

HEADER = "service_point,p_kw,q_kvar\n"
DEVICES = "device,service_point,kind,p_kw,min_kw\n"
NOON = HEADER + "".join(f"house {house},-20,0\n" for house in range(4))
"""80 kW backwards through a cable for some 69."""
INVERTERS = DEVICES + "".join(f"pv{house},house {house},pv_inverter,20,4\n" for house in range(4))

Check = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def net() -> Any:
    return street()


@pytest.fixture
def check(
    net: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Check:
    """Runs the command on a network and files of the given text; gives exit status and standard output."""
    kept = [net]
    monkeypatch.setattr("gridward.check.input.load_network", lambda name: network_of(kept[0], name))
    monkeypatch.setattr(
        "gridward.check.phases_input.load_three_phase_network",
        lambda name, **_: three_phase_network(kept[0], name),
    )

    def run(readings: str, *more: str, devices: str, of: Any = net) -> tuple[int, str]:
        kept[0] = copy.deepcopy(of)
        (tmp_path / "readings.csv").write_text(readings)
        (tmp_path / "devices.csv").write_text(devices)
        files = [f"--{name}={tmp_path / name}.csv" for name in ("readings", "devices")]
        capsys.readouterr()
        return main(["check", "street", *files, *more]), capsys.readouterr().out

    return run


def in_pandapower(net: Any, p_kw: list[float]) -> Any:
    """The street with these powers and no reactive one, solved by `runpp`."""
    net = copy.deepcopy(net)
    net.load["p_mw"], net.load["q_mvar"] = [kw / 1000 for kw in p_kw], 0.0
    pp.runpp(net, numba=False)
    return net


def held_back(answer: str) -> list[float]:
    """The powers of the houses of `NOON` when each inverter feeds in no more than the answer tells it."""
    p_kw = [-20.0] * 4
    for cut in json.loads(answer)["allocation"]:
        told = re.fullmatch(r"feeds in no more than (\d+\.\d{3}) kW", cut["says"])
        assert told is not None
        assert cut["limits"] == "production"
        assert cut["limit_kw"] == pytest.approx(-float(told[1]))
        assert cut["curtailed_kw"] == pytest.approx(20 - float(told[1]))
        p_kw[int(cut["device"].removeprefix("pv"))] = -float(told[1])
    return p_kw


def test_feed_in_that_overloads_the_cable_is_held_back_until_it_is_clear(check: Check, net: Any) -> None:
    status, out = check(NOON, "--json", devices=INVERTERS)
    document = json.loads(out)
    assert (status, document["cleared"]) == (0, True)
    assert in_pandapower(net, [-20.0] * 4).res_line.loading_percent.max() > 105
    after = in_pandapower(net, held_back(out))
    assert 99 < after.res_line.loading_percent.max() <= 100
    told = [line["loading_percent"] for line in document["after"]["lines"]]
    assert after.res_line.loading_percent.tolist() == pytest.approx(told, abs=1e-3)
    assert {part["flexible_kw"] for part in document["located"]} == {16.0}


def test_feed_in_that_lifts_the_voltage_too_high_is_held_back(check: Check) -> None:
    net = street(v_grid_pu=1.06, span_km=0.2)
    net.line["max_i_ka"] = 1.0
    status, out = check(NOON, "--json", of=net, devices=INVERTERS)
    kinds = {violation["kind"] for violation in json.loads(out)["before"]["violations"]}
    assert (status, kinds) == (0, {"overvoltage"})
    assert in_pandapower(net, [-20.0] * 4).res_bus.vm_pu.max() > 1.1
    assert 1.099 < in_pandapower(net, held_back(out)).res_bus.vm_pu.max() <= 1.1


def test_an_inverter_is_never_cut_to_relieve_what_is_taken(check: Check) -> None:
    devices = INVERTERS + "ev0,house 0,ev_charger,11,4.2\n"
    readings = HEADER + "house 0,31,0\nhouse 1,31,0\nhouse 2,31,0\nhouse 3,-19,0\n"
    document = json.loads(check(readings, "--json", devices=devices)[1])
    assert "line_overload" in {violation["kind"] for violation in document["before"]["violations"]}
    (cut,) = document["allocation"]
    assert (cut["device"], cut["p_kw"], cut["limits"]) == ("ev0", 11.0, "consumption"), (
        "its own meter's 31 kW"
    )
    assert cut["says"] == f"takes no more than {cut['limit_kw']:.3f} kW"


def test_either_sign_is_feed_in_and_what_is_guaranteed_is_left(check: Check) -> None:
    readings = HEADER + "".join(f"house {house},-27,0\n" for house in range(4))
    rows = "pv0,house 0,PV,20,15\npv1,house 1,pv_inverter,-20,15\npv2,house 2,pv_inverter,7,\n"
    document = json.loads(check(readings, "--json", devices=DEVICES + rows + "pv3,house 3,pv,3,8\n")[1])
    cuts = document["allocation"]
    assert [(cut["device"], cut["p_kw"]) for cut in cuts] == [("pv0", -20.0), ("pv1", -20.0), ("pv2", -7.0)]
    for cut, left_kw in zip(cuts, (15.0, 15.0, 0.0), strict=True):
        assert left_kw <= -cut["limit_kw"] < left_kw + 0.05
        assert cut["says"].startswith(f"feeds in no more than {left_kw:.1f}")


def test_the_table_says_which_way(check: Check) -> None:
    _, out = check(NOON, devices=DEVICES + "pv3,house 3,pv_inverter,20,15\n")
    told = next(line for line in out.splitlines() if line.startswith("  pv3"))
    device, point, now, limit, cut = re.split(r"  +", told.strip())
    assert (device, point, now) == ("pv3", "house 3", "feeds in 20.00")
    assert re.fullmatch(r"feeds in no more than 15\.0\d\d kW", limit)
    assert float(cut) == pytest.approx(5.0, abs=0.05)


def test_no_more_feed_in_is_believed_than_the_meter_shows(check: Check) -> None:
    """Rated powers are no powers of now: held back on paper they would clear what in truth stays."""
    readings = HEADER + "house 0,-40,0\nhouse 1,-40,0\nhouse 2,5,0\nhouse 3,-8,0\n"
    devices = DEVICES + "a,house 3,pv_inverter,15,0\nb,house 3,pv_inverter,5,0\nc,house 2,pv_inverter,9,0\n"
    document = json.loads(check(readings, "--json", devices=devices)[1])
    assert {cut["device"]: cut["p_kw"] for cut in document["allocation"]} == {"a": -6.0, "b": -2.0}
    assert document["warnings"] == [
        "3 inverters are said to feed in more than their service point does; taken as the part that it feeds "
        "in: a (15 kW as 6.000), b (5 kW as 2.000), c (9 kW as 0.000)"
    ]


def fullest_by_phase(net: Any, a_kw: list[float]) -> float:
    """Percent of the fullest phase or neutral, by `runpp_3ph`, with these powers on phase a."""
    kw = zip(a_kw, (0.0, -2.0, -5.0), (0.0, 0.0, 2.0), strict=True)
    net.asymmetric_load[["p_a_mw", "p_b_mw", "p_c_mw"]] = [[part / 1000 for part in parts] for parts in kw]
    net.asymmetric_load[["q_a_mvar", "q_b_mvar", "q_c_mvar"]] = 0.0
    pp.runpp_3ph(net, numba=False)
    amps = net.res_line_3ph[["i_a_from_ka", "i_b_from_ka", "i_c_from_ka", "i_n_ka"]].max(axis=1)
    return float(100 * (amps / net.line.max_i_ka).max())


def test_per_phase_the_feed_in_of_the_full_phase_is_held_back_as_far_as_it_is_there(check: Check) -> None:
    net = street_by_phase(2)
    customer(net, 3, (2.0, 2.0, 2.0), name="workshop")
    readings = "service_point,p_a_kw,p_b_kw,p_c_kw,q_a_kvar,q_b_kvar,q_c_kvar\n"
    readings += "house 0,-26,,,0,,\nhouse 1,,-2,,,0,\nworkshop,-3,-5,2,0,0,0\n"
    devices = DEVICES.strip() + ",phase\npv0,house 0,pv_inverter,26,22,\npv,workshop,pv_inverter,6,0.5,a\n"
    document = json.loads(check(readings, "--unbalanced", "--json", of=net, devices=devices)[1])
    cuts = {cut["device"]: cut for cut in document["allocation"]}
    assert document["cleared"]
    assert {(cut["phase"], cut["limits"]) for cut in cuts.values()} == {("a", "production")}
    assert cuts["pv"]["p_kw"] == -3.0
    assert cuts["pv"]["limit_kw"] <= -0.5
    assert any(
        "'pv' says 6 kW, but its service point feeds in less on its" in w for w in document["warnings"]
    )
    assert fullest_by_phase(net, [-26.0, 0.0, -3.0]) > 105
    assert 99 < fullest_by_phase(net, [cuts["pv0"]["limit_kw"], 0.0, cuts["pv"]["limit_kw"]]) <= 100
