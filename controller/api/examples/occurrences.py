"""Of alarms, past events and the overview: what these say beside their bodies, in full.

FastAPI takes every null out of what a route says of its answers, and an example without its nulls is none.
"""

from controller.api import alarm_bodies, event_bodies, layout_bodies, overview_bodies
from controller.api.examples.example import Example, Examples

_NOW = Example(answered=alarm_bodies.NOW_EXAMPLE)
EXAMPLES: Examples = {
    "GET /api/v1/alarms": Example(answered=alarm_bodies.LIST_EXAMPLE),
    "GET /api/v1/alarms/summary": Example(answered=alarm_bodies.LIST_EXAMPLE["summary"]),
    "GET /api/v1/alarms/history": Example(answered=alarm_bodies.HISTORY_EXAMPLE),
    "POST /api/v1/alarms/acknowledge": Example(answered=alarm_bodies.OUTCOMES_EXAMPLE),
    "POST /api/v1/alarms/{alarm}/acknowledge": _NOW,
    "POST /api/v1/alarms/{alarm}/shelve": _NOW,
    "POST /api/v1/alarms/{alarm}/unshelve": _NOW,
    "GET /api/v1/events": Example(answered=event_bodies.PAGE),
    "GET /api/v1/events/{event_id}": Example(answered=event_bodies.BODY),
    "GET /api/v1/events/{event_id}/steps": Example(answered=event_bodies.STEPS),
    "GET /api/v1/feeders/{feeder}/recorded": Example(answered=event_bodies.RECORDED),
    "GET /api/v1/feeders/{feeder}/layout": Example(answered=layout_bodies.EXAMPLE),
    "GET /api/v1/overview": Example(answered=overview_bodies.EXAMPLE),
}
