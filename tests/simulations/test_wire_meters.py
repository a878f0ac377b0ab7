"""Which meters of a scenario speak on the wire, through whom, and what they show."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from devices.messages import Reading, ReadingBatch
from devices.mqtt import codec
from devices.mqtt.topics import Topics
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network, load_network
from simulations.field import FieldModel
from simulations.metering import Metering
from simulations.population import draw_population
from simulations.real_parts import RealParts
from simulations.substation import Substation
from simulations.wire_meters import WireMeters
from tests.simulations.small_field import SECRET, flat_load, scenario

TOPICS = Topics()
ALL = {f"M-{number:03}" for number in range(1, 14)}


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network("pandapower:create_kerber_landnetz_freileitung_1", metered_generation=True)


class Street:
    """Thirteen houses of 1 kW, no devices, and what a listener decodes of their meters."""

    def __init__(
        self, network: Network, concentrated: float = 0.0, real: RealParts | None = None, **tables: Any
    ) -> None:
        a_scenario = scenario(shares={"ev": 0.0, "heat_pump": 0.0, "critical": 0.0}, **tables)
        who = draw_population(network, a_scenario)
        self.model = FieldModel(who, flat_load(13), a_scenario, SECRET, real=real or RealParts())
        self._substation = Substation(network, FactoredLoadFlow(network))
        self._meters = WireMeters(
            self.model, TOPICS, concentrated=concentrated, metering=Metering(who, a_scenario)
        )

    def step(self, away: Sequence[int] = ()) -> tuple[list[ReadingBatch], dict[str, Reading]]:
        """Batches, and readings of meters that speak for themselves."""
        moment = self.model.power()
        shown = self._meters.readings(moment, self._substation.head(moment), lambda one: one not in away)
        heard = [codec.decode(one.topic, one.payload, topics=TOPICS) for one in shown]
        alone = [one for one in heard if isinstance(one, Reading)]
        return [one for one in heard if isinstance(one, ReadingBatch)], {one.meter: one for one in alone}


def test_each_meter_speaks_once_in_a_batch_or_for_itself(network: Network) -> None:
    batches, alone = Street(network, concentrated=0.5).step()
    assert [batch.meters for batch in batches] == [tuple(sorted(ALL)[:6])]
    assert alone.keys() == set(sorted(ALL)[6:])


def test_a_concentrator_that_is_away_takes_its_meters_with_it(network: Network) -> None:
    street = Street(network, concentrated=0.5, meters={"concentrators": 4})
    batches, alone = street.step()
    assert len(batches) == 2
    assert {*batches[0].meters, *batches[1].meters, *alone} == ALL
    batches, alone = street.step(away=[1, 4])
    assert {meter for batch in batches for meter in batch.meters} | {*alone} == set(sorted(ALL)[4:10])


def test_who_has_no_meter_and_whose_meter_is_real_says_nothing(network: Network) -> None:
    some = Street(network, meters={"share": 0.5}).step()[1]
    assert 0 < len(some) < 13
    real = RealParts(meters=frozenset({"M-002"}))
    assert Street(network, real=real).step()[1].keys() == ALL - {"M-002"}


def test_a_meter_that_shows_too_much_counts_too_much(network: Network) -> None:
    street = Street(network, false_reading=[{"meters": ["M-003"], "scale": 2.0}])
    street.step()
    street.model.advance(street.model.now + timedelta(minutes=30))
    shown = street.step()[1]
    assert (shown["M-003"].p_kw, shown["M-003"].energy_kwh) == (2.0, 1.0)
    assert (shown["M-004"].p_kw, shown["M-004"].energy_kwh) == (1.0, 0.5)


def test_noise_is_on_what_is_shown_and_not_on_what_flows(network: Network) -> None:
    street = Street(network, meters={"noise_percent": 1.0})
    shown = np.array([reading.p_kw for reading in street.step()[1].values()])
    assert 0 < np.abs(shown - 1.0).max() < 0.06
    assert street.model.power().p_kw == pytest.approx(np.ones(13))
    assert replace(street.model.power()).shown_kw is None


@pytest.mark.parametrize("shown", [True, False])
def test_voltages_are_shown_where_the_scenario_says_so(network: Network, shown: bool) -> None:
    (batch,), alone = Street(network, concentrated=0.5, meters={"voltages": shown}).step()
    assert (batch.v_v is not None) == shown
    assert {reading.v_v is not None for reading in alone.values()} == {shown}
