"""The rules by which anything may happen to a request, in any order; the judge looks after each.

`hypothesis` draws the steps and shrinks those that break a rule to the shortest list that does.
"""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.controller.lifecycle.controllers import PERIOD_S
from tests.controller.lifecycle.street import CHARGERS, PEOPLE
from tests.controller.lifecycle.wire import LANES, WEATHERS
from tests.controller.lifecycle.world import World

LOADS = {"calm": (2.0, 1.0), "busy": (11.0, 3.0), "severe": (11.0, 7.0), "mixed": (8.0, 3.5)}
"""(kW each charger wants, kW each house takes besides)"""
MOST = 8
lanes, chargers = st.sampled_from(LANES), st.sampled_from(CHARGERS)
awaits = st.integers(1, 14)
orders = st.one_of(
    st.tuples(st.sampled_from(["release_all", "automatic_off", "automatic_on"]), st.none()),
    st.tuples(
        st.sampled_from(["release", "exclude", "include", "limit"]),
        st.sampled_from((*CHARGERS, *PEOPLE, "C0")),
    ),
)


class RequestLife(RuleBasedStateMachine):
    """One street, one record, any number of controllers, and everything that may go wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(agreed=True)

    def teardown(self) -> None:
        self.world.end()

    # --- the ordinary course

    @initialize(cycles=st.integers(0, 4), load=st.sampled_from(sorted(LOADS)))
    def an_evening_begins(self, cycles: int, load: str) -> None:
        self.world.street.charge(*LOADS[load])
        self.world.start()
        self.cycles(cycles)

    @precondition(lambda self: self._ready)
    @rule(count=st.integers(1, 4))
    def cycles(self, count: int) -> None:
        for _ in range(count):
            one = self.world.current
            if one is not None:
                self.world.cycle(one)
                self.world.pass_time(PERIOD_S)

    @precondition(lambda self: self._ready)
    @rule(count=st.integers(3, 7))
    def time_goes_on_as_it_should(self, count: int) -> None:
        self.cycles(count)

    @rule(seconds=st.sampled_from([1, 5, 20, 45, 100]))
    def time_passes(self, seconds: int) -> None:
        self.world.pass_time(seconds)
        self.world.check()

    @rule(load=st.sampled_from(sorted(LOADS)))
    def load_changes(self, load: str) -> None:
        self.world.street.charge(*LOADS[load])

    @rule(work=st.booleans())
    def meters(self, work: bool) -> None:
        self.world.street.meters_work = work

    # --- the network between

    @rule(lane=lanes, weather=st.sampled_from(WEATHERS))
    def weather(self, lane: str, weather: str) -> None:
        self.world.wire.weather[lane] = weather  # type: ignore[index,assignment]

    @precondition(lambda self: any(self.world.wire.waiting.values()))
    @rule(data=st.data())
    def what_waits_arrives(self, data: st.DataObject) -> None:
        """In any order, some twice, some never."""
        wire = self.world.wire
        lane = data.draw(st.sampled_from([lane for lane in LANES if wire.waiting[lane]]))
        places = st.integers(0, len(wire.waiting[lane]) - 1)
        order = data.draw(st.lists(places, min_size=1, max_size=6))
        wire.let_through(lane, order, keep=data.draw(st.booleans()))
        self.world.check()

    @rule(lane=lanes, number=st.integers(0, 59))
    def something_old_comes_again(self, lane: str, number: int) -> None:
        self.world.wire.repeat(lane, number)  # type: ignore[arg-type]
        self.world.check()

    # --- the devices

    @rule(name=chargers, mood=st.sampled_from(["obeys", "ignores", "partly", "refuses"]))
    def mood(self, name: str, mood: str) -> None:
        self.world.street.chargers[name].mood = mood  # type: ignore[assignment]

    @rule(name=chargers, will=st.booleans())
    def device_vanishes(self, name: str, will: bool) -> None:
        told = self.world.street.vanish(name)
        if will:
            self.world.wire.say(told)

    @rule(name=chargers, forgets=st.booleans())
    def device_comes_back(self, name: str, forgets: bool) -> None:
        charger = self.world.street.chargers[name]
        charger.online = True
        if forgets:
            charger.rebooted()
        self.world.wire.say(charger.status(self.world.now()))

    @rule(name=chargers)
    def owner_takes_it_back(self, name: str) -> None:
        for answer in self.world.street.chargers[name].taken_back():
            self.world.wire.say(answer)

    # --- the people

    @precondition(lambda self: self._ready)
    @rule(order=orders, in_cycle=st.booleans())
    def operator(self, order: tuple[str, str | None], in_cycle: bool) -> None:
        """An order, alone or while a cycle is under way."""
        one: Any = self.world.current
        if in_cycle:
            self.world.cycle(one, then=one.operate(*order))
        else:
            self.world.run(one.operate(*order))
            self.world.check()

    @precondition(lambda self: self._ready)
    @rule(
        choice=st.sampled_from(["opted_in", "opted_out"]),
        number=st.integers(0, 3),
        meanwhile=st.sampled_from(["nothing", "a cycle", "a death", "a freeze"]),
        at=awaits,
    )
    def person_answers(self, choice: Any, number: int, meanwhile: str, at: int) -> None:
        """Alone, or while a cycle is under way, in which the controller may die or freeze."""
        one: Any = self.world.current
        answering = self.world.answer(one, number, choice)
        if answering is None:
            return
        if meanwhile == "nothing":
            self.world.run(answering)
            self.world.check()
            return
        die_at, freeze_at = at * (meanwhile == "a death"), at * (meanwhile == "a freeze")
        self.world.cycle(one, die_at=die_at, freeze_at=freeze_at, then=answering)

    @rule(name=chargers, gone=st.booleans())
    def register_changes(self, name: str, gone: bool) -> None:
        """Read by the next controller that starts."""
        if gone:
            self.world.without |= {name}
        else:
            self.world.critical |= {name}

    # --- the controllers

    @precondition(lambda self: self._ready)
    @rule(at=awaits)
    def dies(self, at: int) -> None:
        one: Any = self.world.current
        self.world.cycle(one, die_at=at)
        if one.lives:
            one.kill()

    @precondition(lambda self: not self.world.record.down and self.world.current is None)
    @rule()
    def starts(self) -> None:
        """After a death."""
        self.world.start()
        self.world.check()

    @precondition(lambda self: not self.world.record.down and len(self.world.controllers) < MOST)
    @rule(sure=st.integers(0, 3))
    def another_takes_over(self, sure: int) -> None:
        """Beside one that still lives: that one is replaced."""
        if sure == 0:
            self.world.start()
            self.world.check()

    @precondition(lambda self: self._ready)
    @rule(at=awaits)
    def freezes(self, at: int) -> None:
        one: Any = self.world.current
        self.world.cycle(one, freeze_at=at)

    @precondition(lambda self: any(one.lives and one.frozen for one in self.world.controllers))
    @rule()
    def thaws(self) -> None:
        for one in self.world.controllers:
            if one.lives and one.frozen:
                self.world.run(one.thaw())
                self.world.check()

    @precondition(lambda self: any(not one.frozen for one in self.world.replaced))
    @rule()
    def the_replaced_one_goes_on(self) -> None:
        for one in self.world.replaced:
            if not one.frozen:
                self.world.cycle(one)

    @rule(down=st.booleans())
    def record(self, down: bool) -> None:
        self.world.record.down = down

    @rule(when=st.sampled_from(["before", "after"]))
    def record_fails_once(self, when: str) -> None:
        self.world.record.hiccup = when

    @property
    def _ready(self) -> bool:
        one = self.world.current
        return one is not None and not one.frozen
