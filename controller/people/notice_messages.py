"""[6, 8] From a request to the words that go to a person, as the message that crosses the edge. Pure.

Gathers what the texts of `customers/notices.py` need: the programme's rates, the zone, the links by which
people answer. Knows no channel.
"""

from controller import settings
from controller.entries import MessagePlanned
from controller.feeder_control import FeederControl
from controller.people.call_rules import programme_of, zone_of
from controller.requests import RequestRecord
from controller.rewards.money import shown
from customers.consent_links import ConsentKey, ConsentLinks
from customers.notices import (
    Offer,
    Why,
    explanation_text,
    follow_up_text,
    notice_text,
    thanks_text,
)
from customers.registry import Customer
from devices.messages import CustomerNotice, NoticeKind
from devices.signing import hkdf_sha256

_SALT = b"gridward-consent-key-1"


def consent_links(site: settings.Site, secret: bytes) -> ConsentLinks | None:
    """The links of a site; their key is derived from its secret (HKDF, RFC 5869), as those of devices are."""
    if site.api.public_url is None:
        return None
    return ConsentLinks(site.api.public_url, ConsentKey(hkdf_sha256(secret, salt=_SALT, info=b"", length=64)))


def notice_of(control: FeederControl, record: RequestRecord) -> CustomerNotice:
    """The notice of a request to a person, as its newest command stands."""
    customer = control.customer.get(record.planned.target)
    return _message(
        record,
        "taken_back" if record.releasing else "notice",
        "" if customer is None else asked_text(control, customer, record),
    )


def asked_text(control: FeederControl, customer: Customer, record: RequestRecord) -> str:
    """What a customer is asked, in their words."""
    planned, links = record.planned, control.links
    programme = programme_of(control, planned.programme)
    offer = Offer(
        programme="" if planned.programme is None else programme.name(customer.language),
        start=None if planned.start <= planned.at else planned.start,
        points_per_kwh=programme.points_per_kwh,
        money_per_kwh=_money(control, programme.minor_units_per_kwh),
        answer=programme.answer,
        yes_link="" if links is None else links.link(record.request, "opted_in", record.end),
        no_link="" if links is None else links.link(record.request, "opted_out", record.end),
    )
    return notice_text(customer, record, zone=zone_of(control.site), offer=offer)


def further_word(
    control: FeederControl, record: RequestRecord, planned: MessagePlanned
) -> CustomerNotice | None:
    """A follow-up, thanks or an explanation; None when its customer is not known any more."""
    customer = control.customer.get(planned.customer)
    if customer is None:
        return None
    match planned.kind:
        case "follow_up":
            links = control.links
            no_link = "" if links is None else links.link(record.request, "opted_out", record.end)
            text = follow_up_text(
                customer, record, planned.p_kw or 0.0, zone=zone_of(control.site), no_link=no_link
            )
        case "thanks":
            money = _money(control, 0 if record.settled is None else record.settled.minor_units)
            text = thanks_text(customer, planned.reduced_kwh or 0.0, planned.points or 0, money)
        case "explanation":
            text = explanation_text(customer, _why(record), planned.reduced_kwh or 0.0)
    return _message(record, planned.kind, text)


def _why(record: RequestRecord) -> Why:
    settled = record.settled
    return (
        "too_little_data" if settled is not None and settled.outcome == "too_little_data" else "nothing_shown"
    )


def _money(control: FeederControl, minor_units: int) -> str:
    return shown(control.site.rewards.currency, minor_units) if minor_units else ""


def _message(record: RequestRecord, kind: NoticeKind, text: str) -> CustomerNotice:
    planned = record.planned
    return CustomerNotice(
        feeder=planned.feeder,
        customer=planned.target,
        request=record.request,
        limit_kw=record.limit_kw,
        start=planned.start,
        end=record.end,
        sequence=record.sequence,
        text=text,
        kind=kind,
    )
