"""Bugs that are planted in the system on purpose, one at a time: what the judge must find, or its green means
nothing.

Each is a mutation that somebody could make by mistake, in the place where production code keeps a promise.
None of it is in production code: a bug is put in while a run lasts, and taken out again. With each stands
what its seeds are like: the faults in whose presence it shows.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
from msgspec import structs

from controller import (
    cycle,
    data_alarms,
    dispatch,
    events,
    failsafes,
    feeder_check,
    feeder_state,
    gatekeeper,
    hearing,
    moments,
    operators,
    planning,
    plausibility,
    raising,
    release,
    requests,
    rounds,
    safety_gate,
)
from controller.bookkeeping import Bookkeeper
from controller.books import Books
from controller.entries import FailsafeArmed, LedgerPosted, RequestSettled
from controller.operators import Orders
from controller.people import asking, people_desk
from controller.proving.settling import Settling
from controller.proving.verification import sample_window
from controller.rewards import ledger
from controller.safety_gate import Passed, Refused
from controller.situation import Situation
from controller.stores import batch
from controller.stores.port import StoreUnavailable
from customers.registry import Registry
from devices.failsafe import GuardedDevice
from devices.limit_holder import LimitHolder
from simulations.faults import disk
from simulations.faults.disk import Handle, MemoryDisk
from simulations.faults.options import Options

Set = Callable[[Any, str, Any], None]


class Patch:
    """Puts something in the place of something else, until the end."""

    def __init__(self) -> None:
        self._before: list[tuple[Any, str, Any]] = []

    def __call__(self, owner: Any, name: str, value: Any) -> None:
        """`owner`: a module or class; `name`: of its own."""
        self._before.append((owner, name, owner.__dict__[name]))
        setattr(owner, name, value)

    def undo(self) -> None:
        """As it was."""
        while self._before:
            setattr(*self._before.pop())


@dataclass(frozen=True)
class Bug:
    """One planted bug."""

    name: str
    what: str
    plant: Callable[[Set], None]
    like: dict[str, Any]
    """the options that its seeds have beside what they draw"""

    def options(self, drawn: Options) -> Options:
        """A seed's options, made fit to show it."""
        like: dict[str, Any] = {"store": "memory", "act_early": False} | self.like
        return replace(drawn, **like)


BUGS: list[Bug] = []
WHILE = timedelta(minutes=30)


def bug(**like: Any) -> Callable[[Callable[[Set], None]], Callable[[Set], None]]:
    """Adds a bug to the list; its first line of documentation says what it is."""

    def add(plant: Callable[[Set], None]) -> Callable[[Set], None]:
        BUGS.append(Bug(plant.__name__, (plant.__doc__ or "").strip(), plant, like))
        return plant

    return add


@contextmanager
def planted(one: Bug) -> Iterator[None]:
    """While the block lasts."""
    patch = Patch()
    try:
        one.plant(patch)
        yield
    finally:
        patch.undo()


BUSY: dict[str, Any] = {"guards": False, "period_s": 300.0, "singles": False}
CALM_WIRE = {"lost_up": 0.0, "lost_down": 0.0, "delayed": 0.0, "cut": 0.0, "broker_down": 0.0}
FLAWLESS = BUSY | CALM_WIRE | {
    "mad_reading": 0.0, "meters_silent": 0.0, "clock_jump": 0.0, "device_clock": 0.0, "device_crash": 0.0,
    "device_mood": 0.0, "owner_takes_back": 0.0, "disk_error": 0.0, "torn": 0.0, "controller_crash": 0.0,
    "controller_pause": 0.0, "disk_in_doubt": 0.0, "operator": 0.0, "registry": 0.0, "doubled": 0.0,
}  # fmt: skip


CALM_LINK = FLAWLESS


# --- what is asked for


@bug(**BUSY)
def floor_ignored(put: Set) -> None:
    """The gate does not look at floors, and plans go to nothing."""
    given = planning.flexible_devices

    def bottomless(*args: Any) -> Iterator[Any]:
        for device in given(*args):
            yield replace(device, min_kw=0.0)

    _gate_lets_pass(put, "below_floor")
    put(planning, "flexible_devices", bottomless)


@bug(**BUSY)
def floor_rounded_down(put: Set) -> None:
    """A limit is rounded down to whole kW on its way out."""
    _in_message(put, lambda told: replace(told, limit_kw=float(int(told.limit_kw))))


@bug(**BUSY)
def zero_for_no_value(put: Set) -> None:
    """A limit's value is lost on the way: 0 W in its place."""
    _in_message(put, lambda told: replace(told, limit_kw=0.0))


@bug(**BUSY)
def protected_limited(put: Set) -> None:
    """The mark of a critical customer is not looked at."""
    put(Registry, "is_protected", lambda *_: False)


@bug(**BUSY, person=0.9)
def critical_asked(put: Set) -> None:
    """People are asked by notice whoever they are."""
    put(asking, "_takes_word", lambda *_: True)
    _gate_lets_pass(put, "protected", "below_floor")


@bug(**BUSY)
def two_for_one_device(put: Set) -> None:
    """Who is limited already is asked anew."""
    put(Books, "held_by", lambda *_, **__: None)


@bug(**FLAWLESS)
def reach_ignored(put: Set) -> None:
    """Nobody counts what was commanded in the last minute."""
    put(gatekeeper, "feeder_budget_kw", lambda *_: float("inf"))
    put(cycle, "feeder_budget_kw", lambda *_: float("inf"))


@bug(**BUSY, meters_silent=0.3, lost_up=0.5, doubled=0.0)
def acts_on_few_data(put: Set) -> None:
    """Whatever the alarms say, the data count as good."""
    judge = data_alarms.judge
    put(data_alarms, "judge", lambda *args, **named: replace(judge(*args, **named), good=True))


@bug(**(FLAWLESS | {"controller_pause": 0.8}))
def acts_after_a_pause(put: Set) -> None:
    """Who stood still in the middle of a round ends it on what it saw before."""
    put(moments.Moment, "is_past", lambda *_: False)


@bug(**FLAWLESS)
def asked_again_at_once(put: Set) -> None:
    """Who was released is not left alone."""
    put(planning, "_was_just_released", lambda *_: False)


@bug(**BUSY, operator=0.5)
def override_ignored(put: Set) -> None:
    """What an operator ordered does not last."""
    put(Orders, "_acted", lambda self, entry: self)


@bug(**BUSY, operator=0.5, controller_crash=0.5)
def orders_forgotten_at_start(put: Set) -> None:
    """After a restart nobody knows what operators ordered."""
    replay = Bookkeeper._replay

    def forgetful(self: Bookkeeper) -> None:
        replay(self)
        self.orders = Orders()

    put(Bookkeeper, "_replay", forgetful)


@bug(**BUSY, operator=0.5)
def release_by_hand_waits(put: Set) -> None:
    """An operator's release frees nobody."""
    put(operators, "freed_by", lambda *_: [])


@bug(**BUSY, person=1.0)
def no_of_a_person_ignored(put: Set) -> None:
    """Who said no to a notice is asked once more."""
    records = Situation.__dict__["event_records"].func
    put(
        Situation,
        "event_records",
        property(lambda self: tuple(r for r in records(self) if r.resource == "device")),
    )


# --- how long it lasts


@bug(**BUSY)
def end_forgotten(put: Set) -> None:
    """The command's end is a year away."""
    _in_message(put, lambda told: replace(told, end=told.end + timedelta(days=365)))


@bug(**BUSY)
def renewed_for_ever(put: Set) -> None:
    """A request near its end is always renewed, whatever the programme says."""
    _gate_lets_pass(put, "too_long")
    put(release, "_released", lambda *_: [])

    def later(self: Any, now: Any, spread_s: float = 0.0, **_: Any) -> Any:
        return now + timedelta(seconds=self.control.site.requests.duration_s + spread_s)

    put(Situation, "latest_end", later)


@bug(**BUSY)
def device_forgets_the_end(put: Set) -> None:
    """A device holds what it holds."""
    put(LimitHolder, "expired", lambda *_, **__: None)

    def for_ever(self: Any, now: Any, direction: Any = "consumption", *, at_s: Any = None) -> Any:
        held = self._held.get(direction)
        return None if held is None else held.command.limit_kw

    put(LimitHolder, "limit_at", for_ever)


@bug(**BUSY)
def no_deadline(put: Set) -> None:
    """Time moves no request."""
    put(hearing, "due", lambda *_: None)


@bug(**BUSY | {"lost_down": 0.5, "clock_jump": 0.0, "device_clock": 0.0})
def released_once_only(put: Set) -> None:
    """A release that was sent counts as heard."""

    def sent_is_heard(record: Any, memory: Any, now: Any) -> bool:
        return bool(record.sent_sequence < record.sequence)

    put(dispatch, "unconfirmed", sent_is_heard)
    put(rounds, "unconfirmed", sent_is_heard)
    put(hearing._Hearing, "_still_holds", lambda *_: False)


@bug(**BUSY, operator=0.4, controller_crash=0.5)
def event_never_closes(put: Set) -> None:
    """An event that is over stays open."""
    put(events, "closes", lambda *_: False)


# --- when the network has room


@bug(**FLAWLESS)
def release_without_check(put: Set) -> None:
    """No load flow is asked before somebody is released."""
    put(release, "_fits", lambda *_: True)
    put(release, "_pace", lambda *_: (float("inf"), True))


@bug(**FLAWLESS)
def raised_without_check(put: Set) -> None:
    """No load flow is asked before a limit goes up."""
    put(raising, "_leaves_room", lambda *_: True)


@bug(**FLAWLESS)
def released_all_at_once(put: Set) -> None:
    """Nobody waits for the pace of releases."""
    put(release, "_pace", lambda *_: (float("inf"), True))


@bug(**FLAWLESS)
def event_opens_at_once(put: Set) -> None:
    """The first check above the limit opens an event."""
    put(events, "_opens", lambda *_: True)


@bug(**FLAWLESS)
def event_closes_at_once(put: Set) -> None:
    """An event is over as soon as nobody is limited."""
    put(events, "closes", lambda tracker, rules, nobody_limited, now: nobody_limited)


# --- data


@bug(**BUSY, mad_reading=0.15)
def quarantine_off(put: Set) -> None:
    """Every reading is plausible."""
    put(plausibility, "screen", lambda columns, **_: plausibility.Screened(plausibility._sorted(columns)))


@bug(**BUSY, mad_reading=0.15)
def no_bound_of_power(put: Set) -> None:
    """What a connection cannot carry is believed."""
    screen = plausibility.screen

    def unbounded(columns: Any, *, bound_kw: Any, **named: Any) -> Any:
        return screen(columns, bound_kw=np.full_like(bound_kw, 1e9), **named)

    put(plausibility, "screen", unbounded)


@bug(**BUSY, meters_silent=0.3, lost_up=0.3)
def guesses_are_stored(put: Set) -> None:
    """What nobody measured stands in the samples as if it had been."""
    sample = cycle._sample

    def guessed(situation: Any, uncontrolled: Any) -> Any:
        return replace(sample(situation, uncontrolled), p_kw=situation.check.snapshot.p_kw.astype(np.float32))

    put(cycle, "_sample", guessed)


@bug(**BUSY, meters_silent=0.4)
def old_readings_are_fresh(put: Set) -> None:
    """A reading stays fresh until the next one."""
    snapshot = feeder_state.snapshot

    def timeless(state: Any, control: Any, now: Any) -> Any:
        site = structs.replace(control.site, cycle=structs.replace(control.site.cycle, fresh_s=1e9))
        return snapshot(state, replace(control, site=site), now)

    put(feeder_check, "snapshot", timeless)


# --- journal, disk, and who is in charge


@bug(**BUSY, disk_error=0.4)
def sent_before_it_is_noted(put: Set) -> None:
    """What the disk refused counts as written."""

    async def careless(self: Any, entries: Any, samples: Any = ()) -> bool:
        try:
            await self._keeper.write(entries, samples)
        except StoreUnavailable:
            self._keeper.apply_unwritten(entries)
            self._keeper.store_fault = None
        return True

    put(rounds.Rounds, "_write", careless)


@bug(**BUSY, controller_crash=0.6)
def acknowledged_before_synced(put: Set) -> None:
    """A commit returns before the disk has it: whoever comes after a death finds the last one gone."""
    take_over = MemoryDisk.take_over

    def unsynced(self: MemoryDisk, holder: str) -> int:
        del self.journal[-1:]
        return take_over(self, holder)

    put(MemoryDisk, "take_over", unsynced)


@bug(**BUSY, torn=0.3)
def torn_commit_is_half_there(put: Set) -> None:
    """A commit that was torn leaves its first entries."""

    def half(self: MemoryDisk, own_epoch: Any, entries: Any, samples: Any, kept: float) -> Any:
        whole = self._batch(own_epoch, entries)
        self.journal += whole.journal[: int(len(whole.journal) * kept)]

    put(MemoryDisk, "tear", half)


@bug(**BUSY, disk_in_doubt=0.3)
def doubt_taken_for_failure(put: Set) -> None:
    """A commit whose outcome nobody knows is simply made once more."""
    commit = Handle.commit

    def again(self: Handle, *args: Any) -> Any:
        self._in_doubt = False
        return commit(self, *args)

    put(Handle, "commit", again)


@bug(**CALM_LINK | {"delayed": 0.5, "doubled": 0.5, "controller_crash": 0.6, "operator": 0.6, "cycles": 20})
def stale_epoch_accepted(put: Set) -> None:
    """A device listens to a controller that was replaced."""
    receive = LimitHolder.receive

    def forgetful(self: Any, command: Any, now: Any, **named: Any) -> Any:
        self.highest_epoch = 0
        return receive(self, command, now, **named)

    put(LimitHolder, "receive", forgetful)


@bug(**BUSY, controller_pause=0.6)
def stale_controller_writes(put: Set) -> None:
    """The disk takes what a controller writes that was replaced."""
    put(disk, "check_epoch", lambda *_: None)
    put(batch, "check_epoch", lambda *_: None)


@bug(**BUSY, controller_crash=0.5)
def epoch_not_raised(put: Set) -> None:
    """Whoever takes over gets the epoch of the one before."""

    def same(self: MemoryDisk, holder: str) -> int:
        self.in_force = 1
        return 1

    put(MemoryDisk, "take_over", same)


@bug(**BUSY, controller_crash=0.4)
def old_epoch_in_commands(put: Set) -> None:
    """Commands go out under the epoch of the request's first controller."""
    message = dispatch._message

    def old(control: Any, record: Any, epoch: int) -> Any:
        return message(control, record, record.planned.epoch)

    put(dispatch, "_message", old)


@bug(**BUSY)
def sequence_not_increased(put: Set) -> None:
    """A renewal goes out under the number of what it renews."""
    renewed = release._renewed

    def same_number(situation: Any, record: Any, end: Any) -> Any:
        entry = renewed(situation, record, end)
        return None if entry is None else structs.replace(entry, sequence=record.sequence)

    put(release, "_renewed", same_number)
    put(Bookkeeper, "fits", lambda *_: None)


@bug(**BUSY, doubled=0.5, delayed=0.3)
def replays_have_effect(put: Set) -> None:
    """A device obeys a command that it has seen before."""
    receive = LimitHolder.receive

    def forgetful(self: Any, command: Any, now: Any, **named: Any) -> Any:
        self._known.pop(command.request, None)
        return receive(self, command, now, **named)

    put(LimitHolder, "receive", forgetful)


@bug(**BUSY)
def sent_to_another(put: Set) -> None:
    """A command goes to the device after the one that it was planned for."""
    _in_message(put, lambda told: replace(told, device=f"D{(int(told.device[1:]) + 1) % 9}"))


@bug(**BUSY)
def sent_is_accepted(put: Set) -> None:
    """A command that was sent counts as accepted."""
    due = requests.due

    def hopeful(record: Any, rules: Any, now: Any) -> Any:
        return (
            "accepted" if record.state == "sent" and record.resource == "device" else due(record, rules, now)
        )

    put(hearing, "due", hopeful)
    put(hearing, "_WHY", {**hearing._WHY, "accepted": "it was sent"})


@bug(**BUSY, person=1.0)
def answer_of_a_person_lost(put: Set) -> None:
    """A person is told that their answer counts, and nobody writes it down."""

    async def lost(self: Any, request: Any, answer: Any, via: Any, *, by: Any = None) -> Any:
        record = self._keeper.books.requests.get(request)
        return people_desk.NoNotice() if record is None else people_desk.Noted(record, answer, again=False)

    put(people_desk.PeopleDesk, "answer", lost)


# --- devices that hear nothing

_GUARDS: dict[str, Any] = {
    "period_s": 10.0,
    "guards": True,
    "singles": False,
    "cycles": 40,
    "clock_jump": 0.0,
}


@bug(**_GUARDS | {"controller_crash": 0.3})
def silence_read_as_no_limit(put: Set) -> None:
    """A device of guard mode does not mind that it hears nothing."""
    put(GuardedDevice, "_pass_time", lambda *_: None)
    put(
        GuardedDevice,
        "limit_at",
        lambda self, now, at_s, direction="consumption": self.holder.limit_at(now, direction, at_s=at_s),
    )


@bug(**_GUARDS | {"lost_down": 0.3})
def limited_before_it_is_armed(put: Set) -> None:
    """A device of guard mode is limited before it knows what to do in silence."""
    put(planning, "may_be_asked", lambda *_: True)
    put(failsafes, "unproven", lambda *_: frozenset())
    put(rounds, "unproven", lambda *_: frozenset())


@bug(**_GUARDS)
def failsafe_below_the_floor(put: Set) -> None:
    """A device is armed with a failsafe of nothing."""
    armed = failsafes._armed

    def nothing(*args: Any) -> FailsafeArmed:
        return structs.replace(armed(*args), failsafe_kw=0.0)

    put(failsafes, "_armed", nothing)


# --- money


@bug(**BUSY)
def settled_twice(put: Set) -> None:
    """What was settled is written once more, and the books say nothing to it."""
    settled, write = Books._settled, Settling._write

    async def twice(self: Settling, told: Any) -> None:
        await write(self, told)
        again = [entry for _, entries in told for entry in entries if isinstance(entry, RequestSettled)]
        await self._keeper.write(again)

    def once(self: Books, entry: RequestSettled) -> None:
        record = self.requests.get(entry.request)
        if record is not None and record.settled is None:
            settled(self, entry)

    put(Settling, "_write", twice)
    put(Books, "_settled", once)


@bug(**BUSY)
def credited_twice(put: Set) -> None:
    """A credit is booked once more, under another key."""
    write = Settling._write

    async def twice(self: Settling, told: Any) -> None:
        await write(self, told)
        posted = [entry for _, entries in told for entry in entries if isinstance(entry, LedgerPosted)]
        await self._keeper.write([structs.replace(entry, key=f"{entry.key}-again") for entry in posted])

    put(Settling, "_write", twice)
    put(Bookkeeper, "fits", lambda *_: None)


@bug(**BUSY)
def credit_out_of_nothing(put: Set) -> None:
    """A customer is credited, and no account pays."""
    put(ledger, "faults", lambda *_: [])
    _in_settling(
        put, lambda e: structs.replace(e, postings=tuple(p for p in e.postings if p[2] > 0)), LedgerPosted
    )


@bug(**BUSY)
def asked_is_credited(put: Set) -> None:
    """What was asked for is credited, whatever the meter shows."""
    _in_settling(put, lambda e: structs.replace(e, reduced_kwh=e.asked_kwh + 1.0), RequestSettled)


@bug(**BUSY)
def rounded_up(put: Set) -> None:
    """Points are rounded up."""
    earned = ledger.earned
    put(ledger, "earned", lambda *args: earned(*args) + 1)


@bug(**BUSY)
def ledger_loses_a_line(put: Set) -> None:
    """The ledger's table lacks what the journal says."""
    post = batch._post

    def short(made: Any, posted: LedgerPosted) -> None:
        post(made, posted)
        made.postings.pop()

    put(batch, "_post", short)


@bug(**BUSY, device_mood=0.15)
def credit_for_nobody(put: Set) -> None:
    """Who never took part is credited like the others."""
    one = Settling._one

    def as_if(self: Settling, control: Any, record: Any, *rest: Any) -> Any:
        if record.active_at is None and record.sent_at is not None and record.resource == "device":
            start, end = record.planned.start, max(record.end, record.planned.start + WHILE)
            record = replace(record, active_at=start, ended_at=end, state="ended", answer="accepted")
        now = rest[-1]
        window = sample_window(record)
        readings = None if window is None else self._readings(control, window)
        return one(self, control, record, readings, None, now)

    put(Settling, "_one", as_if)


# --- what several of them need


def _gate_lets_pass(put: Set, *reasons: str) -> None:
    """The gate refuses nothing for these reasons."""
    judge = safety_gate.judge

    def lenient(ask: Any, facts: Any) -> Any:
        verdict = judge(ask, facts)
        return Passed() if isinstance(verdict, Refused) and verdict.reason in reasons else verdict

    put(safety_gate, "judge", lenient)


def _in_message(put: Set, change: Callable[[Any], Any]) -> None:
    """Change every command on its way out, but for releases."""
    message = dispatch._message

    def changed(control: Any, record: Any, epoch: int) -> Any:
        told = message(control, record, epoch)
        return told if record.releasing or record.resource == "person" else change(told)

    put(dispatch, "_message", changed)


def _in_settling(put: Set, change: Callable[[Any], Any], kind: type) -> None:
    """Change what a settlement writes."""
    write = Settling._write

    async def changed(self: Settling, told: Any) -> None:
        await write(
            self,
            [(r, tuple(change(e) if isinstance(e, kind) else e for e in entries)) for r, entries in told],
        )

    put(Settling, "_write", changed)
    put(Bookkeeper, "fits", lambda *_: None)
