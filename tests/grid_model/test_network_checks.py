"""Each fault of a network: what it is called, where it is, what was found and how to repair it."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pandapower as pp
import pytest

from grid_model.errors import Finding
from grid_model.network_checks import check_net, inspect_net
from tests.grid_model.small_networks import street


def good() -> Any:
    net = street(4)
    pp.create_bus(net, 0.4, name="twin")
    pp.create_switch(net, 5, 6, et="b")
    pp.create_switch(net, 2, 1, et="l")
    net.trafo["tap_side"], net.trafo["tap_changer_type"] = "hv", "Ratio"
    net.trafo["tap_neutral"], net.trafo["tap_pos"], net.trafo["tap_step_percent"] = 0.0, 1.0, 2.5
    net.trafo["tap_min"], net.trafo["tap_max"] = -2.0, 2.0
    net.bus["min_vm_pu"], net.bus["max_vm_pu"] = 0.9, 1.1
    return net


def cell(table: str, index: int, column: str, value: Any) -> Callable[[Any], None]:
    def change(net: Any) -> None:
        if not isinstance(value, float):
            net[table][column] = net[table][column].astype(object)
        net[table].at[index, column] = value

    return change


def exchanged_sides(net: Any) -> None:
    net.trafo[["hv_bus", "lv_bus"]] = net.trafo[["lv_bus", "hv_bus"]].to_numpy()


def another_level(net: Any) -> None:
    net.bus.at[5, "vn_kv"] = 20.0


def far_away(net: Any) -> None:
    points = [[9.5 + 0.001 * place, 51.3] for place in range(len(net.bus))]
    points[3] = points[3][::-1]
    net.bus["geo"] = [json.dumps({"type": "Point", "coordinates": point}) for point in points]
    net.bus.at[5, "geo"] = "somewhere"


def second_grid(net: Any) -> None:
    pp.create_ext_grid(net, 0, vm_pu=1.03, name="second")


def ring_of_couplers(net: Any) -> None:
    pp.create_switch(net, 6, 5, et="b")


ERRORS: list[tuple[Callable[[Any], None], str, str, str | None, str]] = [
    (cell("trafo", 0, "tap_pos", 7.0), "trafo", "0", "tap_pos", "outside tap_min to tap_max"),
    (cell("trafo", 0, "sn_mva", -0.4), "trafo", "0", "sn_mva", "no rating"),
    (cell("trafo", 0, "vk_percent", 0.0), "trafo", "0", "vk_percent", "missing, 0 or negative"),
    (cell("trafo", 0, "vn_lv_kv", 10.0), "trafo", "0", "vn_lv_kv", "does not fit its lv bus of 0.4 kV"),
    (exchanged_sides, "trafo", "0", "hv_bus", "sides turned"),
    (cell("line", 1, "length_km", -0.1), "line", "1", "length_km", "not above 0"),
    (cell("line", 1, "r_ohm_per_km", -0.3), "line", "1", "r_ohm_per_km", "negative impedance"),
    (cell("line", 1, "max_i_ka", 0.0), "line", "1", "max_i_ka", "has no rating"),
    (cell("line", 1, "max_i_ka", "100 A"), "line", "1", "max_i_ka", "not a number"),
    (cell("line", 1, "in_service", "yes"), "line", "1", "in_service", "neither true nor false"),
    (cell("line", 1, "to_bus", 99), "line", "1", "to_bus", "bus 99, which does not exist"),
    (cell("line", 1, "to_bus", None), "line", "1", "to_bus", "not the index of an element"),
    (another_level, "line", "3", "to_bus", "different voltage levels"),
    (cell("load", 2, "name", ["a", "b"]), "load", "2", "name", "is no text"),
    (cell("load", 2, "p_mw", float("nan")), "load", "2", "p_mw", "not a number"),
    (cell("load", 2, "p_mw", 5.0), "load", "2", "p_mw", "takes 5000 kW"),
    (cell("load", 2, "const_z_p_percent", 120.0), "load", "2", "const_z_p_percent", "outside 0 to 100"),
    (cell("switch", 0, "element", 77), "switch", "0", "element", "bus 77, which does not exist"),
    (cell("switch", 1, "bus", 5), "switch", "1", "bus", "line 1 ends at 2 and 3"),
    (cell("switch", 1, "et", "x"), "switch", "1", "et", "no known kind"),
    (cell("bus", 4, "min_vm_pu", 1.2), "bus", "4", "min_vm_pu", "above max_vm_pu"),
    (cell("bus", 4, "vn_kv", 0.0), "bus", "4", "vn_kv", "not above 0"),
    (cell("ext_grid", 0, "vm_pu", 0.0), "ext_grid", "0", "vm_pu", "not above 0"),
    (second_grid, "ext_grid", "1", "vm_pu", "holds its bus at 1.03 pu"),
    (cell("ext_grid", 0, "in_service", False), "ext_grid", "", None, "no external grid"),
    (cell("switch", 1, "closed", False), "bus", "3", "supply", "not connected to any external grid"),
]
WARNINGS: list[tuple[Callable[[Any], None], str, str, str | None, str]] = [
    (cell("line", 1, "max_i_ka", 200.0), "line", "", "max_i_ka", "have no rating"),
    (cell("line", 1, "length_km", 80.0), "line", "1", "length_km", "were metres written"),
    (cell("load", 2, "p_mw", 0.3), "load", "2", "p_mw", "were kW written as MW?"),
    (cell("load", 2, "p_mw", -0.01), "load", "2", "p_mw", "takes less than nothing"),
    (cell("trafo", 0, "sn_mva", 250.0), "trafo", "0", "sn_mva", "were kVA written as MVA?"),
    (cell("trafo", 0, "vn_lv_kv", 0.5), "trafo", "0", "vn_lv_kv", "does not fit its lv bus"),
    (cell("trafo", 0, "tap_side", None), "trafo", "0", "tap_side", "on neither side"),
    (cell("ext_grid", 0, "vm_pu", 0.7), "ext_grid", "0", "vm_pu", "far from 1"),
    (far_away, "bus", "3", "geo", "longitude and latitude exchanged"),
    (far_away, "bus", "5", "geo", "cannot be read"),
]


Case = tuple[str, str, str | None, str]


def found(findings: tuple[Finding, ...], severity: str, case: Case) -> list[Finding]:
    table, row, field, words = case
    return [
        one
        for one in findings
        if (one.severity, one.table or "", one.field) == (severity, table, field)
        and (not row or one.row == row)
        and words in str(one)
    ]


def test_a_good_network_has_nothing_to_tell() -> None:
    assert check_net(good()) == ()


@pytest.mark.parametrize(("change", "table", "row", "field", "words"), ERRORS)
def test_errors(change: Callable[[Any], None], table: str, row: str, field: str | None, words: str) -> None:
    net = good()
    change(net)
    findings = check_net(net)
    told = found(findings, "error", (table, row, field, words))
    assert told, [str(one) for one in findings]
    assert all(one.repair for one in told)


@pytest.mark.parametrize(("change", "table", "row", "field", "words"), WARNINGS)
def test_warnings(change: Callable[[Any], None], table: str, row: str, field: str | None, words: str) -> None:
    net = good()
    change(net)
    findings = check_net(net)
    assert found(findings, "warning", (table, row, field, words)), [str(one) for one in findings]
    assert not any(one.severity == "error" for one in findings), [str(one) for one in findings]


def test_many_faults_are_told_in_one_pass_errors_first() -> None:
    net = good()
    chosen = [ERRORS[place] for place in (0, 5, 8, 9, 10, 14, 17, 20, 23)]
    for change, *_ in (*chosen, WARNINGS[6]):
        change(net)
    findings = check_net(net)
    for _, table, row, field, words in chosen:
        assert found(findings, "error", (table, row, field, words)), (table, field)
    assert found(findings, "warning", ("trafo", "0", "tap_side", "on neither side"))
    order = [one.severity for one in findings]
    assert order == sorted(order, key=("error", "warning").index)


def test_a_line_without_reactance_can_be_used() -> None:
    net = good()
    net.line["x_ohm_per_km"] = 0.0
    assert check_net(net) == ()


def test_infos_are_told_when_asked_only() -> None:
    net = good()
    ring_of_couplers(net)
    infos = [one for one in inspect_net(net) if one.severity == "info"]
    assert any("closes a ring" in str(one) for one in infos)
    assert any("no zero-sequence data" in str(one) for one in infos)
    assert check_net(net) == ()


def test_of_very_many_faults_alike_the_rest_is_counted() -> None:
    net = street(120)
    net.line["length_km"] = 0.0
    errors = [one for one in check_net(net) if one.field == "length_km"]
    assert len(errors) == 101
    assert "20 more elements with the same fault" in str(errors[-1])


def test_checking_changes_no_element() -> None:
    net = good()
    before = copy.deepcopy(net)
    check_net(net)
    for table in ("bus", "line", "trafo", "load", "ext_grid", "switch"):
        assert net[table].equals(before[table])
