"""Power that no meter reads: found where it is taken, not where nothing is missing, and said when unknown."""

from dataclasses import replace

import numpy as np
import pytest

from grid_model.errors import Diverged, UnknownElement
from grid_model.mapping.evidence import Evidence, credible, probabilities
from grid_model.mapping.observations import Accuracy, FlowMeter, Observations
from grid_model.mapping.sections import Sections
from grid_model.mapping.unmetered import (
    MissingPower,
    NothingMissing,
    PlaceUnknown,
    UnmeteredFinding,
    find_unmetered,
)
from gridward.bench.location_cases import Feeder, Missing, household_series, missing_at_random, observe

ACCURACY = Accuracy()
SNAPSHOTS = 24


def look(feeder: Feeder, seen: Observations) -> UnmeteredFinding:
    return find_unmetered(feeder.network, feeder.load_flow, seen, ACCURACY)


def case(feeder: Feeder, seed: int, mean_kw: float) -> tuple[Observations, Missing]:
    rng = np.random.default_rng(seed)
    p_kw, q_kvar = household_series(feeder, SNAPSHOTS, rng)
    missing = missing_at_random(feeder, SNAPSHOTS, rng, mean_kw)
    return observe(feeder, p_kw, q_kvar, ACCURACY, rng, missing=missing), missing


def test_demand_at_any_bus_is_solved_as_by_the_load_flow(feeder: Feeder) -> None:
    p_kw, q_kvar = household_series(feeder, 5, np.random.default_rng(1))
    scale = np.linspace(0.95, 1.05, 5)
    v = np.abs(feeder.any_bus.solve(feeder.any_bus.demand_conj(p_kw, q_kvar), scale))
    for row in range(5):
        result = feeder.load_flow.solve(p_kw[row], q_kvar[row], slack_scale=scale[row])
        np.testing.assert_allclose(v[row, feeder.any_bus.admittance.bus], result.v_pu, atol=1e-8)


def test_missing_power_is_found_where_it_is_taken(feeder: Feeder) -> None:
    held = 0
    for seed in range(20):
        seen, missing = case(feeder, seed, 8.0)
        found = look(feeder, seen)
        assert isinstance(found, MissingPower | PlaceUnknown)
        assert found.p_kw == pytest.approx(8.0, abs=5 * found.sd_kw)
        assert found.misfit == pytest.approx(1.0, abs=0.25)
        probabilities = [candidate.probability for candidate in found.candidates]
        assert sum(probabilities) >= 0.95
        assert probabilities == sorted(probabilities, reverse=True)
        held += feeder.name_of(missing.bus) in [candidate.bus for candidate in found.candidates]
    assert held >= 19


def test_the_section_is_what_supplies_all_candidates(feeder: Feeder) -> None:
    sections = Sections(feeder.network, feeder.any_bus.admittance)
    told = 0
    for seed in range(8):
        seen, missing = case(feeder, seed, 12.0)
        found = look(feeder, seen)
        if isinstance(found, MissingPower):
            way = sections.way(missing.bus)
            tables = {"line": feeder.network.lines.ids, "trafo": feeder.network.transformers.ids}
            assert found.section in [tables[place.kind][place.position] for place in way]
            told += 1
    assert told >= 6


def test_nothing_is_missing_where_all_is_metered(feeder: Feeder) -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        seen = observe(feeder, *household_series(feeder, SNAPSHOTS, rng), ACCURACY, rng)
        found = look(feeder, seen)
        assert isinstance(found, NothingMissing)
        assert abs(found.p_kw) < 4.5 * found.sd_kw


def test_generation_that_no_meter_reads_is_negative(feeder: Feeder) -> None:
    rng = np.random.default_rng(3)
    p_kw, q_kvar = household_series(feeder, SNAPSHOTS, rng)
    bus = int(feeder.any_bus.admittance.service_point[7])
    missing = Missing(bus, np.full(SNAPSHOTS, -9.0), np.zeros(SNAPSHOTS))
    found = look(feeder, observe(feeder, p_kw, q_kvar, ACCURACY, rng, missing=missing))
    assert isinstance(found, MissingPower | PlaceUnknown)
    assert found.p_kw == pytest.approx(-9.0, abs=5 * found.sd_kw)
    assert feeder.name_of(bus) in [candidate.bus for candidate in found.candidates]


def test_without_voltages_and_outgoing_flows_the_place_is_unknown(feeder: Feeder) -> None:
    seen, missing = case(feeder, 2, 8.0)
    blind = replace(
        seen,
        v_pu=np.full_like(seen.v_pu, np.nan),
        flow_meters=seen.flow_meters[:1],
        flow_p_kw=seen.flow_p_kw[:, :1],
        flow_q_kvar=seen.flow_q_kvar[:, :1],
    )
    found = look(feeder, blind)
    assert isinstance(found, PlaceUnknown)
    assert len(found.candidates) > len(feeder.any_bus.names) / 2
    assert feeder.name_of(missing.bus) in [candidate.bus for candidate in found.candidates]


def test_what_is_only_estimated_is_not_held_against_anybody(feeder: Feeder) -> None:
    rng = np.random.default_rng(8)
    p_kw, q_kvar = household_series(feeder, SNAPSHOTS, rng)
    seen = observe(feeder, p_kw, q_kvar, ACCURACY, rng)
    silent = [3, 11, 20]
    guess, sd_kw = seen.p_kw.copy(), np.zeros(p_kw.shape[1])
    guess[:, silent], sd_kw[silent] = p_kw[:, silent] - 4.0, 5.0
    assert not isinstance(look(feeder, replace(seen, p_kw=guess)), NothingMissing)
    found = look(feeder, replace(seen, p_kw=guess, estimate_sd_kw=sd_kw))
    assert isinstance(found, NothingMissing)


def test_something_must_be_measured(feeder: Feeder) -> None:
    seen, _ = case(feeder, 1, 1.0)
    nothing = np.zeros((SNAPSHOTS, 0))
    dark = replace(seen, v_pu=np.full_like(seen.v_pu, np.nan), flow_meters=(), flow_p_kw=nothing)
    with pytest.raises(ValueError, match="expected at least one"):
        look(feeder, replace(dark, flow_q_kvar=nothing))


def test_a_flow_meter_must_be_on_a_branch(feeder: Feeder) -> None:
    seen, _ = case(feeder, 1, 1.0)
    for element in ("bus:3", "line:999"):
        wrong = replace(seen, flow_meters=(FlowMeter(element), *seen.flow_meters[1:]))
        with pytest.raises(UnknownElement, match=element):
            look(feeder, wrong)


def test_a_snapshot_that_does_not_converge_is_not_used(feeder: Feeder) -> None:
    seen, _ = case(feeder, 1, 1.0)
    with pytest.raises(Diverged):
        look(feeder, replace(seen, p_kw=seen.p_kw * 1e4))


def test_what_is_wrong_for_good_does_not_average_out() -> None:
    rng = np.random.default_rng(5)
    offset, noise = 0.02, 0.01
    misfits = []
    for _ in range(200):
        series = rng.normal(0, offset, 3) + rng.normal(0, noise, (50, 3))
        evidence = Evidence(noise**2 * np.eye(3), offset**2 * np.eye(3), 50)
        misfits.append(evidence.misfit(evidence.split(series)))
    assert np.mean(misfits) == pytest.approx(150, rel=0.03)
    assert np.std(misfits) == pytest.approx(np.sqrt(300), rel=0.2)


def test_the_fewest_hypotheses_that_hold_the_probability() -> None:
    probability = probabilities(np.array([1002.0, 1000.0, 1030.0]))
    assert probability == pytest.approx([1 / (1 + np.e), np.e / (1 + np.e), 0.0], abs=1e-5)
    assert credible(probability, 0.5) == (1,)
    assert credible(probability, 0.95) == (1, 0)
