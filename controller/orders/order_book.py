"""What the journal tells of orders: drafts and what became of them, acts and stops, keys of commands. Pure.

    drafted ── agreed by as many persons as it needs ── carried out
       └── withdrawn, expired, void (its controller is gone, or a stop came), failed

A part of the books: the same entries always give the same, and what cannot have happened raises
`BooksBroken`. So a draft that is closed cannot be carried out once more, whoever tries. Memory is bounded:
open drafts by `order_rules.MOST_OPEN` and one of the automatic for each feeder, all else by `KEEP`; the
journal has the rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from controller.entries import (
    CommandTaken,
    EmergencyStopped,
    OperatorActed,
    OrderAgreed,
    OrderClosed,
    OrderDrafted,
)
from controller.errors import BooksBroken

KEEP = 200
"""orders that are over, of each kind"""
KEEP_COMMANDS = 1_000
DraftState = Literal["open", "carried_out", "withdrawn", "expired", "void", "failed"]


class DraftRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One draft as far as the journal tells it."""

    drafted: OrderDrafted
    agreed: tuple[str, ...] = ()
    """persons, each once; first who drafted it where an account proves them"""
    confirmed: tuple[str, ...] = ()
    """who confirmed it, in order, persons or not"""
    closed: OrderClosed | None = None
    acted: OperatorActed | None = None
    """what it did, once it is carried out"""

    @property
    def draft(self) -> str:
        """Its id."""
        return self.drafted.draft

    @property
    def state(self) -> DraftState:
        """As the journal has it; one whose time is over is told so a moment later."""
        return "open" if self.closed is None else self.closed.outcome


Told = DraftRecord | OperatorActed | EmergencyStopped
"""one order in the list of the latest"""
OrderEntry = OrderDrafted | OrderAgreed | OrderClosed | EmergencyStopped | CommandTaken | OperatorActed


def act_id(entry: OperatorActed) -> str:
    """The name of what was ordered in one step."""
    return f"A-{entry.feeder}-{entry.at:%Y%m%dT%H%M%S.%fZ}-{entry.action}"


def same_person(one: str, other: str) -> bool:
    """Accounts are the same in whatever case."""
    return one.casefold() == other.casefold()


def with_person(agreed: tuple[str, ...], who: str) -> tuple[str, ...]:
    """The persons who agreed once this one has; nobody counts twice."""
    return agreed if any(same_person(who, one) for one in agreed) else (*agreed, who)


@dataclass(slots=True)
class OrderBook:
    """Of all feeders."""

    _open: dict[str, DraftRecord] = field(default_factory=dict)
    _over: dict[str, Told] = field(default_factory=dict)
    """oldest first"""
    _commands: dict[tuple[str, str], CommandTaken] = field(default_factory=dict)
    """by principal and key"""
    _stopped: dict[str, EmergencyStopped] = field(default_factory=dict)
    _more_reach: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    """by feeder: from when until when"""

    def fork(self) -> "OrderBook":
        """A copy; all that is in it is frozen."""
        return OrderBook(
            dict(self._open),
            dict(self._over),
            dict(self._commands),
            dict(self._stopped),
            dict(self._more_reach),
        )

    # --- look
    # ----------------------------------------------------------------------------------------------------

    def open_drafts(self) -> tuple[DraftRecord, ...]:
        """Those that may still be confirmed, oldest first."""
        return tuple(self._open.values())

    def is_open(self, draft: str) -> bool:
        """Whether it may still be confirmed."""
        return draft in self._open

    def latest(self) -> tuple[tuple[str, Told], ...]:
        """By id, the newest first: open drafts, then those that are over and what was ordered in one step."""
        return (*reversed(self._open.items()), *reversed(self._over.items()))

    def find(self, name: str) -> Told | None:
        """By id; None when there is none, or it is long over."""
        return self._open.get(name) or self._over.get(name)

    def stopped(self, feeder: str) -> EmergencyStopped | None:
        """The emergency stop that holds on a feeder."""
        return self._stopped.get(feeder)

    def all_stopped(self) -> tuple[tuple[str, EmergencyStopped], ...]:
        """Every feeder on which an emergency stop holds, with that stop."""
        return tuple(self._stopped.items())

    def has_more_reach(self, feeder: str, now: datetime) -> bool:
        """Whether two operators let the automatic go beyond its limits on reach now."""
        granted = self._more_reach.get(feeder)
        return granted is not None and granted[0] <= now < granted[1]

    def command(self, principal: str, key: str) -> CommandTaken | None:
        """What was done under a key."""
        return self._commands.get((principal, key))

    # --- take in
    # -------------------------------------------------------------------------------------------------

    def take(self, entry: OrderEntry) -> None:
        """Take one entry in. Raises BooksBroken, having changed nothing."""
        match entry:
            case OrderDrafted():
                self._drafted(entry)
            case OrderAgreed():
                self._agreed(entry)
            case OrderClosed():
                self._closed(entry)
            case EmergencyStopped():
                self._stopped |= dict.fromkeys(entry.feeders, entry)
                for feeder in entry.feeders:
                    self._more_reach.pop(feeder, None)
                self._keep(entry.stop, entry)
            case CommandTaken():
                self._commands.pop((entry.principal, entry.key), None)
                self._commands[entry.principal, entry.key] = entry
                _forget(self._commands, KEEP_COMMANDS)
            case OperatorActed():
                if entry.action == "automatic_on":
                    self._stopped.pop(entry.feeder, None)
                elif entry.action == "automatic_off":
                    self._more_reach.pop(entry.feeder, None)
                self._acted(entry)

    def check_whole(self, commit: Iterable[object]) -> None:
        """Raises BooksBroken where these entries, taken in before, tell of an order that was carried out and
        not of what it did. Asked before they are written, not of journals: one that is written is read.
        """
        for entry in commit:
            if not isinstance(entry, OrderClosed) or entry.outcome != "carried_out":
                continue
            record = self.find(entry.draft)
            if not isinstance(record, DraftRecord) or record.drafted.action == "more_reach":
                continue
            if record.acted is None:
                raise BooksBroken(f"order {entry.draft} carried out without its act")

    def _drafted(self, entry: OrderDrafted) -> None:
        if self.find(entry.draft) is not None:
            raise BooksBroken(f"order {entry.draft} drafted twice")
        agreed = (entry.who,) if entry.person else ()
        self._open[entry.draft] = DraftRecord(drafted=entry, agreed=agreed)

    def _agreed(self, entry: OrderAgreed) -> None:
        record = self._known(entry.draft)
        self._open[entry.draft] = msgspec.structs.replace(
            record,
            agreed=with_person(record.agreed, entry.who) if entry.person else record.agreed,
            confirmed=(*record.confirmed, entry.who),
        )

    def _closed(self, entry: OrderClosed) -> None:
        record = self._known(entry.draft)
        drafted = record.drafted
        if entry.outcome == "carried_out":
            if not record.confirmed or (drafted.needed > 1 and len(record.agreed) < drafted.needed):
                raise BooksBroken(f"order {entry.draft} carried out without enough who agreed")
            if entry.at > drafted.expires_at:
                raise BooksBroken(f"order {entry.draft} carried out after {drafted.expires_at}")
            if drafted.action == "more_reach":
                until = entry.at + timedelta(seconds=drafted.grants_s or 0.0)
                self._more_reach[drafted.feeder] = entry.at, until
        del self._open[entry.draft]
        self._keep(entry.draft, msgspec.structs.replace(record, closed=entry))

    def _acted(self, entry: OperatorActed) -> None:
        if entry.draft is None:
            self._keep(act_id(entry), entry)
            return
        record = self._over.get(entry.draft)
        if isinstance(record, DraftRecord):
            self._over[entry.draft] = msgspec.structs.replace(record, acted=entry)

    def _known(self, draft: str) -> DraftRecord:
        record = self._open.get(draft)
        if record is None:
            raise BooksBroken(f"order {draft} is not open (any more)")
        return record

    def _keep(self, name: str, told: Told) -> None:
        self._over.pop(name, None)
        self._over[name] = told
        _forget(self._over, KEEP)


def _forget(kept: dict[tuple[str, str], CommandTaken] | dict[str, Told], most: int) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]  # type: ignore[arg-type]


def of_feeders(told: Iterable[Told], feeders: frozenset[str] | None) -> tuple[Told, ...]:
    """Those that somebody for these feeders may see; None: all."""
    return tuple(one for one in told if feeders is None or feeders_of(one) <= feeders)


def is_shown(told: Told, feeders: frozenset[str] | None) -> bool:
    """Whether somebody for these feeders (None: all) may see an order: all of it is theirs. A stop concerns
    them on any of their feeders already.
    """
    if feeders is None:
        return True
    of = feeders_of(told)
    return not of.isdisjoint(feeders) if isinstance(told, EmergencyStopped) else of <= feeders


def feeders_of(told: Told) -> frozenset[str]:
    """The feeders that an order is for."""
    match told:
        case DraftRecord():
            return frozenset({told.drafted.feeder})
        case OperatorActed():
            return frozenset({told.feeder})
        case EmergencyStopped():
            return frozenset(told.feeders)
