"""Of orders in two steps, and of the emergency stop."""

from datetime import timedelta

from msgspec import structs

from controller.api.examples.example import CLOSED, DEVICE, FEEDER, NOW, PATH_EXAMPLES, Example, Examples
from controller.api.examples.feeders import EFFECT
from controller.api.order_bodies import OrderBody, OrderPage, StopAnswer

_ORDER = str(PATH_EXAMPLES["order"])
_OPEN = OrderBody(
    order=_ORDER,
    kind="draft",
    feeders=(FEEDER,),
    action="limit",
    targets=(DEVICE,),
    limit_kw=4.2,
    until=CLOSED,
    direction="consumption",
    at=NOW,
    who="li.wei",
    why="cable 3 is being repaired",
    state="open",
    expires_at=NOW + timedelta(minutes=10),
    may_confirm=True,
    reach_percent=7.4,
    before_percent=106.9,
    after_percent=99.4,
    effect_number=1,
)
_WHOLE = structs.replace(_OPEN, effect=EFFECT)
_SOON = NOW + timedelta(minutes=1)
_DONE = structs.replace(
    _OPEN,
    state="carried_out",
    confirmed=("li.wei",),
    may_confirm=False,
    closed_at=_SOON,
    closed_by="li.wei",
    requests={"sent": 1},
)
_WITHDRAWN = structs.replace(
    _OPEN,
    state="withdrawn",
    may_confirm=False,
    closed_at=_SOON,
    closed_by="li.wei",
    reason="the crew is back already",
)
EXAMPLES: Examples = {
    "GET /api/v1/orders": Example(answered=OrderPage(items=(_OPEN,), next=None, waiting_for_me=1)),
    "GET /api/v1/orders/{order}": Example(answered=_WHOLE),
    "POST /api/v1/feeders/{feeder}/orders": Example(answered=_WHOLE),
    "POST /api/v1/orders/{order}/confirm": Example(answered=_DONE),
    "POST /api/v1/orders/{order}/withdraw": Example(answered=_WITHDRAWN),
    "POST /api/v1/emergency-stop": Example(
        answered=StopAnswer(
            order="O-site-20260112T180447Z",
            at=NOW,
            who="li.wei",
            why="fire at the substation",
            manner="staggered",
            feeders=(FEEDER,),
            durable=True,
        )
    ),
}
