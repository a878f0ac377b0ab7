"""`gridward audit explain REQUEST`: the whole story of one request, from the journal alone."""

import heapq
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from itertools import takewhile

import msgspec

from controller.auditing.curtailments import Curtailment, curtailments
from controller.auditing.story import Story, story
from controller.auditing.story_proof import Line
from controller.entries import RequestPlanned
from controller.stores.port import Record

_NEAREST = 5


def explain(record: Record, request: str, *, as_json: bool) -> int:
    """0 told; 2 for a request that the journal does not hold, with the nearest ids."""
    known: list[str] = []

    def is_meant(planned: RequestPlanned) -> bool:
        known.append(planned.request)
        return planned.request == request

    found = curtailments(record.replay(), is_meant).get(request)
    if found is None:
        print(f"gridward: {_unknown(request, known)}", file=sys.stderr)
        return 2
    told = story(found)
    print(json.dumps(_document(told, found), ensure_ascii=False) if as_json else _text(told))
    return 0


def nearest(request: str, known: Iterable[str]) -> list[str]:
    """The ids that share most with `request`: one that holds it, or the longest begin and end, best first."""

    def likeness(other: str) -> tuple[bool, int]:
        alike = _alike(request, other) + _alike(reversed(request), reversed(other))
        return request.casefold() in other.casefold(), alike

    return heapq.nlargest(_NEAREST, known, key=likeness)


def _alike(one: Iterable[str], other: Iterable[str]) -> int:
    """How many letters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _unknown(request: str, known: list[str]) -> str:
    if not known:
        return f"the journal holds no request {request!r}, and no other either"
    return f"the journal holds no request {request!r}; nearest are {', '.join(nearest(request, known))}"


def _text(told: Story) -> str:
    lines = [told.title, "Times in UTC; [n] is the entry of the journal that proves it"]
    for chapter in told.chapters:
        lines += ["", chapter.title, *(_line(line) for line in chapter.lines)]
    return "\n".join(lines)


def _line(line: Line) -> str:
    at = "" if line.at is None else f"{line.at:%Y-%m-%d %H:%M:%S}"
    seq = "" if line.seq is None else f"[{line.seq}]"
    return f"  {at:<19}  {seq:>8}  {line.text}"


def _document(told: Story, found: Curtailment) -> dict[str, object]:
    return {
        "request": told.request,
        "title": told.title,
        "chapters": [
            {
                "title": chapter.title,
                "lines": [asdict(line) | {"at": _iso(line.at)} for line in chapter.lines],
            }
            for chapter in told.chapters
        ],
        "entries": [{"seq": fact.seq, **msgspec.to_builtins(fact.entry)} for fact in found.facts],
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
