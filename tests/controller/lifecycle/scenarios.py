"""Short evenings that go where a random walk seldom comes: a death right after an order, a release that is
lost or under way when its controller dies, two controllers at once, a record that refuses a plan.

Each is drawn by `hypothesis`, within what its name says; the judge looks after every step.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.controller.lifecycle.controllers import PERIOD_S, Controller
from tests.controller.lifecycle.street import CHARGERS
from tests.controller.lifecycle.world import World

Draw = Callable[[st.SearchStrategy[Any]], Any]
Scenario = Callable[[World, Draw], None]
LIMITABLE = CHARGERS[:3]
CALM, BUSY, SEVERE = (2.0, 1.0), (11.0, 3.0), (11.0, 7.0)
awaits = st.integers(1, 24)
orders = st.one_of(
    st.tuples(st.sampled_from(["release_all", "automatic_off"]), st.none()),
    st.tuples(st.sampled_from(["release", "exclude", "limit"]), st.sampled_from(LIMITABLE)),
)


def _cycles(world: World, count: int) -> Controller:
    for _ in range(count):
        one = world.current or world.start()
        world.cycle(one)
        world.pass_time(PERIOD_S)
    return world.current or world.start()


def _limits_in_force(world: World, draw: Draw) -> Controller:
    world.street.charge(*draw(st.sampled_from([BUSY, SEVERE])))
    return _cycles(world, draw(st.integers(2, 7)))


def _arrive(world: World, draw: Draw) -> None:
    """What waits on the wire, in any order, some of it twice."""
    waiting = len(world.wire.waiting["commands"])
    if waiting:
        order = draw(st.lists(st.integers(0, waiting - 1), min_size=1, max_size=2 * waiting))
        world.wire.let_through("commands", order, keep=draw(st.booleans()))
        world.check()


def an_order_and_a_death(world: World, draw: Draw) -> None:
    """An operator orders while the wire may lose it, and the controller dies then, or does not; the next one
    begins at once.
    """
    one = _limits_in_force(world, draw)
    world.wire.weather["commands"] = draw(st.sampled_from(["fine", "lost", "held", "cut"]))
    ordering = one.operate(*draw(orders))
    if draw(st.booleans()):
        world.cycle(one, die_at=draw(awaits), then=ordering)
    else:
        world.run(ordering)
        world.check()
    if one.lives and draw(st.integers(0, 3)):
        one.kill()
    world.wire.weather["commands"] = "fine"
    _cycles(world, draw(st.integers(1, 8)))
    _arrive(world, draw)
    _cycles(world, draw(st.integers(0, 7)))


def a_release_is_lost(world: World, draw: Draw) -> None:
    """The automatic or an operator frees somebody, and the first words of it are lost."""
    one = _limits_in_force(world, draw)
    world.wire.weather["commands"] = draw(st.sampled_from(["lost", "cut"]))
    if draw(st.booleans()):
        world.run(one.operate("release", draw(st.sampled_from(LIMITABLE))))
    else:
        world.street.charge(*CALM)
        _cycles(world, draw(st.integers(1, 3)))
    world.check()
    world.wire.weather["commands"] = "fine"
    _cycles(world, 8)


def two_in_charge(world: World, draw: Draw) -> None:
    """The first one freezes in the middle of a cycle, or what it said waits on the wire; the second one goes
    on with other commands, and then the first one's arrive.
    """
    world.street.charge(*draw(st.sampled_from([CALM, BUSY])))
    old = _cycles(world, draw(st.integers(0, 3)))
    world.street.charge(*SEVERE)  # so that there is something to say now
    world.wire.weather["commands"] = draw(st.sampled_from(["fine", "held"]))
    world.cycle(old, freeze_at=draw(st.integers(0, 24)))
    world.pass_time(draw(st.sampled_from([0.0, PERIOD_S, 3 * PERIOD_S])))
    world.wire.weather["commands"] = "fine"
    world.start()
    world.check()
    if draw(st.booleans()):
        world.street.charge(*CALM)
    _cycles(world, draw(st.integers(1, 5)))
    if old.lives and old.frozen:
        world.run(old.thaw())
        world.check()
    _arrive(world, draw)
    for _ in range(2):
        if old.lives and not old.frozen:
            world.cycle(old)
    _cycles(world, draw(st.integers(0, 3)))


def the_record_refuses(world: World, draw: Draw) -> None:
    """One commit of a cycle that wants to limit somebody fails, before or after it was written."""
    one = world.start()
    _cycles(world, draw(st.integers(0, 2)))
    world.street.charge(*draw(st.sampled_from([BUSY, SEVERE])))
    after, when = draw(st.integers(0, 3)), draw(st.sampled_from(["before", "after"]))
    world.record.fails(after, when)
    world.cycle(one)
    _cycles(world, draw(st.integers(0, 3)))


def people_answer(world: World, draw: Draw) -> None:
    """The owner of a charger that is away is asked by notice and answers, perhaps in the middle of a cycle in
    which the controller dies; then the charger is back, and the evening is long.
    """
    if draw(st.booleans()):
        world.wire.say(world.street.vanish("EV1"))
    one = _limits_in_force(world, draw)
    for _ in range(draw(st.integers(1, 3))):
        answering = world.answer(
            one, draw(st.integers(0, 2)), draw(st.sampled_from(["opted_out", "opted_in"]))
        )
        if answering is not None:
            world.cycle(one, die_at=draw(st.sampled_from([0, 0, *range(1, 20)])), then=answering)
        one = world.current or world.start()
    charger = world.street.chargers["EV1"]
    charger.online = True
    world.wire.say(charger.status(world.now()))
    world.street.charge(*SEVERE)
    _cycles(world, draw(st.integers(2, 22)))


SCENARIOS = (an_order_and_a_death, a_release_is_lost, two_in_charge, the_record_refuses, people_answer)
