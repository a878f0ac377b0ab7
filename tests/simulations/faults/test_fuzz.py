"""The fault simulation: a thousand short seeds keep every promise, and what breaks one is found and shrunk.

The seeds here have few periods; `make soak` runs long ones.
"""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from simulations.faults.campaign import Tally, find_planted, outcomes
from simulations.faults.options import CLASSES, Draws, Options, draw_options
from simulations.faults.planted import BUGS, planted
from simulations.faults.promises import PROMISES
from simulations.faults.run import Outcome, run
from simulations.faults.shrinking import shrink

ROOT = Path(__file__).parents[3]
SEEDS, PARTS = 1000, 4
SHORT = 5
"""periods of the safety phase"""
FED_IN = 10
"""seeds at least, of each part, in which inverters hold a limit"""
NAMES = [bug.name for bug in BUGS]
SHOWN_BY = {
    "reach_ignored": 3,
    "reach_below_orders_ignored": 5025,
    "acts_on_few_data": 3,
    "acts_after_a_pause": 12,
    "asked_again_at_once": 10,
    "override_ignored": 3,
    "orders_forgotten_at_start": 4,
    "device_forgets_the_end": 35,
    "released_once_only": 6,
    "released_all_at_once": 3,
    "old_readings_are_fresh": 0,
    "stale_epoch_accepted": 63,
    "replays_have_effect": 6,
    "silence_read_as_no_limit": 0,
    "credit_for_nobody": 3,
    "room_kept_though_off": 3,
    "voltages_not_looked_at": 11,
}
"""The seeds that are tried first; where code that moved has made another one show it, those after it are."""


def short(seed: int) -> Outcome:
    return run(replace(draw_options(seed), cycles=SHORT))


@pytest.mark.parametrize("part", range(PARTS))
def test_a_thousand_seeds_keep_every_promise(part: int) -> None:
    """Parts, so that both cores have some."""
    tally = Tally()
    for seed in range(part, SEEDS, PARTS):
        tally.add(short(seed))
    broken = [f"seed {one.options.seed}: {one.promise}: {one.what}" for one in tally.broken]
    assert not broken, "\n".join(broken)
    assert tally.sites["feed-in held"] >= FED_IN
    assert tally.settings.keys() > {"requests.limit_feed_in", "requests.raise_limits", "requests.notices"}


@pytest.mark.parametrize("part", range(PARTS))
def test_every_planted_bug_is_found(part: int) -> None:
    missed = [
        found.name
        for name in NAMES[part::PARTS]
        for found in find_planted(SHOWN_BY.get(name, 1), 1, [name])
        if found.outcome is None
    ]
    assert not missed


def test_there_are_at_least_thirty_and_each_says_what_it_is() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 30
    assert all(bug.what for bug in BUGS)
    assert set(SHOWN_BY) <= set(NAMES)


def test_nothing_of_a_planted_bug_is_left_behind() -> None:
    before = short(2).digest
    for bug in BUGS:
        with planted(bug):
            pass
    assert short(2).digest == before


def test_the_same_seed_is_the_same_run_in_every_process() -> None:
    """Also where sets are gone through in another order."""
    program = (
        "import gridward\n"
        "from simulations.faults.options import draw_options\n"
        "from simulations.faults.run import run\n"
        "print(*(run(draw_options(seed)).digest for seed in (2, 33)))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert os.environ.get("PYTHONHASHSEED") != "1"
    assert told.split() == [run(draw_options(seed)).digest for seed in (2, 33)]


def test_another_seed_is_another_run() -> None:
    assert short(2).digest != short(3).digest


def test_a_failing_run_is_shrunk_and_replays() -> None:
    bug = next(bug for bug in BUGS if bug.name == "epoch_not_raised")
    with planted(bug):
        found = next(
            outcome
            for seed in range(20)
            if (outcome := run(bug.options(draw_options(seed)))).promise is not None
        )
        least = shrink(found).outcome
        assert least.promise == found.promise
        assert len(least.options.classes) < len(found.options.classes)
        assert sum(least.struck.values()) < sum(found.struck.values())
        assert least.options.cycles <= found.options.cycles
        again = run(Options(**least.options.differing()))
        assert (again.digest, again.promise) == (least.digest, least.promise)
        assert least.latest


def test_swarm_every_class_is_off_in_some_seeds_and_on_in_others() -> None:
    drawn = [draw_options(seed) for seed in range(200)]
    for name, (least, most) in CLASSES.items():
        on = [value for one in drawn if (value := getattr(one, name)) > 0]
        assert 20 < len(on) < 180, name
        assert all(least <= value <= most for value in on), name
    assert any(not one.classes for one in drawn)


def test_no_more_faults_strike_than_may() -> None:
    draws = Draws(Options(seed=1, lost_up=1.0, most=3))
    assert [draws.strikes("lost_up") for _ in range(5)] == [True, True, True, False, False]
    draws.on = False
    assert not draws.strikes("lost_up")


def test_one_class_off_moves_nothing_of_another() -> None:
    both = Draws(Options(seed=1, lost_up=0.5, doubled=0.5))
    alone = Draws(Options(seed=1, doubled=0.5))
    first = [(both.strikes("lost_up"), both.strikes("doubled"))[1] for _ in range(50)]
    assert first == [(alone.strikes("lost_up"), alone.strikes("doubled"))[1] for _ in range(50)]


def test_many_processes_give_what_one_gives() -> None:
    alone = [outcome.digest for outcome in outcomes(range(4), None, 1)]
    assert [outcome.digest for outcome in outcomes(range(4), None, 2)] == alone


def test_every_promise_has_words() -> None:
    assert all(words for words in PROMISES.values())
