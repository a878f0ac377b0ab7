"""The same readings and pseudo-readings through pandapower's estimator give the same state."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from grid_model.errors import Diverged
from grid_model.estimation.estimate import Estimator
from grid_model.estimation.measurements import (
    Measurements,
    feeder_readings,
    meter_readings,
    outgoing_lines,
    transformer_readings,
)
from grid_model.estimation.priors import from_moments
from grid_model.estimation.referee import referee_estimate
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network
from tests.grid_model.estimation.test_estimate import settled

Get = Callable[[str], tuple[Network, FactoredLoadFlow]]


@pytest.mark.parametrize(
    "source", ["simbench:1-LV-rural1--0-sw", "pandapower:create_kerber_landnetz_freileitung_1"]
)
def test_as_pandapower(solved_network: Get, source: str) -> None:
    network, load_flow = solved_network(source)
    estimator, rng = Estimator(network, load_flow), np.random.default_rng(2)
    mean = np.stack([network.default_p_kw, network.default_q_kvar], axis=1)
    prior = from_moments(mean, 0.5 * np.abs(mean) + 0.2)
    loads = mean * rng.uniform(0.4, 1.6, mean.shape)
    read = loads * rng.normal(1.0, 0.01, loads.shape)
    read[rng.random(len(read)) < 0.3] = np.nan
    busbar = int(network.transformers.to_bus[0])
    line, side = outgoing_lines(network, busbar)[0]
    wanted = (
        *transformer_readings(network, p_kw=0.0, q_kvar=0.0, v_pu=1.0),
        *feeder_readings(network, line, p_kw=0.0, q_kvar=0.0, side=side),
    )
    shown = estimator.readings_at(np.append(loads.ravel(), 1.0), wanted)
    exact = tuple(
        replace(m, value=float(value), sd=m.sd if m.quantity == "v_pu" else 0.02 * abs(float(value)) + 0.1)
        for m, value in zip(wanted, shown, strict=True)
    )
    measurements = Measurements(meter_readings(read[:, 0], read[:, 1]), exact)
    ours = settled(estimator.estimate(measurements, prior, exclude_bad=False))
    theirs = referee_estimate(network, measurements, prior)
    assert theirs.converged
    np.testing.assert_allclose(ours.voltages.value, theirs.v_pu, atol=2e-5)
    np.testing.assert_allclose(ours.lines.value, theirs.line_loading_percent, atol=2e-2)
    np.testing.assert_allclose(ours.result.transformer_p_kw, theirs.transformer_p_kw, atol=2e-2)


def test_what_pandapower_cannot_express_is_refused(solved_network: Get) -> None:
    network, _ = solved_network("simbench:1-LV-rural1--0-sw")
    mean = np.ones((len(network.service_points), 2))
    prior = from_moments(mean, mean, common=0.5)
    with pytest.raises(Diverged, match="correlated"):
        referee_estimate(network, Measurements(meter_readings(mean[:, 0], mean[:, 1])), prior)
