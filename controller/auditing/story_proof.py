"""What the meter proved, and what was corrected or disputed of it, as sentences: part of a request's story.
Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from controller import entries as e
from controller.auditing.curtailments import Curtailment
from controller.books import Books
from controller.bounds import feeds_in
from controller.narration.telling import tell
from controller.stores.port import Numbered

Settling = e.RequestSettled | e.SettlementCorrected
_LATER = (e.SettlementCorrected, e.DisputeOpened, e.DisputeClosed)


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence."""

    text: str
    seq: int | None = None
    """the entry that proves it"""
    at: datetime | None = None


def line(fact: Numbered, text: str) -> Line:
    """A sentence that this entry proves."""
    return Line(text, fact.seq, fact.entry.at)


def told(fact: Numbered) -> Line:
    """A sentence of the narration: of an entry that says all itself."""
    return line(fact, tell(fact, Books()).text)


def settled_by(one: Curtailment) -> tuple[Numbered, e.RequestSettled] | None:
    """The settlement and its place, once it is there."""
    for fact in one.facts:
        if isinstance(fact.entry, e.RequestSettled):
            return fact, fact.entry
    return None


def proof(one: Curtailment, planned_at: Numbered) -> tuple[Line, ...]:
    """The chapter of the meter; `planned_at` is the request's first entry."""
    record, planned = one.record, one.record.planned
    lines = [
        line(
            planned_at, f"Baseline {planned.baseline_kw:.2f} kW at the meter, frozen before anybody was told"
        )
    ]
    if feeds_in(record):
        what = "only what it is believed to have left of what was asked can count"
        lines.append(Line(f"The sun is taken for falling from then on: {what}"))
    if planned.beside_kw > 0:
        watched = "what they do of that does not count"
        lines.append(
            line(planned_at, f"Others behind the meter may do {planned.beside_kw:.2f} kW of it: {watched}")
        )
    if record.active_at is not None:
        until = "now" if record.ended_at is None else f"{record.ended_at:%H:%M:%S}"
        lines.append(Line(f"In force from {record.active_at:%H:%M:%S} until {until}"))
    settled = settled_by(one)
    if settled is None:
        return (*lines, Line(f"Not settled yet: the request is {record.state}"))
    fact, entry = settled
    lines += (line(fact, text) for text in _shown(entry))
    if entry.sun is not None:
        lines.append(line(fact, _sun(entry.sun)))
    if one.beside:
        lines.append(
            Line(f"What the meter showed is shared with {', '.join(one.beside)}, in force beside it")
        )
    if any(isinstance(later.entry, e.SettlementCorrected) for later in one.facts):
        lines.append(Line("This was corrected: the last correction below is what holds"))
    return tuple(lines)


def later(one: Curtailment) -> tuple[Line, ...]:
    """The chapter of corrections and disputes; empty where there were none."""
    lines: list[Line] = []
    for fact in one.facts:
        if isinstance(fact.entry, _LATER):
            lines.append(told(fact))
        if isinstance(fact.entry, e.SettlementCorrected):
            lines += (line(fact, f"  {text}") for text in _shown(fact.entry))
    return tuple(lines)


def _shown(entry: Settling) -> Iterator[str]:
    """What one calculation says that the meter shows."""
    if entry.baseline is not None:
        yield from _baseline(entry.baseline)
    if entry.intervals:
        read = f"{entry.intervals_measured} of {entry.intervals} intervals were read well enough"
        yield read if entry.by_interval else f"{read}; the journal holds their sum, not each of them"
    yield from map(_interval, entry.by_interval)
    if entry.outcome in ("credited", "nothing_shown"):
        share = f"{entry.compliance_percent:.1f} % of what was asked where it was read"
        less = f"{entry.reduced_kwh:.3f} kWh less than the baseline count, of {entry.asked_kwh:.3f} kWh asked"
        yield f"{less} ({share})"
    else:
        yield "No reduction is proven"
    if entry.readings is not None:
        yield f"The digest of the meter's samples is {entry.readings}"


def _interval(one: e.SettledInterval) -> str:
    shown = f"{one.reduced_wh} Wh less, of {one.asked_wh} Wh asked" if one.proven else "nothing is proven"
    return f"  {one.start:%H:%M:%S}: {shown}; read in {one.measured_s} of {one.active_s} s"


def _sun(seen: e.SettledSun) -> str:
    told = [part for part in seen.gone if part is not None]
    steps = f"they told it in {len(told)} of {len(seen.gone)} steps"
    return f"By other roofs up to {100 * max(told):.1f} % of the sun is gone; {steps}"


def _baseline(used: e.SettledBaseline) -> Iterator[str]:
    rule = f"The programme's baseline is by the rule {used.rule}"
    method = "" if used.method == used.rule else f", and {used.method} was used"
    yield f"{rule}{method}: {used.baseline_kwh:.3f} kWh in the active time"
    if used.days:
        yield f"  from the days {', '.join(f'{day}' for day in used.days)}"
    if used.adjustment:
        yield f"  {used.adjustment}"
    yield from (f"  {reason}" for reason in used.reasons)
