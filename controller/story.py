"""The whole story of one request in plain sentences with figures, each with its entry's number. Pure.

Says what the journal proves and where it is silent; adds nothing to it. Knows no store and no terminal.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from controller import entries as e
from controller.books import Books
from controller.curtailments import Curtailment
from controller.ledger import customer_account
from controller.narration import figure, named, tell, whose
from controller.requests import RequestRecord
from controller.stores.port import Numbered
from controller.story_steps import step


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence."""

    text: str
    seq: int | None = None
    """the entry that proves it"""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """Some sentences under one title."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """What happened, in the order in which somebody asks."""

    request: str
    title: str
    chapters: tuple[Chapter, ...]


_WHY = (e.ViolationAppeared, e.ViolationCleared, e.EventOpened, e.EventShort, e.EventClosed)


def story(one: Curtailment) -> Story:
    """The story of one request."""
    planned = one.record.planned
    return Story(
        request=planned.request,
        title=f"Request {planned.request}: {whose(one.record)}, {planned.service_point} on {planned.feeder}",
        chapters=(
            Chapter("Why", _why(one)),
            Chapter("Why this target", _target(one)),
            Chapter("What happened", _steps(one)),
            Chapter("What the meter proved", _proof(one)),
            Chapter("Credit", _credit(one)),
        ),
    )


def _line(fact: Numbered, text: str) -> Line:
    return Line(text, fact.seq, fact.entry.at)


def _why(one: Curtailment) -> tuple[Line, ...]:
    planned = one.record.planned
    lines = [_told(fact) for fact in one.facts if isinstance(fact.entry, _WHY)]
    limit = "" if one.limit is None else f" (limit {figure(planned.element, one.limit)})"
    stood = "was expected at" if planned.expected else "was at"
    element = named(planned.element)
    text = f"{element} {stood} {figure(planned.element, planned.value)}{limit} when the request was planned"
    place = sum(line.at is not None and line.at <= planned.at for line in lines)
    lines.insert(place, Line(text, _seq_of_plan(one), planned.at))
    opened = one.event.opened
    if opened.probability is None:
        lines.append(Line("The journal notes no doubt about the violation"))
    elif opened.expected:  # else its sentence tells it already
        lines.append(Line(f"The violation was {opened.probability:.0%} sure when the event opened"))
    return tuple(lines)


def _told(fact: Numbered) -> Line:
    """A sentence of the narration: of an entry that says all itself."""
    return _line(fact, tell(fact, Books()).text)


def _seq_of_plan(one: Curtailment) -> int:
    return next(fact.seq for fact in one.facts if isinstance(fact.entry, e.RequestPlanned))


def _target(one: Curtailment) -> tuple[Line, ...]:
    planned = one.record.planned
    less_kw = planned.p_before_kw - planned.limit_kw
    took, whom = ("It took", "it") if planned.resource == "device" else ("The meter showed", "the customer")
    less = f": {less_kw:.1f} kW less" if less_kw > 0 else ""
    asked = f"{whom} was asked for no more than {planned.limit_kw:.1f} kW{less}"
    lines = [Line(f"{took} {planned.p_before_kw:.1f} kW, and {asked}", _seq_of_plan(one), planned.at)]
    asked_of = len(one.event.requests)
    if asked_of > 1:
        lines.append(Line(f"It is one of {asked_of} requests of the event"))
    lines.append(
        Line(
            "The journal holds neither how the target was chosen nor its guaranteed minimum; "
            "that minimum stands in the site's list of devices"
        )
        if planned.resource == "device"
        else Line("The journal does not hold how the target was chosen")
    )
    return tuple(lines)


def _steps(one: Curtailment) -> tuple[Line, ...]:
    resource = one.record.resource
    lines = []
    for fact in one.facts:
        text = step(fact.entry, resource)
        if text is not None:
            lines.append(_line(fact, text))
        elif isinstance(fact.entry, e.OperatorActed | e.ControllerStarted):
            lines.append(_told(fact))
    return tuple(lines)


def _proof(one: Curtailment) -> tuple[Line, ...]:
    record, planned = one.record, one.record.planned
    lines = [
        Line(
            f"Baseline {planned.baseline_kw:.2f} kW at the meter, frozen before anybody was told",
            _seq_of_plan(one),
            planned.at,
        )
    ]
    if record.active_at is not None:
        until = "now" if record.ended_at is None else f"{record.ended_at:%H:%M:%S}"
        lines.append(Line(f"In force from {record.active_at:%H:%M:%S} until {until}"))
    settled = _settled(one)
    if settled is None:
        return (*lines, Line(f"Not settled yet: the request is {record.state}"))
    seq, told = settled
    if told.intervals:
        read = f"{told.intervals_measured} of {told.intervals} intervals were read well enough"
        lines.append(Line(f"{read}; the journal holds their sum, not each of them", seq, told.at))
    if told.outcome in ("credited", "nothing_shown"):
        share = f"{told.compliance_percent:.1f} % of what was asked where it was read"
        shown = f"{told.reduced_kwh:.3f} kWh less than the baseline count, of {told.asked_kwh:.3f} kWh asked"
        lines.append(Line(f"{shown} ({share})", seq, told.at))
    else:
        lines.append(Line("No reduction is proven", seq, told.at))
    if one.beside:
        lines.append(
            Line(f"What the meter showed is shared with {', '.join(one.beside)}, in force beside it")
        )
    return tuple(lines)


def _settled(one: Curtailment) -> tuple[int, e.RequestSettled] | None:
    for fact in one.facts:
        if isinstance(fact.entry, e.RequestSettled):
            return fact.seq, fact.entry
    return None


def _credit(one: Curtailment) -> tuple[Line, ...]:
    settled = _settled(one)
    if settled is None:
        return (Line("Nothing is credited before the request is settled"),)
    seq, told = settled
    if not one.postings:
        return (Line(f"Nothing was credited: {_why_nothing(one.record, told)}", seq, told.at),)
    account = customer_account(one.record.planned.customer)
    sums: Counter[str] = Counter()
    lines = []
    for number, posted in one.postings:
        lines.append(Line(f"Booked under {posted.key}: {posted.reason}", number, posted.at))
        for name, unit, amount in posted.postings:
            lines.append(Line(f"  {amount:+} {unit} to {name}", number, posted.at))
            if name == account:
                sums[unit] += amount
    credited = " and ".join(f"{amount} {unit}" for unit, amount in sums.items()) or "nothing"
    return (Line(f"Customer {one.record.planned.customer} was credited {credited}"), *lines)


def _why_nothing(record: RequestRecord, told: e.RequestSettled) -> str:
    match told.outcome:
        case "refused_or_silent":
            reason = f" ({record.reason})" if record.reason else ""
            return f"the request never came into force, it was {record.state}{reason}"
        case "too_little_data":
            read = f"{told.intervals_measured} of {told.intervals} intervals"
            return f"the meter was read in {read}, too few to prove anything"
        case "nothing_shown" if told.reduced_kwh > 0:
            return f"{told.reduced_kwh:.3f} kWh earn no whole point or cent"
        case "nothing_shown":
            return "the meter shows no less than the baseline"
        case _:
            return "the journal holds no booking for it, although it says credited"
