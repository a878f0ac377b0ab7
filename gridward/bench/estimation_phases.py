"""Figures for meters on the wrong phase: a cable of single-phase houses, solved phase by phase."""

from typing import Any

import numpy as np

from grid_model.estimation.phases import swapped_phases
from grid_model.network import Floats
from grid_model.three_phase.load_flow import ThreePhaseLoadFlow
from grid_model.three_phase.network import three_phase_network
from gridward.bench.estimation_cases import NOISE, Feeder, world

_HOUSES = 30
_RATED_A = 270.0
_VOLTAGE_NOISE = 0.005


def print_phases(feeder: Feeder, cases: int, rng: np.random.Generator) -> None:
    """How often the one meter on the wrong phase is found, by the number of snapshots that are looked at."""
    load_flow = ThreePhaseLoadFlow(three_phase_network(_cable(), "a cable of single-phase houses"))
    print(f"\nOne of {_HOUSES} single-phase meters on the wrong phase, loads of {feeder.name}, 1 % noise")
    print(f"{'snapshots':>9} {'cases':>5} {'found':>6} {'others':>7} {'clean accused':>13}")
    for snapshots in (1, 4, 16, 48):
        found, others, false = 0, 0, 0
        for _ in range(cases):
            phase = rng.permutation(np.arange(_HOUSES) % 3)
            p, q, v_v, i_a = _readings(load_flow, _loads(feeder, snapshots, rng), phase, rng)
            place, step = int(rng.integers(_HOUSES)), int(rng.integers(1, 3))
            registered = phase.copy()
            registered[place] = (phase[place] + step) % 3
            accused = [one.place for one in swapped_phases(registered, p, q, NOISE * p, v_v=v_v, i_a=i_a)]
            found += place in accused
            others += len(set(accused) - {place})
            false += bool(swapped_phases(phase, p, q, NOISE * p, v_v=v_v, i_a=i_a))
        print(
            f"{snapshots:>9} {cases:>5} {found / cases:>6.1%} {others / cases:>7.3f} {false / cases:>13.1%}",
            flush=True,
        )


def _loads(feeder: Feeder, snapshots: int, rng: np.random.Generator) -> Floats:
    """(n_t, houses, 2) at random times, without chargers, which have three phases."""
    draws = []
    for _ in range(snapshots):
        at = world(feeder, rng)
        day = at.days[rng.integers(len(at.days), size=_HOUSES), rng.permutation(at.days.shape[1])[:_HOUSES]]
        draws.append(day)
    return np.stack(draws)


def _readings(
    load_flow: ThreePhaseLoadFlow, loads: Floats, phase: np.ndarray[Any, Any], rng: np.random.Generator
) -> tuple[Floats, Floats, Floats, Floats]:
    """P and Q as the meters show them, phase voltages and currents as the RTU does."""
    on = np.eye(3)[phase]
    results = load_flow.solve_batch(loads[:, :, :1] * on, loads[:, :, 1:] * on)
    v_v = np.stack([result.v_pu[1] for result in results]) * 400 / 3**0.5
    i_a = np.stack([result.line_loading_percent[0] for result in results]) * _RATED_A / 100
    read = loads * rng.normal(1.0, NOISE, loads.shape)
    return (
        read[..., 0],
        read[..., 1],
        v_v * rng.normal(1.0, _VOLTAGE_NOISE, v_v.shape),
        i_a * rng.normal(1.0, NOISE, i_a.shape),
    )


def _cable() -> Any:
    """A 20/0.4 kV substation and one cable of houses, NAYY 4x150."""
    import pandapower as pp  # noqa: PLC0415  takes seconds to import

    net = pp.create_empty_network()
    medium, near = pp.create_bus(net, 20.0), pp.create_bus(net, 0.4)
    pp.create_ext_grid(net, medium, s_sc_max_mva=400.0, rx_max=0.2, r0x0_max=0.3, x0x_max=1.5)
    pp.create_transformer_from_parameters(
        net, medium, near, sn_mva=0.25, vn_hv_kv=20.0, vn_lv_kv=0.4, vk_percent=4.0, vkr_percent=1.2,
        pfe_kw=0.5, i0_percent=0.3, shift_degree=150.0, vector_group="Dyn", vk0_percent=3.8,
        vkr0_percent=1.1, mag0_percent=100.0, mag0_rx=0.3, si0_hv_partial=0.9,
    )  # fmt: skip
    for house in range(_HOUSES):
        far = pp.create_bus(net, 0.4)
        pp.create_line_from_parameters(
            net, near, far, length_km=0.015, r_ohm_per_km=0.2067, x_ohm_per_km=0.0804, c_nf_per_km=830.0,
            max_i_ka=_RATED_A / 1000, r0_ohm_per_km=0.83, x0_ohm_per_km=0.32, c0_nf_per_km=400.0,
        )  # fmt: skip
        # on any phase: every snapshot puts it on its own
        pp.create_asymmetric_load(net, far, name=f"house {house}", p_a_mw=1e-3, p_b_mw=1e-3, p_c_mw=1e-3)
        near = far
    return net
