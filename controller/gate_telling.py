"""[6] Tells the log what the safety gate refuses: each reason once while it lasts (`gate_log.py`)."""

from collections.abc import Mapping
from datetime import datetime

import structlog

from controller.gate_log import GateLog, gate_news

log = structlog.get_logger()


class GateTelling:
    """Of one place where the gate is asked, on all feeders."""

    def __init__(self, what: str) -> None:
        """`what`: the word of the log."""
        self._what = what
        self._told: dict[str, GateLog] = {}

    def refused(self, feeder: str, by_reason: Mapping[str, int], now: datetime) -> None:
        """In one pass."""
        known = self._told.get(feeder, GateLog())
        self._told[feeder], news = gate_news(known, by_reason, now)
        for reason, count in news.began.items():
            log.warning(self._what, feeder=feeder, reason=reason, count=count)
        for reason, count in news.over.items():
            log.info(f"{self._what}_over", feeder=feeder, reason=reason, count=count)
