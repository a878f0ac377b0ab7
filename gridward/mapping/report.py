"""What `gridward mapping` found, in sentences for people. Pure."""

from collections.abc import Iterator, Sequence

import numpy as np

from grid_model.mapping.unmetered import Candidate, MissingPower, NothingMissing, PlaceUnknown
from grid_model.mapping.wrong_bus import WrongBus
from grid_model.network import Floats, Network
from gridward.mapping.findings import Elsewhere, GroupsTold, MappingFindings, Unmetered

_95_PERCENT = 1.96
_MOSTLY = 0.75
"""of the missing energy in a part of the day that is worth telling"""
_LONGEST_H = 12
_FEW = 5
_POOR_FIT = 3.0


def sentences(found: MappingFindings) -> Iterator[str]:
    """The report, line by line."""
    at, n_sp = found.history.at, len(found.history.network.service_points)
    if at:
        first, last = (f"{time:%Y-%m-%d %H:%M}" for time in (at[0], at[-1]))
        yield (
            f"Read: {found.n_snapshot} times from {first} to {last} ({at[0].tzname()}), "
            f"{found.n_read} of {n_sp} meters regularly"
        )
    yield from _parts(found)
    yield from (f"Note: {note}" for note in found.history.notes)


def _parts(found: MappingFindings) -> Iterator[str]:
    network = found.history.network
    yield ""
    for title, told in (
        ("Load without a meter", found.unmetered),
        ("Customers on another bus", found.wrong_bus),
        ("Customers on another cable or feeder", found.wrong_group),
        ("Customers on another phase", found.wrong_phase),
    ):
        yield f"{title}:"
        match told:
            case str():
                yield f"  not looked for; it needs {told}"
            case Unmetered():
                yield from _unmetered(told, network)
            case GroupsTold():
                yield from _groups(told, network)
            case _:
                yield from _buses(told, network)


def _unmetered(told: Unmetered, network: Network) -> Iterator[str]:
    finding = told.finding
    if isinstance(finding, NothingMissing):
        yield (
            f"  none: the substation shows {finding.p_kw:+.1f} kW ± {_95_PERCENT * finding.sd_kw:.1f} beyond "
            "meters and losses on average, which the instruments' own errors explain"
        )
        return
    amount = f"about {_kw(finding.p_kw)} ({_interval(finding.p_kw, finding.sd_kw)})"
    verb = "taken" if finding.p_kw > 0 else "fed in"
    when = _when(told.by_hour_kw * np.sign(finding.p_kw))
    if isinstance(finding, MissingPower):
        sure = sum(candidate.probability for candidate in finding.candidates)
        place = "" if finding.section is None else f"behind {_element(network, finding.section)} "
        yield f"  {amount} is {verb} {place}that no meter shows{when}; confidence {_percent(sure)}"
        yield f"  likeliest at {_places(finding.candidates, network)}"
    else:
        yield f"  {amount} is {verb} that no meter shows{when}"
        yield f"  where is not known: {_why_unplaced(finding, network)}"
    if finding.misfit > _POOR_FIT:
        yield (
            f"  nothing fits well (errors {np.sqrt(finding.misfit):.0f} times what instruments should make): "
            "several places at once, a wrong meter, or a switch that is not as in the network"
        )


def _why_unplaced(finding: PlaceUnknown, network: Network) -> str:
    return (
        f"{len(finding.candidates)} of {len(network.buses.ids)} buses explain it alike; readings of the "
        "outgoing lines would tell the cable, voltages of the meters how far down it is"
    )


def _when(by_hour_kw: Floats) -> str:
    """ ", mostly 18:00–22:00" where most is taken in a part of the day, and all hours were read."""
    if not np.isfinite(by_hour_kw).all():
        return ""
    kw = np.maximum(by_hour_kw, 0.0)
    if (part := _busiest(kw)) is None:
        return ", at all hours"
    start, hours = part
    return f", mostly {start:02d}:00–{(start + hours) % 24:02d}:00"


def _busiest(kw: Floats) -> tuple[int, int] | None:
    """First hour and length of the shortest part of the day with most of the energy; None where long."""
    round_the_clock = np.concatenate([kw, kw])
    for hours in range(1, _LONGEST_H + 1):
        sums = np.convolve(round_the_clock, np.ones(hours), "valid")[:24]
        if sums.max() >= _MOSTLY * kw.sum() > 0:
            return int(np.argmax(sums)), hours
    return None


def _buses(told: Sequence[WrongBus], network: Network) -> Iterator[str]:
    for one in told:
        yield (
            f"  {one.service_point} is not on {_element(network, one.recorded)}, as the plan says, but at "
            f"{_places(one.candidates, network)}; confidence {_percent(one.confidence)}"
        )
    if not told:
        yield "  none"


def _groups(told: GroupsTold, network: Network) -> Iterator[str]:
    for one in told.wrong:
        yield f"  {_elsewhere(one, network)}; confidence {_percent(one.confidence)}"
    for one in told.joining:
        sure = _percent(one.confidence)
        yield f"  {one.service_point} hangs here, not on {one.recorded}; confidence {sure}"
    if not told.wrong and not told.joining:
        yield "  none"
    if told.untold:
        yield (
            f"  not told of {len(told.untold)}, who take too little, too evenly or as others do: "
            f"{_some(told.untold)}"
        )


def _elsewhere(one: Elsewhere, network: Network) -> str:
    recorded = _element(network, one.recorded)
    if one.likely is None:
        return (
            f"{one.service_point} does not show in the power of {recorded}, where the plan has it: "
            "supplied from elsewhere, or its meter is wrong"
        )
    likely = _element(network, one.likely)
    return f"{one.service_point} is not on {recorded}, as the plan says, but on {likely}"


def _places(candidates: Sequence[Candidate], network: Network) -> str:
    named = [f"{_element(network, one.bus)} ({_percent(one.probability)})" for one in candidates]
    return " or ".join(named[:_FEW]) + (f" or {len(named) - _FEW} more" if len(named) > _FEW else "")


def _element(network: Network, element: str) -> str:
    for table in (network.lines, network.transformers, network.buses):
        if element in table.ids and (name := table.names[table.ids.index(element)]) not in ("", element):
            return f"{name} ({element})"
    return element


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")


def _kw(p_kw: float) -> str:
    return f"{abs(p_kw):.1f} kW"


def _interval(p_kw: float, sd_kw: float) -> str:
    low, high = sorted((abs(p_kw) - _95_PERCENT * sd_kw, abs(p_kw) + _95_PERCENT * sd_kw))
    return f"{low:.1f} to {high:.1f}"


def _percent(share: float) -> str:
    if share > 0.999:
        return "above 99.9 %"
    return f"{100 * share:.1f} %" if share > 0.99 else f"{100 * share:.0f} %"
