"""Which runs a study has: the grid of its variations times its seeds, each as a whole scenario in TOML.

A run is its scenario's text, so that it can be sent to any worker, made again by `gridward simulate`, and
told from others by a digest.
"""

import copy
import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import tomli_w

from simulations.studies.study import Study

Raw = dict[str, Any]


class NotATable(Exception):
    """A dotted path leads through something that is no table."""


@dataclass(frozen=True)
class Run:
    """One run before it is made."""

    digest: str
    """of all that its result depends on: scenario with seed, what is in its files, program, whether its
    series are kept"""
    scenario: str
    """TOML"""
    point: Mapping[str, Any]
    """path → value of the grid"""
    seed: int


def points_of(study: Study) -> Iterator[dict[str, Any]]:
    """The points of the grid, the last direction moving fastest; one empty point where nothing varies."""
    for values in itertools.product(*(axis.values for axis in study.vary)):
        yield {axis.path: value for axis, value in zip(study.vary, values, strict=True)}


def scenario_at(base: Mapping[str, Any], point: Mapping[str, Any]) -> Raw:
    """The base scenario with the fields of a point set. Raises NotATable."""
    raw = copy.deepcopy(dict(base))
    for path, value in point.items():
        *tables, last = path.split(".")
        table = raw
        for depth, name in enumerate(tables, start=1):
            inner = table.setdefault(name, {})
            if not isinstance(inner, dict):
                raise NotATable(".".join(tables[:depth]))
            table = inner
        table[last] = value
    return raw


def runs_of(study: Study, base: Mapping[str, Any], program: str, contents: Callable[[Raw], str]) -> list[Run]:
    """All runs, those of one point together; `program` tells the version that makes them, `contents` what is
    in the files that a scenario names."""
    return [
        _run(raw | {"seed": seed}, point, seed, f"{program} series={study.run.series} {contents(raw)}")
        for point in points_of(study)
        for raw in [scenario_at(base, point)]
        for seed in range(study.seeds.first, study.seeds.first + study.seeds.count)
    ]


def _run(raw: Raw, point: Mapping[str, Any], seed: int, program: str) -> Run:
    text = tomli_w.dumps(raw)
    digest = hashlib.sha256(f"{program}\n{text}".encode()).hexdigest()[:24]
    return Run(digest, text, point, seed)
