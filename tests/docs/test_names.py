"""Docs are tested: each setting, command and metric is named in them."""

import argparse
import re
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec
import pytest

from controller.settings import Site
from grid_model import network_sources
from gridward import network
from gridward.check import command as check
from gridward.cli import COMMANDS

ROOT = Path(__file__).parents[2]
OPERATING = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
FORMULAS = (ROOT / "docs/formulas.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _settings(struct: type[msgspec.Struct]) -> set[str]:
    found: set[str] = set()
    for name, hint in get_type_hints(struct).items():
        found.add(name)
        for inner in (hint, *get_args(hint)):
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                found |= _settings(inner)
    return found


@pytest.mark.parametrize("setting", sorted(_settings(Site)))
def test_each_setting_is_documented(setting: str) -> None:
    assert re.search(rf"`(feeder\.)?{setting}`", OPERATING), f"{setting} is not in docs/operating.md"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_documented(command: str) -> None:
    assert f"gridward {command}" in OPERATING


def test_each_file_of_the_walk_exists() -> None:
    walk = (ROOT / "docs/how_it_works.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:controller|grid_model|devices|customers)/[a-z_/.]+)`", walk)
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_each_test_of_the_safety_case_exists() -> None:
    case = (ROOT / "docs/safety_case.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[a-z_0-9/]+\.py)::(test_[a-z_0-9]+)`", case)
    assert len(named) > 20
    assert [
        f"{file}::{test}"
        for file, test in named
        if not (ROOT / file).exists() or f"def {test}(" not in (ROOT / file).read_text(encoding="utf-8")
    ] == []


def _options() -> set[str]:
    parser = argparse.ArgumentParser(add_help=False)
    check.add_arguments(parser)
    return {option for action in parser._actions for option in action.option_strings}


@pytest.mark.parametrize("option", sorted(_options()))
def test_each_option_of_a_check_is_documented(option: str) -> None:
    assert re.search(rf"{option}\b", OPERATING), f"gridward check {option} is not in docs/operating.md"


def test_each_command_on_networks_is_documented() -> None:
    parser = argparse.ArgumentParser()
    network.add_arguments(parser)
    (commands,) = (action.choices for action in parser._actions if action.choices)
    assert [name for name in commands if f"gridward network {name}" not in OPERATING] == []


def test_each_test_of_the_formulas_exists() -> None:
    files = set(re.findall(r"`(tests/[a-z_0-9/]+\.py)", FORMULAS))
    assert len(files) > 30
    assert [file for file in sorted(files) if not (ROOT / file).exists()] == []
    named = re.findall(r"`(tests/[a-z_0-9/]+\.py)::(test_[a-z_0-9]+)`", FORMULAS)
    assert named
    assert [
        test for file, test in named if f"def {test}(" not in (ROOT / file).read_text(encoding="utf-8")
    ] == []


def test_each_module_of_the_formulas_exists() -> None:
    rooms = ("grid_model", "controller")
    room = {path.name for folder in rooms for path in (ROOT / folder).rglob("*.py")}
    named = set(re.findall(r"`([a-z_0-9]+\.py)`", FORMULAS))
    assert len(named) > 40
    assert sorted(named - room) == []


def test_each_part_of_grid_model_is_in_the_walk() -> None:
    walk = (ROOT / "docs/how_it_works.md").read_text(encoding="utf-8")
    parts = [path.parent.name for path in (ROOT / "grid_model").glob("*/__init__.py")]
    assert len(parts) > 5
    assert [part for part in parts if f"`grid_model/{part}`" not in walk] == []


@pytest.mark.parametrize("ending", sorted({*network_sources._READERS, *network_sources._REFUSED}))
def test_each_ending_of_a_network_file_is_in_the_readme(ending: str) -> None:
    assert f"`{ending}`" in README


def test_each_metric_is_documented() -> None:
    metrics = (ROOT / "controller/metrics.py").read_text(encoding="utf-8")
    named = set(re.findall(r'"(gridward_[a-z_]+)"', metrics))
    assert len(named) > 10
    assert [name for name in sorted(named) if f"`{name}`" not in OPERATING] == []
