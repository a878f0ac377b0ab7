"""The answers in a planner's words; each says how sure it is. Pure; texts are not yet escaped."""

import math

from simulations.studies.answers import Case, grid_percent, money, percent
from simulations.studies.proportions import Interval
from simulations.studies.study import Costs, Question
from simulations.studies.threshold import AtShare, Threshold


def need(case: Case, question: Question) -> str:
    """From which share on the feeder needs control, as what follows "control is"."""
    if case.threshold is None:
        return _need_of_one(case.at[0], question)
    found = case.threshold
    if found.needed_from is None:
        return _not_needed(found, question)
    first = next(one for one in found.at if one.share == found.needed_from)
    there = f"there {_seeds(first, question)}. {_sure(found, question)}"
    return f"needed from {grid_percent(found.needed_from)} on: {there}"


def worth(at: AtShare, costs: Costs, confidence: float) -> str:
    """What control saves against reinforcement at one share, or costs more."""
    if at.not_carried:
        return f"{_compared(at, costs, confidence)}; {_not_carried(at)}"
    if at.reinforcement.estimate == 0:
        return "nothing would have to be reinforced, so control saves nothing but costs its operation"
    return _compared(at, costs, confidence)


def _not_carried(at: AtShare) -> str:
    return (
        f"in {at.not_carried} of {at.seeds} seeds no load flow finds a state for a while: the network cannot "
        "carry what is taken then, and what has to be built for that is not in these figures"
    )


def _compared(at: AtShare, costs: Costs, confidence: float) -> str:
    currency, saved = costs.currency, at.saved
    verdict = (
        "which is cheaper cannot be told"
        if at.not_carried
        else "control is cheaper"
        if saved.low > 0
        else "reinforcement is cheaper"
        if saved.high < 0
        else "which is cheaper is not certain from these seeds"
    )
    return (
        f"reinforcement would cost {money(at.reinforcement.estimate, currency)} a year "
        f"({money(at.investment, currency)} to invest), control {money(at.control.estimate, currency)} "
        f"a year: saved {money(saved.estimate, currency)} a year{between(saved, currency, confidence)}; "
        f"{verdict}"
    )


def between(interval: Interval, currency: str, confidence: float) -> str:
    """The interval in brackets; nothing for one that a single seed leaves open."""
    if math.isinf(interval.low):
        return " (one seed tells no interval)"
    return (
        f" ({percent(confidence)} interval {money(interval.low, currency)} to "
        f"{money(interval.high, currency)})"
    )


def left(at: AtShare, question: Question) -> str:
    """What control leaves."""
    minutes = f"{question.control_leaves_minutes_per_day:g} minutes a day"
    if at.still_exceeding == 0:
        return f"in no seed more than {minutes} over the limit are left with control"
    return (
        f"in {at.still_exceeding} of {at.seeds} seeds control leaves more than {minutes} over the limit; "
        "there what remains overloaded is reinforced all the same, and counted"
    )


def _need_of_one(at: AtShare, question: Question) -> str:
    needed = at.chance.estimate > question.seeds_percent / 100
    return f"{'needed' if needed else 'not needed'}: {_seeds(at, question)}"


def _not_needed(found: Threshold, question: Question) -> str:
    last = found.at[-1]
    sure = "" if found.sure_below == last.share else "; too few seeds to be sure of it"
    return (
        f"not needed up to {grid_percent(last.share)}, the highest share that was looked at: there "
        f"{_seeds(last, question)}{sure}"
    )


def _seeds(at: AtShare, question: Question) -> str:
    minutes = question.more_than_minutes_per_day
    over = "over the limit" if minutes == 0 else f"over the limit for more than {minutes:g} minutes a day"
    return (
        f"{at.exceeding} of {at.seeds} seeds are {over} when left alone "
        f"({percent(question.confidence)} interval {percent(at.chance.low)} to {percent(at.chance.high)}, "
        f"allowed {question.seeds_percent:g} %)"
    )


def _sure(found: Threshold, question: Question) -> str:
    parts = []
    if found.sure_from is not None:
        parts.append(f"Certain from {grid_percent(found.sure_from)} on")
    if found.sure_below is not None:
        parts.append(f"certainly not needed up to {grid_percent(found.sure_below)}")
    if not parts:
        return "How certain that is, more seeds would have to tell."
    text = ", ".join(parts)
    return f"{text[:1].upper()}{text[1:]} (with {percent(question.confidence)} confidence)."
