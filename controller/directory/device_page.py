"""A device as it is shown: its row, and what was asked of it. Pure; reads the books and the latest cycle."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from controller.books import Books
from controller.bounds import direction_of
from controller.directory.device_health import Outlook, Seen
from controller.directory.directory_views import DevicePage, DeviceRow, FailsafeRow, RequestRow
from controller.directory.wires import BROKER, Wire
from controller.failsafes import is_confirmed
from controller.feeder_control import FeederControl
from controller.feeder_state import DeviceState, FeederState
from controller.requests import RequestRecord
from customers.registry import Device

MOST_REQUESTS = 100
StateOf = Callable[[str], FeederState | None]
"""what a feeder's devices last said; None before its first cycle"""


@dataclass(frozen=True)
class Field:
    """Where the field is looked up."""

    state_of: StateOf
    wires: Mapping[tuple[str, str], Wire]
    connected: Callable[[str], bool | None]
    """whether a link of this name is there; None: there is none of this name"""

    def shown(self, feeder: str, device: str) -> DeviceState | None:
        """What a device last said."""
        state = self.state_of(feeder)
        return None if state is None else state.devices.get(device)


def device_row(
    control: FeederControl, books: Books, field: Field, device: Device, now: datetime
) -> DeviceRow:
    """One row."""
    feeder = control.feeder
    found = Outlook(control, books, now).seen(device, field.shown(feeder, device.device))
    shown, asked = found.shown, found.asked
    direction = direction_of(device.kind)
    shown_kw, shown_request = (None, None) if shown is None else shown.shows(direction)
    states = [one.state for one in requests_of(control, books, device)]
    wire = field.wires.get((feeder, device.device), BROKER)
    owner = control.registry.by_service_point.get(device.service_point)
    return DeviceRow(
        device=device.device,
        feeder=feeder,
        service_point=device.service_point,
        customer=None if owner is None else owner.customer,
        kind=device.kind,
        rated_kw=device.rated_kw,
        min_kw=device.min_kw,
        protected=control.registry.is_protected(device),
        health=found.health,
        online=None if shown is None else shown.online,
        heard_at=None if shown is None else shown.at,
        p_kw=None if shown is None else shown.p_kw,
        asked_kw=None if asked is None else asked.limit_kw,
        asked_until=None if asked is None else asked.end,
        request=None if asked is None else asked.request,
        request_state=None if asked is None else asked.state,
        shown_kw=shown_kw,
        shown_request=shown_request,
        on_contact_loss=device.on_contact_loss,
        failsafe=_failsafe(feeder, books, device, found),
        requests=len(states),
        refused=states.count("refused"),
        unanswered=states.count("unanswered"),
        does_as_asked_percent=round(100 * books.compliance(feeder, device.device), 1),
        protocol=wire.protocol,
        address=wire.address,
        link=wire.link,
        link_connected=field.connected(wire.link),
    )


def _failsafe(feeder: str, books: Books, device: Device, found: Seen) -> FailsafeRow | None:
    if device.on_contact_loss == "event":
        return None
    shown, told = found.shown, books.failsafe_told(feeder, device.device)
    return FailsafeRow(
        declared_kw=device.failsafe_kw,
        shown_kw=None if shown is None else shown.failsafe_kw,
        shown_s=None if shown is None else shown.failsafe_s,
        told_at=None if told is None else told.at,
        confirmed=is_confirmed(device, shown),
        state=None if shown is None else shown.guard,
    )


def requests_of(control: FeederControl, books: Books, device: Device) -> tuple[RequestRecord, ...]:
    """The requests to a device whose detail is kept, oldest first."""
    here = books.at_service_point(control.feeder, device.service_point)
    return tuple(one for one in here if one.resource == "device" and one.planned.target == device.device)


def device_page(
    control: FeederControl, books: Books, field: Field, device: Device, now: datetime
) -> DevicePage:
    """A device with its history."""
    latest = reversed(requests_of(control, books, device)[-MOST_REQUESTS:])
    return DevicePage(
        device=device_row(control, books, field, device, now),
        requests=tuple(map(request_row, latest)),
        excluded=excluded_why(control, books, device.device, device.service_point),
    )


def excluded_why(control: FeederControl, books: Books, target: str, service_point: str) -> str | None:
    """Why an operator keeps a target, or its customer, out of requests; None where nobody does."""
    owner = control.registry.by_service_point.get(service_point)
    meant = {target, None if owner is None else owner.customer}
    act = next((one for one in books.exclusions(control.feeder) if one.target in meant), None)
    return None if act is None else f"{act.who}: {act.why}"


def request_row(record: RequestRecord) -> RequestRow:
    """A request as it is shown; a correction holds instead of the settlement."""
    planned = record.planned
    proven = record.corrected or record.settled
    return RequestRow(
        request=record.request,
        event=planned.event,
        resource=planned.resource,
        target=planned.target,
        state=record.state,
        limit_kw=record.limit_kw,
        p_before_kw=planned.p_before_kw,
        planned_at=planned.at,
        sent_at=record.sent_at,
        active_at=record.active_at,
        ended_at=record.ended_at,
        end=record.end,
        answer=record.answer,
        reason=record.reason or None,
        programme=planned.programme,
        direction=planned.direction,
        reduced_kwh=None if proven is None else proven.reduced_kwh,
        points=None if proven is None else proven.points,
        minor_units=None if proven is None else proven.minor_units,
        outcome=None if proven is None else proven.outcome,
        consent=record.consent,
    )
