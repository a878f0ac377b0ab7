"""The whole story of one request in plain sentences with figures, each with its entry's number. Pure.

Says what the journal proves and where it is silent; adds nothing to it. Knows no store and no terminal.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from controller import entries as e
from controller.auditing.curtailments import Curtailment
from controller.auditing.story_proof import Line, later, line, proof, settled_by, told
from controller.auditing.story_steps import step
from controller.narration.network import figure, named
from controller.narration.requests import whose
from controller.requests import RequestRecord
from controller.rewards.ledger import customer_account
from controller.stores.port import Numbered


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
            Chapter("What the meter proved", proof(one, _plan(one))),
            *((Chapter("Corrections and disputes", changes),) if (changes := later(one)) else ()),
            Chapter("Credit", _credit(one)),
        ),
    )


def _why(one: Curtailment) -> tuple[Line, ...]:
    planned = one.record.planned
    lines = [told(fact) for fact in one.facts if isinstance(fact.entry, _WHY) or _is_order(one, fact)]
    limit = "" if one.limit is None else f" (limit {figure(planned.element, one.limit)})"
    stood = "was expected at" if planned.expected else "was at"
    element = named(planned.element)
    text = f"{element} {stood} {figure(planned.element, planned.value)}{limit} when the request was planned"
    place = sum(before.at is not None and before.at <= planned.at for before in lines)
    lines.insert(place, line(_plan(one), text))
    opened = one.event.opened
    if opened.probability is None:
        lines.append(Line("The journal notes no doubt about the violation"))
    elif opened.expected:  # else its sentence tells it already
        lines.append(Line(f"The violation was {opened.probability:.0%} sure when the event opened"))
    return tuple(lines)


def _is_order(one: Curtailment, fact: Numbered) -> bool:
    """Whether this is the order of an operator that made the request."""
    return isinstance(fact.entry, e.OperatorActed) and fact.entry.order == one.record.planned.event


def _plan(one: Curtailment) -> Numbered:
    return next(fact for fact in one.facts if isinstance(fact.entry, e.RequestPlanned))


def _target(one: Curtailment) -> tuple[Line, ...]:
    planned = one.record.planned
    less_kw = planned.p_before_kw - planned.limit_kw
    took, whom = ("It took", "it") if planned.resource == "device" else ("The meter showed", "the customer")
    less = f": {less_kw:.1f} kW less" if less_kw > 0 else ""
    asked = f"{whom} was asked for no more than {planned.limit_kw:.1f} kW{less}"
    if planned.direction == "production":
        took, asked = "It fed in", f"it was asked to feed in no more than {planned.limit_kw:.1f} kW{less}"
    lines = [line(_plan(one), f"{took} {planned.p_before_kw:.1f} kW, and {asked}")]
    asked_of = len(one.event.requests)
    if asked_of > 1:
        of_what = "event" if planned.ordered is None else "order"
        lines.append(Line(f"It is one of {asked_of} requests of the {of_what}"))
    return (*lines, *(line(_plan(one), text) for text in _reasons(planned)))


def _reasons(planned: e.RequestPlanned) -> Iterator[str]:
    """Why it, and how far down it could be asked to go."""
    if planned.share_percent is not None:
        yield f"Its service point causes {planned.share_percent:.1f} % of the violation"
    if planned.programme is not None:
        yield f"It was asked by the terms of the programme {planned.programme}"
    if planned.floor_kw is not None:
        of = " of feeding in" if planned.direction == "production" else ""
        yield f"It is guaranteed {planned.floor_kw:.1f} kW{of}: it is never asked for less"
    if planned.ordered is not None:
        yield f"{planned.ordered.by} chose it"
    elif planned.share_percent is None:
        yield "The journal does not hold how much of the violation it causes"
    if planned.floor_kw is None and planned.resource == "device":
        yield "The journal does not hold its guaranteed minimum; that stands in the site's list of devices"


def _steps(one: Curtailment) -> tuple[Line, ...]:
    resource = one.record.resource
    lines = []
    for fact in one.facts:
        text = step(fact.entry, resource)
        if text is not None:
            lines.append(line(fact, text))
        elif isinstance(fact.entry, e.OperatorActed | e.ControllerStarted) and not _is_order(one, fact):
            lines.append(told(fact))
    return tuple(lines)


def _credit(one: Curtailment) -> tuple[Line, ...]:
    settled = settled_by(one)
    if settled is None:
        return (Line("Nothing is credited before the request is settled"),)
    fact, entry = settled
    if not one.postings:
        return (line(fact, f"Nothing was credited: {_why_nothing(one.record, entry)}"),)
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
            return _nothing_shown(record)
        case _:
            return "the journal holds no booking for it, although it says credited"


def _nothing_shown(record: RequestRecord) -> str:
    if record.beside:
        most_kw = max(kw for _, kw in record.beside)
        cannot = f"other devices behind it cannot have done, up to {most_kw:.2f} kW"
        return f"the meter shows nothing that {cannot}: no meter tells which of them did it"
    if record.planned.direction == "production":
        return "the meter shows no less feed-in than the sun is believed to have left"
    return "the meter shows no less than the baseline"
