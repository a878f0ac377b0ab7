"""OCPP 1.6-J's payloads as types: only what we read of them. No I/O.

Fields that a charger may leave out have a default; None is "not said".
"""

from datetime import datetime
from typing import Annotated

import msgspec

from devices.ocpp.measurements import ENERGY
from devices.ocpp.payloads import Wire
from devices.ocpp.settings import RateUnit

At = Annotated[datetime, msgspec.Meta(tz=True)]
Connector = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Word = Annotated[str, msgspec.Meta(max_length=255)]
Limit = Annotated[float, msgspec.Meta(ge=0)]


class Boot(Wire):
    """BootNotification."""

    charge_point_vendor: Word
    charge_point_model: Word
    firmware_version: Word | None = None


class Status(Wire):
    """StatusNotification."""

    connector_id: Connector
    status: Word
    error_code: Word = "NoError"
    timestamp: At | None = None


class Sampled(Wire):
    """SampledValue."""

    value: Word
    measurand: Word = ENERGY
    phase: Word | None = None
    unit: Word | None = None
    location: Word | None = None
    format: Word | None = None


class MeterValue(Wire):
    """All samples of one time."""

    timestamp: At
    sampled_value: tuple[Sampled, ...]


class MeterValues(Wire):
    """MeterValues."""

    connector_id: Connector
    meter_value: tuple[MeterValue, ...]
    transaction_id: int | None = None


class Authorize(Wire):
    """Authorize."""

    id_tag: Word


class Start(Wire):
    """StartTransaction."""

    connector_id: Connector
    id_tag: Word
    timestamp: At


class Stop(Wire):
    """StopTransaction."""

    transaction_id: int
    timestamp: At


class Answer(Wire):
    """What answers to our calls have in common."""

    status: Word


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
    charging_schedule: Schedule | None = None


class Key(Wire):
    """One configuration key."""

    key: str
    value: str | None = None


class Configuration(Wire):
    """The answer to GetConfiguration."""

    configuration_key: tuple[Key, ...] = ()
