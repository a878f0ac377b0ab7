"""Of feeders: the list, one as it is now, its network, and orders on it."""

from datetime import timedelta

from controller.api.bodies import (
    BusBody,
    FeederBrief,
    Feeders,
    LineBody,
    NetworkBody,
    ServicePointBody,
    TransformerBody,
)
from controller.api.examples.example import (
    CLOSED,
    CUSTOMER,
    DEVICE,
    EVENT,
    FEEDER,
    NOW,
    OPENED,
    REQUEST,
    SERVICE_POINT,
    Example,
    Examples,
)
from controller.api.operate import OperatorOrder
from controller.api.stream_bodies import ToldEvent
from controller.entries import OperatorActed
from controller.order_effects import (
    Caution,
    DeviceEffect,
    ElementEffect,
    EventEffect,
    ForeseenViolation,
    LeftOut,
    Outlook,
    VoltageEffect,
    WhatIf,
)
from controller.views import (
    BusVoltage,
    ContributionsView,
    ContributionView,
    DataQuality,
    ElementLoading,
    EventView,
    FeederView,
    ForecastPoint,
    RequestView,
    Told,
    Totals,
    TrendPoint,
    ViolationView,
)

_CAUSE = ContributionView(
    service_point=SERVICE_POINT,
    customer=CUSTOMER,
    violation="trafo:0",
    share_percent=2.8,
    p_kw=11.6,
    flexible_kw=6.8,
)
_REQUEST = RequestView(
    request=REQUEST,
    event=EVENT,
    resource="device",
    target=DEVICE,
    kind="ev_charger",
    customer=CUSTOMER,
    service_point=SERVICE_POINT,
    state="active",
    limit_kw=4.2,
    p_before_kw=11.0,
    observed_kw=4.1,
    start=OPENED,
    end=OPENED + timedelta(minutes=30),
    reduced_kwh=None,
    points=None,
    reason=None,
)
_STATE = FeederView(
    feeder=FEEDER,
    at=NOW,
    cycle=2410,
    automatic=True,
    converged=True,
    quality=DataQuality(
        measured=118, stale=0, estimated=2, alarm=None, substation_p_kw=371.2, model_p_kw=370.4
    ),
    transformers=(ElementLoading(id="trafo:0", loading_percent=101.2),),
    lines=(ElementLoading(id="line:0", loading_percent=41.3),),
    buses=(BusVoltage(id="bus:0", v_pu=1.0203), BusVoltage(id="bus:1", v_pu=0.9941)),
    service_point_kw=(11.6, None),
    violations=(
        ViolationView(id="trafo:0", kind="transformer_overload", value=101.2, limit=100.0, since=OPENED),
    ),
    located=(_CAUSE,),
    event=EventView(
        event=EVENT,
        opened_at=OPENED,
        closed_at=None,
        element="trafo:0",
        value=101.2,
        limit=100.0,
        peak_percent=112.4,
        requests=1,
        curtailed_kw=6.9,
    ),
    requests=(_REQUEST,),
    without_control_percent=106.9,
    totals=Totals(
        events=3,
        requests_planned=91,
        requests_sent=91,
        requests_answered=88,
        curtailed_kwh=128.0,
        credited_points=12745,
        credited_minor_units=3186,
        currency="EUR-cent",
        readings_refused=4,
    ),
    service_point_quality=(0, 2),
    forecast=(
        ForecastPoint(
            at=NOW + timedelta(minutes=15),
            transformer_percent=99.1,
            transformer_low=94.0,
            transformer_high=103.8,
            line_percent=40.2,
            line_low=37.5,
            line_high=43.1,
        ),
    ),
)
_NETWORK = NetworkBody(
    feeder=FEEDER,
    source="dorf.json",
    map_turned=False,
    buses=(
        BusBody(
            id="bus:1",
            name="House 97",
            x=412.5,
            y=88.0,
            diagram_x=2.0,
            diagram_y=0.0,
            min_v_pu=0.9,
            max_v_pu=1.1,
            service_points=(
                ServicePointBody(
                    name=SERVICE_POINT,
                    index=0,
                    customer=CUSTOMER,
                    critical=False,
                    device_kinds=("ev_charger",),
                ),
            ),
        ),
    ),
    lines=(
        LineBody(id="line:0", name="Cable 1", from_bus="bus:0", to_bus="bus:1", max_loading_percent=100.0),
    ),
    transformers=(
        TransformerBody(
            id="trafo:0", name="Trafo 1", hv_bus="bus:2", lv_bus="bus:0", max_loading_percent=100.0
        ),
    ),
    warnings=(),
)
_BEFORE = Outlook(
    converged=True,
    highest_loading_percent=106.9,
    highest_loaded="trafo:0",
    lowest_v_pu=0.962,
    highest_v_pu=1.0203,
    substation_p_kw=371.2,
    violations=(ForeseenViolation(id="trafo:0", kind="transformer_overload", value=106.9, limit=100.0),),
)
_AFTER = Outlook(
    converged=True,
    highest_loading_percent=99.4,
    highest_loaded="trafo:0",
    lowest_v_pu=0.966,
    highest_v_pu=1.0203,
    substation_p_kw=344.9,
    violations=(),
)
EFFECT = WhatIf(
    feeder=FEEDER,
    at=NOW,
    is_data_good=True,
    before=_BEFORE,
    after=_AFTER,
    elements=(ElementEffect(id="trafo:0", before_percent=106.9, after_percent=99.4, limit_percent=100.0),),
    voltages=(VoltageEffect(id="bus:1", before_v_pu=0.962, after_v_pu=0.966, min_v_pu=0.9, max_v_pu=1.1),),
    devices=(
        DeviceEffect(
            device=DEVICE,
            kind="ev_charger",
            service_point=SERVICE_POINT,
            customer=CUSTOMER,
            direction="consumption",
            before_kw=11.0,
            after_kw=4.2,
            limit_kw=4.2,
            floor_kw=4.2,
            is_at_floor=True,
            until=CLOSED,
            curtailed_kw=6.8,
        ),
    ),
    left_out=(LeftOut(device="ev-011", reason="protected", text="it is never limited"),),
    event=EventEffect(
        event=EVENT,
        element="trafo:0",
        limit=100.0,
        value_before=106.9,
        value_after=99.4,
        is_cleared=True,
        would_wind_down=False,
    ),
    curtailed_kw=6.8,
    less_fed_in_kw=0.0,
    customers=(CUSTOMER,),
    critical_customers=(),
    reach_kw=6.8,
    reach_percent=7.4,
    cautions=(
        Caution(code="automatic_takes_over", text="the automatic decides afterwards, and may ask for more"),
    ),
    columns_after=None,
)
_TOLD = Told(
    seq=812,
    at=OPENED,
    feeder=FEEDER,
    entry="event_opened",
    severity="alarm",
    text=f"Transformer 0 at 106.9 %, over its limit of 100.0 %: event {EVENT} opened",
    personal=False,
)
_WHY = "cable 3 is being repaired"
EXAMPLES: Examples = {
    "GET /api/v1/feeders": Example(
        answered=Feeders(
            site="Westend",
            feeders=(
                FeederBrief(
                    id=FEEDER,
                    network="dorf.json",
                    period_s=15.0,
                    at=NOW,
                    seconds_since_cycle=1.2,
                    automatic=True,
                    highest_loading_percent=101.2,
                    violations=1,
                    alarm=None,
                ),
            ),
        )
    ),
    "GET /api/v1/feeders/{feeder}/state": Example(answered=_STATE),
    "GET /api/v1/feeders/{feeder}/network": Example(answered=_NETWORK),
    "GET /api/v1/feeders/{feeder}/trend": Example(
        answered=(
            TrendPoint(
                at=NOW,
                transformer_loading_percent=101.2,
                max_line_loading_percent=41.3,
                without_control_percent=106.9,
                curtailed_kw=6.9,
            ),
        )
    ),
    "GET /api/v1/feeders/{feeder}/contributions": Example(
        answered=ContributionsView(
            feeder=FEEDER,
            at=NOW,
            element="trafo:0",
            kind="transformer_overload",
            value=101.2,
            limit=100.0,
            without_load=0.4,
            caused=103.1,
            losses=1.9,
            relieved=-4.2,
            rest=0.0,
            causes=(_CAUSE,),
            relief=(),
            others=116,
        )
    ),
    "GET /api/v1/told": Example(answered=(_TOLD,)),
    "GET /api/v1/stream": Example(files={"text/event-stream": ToldEvent(whole=False, told=(_TOLD,))}),
    "POST /api/v1/feeders/{feeder}/what-if": Example(answered=EFFECT),
    "POST /api/v1/feeders/{feeder}/operate": Example(
        posted=OperatorOrder(action="limit", why=_WHY, targets=(DEVICE,), limit_kw=4.2, until=CLOSED),
        answered=OperatorActed(
            at=NOW,
            who="li.wei",
            why=_WHY,
            action="limit",
            feeder=FEEDER,
            target=None,
            order="O-dorf-20260112T180447Z",
            targets=(DEVICE,),
            limit_kw=4.2,
            until=CLOSED,
            direction="consumption",
        ),
    ),
}
