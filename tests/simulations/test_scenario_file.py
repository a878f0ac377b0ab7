from pathlib import Path

import pytest

from simulations.errors import ScenarioRejected
from simulations.scenario_file import load_scenario, parse_scenario

LEAST = """\
[network]
source = "simbench:1-LV-semiurb4--0-sw"
[time]
start = "2016-01-12T00:00:00+00:00"
"""
SCENARIOS = Path(__file__).resolve().parents[2] / "simulations" / "scenarios"


def test_the_least_scenario_is_enough() -> None:
    scenario = parse_scenario(LEAST)
    assert scenario.steps == 1440
    assert scenario.shares.ev == 0.6
    assert scenario.ev.min_kw == 4.2
    assert scenario.control.requests.target_share == 0.95


def test_the_controller_looks_once_per_step_unless_told() -> None:
    told = parse_scenario(LEAST + "step_s = 120\n[control.cycle]\nperiod_s = 30\n")
    untold = parse_scenario(LEAST + "step_s = 120\n")
    assert (told.control.cycle.period_s, told.control.cycle.fresh_s) == (30, 180)
    assert untold.control.cycle.period_s == 120


def test_the_seed_of_the_command_line_wins(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text("seed = 3\n" + LEAST, encoding="utf-8")
    assert load_scenario(file).seed == 3
    assert load_scenario(file, 9).seed == 9


@pytest.mark.parametrize("file", sorted(SCENARIOS.glob("*.toml")), ids=lambda file: file.stem)
def test_our_own_scenarios_are_right(file: Path) -> None:
    scenario = load_scenario(file)
    assert scenario.title


def test_sizes_must_rise_and_feeders_have_names_of_their_own() -> None:
    text = (
        LEAST
        + """\
[pv]
least_kw = 20
[battery]
most_kwh = 1
[[feeder]]
id = "F1"
source = "x"
"""
    )
    with pytest.raises(ScenarioRejected) as caught:
        parse_scenario(text, "s.toml")
    assert caught.value.findings == (
        "s.toml, line 5, pv: expected least_kw <= usual_kw <= most_kw",
        "s.toml, line 7, battery: expected least_kwh <= usual_kwh <= most_kwh",
        "s.toml, line 10, feeder.0.id: expected an id of its own, 'F1' is taken",
    )


def test_every_fault_is_told_with_file_line_key_and_what_was_expected() -> None:
    text = """\
[network]
sourc = "x"
[time]
start = "yesterday"
step_s = "a minute"
[shares]
ev = 1.5
[devices]
refuse = 0.1
xyz = 1
[control.cycle]
period_s = -1
"""
    with pytest.raises(ScenarioRejected) as caught:
        parse_scenario(text, "evening.toml")
    assert list(caught.value.findings) == [
        "evening.toml, line 1, network.source: expected this key, it is missing",
        "evening.toml, line 2, network.sourc: no such key; did you mean source?",
        "evening.toml, line 4, time.start: invalid RFC3339 encoded datetime, got 'yesterday'",
        "evening.toml, line 5, time.step_s: expected a whole number, got 'a minute'",
        "evening.toml, line 7, shares.ev: expected a number <= 1.0, got 1.5",
        "evening.toml, line 10, devices.xyz: no such key; expected one of refuse, refuse_from, "
        "vanish, late, guard, failsafe_kw, reaction_s, late_s, vanish_within_s, vanish_for_s",
        "evening.toml, line 12, control.cycle.period_s: expected a number > 0.0, got -1",
    ]


def test_a_feeder_s_name_is_one_line() -> None:
    with pytest.raises(ScenarioRejected, match=r"network\.feeder"):
        parse_scenario(LEAST.replace("[time]", 'feeder = "F1\\n"\n[time]'))


@pytest.mark.parametrize(
    ("more", "line", "expected"),
    [
        ("[devices]\nrefuse = 0.6\nvanish = 0.6\n", 5, "sum to 1.2, expected at most 1"),
        ("[heat_pump]\nleast_kw = 9\nmost_kw = 3\n", 5, "expected least_kw <= usual_kw <= most_kw"),
        ("[people]\nleast_cut = 0.9\n", 5, "expected least_cut <= most_cut"),
        ("[heat_pump]\ndesign_c = 30\n", 6, "expected less than room_c (20.5)"),
    ],
)
def test_values_that_contradict_each_other(more: str, line: int, expected: str) -> None:
    with pytest.raises(ScenarioRejected) as caught:
        parse_scenario(LEAST + more, "s.toml")
    (finding,) = caught.value.findings
    assert finding.startswith(f"s.toml, line {line}, ")
    assert finding.endswith(expected)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            '[battery]\npolicy = "greedy"\n',
            "s.toml, line 6, battery.policy: expected self_consumption or night_charge, got 'greedy'",
        ),
        (
            '[[outage]]\nof = "brocker"\n',
            "s.toml, line 6, outage.0.of: expected broker, concentrator or substation, got 'brocker'",
        ),
        (
            '[devices]\nrefuse_from = "2016-01-12T16:00:00"\n',
            "s.toml, line 6, devices.refuse_from: expected a time with its zone, got '2016-01-12T16:00:00'",
        ),
        (
            "[weather]\nshift_k = nan\n",
            "s.toml, line 6, weather.shift_k: expected a finite number, got nan",
        ),
        (
            '[[false_reading]]\nmeters = ["M-001"]\nbegin = "2016-01-12T17:00:00+00:00"\n'
            'end = "2016-01-12T17:00:00+00:00"\nscale = -inf\n',
            "s.toml, line 9, false_reading.0.scale: expected a finite number, got -inf",
        ),
        (
            '[[false_reading]]\nmeters = ["M-001"]\nbegin = "2016-01-12T17:00:00+00:00"\n'
            'end = "2016-01-12T17:00:00+00:00"\nscale = 0.5\n',
            "s.toml, line 5, false_reading.0: expected begin < end",
        ),
    ],
)
def test_what_is_expected_is_said_in_words(more: str, told: str) -> None:
    with pytest.raises(ScenarioRejected) as caught:
        parse_scenario(LEAST + more, "s.toml")
    assert caught.value.findings == (told,)


def test_no_toml_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(ScenarioRejected, match="expected TOML"):
        parse_scenario("[network", "s.toml")
    with pytest.raises(ScenarioRejected, match=r"expected a readable TOML file"):
        load_scenario(tmp_path / "none.toml")


def test_devices_of_guard_mode_need_a_cycle_that_is_fast_enough_for_heartbeats() -> None:
    text = """\
[network]
source = "x"
[time]
start = "2016-01-12T16:00:00+00:00"
[devices]
guard = 0.5
[control.cycle]
period_s = 16
"""
    with pytest.raises(ScenarioRejected) as caught:
        parse_scenario(text, "evening.toml")
    assert list(caught.value.findings) == [
        "evening.toml, line 8, control.cycle.period_s: expected at most 15 because of devices.guard: "
        "heartbeats go with it"
    ]
    fast = parse_scenario(text.replace("16\n", "15\n").replace("= 16", "= 15"), "evening.toml")
    assert fast.devices.guard == 0.5


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("[heat_pump]\nleast_kw = 0.04\n", "line 6, heat_pump.least_kw: expected a number >= 0.1, got 0.04"),
        ("[pv]\ninverter_share = 0\n", "line 6, pv.inverter_share: expected a number >= 0.1, got 0"),
        ("[ev]\narrival_sd_hours = 100\n", "line 6, ev.arrival_sd_hours: expected a number <= 6.0, got 100"),
        (
            '[control.rewards]\ncurrency = "points"\n',
            "line 6, control.rewards.currency: expected another unit than that of points, got 'points'",
        ),
    ],
)
def test_what_would_be_rounded_away_or_counted_twice_is_told(more: str, told: str) -> None:
    with pytest.raises(ScenarioRejected) as caught:
        parse_scenario(LEAST + more, "s.toml")
    assert caught.value.findings == (f"s.toml, {told}",)


@pytest.mark.parametrize(
    ("start", "got"), [("2016-01-12", "2016-01-12"), ("2016-01-12T00:00:00", "2016-01-12T00:00:00")]
)
def test_a_start_without_time_or_zone_is_told_as_it_stands_there(start: str, got: str) -> None:
    with pytest.raises(ScenarioRejected) as caught:
        parse_scenario(f'[network]\nsource = "x"\n[time]\nstart = {start}\n', "s.toml")
    assert caught.value.findings == (f"s.toml, line 4, time.start: expected a time with its zone, got {got}",)


def test_names_are_fit_for_topics_and_seeds_for_tables() -> None:
    text = "seed = 9007199254740993\n" + LEAST.replace("[time]", 'prefix = "a/b"\n[time]')
    with pytest.raises(ScenarioRejected) as caught:
        parse_scenario(text, "s.toml")
    told = "; ".join(caught.value.findings)
    assert "line 1, seed: expected a whole number <= 9007199254740992, got 9007199254740993" in told
    assert "line 4, network.prefix: expected a text matching regex" in told


def test_a_file_that_begins_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    file = tmp_path / "s.toml"
    file.write_text(LEAST, encoding="utf-8-sig")
    assert load_scenario(file).steps == 1440
