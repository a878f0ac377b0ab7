"""Figures of roofs and of cooled rooms, beside what takes power and what heats."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from grid_model.network import Floats
from simulations.field import Moment
from simulations.policies.command_desk import CommandDesk
from simulations.policies.measures import cut_kw, cut_of_customers, degree_hours
from simulations.policies.port import feeder_of
from simulations.policies.runs import PolicyRun, without_control
from simulations.setups import Setup, prepare
from tests.simulations.small_field import scenario

MINUTES = 6


@pytest.fixture(scope="module")
def setup() -> Setup:
    return prepare(
        scenario(
            network={"source": "pandapower:create_kerber_landnetz_freileitung_1"},
            time={"start": datetime(2016, 6, 21, 12, tzinfo=UTC), "days": MINUTES / 1440},
            shares={"ev": 0.3, "heat_pump": 0.0, "pv": 0.5, "air_conditioner": 0.4, "critical": 0.0},
        )
    )


@pytest.fixture(scope="module")
def free(setup: Setup) -> PolicyRun:
    return without_control(setup)


def with_devices_at(done: PolicyRun, device_kw: Floats) -> PolicyRun:
    return replace(done, run=replace(done.run, recording=replace(done.run.recording, device_kw=device_kw)))


def test_what_roofs_were_kept_from_feeding_in_is_held_back(setup: Setup, free: PolicyRun) -> None:
    wanted_kw = free.course.wanted_kw
    roofs = wanted_kw.min(axis=0) < 0
    assert roofs.sum() == 6
    halved = with_devices_at(free, wanted_kw / 2)
    assert cut_kw(setup, halved) == pytest.approx(np.abs(wanted_kw) / 2)
    assert cut_of_customers(setup, halved).sum() == pytest.approx(np.abs(wanted_kw[:-1]).sum() / 2 / 60)
    assert not cut_kw(setup, free).any()
    assert not cut_kw(setup, with_devices_at(free, np.where(roofs, 2 * wanted_kw, wanted_kw))).any()


def test_rooms_that_nobody_cools_count(setup: Setup, free: PolicyRun) -> None:
    table, rooms = setup.scenario.air_conditioner, free.course.cooled_c
    assert rooms.shape == (MINUTES + 1, 5)
    warm = np.full_like(rooms, table.room_c + table.band_k / 2 + 2.0)
    cold, hot = degree_hours(setup, replace(free, course=replace(free.course, cooled_c=warm)))
    assert (cold, hot) == (0.0, pytest.approx(2.0 * 5 * MINUTES / 60))


def test_the_simple_rules_leave_roofs_alone(setup: Setup, free: PolicyRun) -> None:
    feeder, registry = feeder_of(setup), setup.population.registry
    assert feeder.feeds_in.sum() == 6
    desk = CommandDesk("F1", feeder, registry.devices, setup.secret, 60.0)
    recording = free.run.recording
    moment = Moment(
        recording.at[0],
        recording.p_kw[0],
        free.course.q_kvar[0],
        recording.device_kw[0],
        recording.limit_kw[0],
    )
    assert desk.look(moment).open_to.tolist() == (~feeder.feeds_in).tolist()
