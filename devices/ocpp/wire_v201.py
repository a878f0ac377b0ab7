"""OCPP 2.0.1's payloads as types: only what we read of them. No I/O.

Fields that a charger may leave out have a default; None is "not said".
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from devices.ocpp.measurements import ENERGY
from devices.ocpp.payloads import Wire
from devices.ocpp.settings import RateUnit

At = Annotated[datetime, msgspec.Meta(tz=True)]
Evse = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Word = Annotated[str, msgspec.Meta(max_length=255)]
Limit = Annotated[float, msgspec.Meta(ge=0)]


class Station(Wire):
    """Who made it."""

    model: Word
    vendor_name: Word
    firmware_version: Word | None = None


class Boot(Wire):
    """BootNotification."""

    charging_station: Station


class Status(Wire):
    """StatusNotification."""

    timestamp: At
    connector_status: Word
    evse_id: Evse


class UnitOfMeasure(Wire):
    """In what it is measured, and by which power of ten."""

    unit: Word | None = None
    multiplier: int = 0


class Sampled(Wire):
    """SampledValue."""

    value: float
    measurand: Word = ENERGY
    phase: Word | None = None
    location: Word | None = None
    unit_of_measure: UnitOfMeasure | None = None


class MeterValue(Wire):
    """All samples of one time."""

    timestamp: At
    sampled_value: tuple[Sampled, ...]


class MeterValues(Wire):
    """MeterValues."""

    evse_id: Evse
    meter_value: tuple[MeterValue, ...]


class Token(Wire):
    """IdToken."""

    id_token: Word


class Authorize(Wire):
    """Authorize."""

    id_token: Token


class EvseRef(Wire):
    """EVSE."""

    id: Evse


class Transaction(Wire):
    """What identifies a transaction."""

    transaction_id: Annotated[str, msgspec.Meta(min_length=1, max_length=36)]


class Event(Wire):
    """TransactionEvent."""

    event_type: Literal["Started", "Updated", "Ended"]
    timestamp: At
    transaction_info: Transaction
    evse: EvseRef | None = None
    id_token: Token | None = None
    meter_value: tuple[MeterValue, ...] = ()
    offline: bool = False


class Info(Wire):
    """StatusInfo."""

    reason_code: Word
    additional_info: Annotated[str, msgspec.Meta(max_length=512)] | None = None


class Answer(Wire):
    """What answers to our calls have in common."""

    status: Word
    status_info: Info | None = None


class Period(Wire):
    """ChargingSchedulePeriod."""

    start_period: int
    limit: Limit
    number_phases: Annotated[int, msgspec.Meta(ge=1, le=3)] | None = None


class Schedule(Wire):
    """ChargingSchedule, as it comes back."""

    charging_rate_unit: RateUnit
    charging_schedule_period: tuple[Period, ...]


class Composite(Wire):
    """The answer to GetCompositeSchedule."""

    status: Word
    schedule: Schedule | None = None


class Named(Wire):
    """A variable by its name."""

    name: Word


class Variable(Wire):
    """One variable."""

    attribute_status: Word
    variable: Named
    attribute_value: str | None = None


class Variables(Wire):
    """The answer to GetVariables."""

    get_variable_result: tuple[Variable, ...]
