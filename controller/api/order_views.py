"""Orders of the books as bodies of the API. Pure."""

from collections import Counter
from dataclasses import replace
from typing import assert_never

import msgspec

from controller.api.order_bodies import OrderBody, StoppedFeeder
from controller.books import Books
from controller.entries import EmergencyStopped, OperatorActed
from controller.order_effects import WhatIf
from controller.orders.endings import end_code
from controller.orders.giving import Giver
from controller.orders.order_book import DraftRecord, Told
from controller.orders.order_desk import OrderDesk
from controller.orders.order_judge import WhyNot

NOT_FORESEEN = "its effect cannot be foreseen now"
_NOBODY = WhyNot("not_signed_in", "nobody is signed in")


def cut_to(told: Told, feeders: frozenset[str] | None) -> Told:
    """A stop without the feeders that are not theirs who look; None: all are."""
    if feeders is None or not isinstance(told, EmergencyStopped):
        return told
    theirs = tuple(feeder for feeder in told.feeders if feeder in feeders)
    return msgspec.structs.replace(told, feeders=theirs)


def stopped_feeder(feeder: str, stop: EmergencyStopped) -> StoppedFeeder:
    """A feeder on which a stop holds."""
    return StoppedFeeder(
        feeder=feeder, order=stop.stop, at=stop.at, who=stop.who, why=stop.why, manner=stop.manner
    )


def order_body(
    name: str, told: Told, desk: OrderDesk, giver: Giver | None, *, whole: bool = False
) -> OrderBody:
    """One order as `giver` may see it; `whole`: with its effect."""
    books = desk.keeper.books
    match told:
        case DraftRecord():
            return _draft(told, desk, giver, whole=whole)
        case OperatorActed():
            return _act(name, told, books)
        case EmergencyStopped():
            return _stop(told, books)
        case _:
            assert_never(told)


def _draft(record: DraftRecord, desk: OrderDesk, giver: Giver | None, *, whole: bool) -> OrderBody:
    drafted, closed = record.drafted, record.closed
    number, effect = desk.seen.get(record.draft)
    is_open = closed is None and desk.now() < drafted.expires_at
    why_not = _NOBODY if giver is None else desk.judge.why_not(record, giver, desk.now())
    return OrderBody(
        order=record.draft,
        kind="draft",
        feeders=(drafted.feeder,),
        action=drafted.action,
        target=drafted.target,
        targets=drafted.targets,
        limit_kw=drafted.limit_kw,
        until=drafted.until,
        direction=drafted.direction,
        at=drafted.at,
        who=drafted.who,
        why=drafted.why,
        state="expired" if closed is None and not is_open else record.state,
        needed=desk.judge.needed(record),
        agreed=desk.judge.agreed(record),
        confirmed=record.confirmed,
        expires_at=drafted.expires_at,
        may_confirm=is_open and why_not is None,
        cannot_because=why_not.text if why_not is not None and is_open else None,
        cannot_code=why_not.code if why_not is not None and is_open else None,
        closed_at=None if closed is None else closed.at,
        closed_by=None if closed is None else closed.who,
        reason=None if closed is None or closed.outcome == "carried_out" else closed.why,
        reason_code=None if closed is None else end_code(closed),
        reach_percent=drafted.reach_percent,
        before_percent=drafted.before_percent,
        after_percent=drafted.after_percent,
        effect_number=number,
        effect=_without_columns(effect) if whole else None,
        warnings=_warnings(effect, drafted.action) if whole and is_open else (),
        requests=_requests(record.acted, desk.keeper.books),
        left_out=() if record.acted is None else record.acted.left_out,
    )


def _act(name: str, act: OperatorActed, books: Books) -> OrderBody:
    return OrderBody(
        order=name,
        kind="act",
        feeders=(act.feeder,),
        action=act.action,
        target=act.target,
        targets=act.targets,
        limit_kw=act.limit_kw,
        until=act.until,
        direction=act.direction,
        at=act.at,
        who=act.who,
        why=act.why,
        state="carried_out",
        requests=_requests(act, books),
        left_out=act.left_out,
    )


def _stop(stop: EmergencyStopped, books: Books) -> OrderBody:
    holds = {feeder for feeder, one in books.order_book.all_stopped() if one.stop == stop.stop}
    held = tuple(feeder for feeder in stop.feeders if feeder in holds)
    return OrderBody(
        order=stop.stop,
        kind="stop",
        feeders=stop.feeders,
        action="emergency_stop",
        at=stop.at,
        who=stop.who,
        why=stop.why,
        state="carried_out",
        manner=stop.manner,
        held=held,
    )


def _without_columns(effect: WhatIf | None) -> WhatIf | None:
    return None if effect is None else replace(effect, columns_after=None)


def _warnings(effect: WhatIf | None, action: str) -> tuple[str, ...]:
    if effect is None:
        return () if action == "more_reach" else (NOT_FORESEEN,)
    return tuple(caution.text for caution in effect.cautions)


def _requests(act: OperatorActed | None, books: Books) -> dict[str, int]:
    if act is None or act.order is None:
        return {}
    return dict(sorted(Counter(record.state for record in books.requests_of(act.order)).items()))
