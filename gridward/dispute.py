"""`gridward dispute`: somebody does not agree with a settlement; the running daemon keeps and decides it."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote

from controller.proving.settlement_desk import DisputeReason
from gridward.api_client import ApiClient, asked
from gridward.late_file import LateFileRejected, read_late_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`open`, `list` and `decide`."""
    commands = parser.add_subparsers(dest="dispute_command", required=True, metavar="open|list|decide")
    opened = _command(commands, "open", "note that somebody does not agree with a settlement")
    opened.add_argument("request", metavar="REQUEST")
    opened.add_argument("--reason", required=True, choices=get_args(DisputeReason))
    opened.add_argument("--who", required=True, help="the role that enters it, never a name")
    _command(commands, "list", "disputes that nobody has decided, oldest first")
    decided = _command(commands, "decide", "reject a dispute, or uphold it with another settlement")
    decided.add_argument("dispute", metavar="DISPUTE")
    decided.add_argument("outcome", choices=("upheld", "rejected"))
    decided.add_argument("--who", required=True)
    decided.add_argument("--why", required=True)
    by = decided.add_mutually_exclusive_group()
    by.add_argument("--readings", type=Path, metavar="FILE.csv", help="at,p_kw,meter in place of the meter's")
    by.add_argument("--baseline", metavar="RULE", help="a published rule, such as 'high 5 of 10'")
    by.add_argument("--reduced-wh", type=int, metavar="WH", help="a figure, at most what was asked")


def run(args: argparse.Namespace) -> int:
    """0 done; 2 when the input is wrong or the daemon refuses; 3 when it cannot now."""
    match args.dispute_command:
        case "open":
            body = {"request": args.request, "reason": args.reason, "who": args.who}
            return asked(args.site, lambda client: _open(client, body, as_json=args.json))
        case "list":
            return asked(args.site, lambda client: _list(client, as_json=args.json))
    try:
        decision = _decision(args)
    except LateFileRejected as error:
        print(error, file=sys.stderr)
        return 2
    return asked(args.site, lambda client: _decide(client, args.dispute, decision, as_json=args.json))


def _command(commands: Any, name: str, told: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=told)
    command.add_argument("site", type=Path, metavar="SITE.toml")
    command.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    return command


def _decision(args: argparse.Namespace) -> dict[str, Any]:
    decision: dict[str, Any] = {"outcome": args.outcome, "who": args.who, "why": args.why}
    if args.readings is not None:
        rows = read_late_file(args.readings)
        meters = sorted({row.meter for row in rows})
        if len(meters) > 1:
            raise LateFileRejected(
                f"{args.readings}: expected readings of one meter, found {', '.join(meters)}"
            )
        if meters:
            decision["meter"] = meters[0]
        decision["readings"] = [{"at": row.at.isoformat(), "p_kw": row.p_kw} for row in rows]
    if args.baseline is not None:
        decision["baseline"] = args.baseline
    if args.reduced_wh is not None:
        decision["reduced_wh"] = args.reduced_wh
    return decision


def _open(client: ApiClient, body: dict[str, Any], *, as_json: bool) -> int:
    opened = client.post("/api/v1/disputes", body)
    print(json.dumps(opened) if as_json else f"{opened['dispute']} is open ({opened['reason']})")
    return 0


def _list(client: ApiClient, *, as_json: bool) -> int:
    told = client.get("/api/v1/disputes")
    if as_json:
        print(json.dumps(told))
        return 0
    for one in told["disputes"]:
        print(f"{one['at']}  {one['dispute']}  {one['request']}  {one['reason']}  by {one['who']}")
    if not told["disputes"]:
        print("no dispute is open")
    return 0


def _decide(client: ApiClient, dispute: str, decision: dict[str, Any], *, as_json: bool) -> int:
    told = client.post(f"/api/v1/disputes/{quote(dispute, safe='')}/decision", decision)
    correction = told["correction"]
    if as_json:
        print(json.dumps(told))
    elif correction is None:
        print(f"{dispute} is rejected: the settlement stands")
    else:
        energy = f"{correction['reduced_kwh']:.3f} kWh instead of {correction['reduced_kwh_before']:.3f}"
        points = f"{correction['points']} points instead of {correction['points_before']}"
        print(f"{dispute} is upheld: {energy}, {points}")
    return 0
