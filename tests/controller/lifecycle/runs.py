"""Runs the machine a given number of times from a seed."""

import logging

import structlog
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from tests.controller.lifecycle.machine import RequestLife
from tests.controller.lifecycle.scenarios import Scenario
from tests.controller.lifecycle.world import World


class Quiet:
    """Nothing is logged meanwhile: thousands of deaths and lost links are no news."""

    def __enter__(self) -> None:
        self._before = structlog.get_config()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

    def __exit__(self, *_: object) -> None:
        structlog.configure(**self._before)


def _chosen(examples: int, steps: int, *, shrink: bool) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=False,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )


def run_scenario(scenario: Scenario, seed_: int, examples: int, *, shrink: bool = True) -> int:
    """As `run`, for one of the short evenings; returns the number of requests."""
    requests = 0

    @seed(seed_)
    @_chosen(examples, 1, shrink=shrink)
    @given(st.data())
    def evening(data: st.DataObject) -> None:
        nonlocal requests
        world = World(agreed=True)
        try:
            scenario(world, data.draw)
        finally:
            world.end()
            requests += len(world.judge.requests)

    with Quiet():
        evening()
    return requests


def run(seed: int, examples: int, steps: int, *, shrink: bool = True) -> dict[str, int]:
    """Raises what a broken rule raises, with the steps that led to it; returns counts of what was run."""
    counts = {"examples": 0, "cycles": 0, "starts": 0, "commands": 0, "requests": 0, "entries": 0}

    class Counted(RequestLife):
        def teardown(self) -> None:
            try:
                super().teardown()
            finally:
                world = self.world
                for name, more in (
                    ("examples", 1),
                    ("cycles", world.cycles),
                    ("starts", len(world.controllers)),
                    ("commands", len(world.wire.log)),
                    ("requests", len(world.judge.requests)),
                    ("entries", world.judge.seq),
                ):
                    counts[name] += more

    Counted._hypothesis_internal_use_seed = seed  # type: ignore[attr-defined]
    with Quiet():
        run_state_machine_as_test(Counted, settings=_chosen(examples, steps, shrink=shrink))
    return counts
