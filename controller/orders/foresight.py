"""What orders are foreseen to do, as whoever is about to confirm them sees it."""

from collections.abc import Mapping

import structlog

from controller.feeder_control import FeederControl
from controller.order_effects import NotNow, ProposedOrder, WhatIf
from controller.orders.carrying import Carrier, order_of
from controller.orders.effects_kept import EffectsKept
from controller.orders.order_book import DraftRecord
from controller.orders.order_errors import EffectChanged
from controller.orders.order_rules import FREEING, what_changed

log = structlog.get_logger()


class Foresight:
    """Asks for effects, and keeps those of open drafts."""

    def __init__(self, carrier: Carrier, controls: Mapping[str, FeederControl], seen: EffectsKept) -> None:
        self._carrier, self._controls, self._seen = carrier, controls, seen

    async def of(self, feeder: str, order: ProposedOrder) -> WhatIf | None:
        """None: it cannot be told now. Raises ValueError where the order cannot be meant."""
        try:
            return await self._carrier.foresee(self._controls[feeder], (order,))
        except NotNow as error:
            log.info("effect_not_foreseen", feeder=feeder, reason=str(error))
            return None

    async def check(self, record: DraftRecord, seen: int | None) -> None:
        """Raises EffectChanged, having kept the new effect for whoever looks again; ValueError. `seen`: the
        number of the effect that was looked at.
        """
        drafted = record.drafted
        if drafted.action in FREEING or drafted.action == "more_reach":
            return
        number, before = self._seen.get(record.draft)
        if seen is not None and seen != number:
            told = "there is a newer forecast than the one that was looked at"
            raise EffectChanged(told, before, "effect_newer")
        now = await self.of(drafted.feeder, order_of(drafted))
        if before is None and now is not None:
            self._seen.put(record.draft, now)
            told = "its effect was not foreseen before: expected a look at it"
            raise EffectChanged(told, now, "effect_first_seen")
        change = what_changed(before, now)
        if change is not None:
            if now is not None:  # what is known is not forgotten for what is not
                self._seen.put(record.draft, now)
            told = f"the feeder has changed: {change.text}"
            raise EffectChanged(told, before if now is None else now, change.code)
