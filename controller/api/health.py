"""Whether the daemon does its work: every feeder has had a cycle lately."""

from typing import Any

from fastapi import APIRouter, Response
from msgspec import to_builtins

from controller.api.bodies import FeederHealth, Health
from controller.api.encoding import JSON, json_response
from controller.views import LiveViews
from devices.ports import Clock

MISSED_CYCLES = 5
AT_LEAST_S = 30.0
"""Cycles may be a second apart: one slow commit is no illness."""
_NOT_READY: dict[str, Any] = {
    "description": "some feeder has had no cycle lately",
    "model": Health,
    "content": {
        JSON: {
            "example": to_builtins(
                Health("not_ready", (FeederHealth("dorf", ready=False, seconds_since_cycle=94.0),))
            )
        }
    },
}


class Pulse:
    """When each feeder had its latest cycle, on a clock that never jumps."""

    def __init__(self, views: LiveViews, clock: Clock) -> None:
        self._views = views
        self._clock = clock
        self._beat: dict[str, float] = {}
        views.subscribe(self._changed)

    def _changed(self, feeder: str) -> None:
        self._beat[feeder] = self._clock.monotonic()

    def health(self) -> Health:
        """The state of all feeders now."""
        feeders = tuple(self._feeder_health(feeder.id) for feeder in self._views.site.feeder)
        return Health("ready" if all(feeder.ready for feeder in feeders) else "not_ready", feeders)

    def silent_s(self, feeder: str) -> float | None:
        """Seconds since the feeder's latest cycle; None before the first."""
        beat = self._beat.get(feeder)
        return None if beat is None else round(self._clock.monotonic() - beat, 1)

    def is_silent(self, feeder: str) -> bool:
        """Whether the feeder has had no cycle lately."""
        silent_s = self.silent_s(feeder)
        allowed_s = max(MISSED_CYCLES * self._views.site.cycle.period_s, AT_LEAST_S)
        return silent_s is None or silent_s > allowed_s

    def _feeder_health(self, feeder: str) -> FeederHealth:
        return FeederHealth(feeder, not self.is_silent(feeder), self.silent_s(feeder))


def health_routes(pulse: Pulse) -> APIRouter:
    """The route that load balancers and container health checks ask."""
    router = APIRouter(tags=["health"])

    @router.get("/health", response_model=Health, responses={503: _NOT_READY})
    async def health() -> Response:
        """200 when every feeder has a recent cycle, else 503."""
        found = pulse.health()
        return json_response(found, 200 if found.status == "ready" else 503)

    return router
