"""What may be ordered in one step: what frees people, at once; and what one person may do on their own word
without having looked at its effect.
"""

from datetime import datetime

from controller.entries import Entry, OperatorActed, RequestChanged
from controller.orders.giving import Giver, Warrant
from controller.orders.order_book import act_id
from controller.orders.order_errors import AnotherNeeded, TwoStepsNeeded
from controller.orders.order_judge import OrderJudge


def direct(judge: OrderJudge, giver: Giver) -> Warrant:
    """Takes nothing that needs two persons, and nothing that gives power back by a higher limit before
    anybody looked at what that does.
    """

    def warrant(
        now: datetime, act: OperatorActed, entries: tuple[Entry, ...]
    ) -> tuple[OperatorActed, tuple[Entry, ...]]:
        judge.check_stop(act.feeder, act.action)
        if judge.needed_for_act(act, entries, now) > 1:
            raise AnotherNeeded(
                f"{act.action} takes two persons here: expected it drafted by POST /api/v1/feeders/"
                f"{act.feeder}/orders, and confirmed by somebody else"
            )
        raised = [e for e in entries if isinstance(e, RequestChanged) and e.reason == "relaxed"]
        if act.action == "limit" and raised:
            raise TwoStepsNeeded(
                f"it raises {len(raised)} limits that are held: expected it drafted by POST "
                f"/api/v1/feeders/{act.feeder}/orders, which shows what comes back, and confirmed"
            )
        return act, (*entries, *giver.taken("act", act_id(act), now))

    return warrant
