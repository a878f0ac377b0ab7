"""Of customers, their contacts and notices, devices, and where cars can charge."""

from datetime import date

from controller.api.charging import PlugBody, StationBody, StationsBody
from controller.api.contacts import ErasedBody, EraseOrder
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
from controller.api.opt_out import OptOutNoted, OptOutOrder, StopOrder
from controller.api.people import AnswerNoted, NoticeAnswer
from controller.directory.directory_views import (
    AccessRow,
    ApplianceRow,
    ConsentRow,
    ContactPage,
    CustomerPage,
    CustomerRow,
    CustomersPage,
    DevicePage,
    DeviceRow,
    DevicesPage,
    EnrolmentRow,
    RequestRow,
    RewardsRow,
    SupplyRow,
    WordRow,
)

_DEVICE = DeviceRow(
    device=DEVICE,
    feeder=FEEDER,
    service_point=SERVICE_POINT,
    customer=CUSTOMER,
    kind="ev_charger",
    rated_kw=11.0,
    min_kw=4.2,
    protected=False,
    health="good",
    online=True,
    heard_at=NOW,
    p_kw=4.1,
    asked_kw=4.2,
    asked_until=CLOSED,
    request=REQUEST,
    request_state="active",
    shown_kw=4.2,
    shown_request=REQUEST,
    on_contact_loss="event",
    failsafe=None,
    requests=14,
    refused=0,
    unanswered=1,
    does_as_asked_percent=92.9,
    protocol="mqtt",
    address=None,
    link="mqtt",
    link_connected=True,
)
_REQUEST = RequestRow(
    request=REQUEST,
    event=EVENT,
    resource="device",
    target=DEVICE,
    state="settled",
    limit_kw=4.2,
    p_before_kw=11.0,
    planned_at=OPENED,
    sent_at=OPENED,
    active_at=OPENED,
    ended_at=CLOSED,
    end=CLOSED,
    answer="accepted",
    reason=None,
    programme=None,
    reduced_kwh=3.142,
    points=314,
    minor_units=79,
    outcome="credited",
    consent=None,
)
_CUSTOMER = CustomerPage(
    customer=CUSTOMER,
    supplies=(
        SupplyRow(
            feeder=FEEDER,
            service_point=SERVICE_POINT,
            meter="M-008",
            critical=False,
            protected_by=(),
            tags=(),
            language="en",
            takes_notices=True,
            p_kw=4.9,
            quality="measured",
            excluded=None,
            devices=(_DEVICE,),
            appliances=(ApplianceRow(kind="water_heater", rated_kw=2.0, confidence=0.83),),
            programmes=(
                EnrolmentRow(
                    programme="evening-relief",
                    names={"en": "Evening relief", "zh": "晚间减负"},
                    from_day=date(2026, 1, 1),
                    until_day=None,
                    holds=True,
                ),
            ),
        ),
    ),
    consent=ConsentRow(standing="agreed", consented_on=date(2025, 12, 3), withdrawn_on=None, ended_on=None),
    rewards=RewardsRow(
        balances={"points": 1240, "EUR-cent": 310},
        tier="silver",
        earned_points=1240,
        expiring_points=400,
        expiring_on="2027-01-01",
        pending=(),
    ),
    requests=(_REQUEST,),
    opted_out=(),
    words=(WordRow(at=OPENED, request=REQUEST, what="delivered", kind="notice", via="sms", result="ok"),),
)
_CONTACT = ContactPage(
    customer=CUSTOMER,
    name="Ada Example",
    email="ada@example.org",
    phone="+49 30 5550108",
    postal="Dorfstr. 97, 12345 Dorf",
    language="en",
    channels=("sms", "email"),
    accesses=(AccessRow(at=NOW, who="li.wei", action="looked", why="called back about a credit"),),
)
_STATION = StationBody(
    station="market-place",
    name="Market place",
    latitude=53.6407,
    longitude=11.4112,
    address="Market place 1, Dorf",
    access="public",
    distance_m=210.0,
    plugs=(
        PlugBody(
            charge_point=None,
            connector=1,
            plug="type2",
            power_kw=11.0,
            occupancy="available",
            since=NOW,
            limit_kw=None,
        ),
    ),
)
EXAMPLES: Examples = {
    "GET /api/v1/customers": Example(
        answered=CustomersPage(
            items=(
                CustomerRow(
                    customer=CUSTOMER,
                    feeder=FEEDER,
                    service_point=SERVICE_POINT,
                    meter="M-008",
                    critical=False,
                    takes_notices=True,
                    devices=1,
                    open_requests=1,
                    matched="id",
                ),
            ),
            next=None,
            personal=False,
        )
    ),
    "GET /api/v1/customers/{customer}": Example(answered=_CUSTOMER),
    "GET /api/v1/customers/{customer}/contact": Example(answered=_CONTACT),
    "POST /api/v1/customers/{customer}/erase-contacts": Example(
        posted=EraseOrder(why="asked for it in writing on 12 January"),
        answered=ErasedBody(customer=CUSTOMER, erased=True, journaled=True),
    ),
    "POST /api/v1/customers/{customer}/opt-out": Example(
        posted=OptOutOrder(why="said so on the phone"), answered=OptOutNoted(noted=True)
    ),
    "POST /api/v1/notices/stop": Example(
        posted=StopOrder(phone="+49305550108"), answered=OptOutNoted(noted=True)
    ),
    "POST /api/v1/notices/{request_id}/answer": Example(
        posted=NoticeAnswer(answer="opted_in"),
        answered=AnswerNoted(
            request=REQUEST, customer=CUSTOMER, answer="opted_in", state="accepted", again=False
        ),
    ),
    "GET /api/v1/devices": Example(
        answered=DevicesPage(items=(_DEVICE,), next=None, counts={"good": 1}, counted_at=NOW)
    ),
    "GET /api/v1/devices/{device}": Example(
        answered=DevicePage(device=_DEVICE, requests=(_REQUEST,), excluded=None)
    ),
    "GET /api/v1/charging/stations": Example(answered=StationsBody(stations=(_STATION,))),
}
