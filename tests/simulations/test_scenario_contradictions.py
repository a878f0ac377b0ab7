"""What a scenario's file may not say, though each of its values is right by itself."""

import pytest

from simulations.errors import ScenarioRejected
from simulations.scenario_file import parse_scenario
from tests.simulations.test_scenario_file import LEAST

SPAN = "the run is from 2016-01-12T00:00:00+00:00 to 2016-01-13T00:00:00+00:00"
BROKER = '[[outage]]\nof = "broker"\n'
SWITCHING = '[[switching]]\nopen = ["line:0"]\n'
FALSE = '[[false_reading]]\nmeters = ["M-001"]\n'
TIE = '[[network.tie]]\nname = "t"\nfrom_bus = "bus:1"\nto_bus = "bus:2"\nlike = "line:0"\n'
FEEDER = '[[feeder]]\nid = "A"\nsource = "x"\nsupplied_at = "Load 1"\n'


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            BROKER + "begin = 2017-01-12T18:00:00Z\nend = 2017-01-12T19:00:00Z\n",
            f"line 5, outage.0: expected a time within the run, got none of it: {SPAN}",
        ),
        (
            BROKER + "begin = 2016-01-11T18:00:00Z\nend = 2016-01-12T00:00:00Z\n",
            f"line 5, outage.0: expected a time within the run, got none of it: {SPAN}",
        ),
        (
            FALSE + "scale = 0.5\nbegin = 2017-01-12T18:00:00Z\n",
            f"line 5, false_reading.0: expected a time within the run, got none of it: {SPAN}",
        ),
        (
            SWITCHING + "at = 2016-01-13T00:00:00Z\n",
            f"line 7, switching.0.at: expected a time within the run: {SPAN}",
        ),
        (
            "[devices]\nrefuse = 0.5\nrefuse_from = 2015-01-12T18:00:00Z\n",
            f"line 7, devices.refuse_from: expected a time within the run: {SPAN}",
        ),
        (
            "[devices]\nrefuse_from = 2016-01-12T18:00:00Z\n",
            "line 6, devices.refuse_from: expected devices.refuse above 0 with it: nobody refuses",
        ),
        (
            '[[outage]]\nof = "concentrator"\nnumber = 2\n'
            "begin = 2016-01-12T18:00:00Z\nend = 2016-01-12T19:00:00Z\n",
            "line 7, outage.0.number: expected at most 1, as meters.concentrators says",
        ),
        (FALSE, "line 5, false_reading.0: expected scale, add_kw or frozen: as it is, they show what flows"),
        (
            FALSE + "frozen = true\nscale = 0.5\n",
            "line 5, false_reading.0: expected either frozen, or scale and add_kw",
        ),
        (
            "[[switching]]\nat = 2016-01-12T18:00:00Z\n",
            "line 5, switching.0: expected elements to open, or to close",
        ),
        (
            "[air_conditioner]\nroom_c = 40\n",
            "line 5, air_conditioner.design_c: expected design_c + sun_k above room_c (40): "
            "else there is nothing to cool",
        ),
        (
            "[control.events]\nclose_below = 0.9\n",
            "line 5, control.requests.target_share: expected above 0 and at most events.close_below (0.9), "
            "or what is asked for never ends an event; got 0.95",
        ),
        (
            "[control.limits]\nmin_v_pu = 1.2\n",
            "line 6, control.limits.min_v_pu: expected less than max_v_pu (1.1), got 1.2",
        ),
        (
            '[control.look_ahead]\ntime_zone = "Mars/Olympus"\n',
            "line 6, control.look_ahead.time_zone: expected a time zone's IANA name, got 'Mars/Olympus'",
        ),
        (
            "[weather]\nmean_c = 49.1\n",
            "line 5, weather: expected temperatures of -60 to 60 °C, got 37.1 to 61.1",
        ),
        ("[weather]\nmean_c = 282.65\n", "line 6, weather.mean_c: expected a number <= 60.0, got 282.65"),
        (
            SWITCHING + 'at = 2016-01-12T18:00:00Z\nclose = ["line:0"]\n',
            "line 5, switching.0: expected 'line:0' to be opened or closed, not both",
        ),
        (
            TIE.replace("bus:2", "bus:1"),
            "line 8, network.tie.0.to_bus: expected another bus than from_bus, 'bus:1'",
        ),
        (
            TIE.replace('"t"', '"s"') + TIE + TIE.replace("bus:2", "bus:3"),
            "line 11, network.tie.1.name: expected a name of its own, 't' is another's",
        ),
        (
            FEEDER + FEEDER.replace('"A"', '"B"'),
            "line 12, feeder.1.supplied_at: expected a service point of its own, "
            "'Load 1' supplies another feeder",
        ),
        (
            '[control]\npolicy = "late"\n' + FEEDER,
            "line 6, control.policy: expected 'ours' with [[feeder]], got 'late', which is for one feeder",
        ),
    ],
)
def test_what_would_do_nothing_or_be_lost_without_a_word_is_told(more: str, told: str) -> None:
    with pytest.raises(ScenarioRejected) as caught:
        parse_scenario(LEAST + more, "s.toml")
    assert f"s.toml, {told}" in caught.value.findings


@pytest.mark.parametrize(
    "more",
    [
        BROKER + "begin = 2016-01-11T18:00:00Z\nend = 2016-01-12T00:01:00Z\n",
        BROKER + "begin = 2016-01-12T23:59:00Z\nend = 2016-01-14T00:00:00Z\n",
        FALSE + "add_kw = 1\nend = 2016-01-12T00:01:00Z\n",
        SWITCHING + "at = 2016-01-12T00:00:00Z\n",
        FEEDER + FEEDER.replace('"A"', '"B"').replace('supplied_at = "Load 1"\n', ""),
    ],
)
def test_what_happens_in_a_part_of_the_run_is_right(more: str) -> None:
    assert parse_scenario(LEAST + more)


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_year_in_which_nothing_can_be_reckoned_is_told(year: str) -> None:
    with pytest.raises(ScenarioRejected, match=r"line 4, time.start: expected a year from 1900 to 2199"):
        parse_scenario(LEAST.replace("2016", year))


def test_names_that_a_prefix_makes_are_those_of_one_feeder() -> None:
    with pytest.raises(ScenarioRejected, match=r"feeder.0.id: expected names other than"):
        parse_scenario(LEAST.replace("[time]", 'prefix = "A-"\n[time]') + FEEDER)
