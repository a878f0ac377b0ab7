"""`gridward people`: programmes, who is in them, who was called how often, and answers to notices.

Looks at a site's files and its record, also while the daemon runs; an answer goes through the daemon's API.
"""

import argparse
import json
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from controller.books import Books
from controller.clock import WallClock
from controller.errors import ConfigRejected
from controller.people.call_rules import zone_of
from controller.settings import Site
from controller.settings_file import load_site
from controller.stores.port import Record
from customers.errors import RegistryRejected
from customers.programmes import Agreements, Enrolment, Programme
from customers.registry import Registry
from gridward.api_client import ApiClient, asked
from gridward.argument_types import day
from gridward.ledger_tables import aligned
from gridward.registries import registry_of
from gridward.stored_record import with_record

ANSWERS = {"yes": "opted_in", "no": "opted_out"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`programmes`, `enrolments`, `calls` and `answer`."""
    commands = parser.add_subparsers(
        dest="people_command", required=True, metavar="programmes|enrolments|calls|answer"
    )
    _site_command(commands, "programmes", "what was agreed: hours, calls, notice time, rates")
    enrolments = _site_command(commands, "enrolments", "who is in which programme")
    enrolments.add_argument("--on", type=day, metavar="DATE", help="only those that hold on this day")
    calls = _site_command(commands, "calls", "who was called how often, by programme")
    calls.add_argument(
        "--on", type=day, metavar="DATE", help="the day whose season is meant (default: today)"
    )
    answer = commands.add_parser("answer", help="note what a customer answered to a notice")
    answer.add_argument("request", metavar="REQUEST")
    answer.add_argument("answer", choices=sorted(ANSWERS), help="whether they take part")
    answer.add_argument("--site", type=Path, required=True, metavar="SITE.toml", help="whose daemon is asked")
    answer.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def _site_command(commands: Any, name: str, told: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=told)
    command.add_argument("site", type=Path, metavar="SITE.toml")
    command.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    return command


def run(args: argparse.Namespace) -> int:
    """0 fine; 1 the record was altered; 2 wrong input, or the daemon said no; 3 it cannot answer now."""
    if args.people_command == "answer":
        return asked(args.site, lambda client: _answer(client, args))
    try:
        site = load_site(args.site)
        registries = {feeder.id: registry_of(feeder) for feeder in site.feeder}
    except (ConfigRejected, RegistryRejected) as error:
        print(error, file=sys.stderr)
        return 2
    match args.people_command:
        case "programmes":
            return _show(args, [row for r in registries.items() for row in _programmes(*r)], "programmes")
        case "enrolments":
            return _show(
                args, [row for r in registries.items() for row in _enrolments(*r, args.on)], "enrolments"
            )
        case _:
            on = args.on or WallClock().now().astimezone(zone_of(site)).date()
            return with_record(site.store, lambda record: _calls(record, site, registries, on, args))


def _answer(client: ApiClient, args: argparse.Namespace) -> int:
    path = f"/api/v1/notices/{quote(args.request, safe='')}/answer"
    noted = client.post(path, {"answer": ANSWERS[args.answer]})
    if args.json:
        print(json.dumps(noted, ensure_ascii=False))
        return 0
    chose = "takes part" if noted.get("answer") == "opted_in" else "does not take part"
    before = ", as was noted before" if noted.get("again") else ""
    print(f"{args.request}: {noted.get('customer')} {chose}{before}; the request is {noted.get('state')}")
    return 0


Row = dict[str, Any]


def _programmes(feeder: str, registry: Registry) -> list[Row]:
    agreements = registry.agreements or Agreements()
    return [_programme_row(feeder, programme) for programme in agreements.programmes.values()]


def _programme_row(feeder: str, one: Programme) -> Row:
    hours = one.hours
    return {
        "feeder": feeder,
        "programme": one.programme,
        "name": one.name("en"),
        "asks": one.asks,
        "answer": one.answer,
        "weekday": " ".join(f"{w.begin:%H:%M}-{w.end:%H:%M}" for w in hours.weekday) or "never",
        "weekend": " ".join(f"{w.begin:%H:%M}-{w.end:%H:%M}" for w in hours.weekend) or "never",
        "months": " ".join(map(str, sorted(hours.months))) if len(hours.months) < 12 else "all",
        "calls_per_day": one.calls_per_day,
        "calls_per_season": one.calls_per_season,
        "longest_call_minutes": None if one.longest_call_s is None else one.longest_call_s / 60,
        "notice_minutes": one.notice_s / 60,
        "rest_hours": one.rest_s / 3600,
        "points_per_kwh": one.points_per_kwh,
        "minor_units_per_kwh": one.minor_units_per_kwh,
        "baseline": one.baseline,
    }


def _enrolments(feeder: str, registry: Registry, on: date | None) -> list[Row]:
    agreements = registry.agreements or Agreements()
    return [
        _enrolment_row(feeder, enrolment)
        for enrolment in agreements.enrolments
        if on is None or enrolment.holds_on(on)
    ]


def _enrolment_row(feeder: str, one: Enrolment) -> Row:
    until = None if one.until_day is None else one.until_day.isoformat()
    return {
        "feeder": feeder,
        "customer": one.customer,
        "programme": one.programme,
        "from": one.from_day.isoformat(),
        "until": until,
    }


def _calls(
    record: Record, site: Site, registries: dict[str, Registry], on: date, args: argparse.Namespace
) -> int:
    books = Books()
    books.apply_all(record.replay())
    rows = [
        row
        for feeder, registry in registries.items()
        for row in _call_rows(books, site, feeder, registry, on)
    ]
    return _show(args, rows, "calls")


def _call_rows(books: Books, site: Site, feeder: str, registry: Registry, on: date) -> list[Row]:
    zone, agreements = zone_of(site), registry.agreements or Agreements()
    midnight, next_day = (datetime.combine(d, time(0), zone) for d in (on, on + timedelta(days=1)))
    rows: list[Row] = []
    for (customer, name), history in sorted(
        books.calls(feeder).items(), key=lambda one: (one[0][0], str(one[0][1]))
    ):
        programme = agreements.programmes.get(name or "") or Programme(name or site.rewards.programme)
        season = datetime.combine(programme.hours.season_start(on), time(0), zone)
        last = history.last_start
        if last is None:
            continue  # all that was planned was taken back
        rows.append(
            {
                "feeder": feeder,
                "customer": customer,
                "programme": programme.programme,
                "day": history.count(midnight, next_day),
                "calls_per_day": programme.calls_per_day,
                "season": history.count(season, next_day),
                "calls_per_season": programme.calls_per_season,
                "season_since": season.date().isoformat(),
                "last": last.astimezone(zone).isoformat(timespec="minutes"),
            }
        )
    return rows


def _show(args: argparse.Namespace, rows: list[Row], name: str) -> int:
    if args.json:
        print(json.dumps({name: rows}, ensure_ascii=False))
    elif not rows:
        print(f"no {name}")
    else:
        header = list(rows[0])
        table = [tuple("" if row[key] is None else _cell(row[key]) for key in header) for row in rows]
        print(aligned([tuple(header), *table], left=len(header)))
    return 0


def _cell(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
