"""A unit whose registers a map tells: how it is polled, limited and let go of, as dialogues [1, 6]. No I/O.

Everything that is ever written stands in the map's `[limit]` and `[failsafe]`; `may_write` says so to the
driver. A limit is written in this order: the time after which the unit returns by itself, read again; the
set-point; the switch that puts it in force. So whatever is interrupted, no limit without an end is left.
"""

from collections.abc import Iterator
from dataclasses import replace

from devices.errors import CommandRejected, MalformedMessage
from devices.messages import Direction
from devices.modbus.codec import decode, number_of, state_of
from devices.modbus.dialogue import Dialogue, Read, Registers, Table, UnitState, Write
from devices.modbus.limit_map import Hold, LimitMap, ReadBack, SetPoint, SgReady, Switch, Timer
from devices.modbus.quantities import REGISTERS_OF, RegisterMap
from devices.modbus.register_map import Block, blocks, joined
from devices.modbus.set_point import (
    held_s,
    limit_words,
    read_kw,
    read_limit_kw,
    released_words,
    timer_words,
)

_SHOWN_WITHIN_KW = 1e-6


class MappedUnit:
    """A `devices.modbus.dialogue.Unit` of one register map; `HoldsFor`, `GuardsWrites` and `OneDirection`."""

    def __init__(self, profile: RegisterMap, *, rated_kw: float | None = None) -> None:
        """`rated_kw` is for set-points in percent."""
        self.profile = profile
        self._rated_kw = rated_kw
        self._blocks = _all_blocks(profile)
        self._allowed = frozenset(_writable(profile))

    @property
    def direction(self) -> Direction:
        """See `OneDirection.direction`."""
        return "consumption" if self.profile.limit is None else self.profile.limit.direction

    @property
    def hold(self) -> Hold | None:
        """How it holds a limit's end; None: it takes no limits."""
        return None if self.profile.limit is None else self.profile.limit.hold

    # ---- what it says --------------------------------------------------------------------------------------

    def identify(self) -> Dialogue[str]:
        """See `Unit.identify`: the map's name; nothing is asked."""
        yield from ()
        return self.profile.name

    def poll(self) -> Dialogue[UnitState]:
        """See `Unit.poll`. MalformedMessage for what cannot be."""
        registers: dict[tuple[Table, int], int] = {}
        for block in self._blocks:
            words = yield Read(block.table, block.address, block.count)
            registers.update({(block.table, block.address + n): word for n, word in enumerate(words)})
        return self._state(registers)

    def _state(self, registers: dict[tuple[Table, int], int]) -> UnitState:
        valid = self.profile.valid
        if valid is not None and not valid.holds(registers[valid.table or self.profile.table, valid.address]):
            raise MalformedMessage("missing_field", "the unit says that its values are not valid")
        state = state_of(decode(self.profile, registers))
        says, limit_kw = self._held_limit(registers)
        state = replace(state, limit_kw=limit_kw, says_limit=says)
        return state if self.profile.failsafe is None else self._with_failsafe(state, registers)

    def _with_failsafe(self, state: UnitState, registers: dict[tuple[Table, int], int]) -> UnitState:
        failsafe = self.profile.failsafe
        assert failsafe is not None
        point, duration = failsafe.setpoint, failsafe.duration
        steps = number_of(_words_at(registers, duration), duration.encoding, self.profile)
        state = replace(state, failsafe_s=int(steps * duration.unit_s))
        if not self._knows(point):
            return state
        words = _words_at(registers, point)
        return replace(state, failsafe_kw=read_kw(point, words, self._rated_kw, self.profile))

    def _held_limit(self, registers: dict[tuple[Table, int], int]) -> tuple[bool, float | None]:
        """Whether the unit says what it holds, and that in kW."""
        limit = self.profile.limit
        if limit is None:
            return False, None
        if limit.sg_ready is not None:
            states = limit.sg_ready
            held = tuple(registers[states.table, address] for address in states.addresses)
            return True, states.guaranteed_kw if held == states.limit_state else None
        read_back = limit.read_back
        if read_back is None or not self._knows(read_back):
            return False, None
        active = read_back.active
        if active is not None and registers[active.table, active.address] != active.on:
            return True, None
        places = range(read_back.address, read_back.address + REGISTERS_OF[read_back.encoding])
        words = tuple(registers[read_back.table, address] for address in places)
        return True, read_limit_kw(read_back, words, self._rated_kw, self.profile)

    def _knows(self, point: SetPoint | ReadBack) -> bool:
        """Whether it is known what its unit is in kW: a meter's row has no rated power."""
        return point.unit != "percent" or self._rated_kw is not None

    # ---- what it is told -----------------------------------------------------------------------------------

    def held_s(self, hold_s: float) -> float:
        """See `HoldsFor.held_s`."""
        limit = self._limit_map()
        if limit.timer is not None:
            return held_s(limit.timer, hold_s)
        assert limit.forgets_after_s is not None
        return limit.forgets_after_s

    def limit(self, limit_kw: float, direction: Direction, hold_s: float) -> Dialogue[None]:
        """See `Unit.limit`. CommandRejected: nothing was written, or the unit does not keep its timer."""
        limit = self._limit_map()
        if direction != limit.direction:
            raise CommandRejected(f"its map limits {limit.direction}, not {direction}")
        if limit.forgets_after_s is not None and hold_s < limit.forgets_after_s:
            raise CommandRejected(
                f"it forgets a limit only after {limit.forgets_after_s:g} s, this one ends in {hold_s:.1f} s"
            )
        writes = self._limit_writes(limit, limit_kw)
        if limit.timer is not None:
            yield from self._start_timer(limit.timer, hold_s)
        yield from _in_turn(writes)

    def release(self) -> Dialogue[None]:
        """See `Unit.release`."""
        limit = self._limit_map()
        if limit.sg_ready is not None:
            yield from _in_turn(_state_writes(limit.sg_ready, limit.sg_ready.normal_state))
            return
        if limit.enable is not None:
            yield _switched(limit.enable, limit.enable.off)
        if limit.setpoint is not None:
            words = released_words(limit.setpoint, self.profile)
            if words is not None:
                yield Write(limit.setpoint.address, words, as_block=limit.setpoint.as_block)

    def may_write(self, write: Write) -> bool:
        """See `GuardsWrites.may_write`."""
        places = range(write.address, write.address + len(write.values))
        return all((write.table, address) in self._allowed for address in places)

    def _limit_map(self) -> LimitMap:
        if self.profile.limit is None:
            raise CommandRejected(f"the map {self.profile.name!r} sets no limits")
        return self.profile.limit

    def _start_timer(self, timer: Timer, hold_s: float) -> Dialogue[None]:
        words = timer_words(timer, hold_s, self.profile)
        yield Write(timer.address, words, as_block=timer.as_block)
        if not timer.readable:
            return
        kept: Registers = yield Read("holding", timer.address, len(words))
        steps = number_of(kept, timer.encoding, self.profile)
        if not 0 < steps <= number_of(words, timer.encoding, self.profile):
            raise CommandRejected("it does not keep the time after which it is to return by itself")

    def _limit_writes(self, limit: LimitMap, limit_kw: float) -> list[Write]:
        if limit.sg_ready is not None:
            return _contacts_for(limit.sg_ready, limit_kw)
        assert limit.setpoint is not None
        words = limit_words(limit.setpoint, limit_kw, self._rated_kw, self.profile)
        writes = [Write(limit.setpoint.address, words, as_block=limit.setpoint.as_block)]
        if limit.enable is not None:
            writes.append(_switched(limit.enable, limit.enable.on))
        return writes


def _words_at(registers: dict[tuple[Table, int], int], part: SetPoint | Timer) -> tuple[int, ...]:
    places = range(part.address, part.address + REGISTERS_OF[part.encoding])
    return tuple(registers["holding", address] for address in places)


def _contacts_for(states: SgReady, limit_kw: float) -> list[Write]:
    most_kw = states.guaranteed_kw if states.accepts_up_to_kw is None else states.accepts_up_to_kw
    if not states.guaranteed_kw - _SHOWN_WITHIN_KW <= limit_kw <= most_kw + _SHOWN_WITHIN_KW:
        span = f"{states.guaranteed_kw:g}" + ("" if most_kw == states.guaranteed_kw else f" to {most_kw:g}")
        raise CommandRejected(f"its contacts know one limit only, expected {span} kW, not {limit_kw:g}")
    return _state_writes(states, states.limit_state)


def _state_writes(states: SgReady, state: tuple[int, int]) -> list[Write]:
    """Both contacts in one go where they are neighbours, so that no third state is between."""
    first, second = states.addresses
    if second == first + 1:
        return [Write(first, state, states.table)]
    pairs = zip(states.addresses, state, strict=True)
    return [Write(address, (value,), states.table, states.as_block) for address, value in pairs]


def _switched(switch: Switch, value: int) -> Write:
    return Write(switch.address, (value,), switch.table, switch.as_block)


def _in_turn(writes: list[Write]) -> Dialogue[None]:
    for write in writes:  # noqa: UP028  # a list cannot be sent what is answered
        yield write


def _all_blocks(profile: RegisterMap) -> tuple[Block, ...]:
    """What a poll reads: what is measured, and what limit is held."""
    limit = profile.limit
    wanted: list[tuple[Table, int, int]] = [(b.table, b.address, b.count) for b in blocks(profile)]
    if limit is not None and limit.sg_ready is not None:
        wanted += [(limit.sg_ready.table, address, 1) for address in limit.sg_ready.addresses]
    if profile.failsafe is not None:
        parts: tuple[SetPoint | Timer, ...] = (profile.failsafe.setpoint, profile.failsafe.duration)
        wanted += [("holding", part.address, REGISTERS_OF[part.encoding]) for part in parts]
    if limit is not None and limit.read_back is not None:
        read_back = limit.read_back
        wanted.append((read_back.table, read_back.address, REGISTERS_OF[read_back.encoding]))
        if read_back.active is not None:
            wanted.append((read_back.active.table, read_back.active.address, 1))
    return joined(wanted, profile.bridge_gaps, profile.max_read)


def _writable(profile: RegisterMap) -> Iterator[tuple[str, int]]:
    limit, failsafe = profile.limit, profile.failsafe
    if limit is not None:
        for part in (limit.timer, limit.setpoint):
            if part is not None:
                yield from _span(part.address, part.encoding)
        if limit.enable is not None:
            yield limit.enable.table, limit.enable.address
        if limit.sg_ready is not None:
            yield from ((limit.sg_ready.table, address) for address in limit.sg_ready.addresses)
    if failsafe is not None:
        yield from _span(failsafe.setpoint.address, failsafe.setpoint.encoding)
        yield from _span(failsafe.duration.address, failsafe.duration.encoding)
        yield "holding", failsafe.heartbeat.address


def _span(address: int, encoding: str) -> Iterator[tuple[str, int]]:
    yield from (("holding", address + n) for n in range(REGISTERS_OF[encoding]))
