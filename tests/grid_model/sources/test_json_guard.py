"""What a pandapower file may make the decoder do: nothing but build tables and pandapower's own objects."""

import json
from pathlib import Path
from typing import Any

import pandapower as pp
import pytest

from grid_model.errors import NetworkRejected
from grid_model.network_sources import read_net
from grid_model.sources.json_guard import guarded
from tests.grid_model.small_networks import street


def document() -> dict[str, Any]:
    return {
        "_module": "pandapower.auxiliary",
        "_class": "pandapowerNet",
        "_object": {
            "name": "x",
            "bus": {
                "_module": "pandas.core.frame",
                "_class": "DataFrame",
                "_object": json.dumps({"columns": ["name", "vn_kv"], "index": [0], "data": [["a", 0.4]]}),
                "orient": "split",
                "dtype": {"name": "object", "vn_kv": "float64"},
            },
        },
    }


def attacked(cell: Any = "a", **table: Any) -> dict[str, Any]:
    """The document with another first cell, and with other fields of its table."""
    changed = document()
    bus = changed["_object"]["bus"]
    bus["_object"] = json.dumps({"columns": ["name", "vn_kv"], "index": [0], "data": [[cell, 0.4]]})
    bus.update(table)
    return changed


CALL = {"_module": "os", "_class": "system", "_object": "true"}


def test_a_plain_network_passes_unchanged() -> None:
    safe, findings = guarded(document())
    assert findings == ()
    assert json.loads(safe["_object"]["bus"]["_object"]) == json.loads(
        document()["_object"]["bus"]["_object"]
    )
    assert safe["_object"]["name"] == "x"


@pytest.mark.parametrize(
    ("harmful", "said"),
    [
        (attacked(CALL), "os.system"),
        (attacked(json.dumps(CALL)), "os.system"),
        (attacked(json.dumps(json.dumps([CALL]))), "os.system"),
        (
            attacked({"_module": "pandapower.toolbox", "_class": "function", "_object": "x"}),
            "toolbox.function",
        ),
        (attacked({"_module": "pandapower.control", "_class": "function", "_object": "x"}), "function"),
        (attacked({"_module": "antigravity", "_class": "function", "_object": "x"}), "antigravity"),
        (attacked({"_module": "pandapower.control.os", "_class": "system", "_object": "x"}), "control.os"),
        (attacked({"_module": "numpy", "_class": "memmap", "_object": "x"}), "numpy.memmap"),
        (attacked({"_module": "builtins", "_class": "eval", "_object": "x"}), "builtins.eval"),
        (attacked({"_class": "pandapowerNet"}), "pandapowerNet"),
        (attacked('{"_module": "os", "_class": "system", "_object": '), "looks like an object"),
        (attacked(_object="/etc/passwd.json"), "no JSON"),
        (attacked(_object='"/etc/passwd.json"'), "names something to read"),
        (attacked(_object=["/etc/passwd.json"]), "names something to read"),
        (attacked(storage_options={"key": "x"}), "storage_options"),
        (attacked(compression="zip", chunksize=1), "chunksize, compression"),
    ],
)
def test_what_would_run_or_read_something_is_refused(harmful: dict[str, Any], said: str) -> None:
    _, findings = guarded(harmful)
    assert said in "; ".join(map(str, findings))
    assert all(finding.table == "bus" for finding in findings)


def test_rows_that_do_not_fit_are_told() -> None:
    content = {"columns": ["name", "vn_kv"], "index": [0], "data": [["a"], ["b", 1.0]]}
    _, findings = guarded(attacked(_object=json.dumps(content)))
    told = "; ".join(map(str, findings))
    assert "2 rows but 1 indices" in told
    assert "row 0 has 1 cells; expected 2" in told


def test_a_name_with_one_of_the_decoders_words_is_no_attack() -> None:
    assert guarded(attacked("pv_module 7"))[1] == ()
    assert guarded(attacked('{"coordinates": [1, 2]}'))[1] == ()


def test_nothing_is_imported_before_all_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    pp.to_json(street(), str(path))
    whole = json.loads(path.read_text())
    marker = tmp_path / "ran"
    whole["_object"]["controller"] = {
        "_module": "pathlib",
        "_class": "Path",
        "_object": str(marker),
    }
    whole["_object"]["extra"] = {"_module": "os", "_class": "mkdir", "_object": str(marker)}
    path.write_text(json.dumps(whole))
    with pytest.raises(NetworkRejected) as rejected:
        read_net(str(path))
    assert {finding.table for finding in rejected.value.findings} == {"controller", "extra"}
    assert not marker.exists()


def test_controllers_of_pandapower_are_kept(tmp_path: Path) -> None:
    net = street()
    net.trafo["tap_side"], net.trafo["tap_neutral"], net.trafo["tap_pos"] = "hv", 0, 0
    net.trafo["tap_min"], net.trafo["tap_max"], net.trafo["tap_step_percent"] = -2, 2, 2.5
    net.trafo["tap_changer_type"] = "Ratio"
    from pandapower.control import DiscreteTapControl

    DiscreteTapControl(net, element_index=0, vm_lower_pu=0.99, vm_upper_pu=1.01)
    path = tmp_path / "net.json"
    pp.to_json(net, str(path))
    assert type(read_net(str(path)).controller.object[0]).__name__ == "DiscreteTapControl"
