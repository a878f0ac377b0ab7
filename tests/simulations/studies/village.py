"""A study small enough for tests: a quarter of an hour of an evening in a village of 13 homes."""

from pathlib import Path

from simulations.studies.study import Study
from simulations.studies.study_file import Base, load_study

BASE = """\
seed = 5
[network]
source = "pandapower:create_kerber_landnetz_freileitung_1"
[time]
start = "2016-01-12T17:45:00+00:00"
days = 0.01
[shares]
ev = 0.8
heat_pump = 0.2
"""
STUDY = """\
title = "Cars <in a village>"
[base]
scenario = "village.toml"
[[vary]]
path = "shares.ev"
label = "Share of homes with a car"
values = [0.1, 0.9]
[seeds]
count = 3
[run]
workers = 1
"""


def write_study(folder: Path, text: str = STUDY, base: str = BASE) -> Path:
    (folder / "village.toml").write_text(base, encoding="utf-8")
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def village_study(folder: Path, text: str = STUDY) -> tuple[Study, Base]:
    return load_study(write_study(folder, text))
