"""Docs are tested: each setting, command and metric is named in them."""

import re
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec
import pytest

from controller.settings import Site
from gridward.cli import COMMANDS

ROOT = Path(__file__).parents[2]
OPERATING = (ROOT / "docs/operating.md").read_text(encoding="utf-8")


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


def test_each_metric_is_documented() -> None:
    metrics = (ROOT / "controller/metrics.py").read_text(encoding="utf-8")
    named = set(re.findall(r'"(gridward_[a-z_]+)"', metrics))
    assert len(named) > 10
    assert [name for name in sorted(named) if f"`{name}`" not in OPERATING] == []
