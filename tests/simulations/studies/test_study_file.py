import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from simulations.errors import StudyRejected
from simulations.studies.study import schema
from simulations.studies.study_file import load_study
from tests.simulations.studies.village import BASE, STUDY, write_study

EXAMPLES = Path(__file__).resolve().parents[3] / "simulations" / "studies" / "examples"


def findings(folder: Path, text: str, base: str = BASE) -> list[str]:
    path = write_study(folder, text, base)
    with pytest.raises(StudyRejected) as caught:
        load_study(path)
    return [finding.replace(f"{folder}/", "") for finding in caught.value.findings]


def test_the_least_study_is_enough(tmp_path: Path) -> None:
    study, base = load_study(write_study(tmp_path, '[base]\nscenario = "village.toml"\n'))
    assert (study.seeds.count, study.run.workers, study.question.share) == (10, 0, "shares.ev")
    assert base["shares"] == {"ev": 0.8, "heat_pump": 0.2}


def test_a_study_judges_the_daemon_and_no_other_policy(tmp_path: Path) -> None:
    text = '[base]\nscenario = "village.toml"\n[base.change]\n"control.policy" = "blanket"\n'
    (told,) = findings(tmp_path, text)
    assert "control.policy: expected 'ours', got 'blanket'" in told


def test_credits_and_costs_are_in_one_currency(tmp_path: Path) -> None:
    costs = '[costs]\ncurrency = "CHF"\n[[vary]]\npath = "shares.ev"\nvalues = [0.2, 0.4]\n'
    (told,) = findings(tmp_path, f'[base]\nscenario = "village.toml"\n{costs}')
    expected = "control.rewards.currency: expected 'CHF' or 'CHF-cent', as in [costs], got 'EUR-cent'"
    assert expected in told
    change = '[base.change]\n"control.rewards.currency" = "CHF-cent"\n'
    load_study(write_study(tmp_path, f'[base]\nscenario = "village.toml"\n{change}{costs}'))


def test_a_study_leaves_no_feeder_out(tmp_path: Path) -> None:
    (told,) = findings(tmp_path, '[base]\nscenario = "substation"\n')
    assert "feeder: expected the feeder of [network] only, got 10 more" in told


def test_a_base_by_name_and_its_changes(tmp_path: Path) -> None:
    text = '[base]\nscenario = "small"\n[base.change]\n"time.days" = 0.1\n"ev.power_kw" = 3.7\n'
    _, base = load_study(write_study(tmp_path, text))
    assert (base["time"]["days"], base["ev"]["power_kw"], base["seed"]) == (0.1, 3.7, 7)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "count = 3",
            "count = 0",
            "study.toml, line 9, seeds.count: expected int >= 1",
        ),
        (
            "count = 3",
            "cuont = 3",
            "study.toml, line 9, seeds.cuont: no such key",
        ),
        (
            '[base]\nscenario = "village.toml"\n',
            "",
            "study.toml, line 1, base: expected this key, it is missing",
        ),
        (
            'path = "shares.ev"',
            'path = "Shares ev"',
            "study.toml, line 5, vary.0.path: expected str matching regex",
        ),
        (
            'path = "shares.ev"',
            'path = "seed"',
            "vary.0.path: seed: expected another field",
        ),
        (
            "[0.1, 0.9]",
            "[0.1, 1.9]",
            "study.toml, line 7, vary.0.values: shares.ev: expected a number <= 1.0, got 1.9",
        ),
        (
            "[0.1, 0.9]",
            "[1, 1.0]",
            "study.toml, line 7, vary.0.values: expected each value once",
        ),
        (
            'scenario = "village.toml"',
            'scenario = "village.toml"\nchange = { seed = 7 }',
            "study.toml, line 4, base.change: seed: expected another field; seeds are the table [seeds]",
        ),
        (
            "[0.1, 0.9]",
            "[0.1, 0.1]",
            "study.toml, line 7, vary.0.values: expected each value once",
        ),
        (
            "[0.1, 0.9]",
            '["a"]',
            "question.share: shares.ev: expected a direction of the grid whose values are shares, 0 to 1",
        ),
        (
            "[[vary]]",
            '[question]\nshare = "ev.power_kw"\n[[vary]]\npath = "ev.power_kw"\nvalues = [3.7, 11]\n[[vary]]',
            "question.share: ev.power_kw: expected a direction of the grid whose values are shares, 0 to 1",
        ),
        (
            "[0.1, 0.9]",
            '[0.1, 0.9]\n[question]\nshare = "shares.heat_pump"',
            "question.share: shares.heat_pump: expected the path of one of [[vary]]",
        ),
        (
            "shares.ev",
            "shares.cars",
            "study.toml, line 7, vary.0.values: shares.cars: no such key",
        ),
        (
            "shares.ev",
            "shares.ev.more",
            "study.toml, line 7, vary.0.values: shares.ev is no table of a scenario",
        ),
        (
            "[0.1, 0.9]",
            '[0.1, 0.9]\nnames = ["few"]',
            "expected one name for each of the 2 values, got 1",
        ),
        (
            "workers = 1",
            'dask = true\ncluster = "tcp://a:1"',
            "study.toml, line 11, run.dask: expected either",
        ),
        (
            "village.toml",
            "town",
            "study.toml, line 3, base.scenario: no such scenario 'town'; expected a file, or one of",
        ),
    ],
)
def test_what_is_wrong_is_told_with_line_key_and_what_was_expected(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert old in STUDY
    found = findings(tmp_path, STUDY.replace(old, new))
    assert any(told in one for one in found), found


def test_points_that_contradict_themselves_are_told_before_anything_runs(tmp_path: Path) -> None:
    text = STUDY + '[[vary]]\npath = "devices.refuse"\nvalues = [0.1, 0.7]\n'
    text += '[[vary]]\npath = "devices.late"\nvalues = [0.1, 0.7]\n'
    (first, *_) = findings(tmp_path, text)
    assert "'devices.refuse': 0.7, 'devices.late': 0.7" in first
    assert first.endswith("sum to 1.4, expected at most 1")


def test_a_faulty_base_is_told_as_its_own_file(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, STUDY, BASE.replace("ev = 0.8", "ev = 8"))
    assert found == "village.toml, line 8, shares.ev: expected a number <= 1.0, got 8"


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda file: file.stem)
def test_our_own_studies_are_right(file: Path) -> None:
    study, _ = load_study(file)
    assert study.title


def test_the_schema_takes_what_we_take_and_refuses_what_we_refuse(tmp_path: Path) -> None:
    validator = jsonschema.Draft202012Validator(schema())
    study, _ = load_study(write_study(tmp_path))
    raw = json.loads(msgspec.json.encode(study))
    assert list(validator.iter_errors(raw)) == []
    raw["seeds"]["count"] = 0
    raw["more"] = 1
    told = sorted(error.message for error in validator.iter_errors(raw))
    assert [text[:30] for text in told] == [
        "0 is less than the minimum of ",
        "Additional properties are not ",
    ]


def test_files_among_the_values_are_seen_from_the_study_and_called_as_it_does(tmp_path: Path) -> None:
    nets = '["nets/a.json", "pandapower:create_kerber_dorfnetz"]'
    text = STUDY.replace("shares.ev", "network.source").replace("[0.1, 0.9]", nets)
    study, _ = load_study(write_study(tmp_path, text))
    (axis,) = study.vary
    assert axis.values == (str(tmp_path / "nets" / "a.json"), "pandapower:create_kerber_dorfnetz")
    assert [axis.name(value) for value in axis.values] == ["nets/a.json", "pandapower:create_kerber_dorfnetz"]
