"""What is wrong with a register map, by field, all at once. Pure.

Types and ranges of single keys are seen when the file is read; here is what only makes sense together. The
one that matters most: a limit that the unit would keep for ever is not allowed at all.
"""

from collections.abc import Iterable, Iterator

from devices.messages import HEARTBEAT_TIMEOUT_S
from devices.modbus.limit_map import Failsafe, LimitMap, ReadBack, SetPoint, SgReady, Timer
from devices.modbus.quantities import KNOWN, LAST_REGISTER, PHASES, REGISTERS_OF, REQUIRED_OF, RegisterMap

_NO_END = (
    "expected revert_timer with limit.timer, or refresh with limit.forgets_after_s: without either the unit"
    " would keep a limit for ever when nobody comes to end it"
)


def map_faults(profile: RegisterMap) -> Iterator[str]:
    """One finding each, beginning with the field."""
    yield from _missing(profile)
    yield from _values(profile)
    yield from _places(profile)
    if profile.limit is not None:
        yield from _limit(profile.limit)
    if profile.failsafe is not None:
        yield from _failsafe(profile.failsafe)
    yield from _written_twice(profile)


def _missing(profile: RegisterMap) -> Iterator[str]:
    given = profile.quantities
    yield from (f"quantities.{name}: missing" for name in REQUIRED_OF[profile.kind] if name not in given)
    for name in given:
        if name not in KNOWN:
            yield f"quantities.{name}: unknown, expected {', '.join(KNOWN)}"
    for row in ("v_l{}_v", "i_l{}_a"):
        there = [row.format(phase) in given for phase in PHASES]
        if there != sorted(there, reverse=True):
            yield f"quantities.{row.format(1)}: expected phases from the first on, without a gap"
    if not given and profile.limit is None:
        yield "quantities: expected what the unit measures, or a [limit]: there is neither"
    elif not _reads(profile):
        yield (
            "quantities: expected something that is read, a quantity, valid or limit.read_back: nothing would"
            " show whether the unit is there"
        )


def _reads(profile: RegisterMap) -> bool:
    limit = profile.limit
    says_limit = limit is not None and (limit.read_back is not None or limit.sg_ready is not None)
    return bool(profile.quantities) or says_limit or profile.valid is not None or profile.failsafe is not None


def _values(profile: RegisterMap) -> Iterator[str]:
    for name, quantity in profile.quantities.items():
        if quantity.scale == 0:
            yield f"quantities.{name}.scale: is 0"
        if quantity.min is not None and quantity.max is not None and quantity.min >= quantity.max:
            yield f"quantities.{name}: min {quantity.min} is not below max {quantity.max}"
        if quantity.registers > profile.max_read:
            yield f"quantities.{name}: takes {quantity.registers} registers, max_read is {profile.max_read}"
        for mark in quantity.not_available:
            if mark >= 1 << (16 * quantity.registers):
                yield f"quantities.{name}.not_available: {mark:#x} does not fit {quantity.encoding}"


def _places(profile: RegisterMap) -> Iterator[str]:
    owner: dict[tuple[str, int], str] = {}
    for name, quantity in profile.quantities.items():
        table = quantity.table or profile.table
        for address in range(quantity.address, quantity.address + quantity.registers):
            if address > LAST_REGISTER:
                yield f"quantities.{name}.address: reaches beyond register {LAST_REGISTER}"
            elif (table, address) in owner:
                yield f"quantities.{name}.address: register {address} is {owner[table, address]}'s"
            owner[table, address] = name


def _limit(limit: LimitMap) -> Iterator[str]:
    yield from _end(limit)
    if (limit.setpoint is None) == (limit.sg_ready is None):
        yield "limit: expected either setpoint or sg_ready"
    if limit.setpoint is not None:
        yield from _set_point(limit.setpoint, "limit.setpoint")
        if limit.enable is None and limit.setpoint.released is None:
            yield "limit.setpoint.released: expected the raw value that means no limit, or limit.enable"
    if limit.sg_ready is not None:
        yield from _sg_ready(limit.sg_ready)
        for name in ("enable", "read_back"):
            if getattr(limit, name) is not None:
                yield f"limit.{name}: expected none beside sg_ready, whose contacts are read themselves"
    if limit.read_back is not None:
        yield from _read_back(limit.read_back)


def _end(limit: LimitMap) -> Iterator[str]:
    given = limit.timer is not None, limit.forgets_after_s is not None
    if given != (limit.hold == "revert_timer", limit.hold == "refresh") or limit.hold is None:
        yield f"limit.hold: {limit.hold or 'missing'}; {_NO_END}"
    if limit.timer is not None:
        yield from _timer(limit.timer, "limit.timer")


def _set_point(point: SetPoint, place: str) -> Iterator[str]:
    if point.scale == 0:
        yield f"{place}.scale: is 0"
    if point.min is not None and point.max is not None and point.min >= point.max:
        yield f"{place}: min {point.min} is not below max {point.max}"
    registers = REGISTERS_OF[point.encoding]
    if point.released is not None and point.released >= 1 << (16 * registers):
        yield f"{place}.released: {point.released:#x} does not fit {point.encoding}"
    if point.address + registers - 1 > LAST_REGISTER:
        yield f"{place}.address: reaches beyond register {LAST_REGISTER}"


def _timer(timer: Timer, place: str) -> Iterator[str]:
    if timer.max_s is not None and timer.max_s < timer.unit_s:
        yield f"{place}.max_s: is less than one step of {timer.unit_s:g} s"
    if timer.address + REGISTERS_OF[timer.encoding] - 1 > LAST_REGISTER:
        yield f"{place}.address: reaches beyond register {LAST_REGISTER}"


def _sg_ready(states: SgReady) -> Iterator[str]:
    place = "limit.sg_ready"
    if states.addresses[0] == states.addresses[1]:
        yield f"{place}.addresses: expected two, both are {states.addresses[0]}"
    if states.limit_state == states.normal_state:
        yield f"{place}.limit_state: is the normal state as well"
    if states.table == "coil" and max(*states.limit_state, *states.normal_state) > 1:
        yield f"{place}: a coil is 0 or 1"
    if states.accepts_up_to_kw is not None and states.accepts_up_to_kw < states.guaranteed_kw:
        yield f"{place}.accepts_up_to_kw: is below guaranteed_kw, {states.guaranteed_kw:g}"


def _read_back(read_back: ReadBack) -> Iterator[str]:
    if read_back.scale == 0:
        yield "limit.read_back.scale: is 0"
    if read_back.address + REGISTERS_OF[read_back.encoding] - 1 > LAST_REGISTER:
        yield f"limit.read_back.address: reaches beyond register {LAST_REGISTER}"


def _written_twice(profile: RegisterMap) -> Iterator[str]:
    """A register that is written for two purposes: a heartbeat on the set-point would be a limit."""
    owner: dict[tuple[str, int], str] = {}
    for name, table, addresses in _written(profile):
        for address in addresses:
            if address > LAST_REGISTER:
                continue
            if (table, address) in owner:
                yield f"{name}.address: register {address} is {owner[table, address]}'s"
            owner[table, address] = name


def _written(profile: RegisterMap) -> Iterator[tuple[str, str, Iterable[int]]]:
    limit, failsafe = profile.limit, profile.failsafe
    if limit is not None:
        for name, part in (("timer", limit.timer), ("setpoint", limit.setpoint)):
            if part is not None:
                yield f"limit.{name}", "holding", _registers(part)
        if limit.enable is not None:
            yield "limit.enable", limit.enable.table, (limit.enable.address,)
        if limit.sg_ready is not None:
            yield "limit.sg_ready", limit.sg_ready.table, set(limit.sg_ready.addresses)
    if failsafe is not None:
        yield "failsafe.setpoint", "holding", _registers(failsafe.setpoint)
        yield "failsafe.duration", "holding", _registers(failsafe.duration)
        yield "failsafe.heartbeat", "holding", (failsafe.heartbeat.address,)


def _registers(part: SetPoint | Timer) -> range:
    return range(part.address, part.address + REGISTERS_OF[part.encoding])


def _failsafe(failsafe: Failsafe) -> Iterator[str]:
    yield from _set_point(failsafe.setpoint, "failsafe.setpoint")
    yield from _timer(failsafe.duration, "failsafe.duration")
    if failsafe.heartbeat.within_s > HEARTBEAT_TIMEOUT_S:
        most = f"expected at most {HEARTBEAT_TIMEOUT_S} s"
        yield f"failsafe.heartbeat.within_s: {most}, or the unit is not in its failsafe when others are"
