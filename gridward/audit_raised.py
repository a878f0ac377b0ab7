"""`gridward audit raised`: whose use in the hours before events stands out."""

import argparse
import json
import sys
from contextlib import closing
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from controller.errors import ConfigRejected, RecordBroken
from controller.proving.kept_readings import KeptReadings
from controller.proving.raised import Raised, asked_meters, raised
from controller.proving.settling import history_of
from controller.settings import Feeder, Site
from controller.settings_file import load_site
from controller.stores.history import History
from controller.stores.opening import open_record
from controller.stores.port import Record, StoreUnavailable
from grid_model.errors import NetworkRejected
from grid_model.network import load_network


def add_raised_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("site", type=Path, metavar="SITE.toml")
    parser.add_argument(
        "--days", type=int, default=120, metavar="N", help="look back so far (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def show_raised(site_file: Path, days: int, *, as_json: bool) -> int:
    """0 looked; 1 when the journal was altered; 2 when something cannot be read."""
    try:
        site = load_site(site_file)
        with closing(open_record(site.store)) as record:
            shown = {feeder.id: _of_feeder(site, feeder, record, days) for feeder in site.feeder}
    except RecordBroken as error:
        print(f"gridward audit raised: {error}", file=sys.stderr)
        return 1
    except (ConfigRejected, NetworkRejected, StoreUnavailable, OSError) as error:
        print(f"gridward audit raised: {error}", file=sys.stderr)
        return 2
    if as_json:
        json.dump(_document(shown), sys.stdout)
        print()
        return 0
    for feeder, found in shown.items():
        _print(feeder, found)
    return 0


def _of_feeder(site: Site, feeder: Feeder, record: Record, days: int) -> tuple[Raised, ...]:
    until = record.last_sample_at(feeder.id)
    meters = asked_meters(record.replay(), feeder.id)
    if until is None or not meters:
        return ()
    names = load_network(feeder.network, metered_generation=feeder.metered_generation).service_points
    kept = KeptReadings(record, History(site.store.history_folder), {feeder.id: names})
    past = history_of(site, kept.samples)
    histories = past.of(feeder.id, len(names), until - timedelta(days=days), until)
    return raised(meters, {name: place for place, name in enumerate(names)}, histories)


def _document(shown: dict[str, tuple[Raised, ...]]) -> dict[str, object]:
    feeders = {
        feeder: [asdict(one) | {"verdict": _verdict(one)} for one in found] for feeder, found in shown.items()
    }
    return {"feeders": feeders}


def _verdict(one: Raised) -> dict[str, object]:
    verdict = one.verdict
    return {
        "suspected": verdict.suspected,
        "p_value": verdict.p_value,
        "raise_percent": round(100 * verdict.raise_share, 1),
        "reason": verdict.reason,
        "events": [
            {
                "day": event.window.day.isoformat(),
                "measured_kw": round(event.measured_kw, 3),
                "usual_kw": round(event.usual_kw, 3),
                "days_as_high": event.days_as_high,
                "days": event.days,
            }
            for event in verdict.events
        ],
    }


def _print(feeder: str, found: tuple[Raised, ...]) -> None:
    tested = [one for one in found if one.verdict.p_value is not None]
    print(f"{feeder}: {len(found)} customers were asked, {len(tested)} often enough to be tested")
    for one in tested:
        mark = "stands out" if one.verdict.suspected else "as usual"
        print(f"  {one.customer:<16} {mark:<11} {one.verdict.reason}")
        if one.verdict.suspected:
            for event in one.verdict.events:
                print(
                    f"    {event.window.day}  {event.measured_kw:.2f} kW before the event, usually "
                    f"{event.usual_kw:.2f} kW; {event.days_as_high} of {event.days} other days as high"
                )
    if tested:
        print("  One honest customer in a hundred stands out by chance: it shows, it does not judge.")
