"""`report.html`: one file that opens anywhere, without a network. Shows what `results.py` says.

All texts of the run are escaped. plotly's script is inlined from the installed package.
"""

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import pandas as pd
from plotly.offline import get_plotlyjs

from controller.books import Books
from controller.narration.telling import tell
from controller.stores.port import Numbered
from controller.views import Told
from simulations import report_charts as charts
from simulations.checker import PROMISES, Broken, limit_spans
from simulations.pages import figure, filled, notes
from simulations.record_reading import Record
from simulations.results import RATED_COLUMNS
from simulations.runner import FieldRun
from simulations.setups import Setup

_MOST_LINES = 3000
_EVENTS = ("event", "violation", "data_alarm", "controller", "operator", "readings")
_SIDE_EXITS = ("refused", "unanswered", "overridden", "failed")


@dataclass(frozen=True)
class Findings:
    """All that the page tells of."""

    setup: Setup
    uncontrolled: FieldRun
    controlled: FieldRun
    record: Record
    results: Mapping[str, Any]
    customers: pd.DataFrame
    broken: Sequence[Broken]
    told: Sequence[Told]


def sentences(numbered: Sequence[Numbered]) -> list[Told]:
    """The journal in plain words."""
    books = Books()
    told: list[Told] = []
    for one in numbered:
        books.apply(one)
        told.append(tell(one, books))
    return told


def page(findings: Findings) -> str:
    """The whole page."""
    results = findings.results
    return filled(
        "report_page.html",
        title=html.escape(results["title"] or results["network"]),
        verdict=_verdict(findings),
        notes=notes(results["warnings"]),
        cards="".join(_cards(findings)),
        limited=_limited(findings),
        credited=_credited(results),
        table=_table(findings.customers, results["currency"]),
        answered=_answered(results),
        states=_states(results["requests"]),
        promises=_promises(findings.broken),
        chips=_CHIPS,
        log=_log(findings.told),
        again=_again(findings),
        settings=html.escape(_settings(findings.setup)),
        footer=html.escape(
            f"Gridward {results['version']} · {results['network']} · seed {results['seed']} · "
            f"{results['customers']} customers, {results['devices']} devices"
        ),
        plotly=get_plotlyjs(),
        charts=_embedded(_charts(findings)),
    )


def event_spans(record: Record, ended_at: datetime) -> list[charts.Span]:
    """When events were open; one that still is ends with the run."""
    opened: dict[str, datetime] = {}
    spans: list[charts.Span] = []
    for entry in record.entries:
        if entry["entry"] == "event_opened":
            opened[entry["event"]] = datetime.fromisoformat(entry["at"])
        elif entry["entry"] == "event_closed":
            spans.append((opened.pop(entry["event"]), datetime.fromisoformat(entry["at"])))
    return spans + [(begin, ended_at) for begin in opened.values()]


def _charts(findings: Findings) -> dict[str, Any]:
    without, with_ = findings.uncontrolled.recording, findings.controlled.recording
    limits = findings.setup.scenario.control.limits
    spans = event_spans(findings.record, with_.at[-1])
    held = limit_spans(findings.controlled.journal, with_.at[-1])
    registry = findings.setup.population.registry
    return {
        "loading": charts.loading_chart(without, with_, spans, limits.loading_percent),
        "power": charts.power_chart(without, with_, spans),
        "voltage": charts.voltage_chart(without, with_, spans, (limits.min_v_pu, limits.max_v_pu)),
        "limits": charts.limits_chart(held, registry, with_, spans),
        "customers": charts.customers_chart(findings.customers),
    }


def _embedded(value: Any) -> str:
    """JSON that cannot end the script it stands in."""
    return json.dumps(value, separators=(",", ":")).replace("</", "<\\/")


def _verdict(findings: Findings) -> str:
    results = findings.results
    before, after = results["uncontrolled"], results["controlled"]
    limit = findings.setup.scenario.control.limits.loading_percent
    if lost := before["minutes_not_converged"]:
        return (
            f"Left alone, no load flow finds a state for <b class='loud'>{lost:.0f} minutes</b>: the network "
            f"cannot carry what is taken. Under control that is so for <b class='calm'>"
            f"{after['minutes_not_converged']:.0f} minutes</b>; all of them count as over the limit, <b "
            f"class='loud'>{before['minutes_over_limit']:.0f}</b> and <b class='calm'>"
            f"{after['minutes_over_limit']:.0f}</b> in all."
        )
    if not before["minutes_over_limit"] and before["minutes_voltage_outside"]:
        return f"{_voltages(before, after)} {_gave(results)}"
    if not before["minutes_over_limit"]:
        return (
            f"Left alone, the feeder peaks at <b>{before['peak_loading_percent']:.0f} %</b> and stays within "
            f"its limit of {limit:g} %: there was nothing to do."
        )
    return (
        f"Left alone, the feeder goes to <b class='loud'>{before['peak_loading_percent']:.0f} %</b> and "
        f"is over its limit for <b class='loud'>{before['minutes_over_limit']:.0f} minutes</b>. Under "
        f"control it peaks at <b class='calm'>{after['peak_loading_percent']:.0f} %</b>, over the limit "
        f"for <b class='calm'>{after['minutes_over_limit']:.0f} minutes</b>. "
        f"{_gave(results)}"
    )


def _voltages(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    spans = [
        f"(lowest {figure(one['min_v_pu'], 3)}, highest {figure(one['max_v_pu'], 3)} pu)"
        for one in (before, after)
    ]
    outside = [f"{one['minutes_voltage_outside']:.0f} minutes" for one in (before, after)]
    return (
        f"Left alone, the feeder peaks at <b>{figure(before['peak_loading_percent'], 0)} %</b>, and a "
        f"voltage is outside its band for <b class='loud'>{outside[0]}</b> {spans[0]}. Under control that is "
        f"so for <b class='calm'>{outside[1]}</b> {spans[1]}, and a loading is over its limit for "
        f"{after['minutes_over_limit']:.0f}."
    )


def _gave(results: Mapping[str, Any]) -> str:
    return (
        f"The meters prove <b>{results['curtailed_kwh']:.0f} kWh</b> less at the right time, and those who "
        f"gave were credited <b>{results['credited_points']:,} points</b>."
    )


def _cards(findings: Findings) -> list[str]:
    results = findings.results
    before, after = results["uncontrolled"], results["controlled"]
    share = results["answered_share"]
    broken = len(findings.broken)
    kept = len(PROMISES) - len({one.invariant for one in findings.broken})
    sent = results["requests_by_resource"]
    floors = ", ".join(f"{_word(kind)} {kw:g} kW" for kind, kw in results["min_limit_kw"].items())
    lowest = min(results["min_limit_kw"].values(), default=None)
    asked = f"{sent['device']} to devices, {sent['person']} to people"
    return [
        _card(
            "Peak loading",
            f"{figure(after['peak_loading_percent'], 1)}<small> %</small>",
            f"instead of <span class='from'>{figure(before['peak_loading_percent'], 1)} %</span>",
            "calm",
        ),
        _card(
            "Minutes over the limit",
            f"{after['minutes_over_limit']:.0f}",
            f"instead of <span class='from'>{before['minutes_over_limit']:.0f}</span>",
            "calm",
        ),
        _card(
            "Lowest voltage",
            f"{figure(after['min_v_pu'], 3)}<small> pu</small>",
            f"instead of {figure(before['min_v_pu'], 3)} pu",
        ),
        _card(
            "Proven reduction",
            f"{results['curtailed_kwh']:.1f}<small> kWh</small>",
            f"in {_count(results['events'], 'event')}",
        ),
        _card("Credits", f"{results['credited_points']:,}<small> points</small>", _money(results)),
        _card(
            "Requests",
            f"{sum(sent.values())}",
            asked if share is None else f"{asked}; {share:.0%} answered",
        ),
        _card(
            "Lowest limit sent",
            "none" if lowest is None else f"{lowest:g}<small> kW</small>",
            floors or "nobody was limited",
        ),
        _card(
            "Promises kept",
            f"{kept}<small> of {len(PROMISES)}</small>",
            f"{_count(broken, 'finding')}, see below" if broken else "none broken",
            "alarm" if broken else "good",
        ),
    ]


def _card(label: str, figure: str, note: str, tone: str = "") -> str:
    return (
        f"<div class='card {tone}'><div class='label'>{label}</div><div class='figure'>{figure}</div>"
        f"<div class='note'>{note}</div></div>"
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _word(kind: str) -> str:
    return charts.KIND_WORDS.get(kind, kind)


def _money(results: Mapping[str, Any]) -> str:
    """EUR-cent → EUR where the unit says so."""
    currency, _, minor = results["currency"].partition("-")
    amount = results["credited_minor_units"]
    return f"{amount / 100:.2f} {currency}" if minor == "cent" else f"{amount} {results['currency']}"


def _limited(findings: Findings) -> str:
    devices = {note.device for note in findings.controlled.journal if note.what == "limited"}
    vanished = sum(note.what == "offline" for note in findings.controlled.journal)
    refused = findings.results["requests"]["refused"]
    lost = f" Devices lost contact {_count(vanished, 'time')}." if vanished else ""
    return f"{_count(len(devices), 'device')} limited; {_count(refused, 'request')} refused.{lost}"


def _credited(results: Mapping[str, Any]) -> str:
    settled = results["settlements"]
    parts = [
        f"{settled[key]} {word}"
        for key, word in (
            ("credited", "requests were credited"),
            ("nothing_shown", "showed nothing at the meter"),
            ("too_little_data", "had too little data"),
            ("refused_or_silent", "were refused or not answered"),
        )
        if settled.get(key)
    ]
    return html.escape(", ".join(parts) + "." if parts else "No request was settled.")


def _table(customers: pd.DataFrame, currency: str) -> str:
    asked = customers[customers["requests"] > 0]
    asked = asked.sort_values(["reduced_kwh", "customer"], ascending=[False, True])
    owned = [column for column in RATED_COLUMNS if (customers[f"{column}_kw"] > 0).any()]
    kinds = [f"{_word(RATED_COLUMNS[column])} kW".capitalize() for column in owned]
    heads = ("Customer", "Service point", *kinds, "Requests", "kWh less", "Points", currency)
    head = "".join(
        f"<th{' class=n' if place > 1 else ''}>{html.escape(word)}</th>" for place, word in enumerate(heads)
    )
    return f"<table><tr>{head}</tr>{''.join(_row(row, owned) for row in asked.to_dict('records'))}</table>"


def _row(row: Mapping[Any, Any], owned: Sequence[str]) -> str:
    texts = (row["customer"], row["service_point"])
    numbers = (
        *(f"{row[f'{column}_kw']:g}" if row[f"{column}_kw"] else "" for column in owned),
        row["requests"],
        f"{row['reduced_kwh']:.2f}",
        row["points"],
        row["minor_units"],
    )
    cells = [f"<td>{html.escape(text)}</td>" for text in texts] + [f"<td class='n'>{n}</td>" for n in numbers]
    return f"<tr>{''.join(cells)}</tr>"


def _answered(results: Mapping[str, Any]) -> str:
    share = results["answered_share"]
    if share is None:
        return "No device was asked."
    return f"How each request ended. Devices answered {share:.0%} of what they were asked."


def _states(requests: Mapping[str, int]) -> str:
    most = max(*requests.values(), 1)
    return "".join(
        f"<tr class='{'' if count else 'zero'}'><td>{state}</td><td class='wide'>"
        f"<div class='bar {'bad' if state in _SIDE_EXITS else ''}' style='width:{100 * count / most:.1f}%'"
        f"{'' if count else ' hidden'}></div></td><td class='n'>{count}</td></tr>"
        for state, count in requests.items()
    )


def _promises(broken: Sequence[Broken]) -> str:
    lines = []
    for key, promise in PROMISES.items():
        mine = [one for one in broken if one.invariant == key]
        examples = "; ".join(html.escape(f"{one.subject}: {one.what}") for one in mine[:5])
        tone, mark = ("broken", "✗") if mine else ("kept", "✓")
        lines.append(f"<li class='{tone}'><b>{mark}</b>{promise}{': ' + examples if mine else ''}</li>")
    return f"<ul class='promises'>{''.join(lines)}</ul>"


_CHIPS = "".join(
    f"<label><input type='checkbox' name='{name}'{' checked' if on else ''}> {word}</label>"
    for name, word, on in (
        ("k-event", "events and alarms", True),
        ("k-credit", "credits", False),
        ("k-request", "requests", False),
    )
)


def _log(told: Sequence[Told]) -> str:
    """Every event, and of the rest the latest."""
    rest = [one for one in told if _chip(one.entry) != "k-event"]
    first = rest[-_MOST_LINES].seq if len(rest) > _MOST_LINES else 0
    return "".join(
        f"<p class='{_chip(one.entry)} {html.escape(one.severity)}'><time>{one.at:%d. %H:%M:%S}</time>"
        f"{html.escape(one.text)}</p>"
        for one in told
        if one.seq >= first or _chip(one.entry) == "k-event"
    )


def _chip(entry: str) -> str:
    if entry.startswith(_EVENTS):
        return "k-event"
    return "k-credit" if entry in ("request_settled", "ledger_posted") else "k-request"


def _again(findings: Findings) -> str:
    results = findings.results
    return (
        f"Seed <b>{results['seed']}</b> draws who has a car or a heat pump, who comes home when, who refuses "
        "and who loses contact; the same seed gives the same run, with and without control. Network "
        f"{html.escape(results['network'])}, from {html.escape(results['start'])}, {results['days']:g} days "
        f"in steps of {results['step_s']} s, Gridward {html.escape(results['version'])}."
    )


def _settings(setup: Setup) -> str:
    return json.dumps(msgspec.to_builtins(setup.scenario), indent=2, ensure_ascii=False)
