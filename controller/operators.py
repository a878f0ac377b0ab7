"""What a person orders beats the automatic, at once, and stays until it is handed back (design, rule 5; C10).
Pure.

`release` frees one target and keeps it out of the running event; `release_all` frees everybody and keeps the
automatic out of the running event; `exclude` frees a target and keeps it out until `include` or
`automatic_on`; a customer stands for their devices as well. `automatic_off` stops all new, tighter and longer
limits of the automatic until `automatic_on`: what is held ends at its own end. `limit`, which limits by hand,
is `ordered_limits.py`; `release` of its id frees all that it holds. `Orders` is what of this lasts, folded
from the same journal as the books, so a restart forgets nothing of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, cast, get_args

from controller.books import Books
from controller.data_alarms import CONTROLLER_FAULT
from controller.entries import (
    DataAlarm,
    Entry,
    EventClosed,
    EventOpened,
    OperatorActed,
    OperatorAction,
    RequestChanged,
    RequestMoved,
)
from controller.feeder_control import FeederControl
from controller.requests import RequestRecord

ACTIONS: tuple[OperatorAction, ...] = get_args(OperatorAction)
NEED_TARGET = ("release", "exclude", "include")
FreeReason = Literal["released", "overridden", "protected", "let_go"]
FREEING: tuple[FreeReason, ...] = get_args(FreeReason)
"""Changes that free the target."""


@dataclass(frozen=True)
class Orders:
    """What operators ordered and what still stands, for all feeders. Replaced, never changed."""

    released: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """feeder to the targets that are left alone until the event closes"""
    hands_off: frozenset[str] = frozenset()
    """feeders on which the automatic asks nobody until the event closes"""
    excluded: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """feeder to the targets that are left alone until `include` or `automatic_on`"""

    def left_alone(self, feeder: str) -> frozenset[str]:
        """Targets that must not be asked now."""
        return self.released.get(feeder, frozenset()) | self.excluded.get(feeder, frozenset())

    def leave_automatic(self, feeder: str, books: Books) -> bool:
        """Whether no operator keeps the automatic out."""
        return books.automatic(feeder) and feeder not in self.hands_off

    def after(self, entry: Entry) -> "Orders":
        """The orders once this entry is journaled."""
        if isinstance(entry, EventOpened | EventClosed):
            # opened as well: what was ordered while nothing ran holds for nothing that comes later
            released = {
                feeder: targets for feeder, targets in self.released.items() if feeder != entry.feeder
            }
            return replace(self, released=released, hands_off=self.hands_off - {entry.feeder})
        return self._acted(entry) if isinstance(entry, OperatorActed) else self

    def _acted(self, entry: OperatorActed) -> "Orders":
        match entry.action, entry.target:
            case "release_all", _:
                return replace(self, hands_off=self.hands_off | {entry.feeder})
            case "release", str(target):
                return replace(self, released=_with(self.released, entry.feeder, target))
            case "exclude", str(target):
                return replace(self, excluded=_with(self.excluded, entry.feeder, target))
            case "include", str(target):
                left = self.excluded.get(entry.feeder, frozenset()) - {target}
                return replace(self, excluded={**self.excluded, entry.feeder: left})
            case "automatic_on", _:
                excluded = {
                    feeder: targets for feeder, targets in self.excluded.items() if feeder != entry.feeder
                }
                return replace(self, excluded=excluded, hands_off=self.hands_off - {entry.feeder})
            case _:
                return self


def _with(sets: Mapping[str, frozenset[str]], feeder: str, target: str) -> dict[str, frozenset[str]]:
    return {**sets, feeder: sets.get(feeder, frozenset()) | {target}}


def order(
    control: FeederControl,
    books: Books,
    epoch: int,
    *,
    action: str,
    target: str | None,
    who: str,
    why: str,
    now: datetime,
) -> tuple[OperatorActed, tuple[Entry, ...]]:
    """The entries of an operator's action, itself first. Raises ValueError naming what was expected."""
    check_who_and_why(who, why)
    if action == "limit":
        raise ValueError("limit: expected through `ordered_limits.order_limit`")
    named = named_by(control, books, action, target)
    act = OperatorActed(
        at=now,
        who=who.strip(),
        why=why.strip(),
        action=cast("OperatorAction", action),
        feeder=control.feeder,
        target=named,
    )
    freed = freed_by(books, control.feeder, action, named, now)
    handed_back = _handed_back(control, books, now) if action == "automatic_on" else ()
    return act, (act, *handed_back, *free(freed, epoch, now, "overridden", f"{action} by {act.who}"))


def freed_by(books: Books, feeder: str, action: str, named: str | None, now: datetime) -> list[RequestRecord]:
    """The requests that an action ends; `named`: as `named_by` gives it."""
    frees = action in ("release", "exclude")
    return [
        record
        for record in books.unsettled(feeder)
        if may_be_held(record, now) and (action == "release_all" or (frees and named in _names_of(record)))
    ]


def named_by(control: FeederControl, books: Books, action: str, target: str | None) -> str | None:
    """Whom an action means; None where it means nobody in particular. Raises ValueError."""
    if action not in ACTIONS:
        raise ValueError(f"action {action!r}: expected one of {', '.join(ACTIONS)}")
    if action not in NEED_TARGET:
        return None
    if not target:
        raise ValueError(f"action {action!r}: expected a target: a device, a customer or a request")
    is_order = action == "release" and _is_order(books, control.feeder, target)
    return target if is_order else ordered_target(control, books, target)


def _is_order(books: Books, feeder: str, target: str) -> bool:
    return any(one.ordered is not None and one.ordered.order == target for one in books.unsettled(feeder))


def _names_of(record: RequestRecord) -> tuple[str, ...]:
    """By which an action may mean it: also that of the order by which an operator limits it."""
    planned = record.planned
    by_order = () if record.ordered is None else (record.ordered.order,)
    return (planned.target, planned.customer, *by_order)


def may_be_held(record: RequestRecord, now: datetime) -> bool:
    """Also what was given up: its command may still be on its way, and the device would hold it."""
    return record.is_open or (record.state in ("unanswered", "failed") and now < record.end)


def _handed_back(control: FeederControl, books: Books, now: datetime) -> tuple[DataAlarm, ...]:
    """With the automatic a person also takes back its suspension after faults of ours."""
    return tuple(
        DataAlarm(
            at=now, feeder=control.feeder, kind=alarm.kind, raised=False, text=f"{alarm.kind}: handed back"
        )
        for alarm in books.alarms(control.feeder)
        if alarm.kind == CONTROLLER_FAULT
    )


def free(
    records: Iterable[RequestRecord], epoch: int, now: datetime, reason: FreeReason, why: str
) -> tuple[Entry, ...]:
    """The entries that free these targets at once: a command under a higher sequence, and the step of the
    request.
    """
    entries: list[Entry] = []
    for record in records:
        entries.append(
            RequestChanged(
                at=now,
                request=record.request,
                limit_kw=record.limit_kw,
                end=min(now, record.end),
                epoch=epoch,
                sequence=record.sequence + 1,
                reason=reason,
            )
        )
        if reason in ("overridden", "protected"):
            entries.append(RequestMoved(at=now, request=record.request, state="overridden", reason=why))
    return tuple(entries)


def check_who_and_why(who: str, why: str) -> None:
    """Raises ValueError where one is missing."""
    if not who.strip() or not why.strip():
        raise ValueError("who and why: both are expected, an operator's action is journaled with them")


def ordered_target(control: FeederControl, books: Books, target: str) -> str:
    """The device or customer that is meant; a request stands for its target. Raises ValueError."""
    record = books.requests.get(target)
    if record is not None and record.planned.feeder == control.feeder:
        return record.planned.target
    if target in control.registry.device or target in control.customer:
        return target
    raise ValueError(
        f"target {target!r}: expected a device, customer or request of feeder {control.feeder!r}"
    )
