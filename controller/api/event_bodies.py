"""What the routes of events answer with, and an example of each."""

from typing import Any

import msgspec

from controller.occurrences.bodies import EventRow, Step


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some events, newest first."""

    items: tuple[EventRow, ...]
    next: str | None
    """give it as `after` for those before; None: there are no more"""


class StepPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some steps of an event, in order."""

    items: tuple[Step, ...]
    next: str | None


EVENT = "E-dorf-20260112T175447Z"
ROW: dict[str, Any] = {
    "event": EVENT,
    "feeder": "dorf",
    "opened_at": "2026-01-12T17:54:47Z",
    "closed_at": "2026-01-12T20:12:47Z",
    "element": "trafo:0",
    "kind": "transformer_overload",
    "value": 106.9,
    "limit": 100.0,
    "expected": False,
    "probability": 0.998,
    "peak_percent": 112.4,
    "short": False,
    "devices": 82,
    "people": 9,
    "not_done": 3,
    "overridden": 1,
    "settled": 91,
    "reduced_kwh": 128.019,
    "points": 12745,
    "minor_units": 3186,
    "open_disputes": 0,
}
STEP: dict[str, Any] = {
    "seq": 117,
    "at": "2026-01-12T17:54:47Z",
    "phase": "detection",
    "key": "event_opened",
    "severity": "alarm",
    "text": f"Transformer 0 at 106.9 %, over its limit of 100.0 %: event {EVENT} opened",
    "request": None,
    "values": {"event": EVENT, "feeder": "dorf", "element": "trafo:0", "value": 106.9, "limit": 100.0},
}
PAGE: dict[str, Any] = {"items": [ROW], "next": "117"}
STEPS: dict[str, Any] = {"items": [STEP], "next": None}
_ASKED: dict[str, Any] = {
    "request": f"{EVENT}-R001",
    "resource": "device",
    "target": "ev-005",
    "kind": "ev_charger",
    "customer": "C-008",
    "service_point": "LV3.101 Load 97",
    "p_before_kw": 11.0,
    "limit_kw": 4.2,
    "floor_kw": 4.2,
    "cut_kw": 6.8,
    "share_percent": 2.79,
    "effect_per_kw": 0.41,
    "programme": None,
}
BODY: dict[str, Any] = {
    "summary": ROW,
    "currency": "EUR-cent",
    "phases": [{"phase": "asking", "start": "2026-01-12T17:54:47Z", "until": "2026-01-12T17:55:47Z"}],
    "steps": [STEP],
    "steps_total": 1,
    "rounds": [
        {
            "seq": 118,
            "at": "2026-01-12T17:54:47Z",
            "element": "trafo:0",
            "kind": "transformer_overload",
            "value": 106.9,
            "limit": 100.0,
            "expected": False,
            "cut_kw": 6.8,
            "asked": [_ASKED],
            "left": [{"reason": "protected", "count": 1, "devices": ["ev-011"]}],
            "gate_refused": [],
        }
    ],
    "requests": [],
}
RECORDED: dict[str, Any] = {
    "feeder": "dorf",
    "step_s": 60.0,
    "times": ["2026-01-12T17:54:00Z"],
    "shown_at": ["2026-01-12T17:53:47Z"],
    "source": ["recorded"],
    "converged": [True],
    "measured": [118],
    "stale": [0],
    "estimated": [2],
    "substation_p_kw": [371.2],
    "model_p_kw": [370.4],
    "without_control_percent": [106.9],
    "curtailed_kw": [0.0],
    "worst_percent": [106.9],
    "lines": ["line:0"],
    "transformers": ["trafo:0"],
    "buses": ["bus:0", "bus:1"],
    "service_points": None,
    "line_percent": [[41.3]],
    "transformer_percent": [[106.9]],
    "v_pu": [[1.0203, 0.9941]],
    "service_point_kw": None,
    "limits": [
        {
            "step": 0,
            "line_percent": [100.0],
            "transformer_percent": [100.0],
            "min_v_pu": [0.9, 0.9],
            "max_v_pu": [1.1, 1.1],
        }
    ],
    "requests": [],
}
