"""The terminal's one line: the same as the page says, from the same API answer."""

from collections.abc import Mapping
from typing import Any


def progress_line(view: Mapping[str, Any]) -> str:
    """One feeder's state in a line; `view` is the API's FeederView."""
    highest = max((row["loading_percent"] for row in (*view["transformers"], *view["lines"])), default=0.0)
    without = view["without_control_percent"]
    parts = [view["at"][11:16], f"highest loading {highest:5.1f} %"]
    if without is not None and without - highest > 0.5:
        parts[-1] += f" (without control {without:.0f} %)"
    if view["quality"]["alarm"]:
        parts.append(f"data not good: {view['quality']['alarm']}")
    parts.append(_event(view))
    totals = view["totals"]
    parts.append(f"{totals['curtailed_kwh']:.1f} kWh proven, {totals['credited_points']} points")
    return " | ".join(parts)


def _event(view: Mapping[str, Any]) -> str:
    event = view["event"]
    if event is None or event["closed_at"] is not None:
        return f"{len(view['violations'])} violations" if view["violations"] else "quiet"
    states: dict[str, int] = {}
    for request in view["requests"]:
        if request["event"] == event["event"]:
            states[request["state"]] = states.get(request["state"], 0) + 1
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f"event on {event['element']}: {event['curtailed_kw']:.0f} kW less ({told or 'nobody asked yet'})"
