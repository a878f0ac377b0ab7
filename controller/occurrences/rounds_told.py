"""The rounds of planning of an event: who was asked and why they, who was left alone and why. Pure.

A journal of before rounds were told holds the requests alone: those of one instant then make a round, and who
was left alone is not known.
"""

from collections.abc import Iterable, Sequence

from controller import entries as e
from controller.books import Books
from controller.occurrences.bodies import Asked, Left, Round
from controller.stores.port import Numbered


def rounds_of(facts: Iterable[Numbered], books: Books) -> tuple[Round, ...]:
    """In order; `books` know the requests."""
    found: list[Round] = []
    told: set[str] = set()
    untold: list[e.RequestPlanned] = []
    for fact in facts:
        entry = fact.entry
        if isinstance(entry, e.RoundPlanned):
            told |= {one.request for one in entry.asked}
            found.append(_told(fact.seq, entry, books, limits=_limits_at(entry, books)))
        elif isinstance(entry, e.RequestPlanned) and entry.request not in told:
            untold.append(entry)
    found += [_untold(together) for together in _by_instant(untold)]
    return tuple(sorted(found, key=lambda one: one.at))


def _limits_at(entry: e.RoundPlanned, books: Books) -> dict[str, float]:
    """The limit that each request had once the round was over."""
    limits: dict[str, float] = {}
    for one in entry.asked:
        record = books.requests.get(one.request)
        for at, limit_kw in () if record is None else record.limits:
            if at <= entry.at:
                limits[one.request] = limit_kw
    return limits


def _told(seq: int, entry: e.RoundPlanned, books: Books, *, limits: dict[str, float]) -> Round:
    asked = [
        _asked(
            record.planned, limits.get(one.request, record.planned.limit_kw), one.cut_kw, one.effect_per_kw
        )
        for one in entry.asked
        if (record := books.requests.get(one.request)) is not None
    ]
    return Round(
        seq=seq,
        at=entry.at,
        element=entry.element,
        kind=entry.kind,
        value=entry.value,
        limit=entry.limit,
        expected=entry.expected,
        cut_kw=round(sum(one.cut_kw for one in entry.asked), 3),
        asked=tuple(asked),
        left=tuple(Left(reason=one.reason, count=one.count, devices=one.devices) for one in entry.left),
        gate_refused=entry.gate_refused,
    )


def _untold(together: Sequence[e.RequestPlanned]) -> Round:
    first = together[0]
    asked = tuple(_asked(p, p.limit_kw, max(p.p_before_kw - p.limit_kw, 0.0), None) for p in together)
    return Round(
        seq=None,
        at=first.at,
        element=first.element,
        kind=None,
        value=first.value,
        limit=None,
        expected=first.expected,
        cut_kw=round(sum(one.cut_kw for one in asked), 3),
        asked=asked,
        left=None,
        gate_refused=(),
    )


def _by_instant(planned: Iterable[e.RequestPlanned]) -> list[list[e.RequestPlanned]]:
    found: list[list[e.RequestPlanned]] = []
    for one in planned:
        if not found or found[-1][0].at != one.at:
            found.append([])
        found[-1].append(one)
    return found


def _asked(planned: e.RequestPlanned, limit_kw: float, cut_kw: float, effect_per_kw: float | None) -> Asked:
    return Asked(
        request=planned.request,
        resource=planned.resource,
        target=planned.target,
        kind=planned.kind,
        customer=planned.customer,
        service_point=planned.service_point,
        p_before_kw=planned.p_before_kw,
        limit_kw=limit_kw,
        floor_kw=planned.floor_kw,
        cut_kw=round(cut_kw, 3),
        share_percent=planned.share_percent,
        effect_per_kw=effect_per_kw,
        programme=planned.programme,
        direction=planned.direction,
    )
