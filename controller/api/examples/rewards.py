"""Of rewards and settlements: what customers hold, what a request came to, and who does not agree."""

from datetime import timedelta

from msgspec import structs

from controller.api.examples.example import (
    CLOSED,
    CUSTOMER,
    EVENT,
    FEEDER,
    NEXT_DAY,
    OPENED,
    PATH_EXAMPLES,
    REQUEST,
    SERVICE_POINT,
    Example,
    Examples,
)
from controller.api.reward_bodies import (
    CatalogueBody,
    DecisionBody,
    FactBody,
    FactTaken,
    PayoutBody,
    PayoutBooked,
    RedemptionBody,
    RedemptionState,
    TopUpBody,
)
from controller.api.reward_views import LedgerBody, ProgrammeList, RedemptionList, SettledPage
from controller.api.settlement_bodies import (
    DisputeBody,
    DisputeDecided,
    DisputeDecision,
    DisputeList,
    Interval,
    LateAnswer,
    LateBody,
    LatePoint,
    SettlementBody,
)
from controller.entries import DisputeClosed, DisputeOpened, LedgerPosted, RedemptionMoved, SettledBaseline
from controller.proving.settled_rows import SettledRow
from controller.rewards.customer_rewards import Offer, Standing
from controller.rewards.ledger_summary import GroupSum
from controller.rewards.programme_view import Budget, ProgrammeView
from controller.rewards.reward_rules import Earning, Expiry, Tier
from controller.rewards.statements import Line, Statement

_REDEMPTION, _DISPUTE = str(PATH_EXAMPLES["redemption"]), str(PATH_EXAMPLES["dispute"])
_LAMP, _UNTIL = "led-lamp", NEXT_DAY + timedelta(days=30)
_HELD = RedemptionMoved(
    at=NEXT_DAY,
    redemption=_REDEMPTION,
    customer=CUSTOMER,
    item=_LAMP,
    points=200,
    state="pending",
    who="token:portal",
    reason="redeemed",
    deadline=_UNTIL,
)
_PENDING = RedemptionState(
    redemption=_REDEMPTION,
    customer=CUSTOMER,
    item=_LAMP,
    points=200,
    state="pending",
    at=NEXT_DAY,
    deadline=_UNTIL,
    reason="redeemed",
)
_OPENED = DisputeOpened(
    at=NEXT_DAY, dispute=_DISPUTE, request=REQUEST, reason="readings_missing", who="li.wei"
)
_CLOSED = DisputeClosed(
    at=NEXT_DAY + timedelta(hours=2),
    dispute=_DISPUTE,
    request=REQUEST,
    outcome="rejected",
    who="jo.linde",
    why="all readings are there",
)
_PROGRAMME = ProgrammeView(
    programme="dorf",
    currency="EUR-cent",
    points_per_kwh=100,
    minor_units_per_kwh=25,
    interval_s=900.0,
    dispute_days=30,
    redemption_days=30,
    budgets=(Budget(unit="points", given=1_000_000, used=12_745, cap=None, left=987_255),),
    earning=(Earning(rule="on-time", fact="bill_paid", points=50),),
    tiers=(Tier(tier="silver", from_points=400, bonus_percent=5),),
    expiry=Expiry(after_months=24),
)
_SETTLED = SettledRow(
    request=REQUEST,
    event=EVENT,
    feeder=FEEDER,
    customer=CUSTOMER,
    service_point=SERVICE_POINT,
    target="ev-005",
    kind="ev_charger",
    settled_at=CLOSED,
    asked_kwh=3.4,
    reduced_kwh=3.142,
    compliance_percent=92.4,
    points=314,
    minor_units=79,
    currency="EUR-cent",
    outcome="credited",
    version=0,
)
_SETTLEMENT = SettlementBody(
    request=REQUEST,
    event=EVENT,
    feeder=FEEDER,
    customer=CUSTOMER,
    settled_at=CLOSED,
    version=0,
    asked_kwh=1.7,
    reduced_kwh=1.571,
    compliance_percent=92.4,
    intervals=1,
    intervals_measured=1,
    points=157,
    minor_units=39,
    currency="EUR-cent",
    outcome="credited",
    programme=None,
    baseline=SettledBaseline(rule="before", method="live_meter", baseline_kwh=2.75),
    by_interval=(
        Interval(
            start=OPENED,
            asked_wh=1700,
            reduced_wh=1571,
            compliance_percent=92.4,
            measured_s=900,
            active_s=900,
            proven=True,
        ),
    ),
    corrections=(),
    disputes=(_OPENED,),
)
_STATEMENT = Statement(
    customer=CUSTOMER,
    start=OPENED.replace(day=1, hour=0, minute=0, second=0),
    end=None,
    seq=4812,
    opening={"points": 926, "EUR-cent": 231},
    lines=(
        Line(
            at=CLOSED,
            request=REQUEST,
            event=EVENT,
            energy_wh=3142,
            reason="verified reduction",
            key=f"dorf/{FEEDER}/{REQUEST}",
            amounts={"points": 314, "EUR-cent": 79},
            balances={"points": 1240, "EUR-cent": 310},
        ),
    ),
    closing={"points": 1240, "EUR-cent": 310},
)
_STANDING = Standing(
    customer=CUSTOMER,
    balances={"points": 1040, "EUR-cent": 310},
    tier="silver",
    earned_points=1240,
    next_tier="gold",
    points_to_next_tier=760,
    expiring_points=400,
    expiring_on="2027-01-01",
    pending=(_HELD,),
)
_OFFER = Offer(
    item=_LAMP,
    kind="gift",
    points=200,
    names={"en": "LED lamp", "zh": "LED灯"},
    minor_units=0,
    currency="EUR-cent",
    from_tier=None,
    left=38,
    valid_until=None,
)
_DECISION = DecisionBody(reason="handed over at the counter")
_SUMS = (
    GroupSum(group="customers", unit="points", accounts=82, amount=12_745),
    GroupSum(group="budgets", unit="points", accounts=1, amount=987_255),
    GroupSum(group="funding", unit="points", accounts=1, amount=-1_000_000),
)


_LATER = NEXT_DAY + timedelta(days=1)
_SOLD_OUT = "the lamp is sold out"
_FULFILLED = structs.replace(_PENDING, state="fulfilled", at=_LATER, deadline=None, reason=_DECISION.reason)
_VOIDED = structs.replace(_PENDING, state="voided", at=_LATER, deadline=None, reason=_SOLD_OUT)
EXAMPLES: Examples = {
    "GET /api/v1/catalogue": Example(answered=CatalogueBody(items=(_OFFER,))),
    "GET /api/v1/customers/{customer}/rewards": Example(answered=_STANDING),
    "GET /api/v1/customers/{customer}/statement": Example(answered=_STATEMENT),
    "GET /api/v1/redemptions": Example(answered=RedemptionList(items=(_HELD,), more=0)),
    "POST /api/v1/redemptions": Example(
        posted=RedemptionBody(redemption=_REDEMPTION, customer=CUSTOMER, item=_LAMP), answered=_PENDING
    ),
    "POST /api/v1/redemptions/{redemption}/fulfil": Example(posted=_DECISION, answered=_FULFILLED),
    "POST /api/v1/redemptions/{redemption}/void": Example(
        posted=DecisionBody(reason=_SOLD_OUT),
        answered=_VOIDED,
    ),
    "POST /api/v1/facts": Example(
        posted=FactBody(
            fact="bill-2026-01-C-008",
            customer=CUSTOMER,
            kind="bill_paid",
            occurred_at=NEXT_DAY,
            amount_minor_units=6420,
            currency="EUR-cent",
        ),
        answered=FactTaken(fact="bill-2026-01-C-008", customer=CUSTOMER, points=50, again=False),
    ),
    "POST /api/v1/budget/top-ups": Example(
        posted=TopUpBody(top_up="2026-Q1", unit="points", amount=1_000_000),
        answered=LedgerPosted(
            at=NEXT_DAY,
            key="dorf/top-up/2026-Q1",
            postings=(("funding", "points", -1_000_000), ("budget:dorf", "points", 1_000_000)),
            reason="top-up by jo.linde",
            request=None,
        ),
    ),
    "POST /api/v1/payouts": Example(
        posted=PayoutBody(payout="2026-01", least_minor_units=500),
        answered=PayoutBooked(payout="2026-01", booked=True),
    ),
    "GET /api/v1/programmes": Example(answered=ProgrammeList(items=(_PROGRAMME,))),
    "GET /api/v1/ledger": Example(answered=LedgerBody(groups=_SUMS, sums={"points": 0})),
    "GET /api/v1/settlements": Example(answered=SettledPage(items=(_SETTLED,), next=None)),
    "GET /api/v1/requests/{request_id}/settlement": Example(answered=_SETTLEMENT),
    "POST /api/v1/readings/late": Example(
        posted=LateBody(feeder=FEEDER, readings=(LatePoint(meter="M-008", at=OPENED, p_kw=4.3),)),
        answered=LateAnswer(readings=1, new=1, corrected=(REQUEST,), unchanged=0, decided=(), not_kept=()),
    ),
    "GET /api/v1/disputes": Example(answered=DisputeList(disputes=(_OPENED,))),
    "POST /api/v1/disputes": Example(
        posted=DisputeBody(request=REQUEST, reason="readings_missing"), answered=_OPENED
    ),
    "POST /api/v1/disputes/{dispute}/decision": Example(
        posted=DisputeDecision(outcome="rejected", why="all readings are there"),
        answered=DisputeDecided(closed=_CLOSED, correction=None),
    ),
}
