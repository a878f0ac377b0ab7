"""What one policy did on one seed, in figures, beside the run without control. Pure.

Each step counts until the next. Energy is told in four ways, because a limit delays more than it saves:

`cut_kwh`    what devices would have taken at each step if nobody had limited them just then, less what they
             took: what the limits held back, and what the optimum makes as small as it can step by step. A
             car that is delayed wants its power for longer, and counts for as long. Of inverters what they
             would have fed in, less what they did.
`less_kwh`   what the whole feeder took less than without control, in the steps in which it did
`back_kwh`   what it took more, in the others: the rebound
`net_kwh`    the difference of the two: what was not taken within the run at all. Cars that are still behind
             at its end are the greater part of it (`ev_behind_kwh`).

`clearable_minutes` are those over a limit that the optimum, in the same state, would have cleared with the
devices that had contact just then; `left_minutes` those of them that were not the first in a row: the first
is over before anybody can have seen it.
"""

from collections import Counter
from typing import Any

import numpy as np

from grid_model.allocation import gini
from grid_model.errors import Diverged
from grid_model.network import Floats
from simulations.policies.optimum import Optimum
from simulations.policies.port import Flags, feeding_in
from simulations.policies.runs import PolicyRun
from simulations.recording import Recording
from simulations.results import run_figures
from simulations.setups import Setup

_LEAST_KWH = 0.005
"""A customer who gave less gave nothing."""


def measures(setup: Setup, done: PolicyRun, free: PolicyRun, optimum: Optimum) -> dict[str, Any]:
    """The figures of `done`; `free` is the same seed without control."""
    recording, course = done.run.recording, done.course
    figures = run_figures(recording, setup.scenario)
    cut_kwh = cut_of_customers(setup, done)
    difference_kw = (free.run.recording.p_kw - recording.p_kw)[:-1].sum(axis=1)
    hours = recording.step_s / 3600
    less_kwh, back_kwh = (float(np.maximum(one, 0).sum() * hours) for one in (difference_kw, -difference_kw))
    over = over_limit(setup, recording)
    clearable = over & clearable_steps(done, optimum, over)
    minutes = recording.step_s / 60
    cold, warm = degree_hours(setup, done), degree_hours(setup, free)
    rates = setup.scenario.control.rewards
    return {
        "minutes_over_limit": figures["minutes_over_limit"],
        "minutes_voltage_outside": figures["minutes_voltage_outside"],
        "clearable_minutes": round(float(clearable.sum()) * minutes, 2),
        "left_minutes": round(float((clearable & _after_one(over)).sum()) * minutes, 2),
        "peak_loading_percent": figures["peak_loading_percent"],
        "cut_kwh": round(float(cut_kwh.sum()), 3),
        "people_kwh": round(course.people_kwh, 3),
        "most_cut_kw": round(float(cut_kw(setup, done).sum(axis=1).max()), 3),
        "less_kwh": round(less_kwh, 3),
        "back_kwh": round(back_kwh, 3),
        "net_kwh": round(less_kwh - back_kwh, 3),
        "ev_missing_kwh": round(course.left_short_kwh - free.course.left_short_kwh, 3),
        "ev_behind_kwh": round(course.wanting_kwh - free.course.wanting_kwh, 3),
        "car_hours_later": round(car_hours(setup, done) - car_hours(setup, free), 3),
        "cold_degree_hours": round(cold[0] - warm[0], 3),
        "hot_degree_hours": round(cold[1] - warm[1], 3),
        "gini": round(gini(cut_kwh[_may_give(setup)]), 4),
        "customers_cut": int((cut_kwh > _LEAST_KWH).sum()),
        "requests": done.requests,
        "commands": done.commands,
        "notices": done.notices,
        "credit_minor_units": round(float(cut_kwh.sum()) * rates.minor_units_per_kwh),
        "credited_minor_units": _credited(done, rates.currency),
        "energy_kwh": figures["energy_kwh"],
        "losses_kwh": round(float(np.nansum(recording.losses_kw[:-1])) * hours, 3),
    }


def cut_kw(setup: Setup, done: PolicyRun) -> Floats:
    """(n_step, n_device) what limits held back at each step, of what is taken or of what is fed in."""
    less_kw = done.course.wanted_kw - done.run.recording.device_kw
    return np.maximum(np.where(feeding_in(setup), -less_kw, less_kw), 0.0)


def cut_of_customers(setup: Setup, done: PolicyRun) -> Floats:
    """(n_sp,) kWh that limits held back at each service point."""
    kwh = cut_kw(setup, done)[:-1].sum(axis=0) * done.run.recording.step_s / 3600
    places, count = setup.population.device_place, len(setup.network.service_points)
    return np.bincount(places, kwh, count).astype(np.float64)


def over_limit(setup: Setup, recording: Recording) -> Flags:
    """(n_step,) whether a loading or a voltage was outside; the last look does not count."""
    limits = setup.scenario.control.limits
    over = (recording.over_limit > 1) | (recording.min_v_pu < limits.min_v_pu)
    over |= recording.max_v_pu > limits.max_v_pu
    over[-1] = False
    return over


def clearable_steps(done: PolicyRun, optimum: Optimum, over: Flags) -> Flags:
    """(n_step,) whether the optimum clears the state that the run was in, looked at where it was `over`."""
    recording, course = done.run.recording, done.course
    clears = np.zeros(len(over), dtype=bool)
    for step in np.flatnonzero(over):
        online, device_kw = course.online[step], recording.device_kw[step]
        wanted_kw = np.where(online, course.wanted_kw[step], device_kw)
        p_kw = optimum.with_more(recording.p_kw[step], wanted_kw - device_kw)
        try:
            best = optimum.best(p_kw, course.q_kvar[step], wanted_kw, online=online)
        except Diverged:
            continue
        clears[step] = best.cleared
    return clears


def car_hours(setup: Setup, done: PolicyRun) -> float:
    """Hours that all cars together stood at their chargers and were not full yet."""
    wanting = done.course.wanted_kw[:-1, : setup.population.ev_count] > 0
    return float(wanting.sum()) * done.run.recording.step_s / 3600


def degree_hours(setup: Setup, done: PolicyRun) -> tuple[float, float]:
    """K·h that all rooms with a heat pump were below, and all rooms with a heat pump or an air conditioner
    above, the band of their thermostat."""
    pump, rooms = setup.scenario.heat_pump, done.course.room_c[:-1]
    cooler, cooled = setup.scenario.air_conditioner, done.course.cooled_c[:-1]
    hours = done.run.recording.step_s / 3600
    below = np.maximum(pump.room_c - pump.band_k / 2 - rooms, 0.0)
    above = np.maximum(rooms - pump.room_c - pump.band_k / 2, 0.0)
    too_warm = np.maximum(cooled - cooler.room_c - cooler.band_k / 2, 0.0)
    return float(below.sum() * hours), float((above.sum() + too_warm.sum()) * hours)


def _may_give(setup: Setup) -> Flags:
    """(n_sp,) where a device stands that may be limited."""
    registry, places = setup.population.registry, setup.population.device_place
    may_give = np.zeros(len(setup.network.service_points), dtype=bool)
    for device, place in zip(registry.devices, places, strict=True):
        may_give[place] |= not registry.is_protected(device)
    return may_give


def _after_one(over: Flags) -> Flags:
    """(n_step,) whether the step before was over as well."""
    after = np.zeros_like(over)
    after[1:] = over[:-1]
    return after


def _credited(done: PolicyRun, currency: str) -> int | None:
    """What the ledger says that customers got; None where nobody keeps books."""
    if done.record is None:
        return None
    sums: Counter[str] = Counter()
    for _, account, unit, amount in done.record.postings:
        if account.startswith("customer:"):
            sums[unit] += amount
    return sums[currency]
