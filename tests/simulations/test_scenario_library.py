import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from gridward.cli import main
from simulations.errors import ScenarioRejected
from simulations.scenario_library import (
    FOLDER,
    SCHEMA_FILE,
    find_scenario,
    listed,
    names,
    schema,
    schema_text,
)


def test_a_name_and_a_path_find_the_same_file(tmp_path: Path) -> None:
    assert find_scenario("evening") == FOLDER / "evening.toml" == find_scenario(FOLDER / "evening.toml")
    own = tmp_path / "own.toml"
    own.write_text("", encoding="utf-8")
    assert find_scenario(str(own)) == own


def test_a_name_that_is_none_tells_the_nearest() -> None:
    with pytest.raises(ScenarioRejected, match=r"evning: expected a scenario's file or name.*mean evening"):
        find_scenario("evning")
    with pytest.raises(ScenarioRejected, match=r"the names are .*evening, .*week"):
        find_scenario("zzz")


def test_the_list_has_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        [line.split()[0] for line in lines] == list(names()) == sorted(f.stem for f in FOLDER.glob("*.toml"))
    )
    assert all(title in line for line, (_, title) in zip(lines, listed(), strict=True))
    assert all(title for _, title in listed())


def test_each_table_and_each_scenario_is_in_the_docs() -> None:
    docs = (FOLDER.parents[1] / "docs" / "scenarios.md").read_text(encoding="utf-8")
    for table in schema()["properties"]:
        assert f"`{table}`" in docs or f"`[{table}]`" in docs or f"`[[{table}]]`" in docs, table
    for name in names():
        assert f"| `{name}` |" in docs, name


def test_neither_scenario_nor_list_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "evening"]) == 2
    assert "expected SCENARIO and --out DIR" in capsys.readouterr().err


def test_the_schema_is_the_one_that_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """Write it anew with `gridward simulate --schema > simulations/scenario.schema.json`."""
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()
    assert main(["simulate", "--schema"]) == 0
    assert capsys.readouterr().out == schema_text()


@pytest.mark.parametrize("name", names())
def test_the_schema_holds_for_every_scenario(name: str) -> None:
    raw = json.loads(json.dumps(tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8")), default=str))
    jsonschema.Draft202012Validator(schema()).validate(raw)


def test_the_schema_refuses_what_the_reader_refuses_and_tells_what_fields_mean() -> None:
    checker = jsonschema.Draft202012Validator(schema())
    least = {"network": {"source": "x"}, "time": {"start": "2016-01-12T00:00:00Z"}}
    assert checker.is_valid(least)
    for wrong in ({"shares": {"ev": 1.5}}, {"sharse": {}}, {"ev": {"power_kw": "11"}}):
        assert not checker.is_valid(least | wrong)
    told = schema()["$defs"]["Devices"]["properties"]["vanish_within_s"]["description"]
    assert told.startswith("after the first command, drawn evenly")
