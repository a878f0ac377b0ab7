"""OCPP 2.0.1: payloads to what they mean, and back [1] [6]. No I/O, no clock.

Use cases (K01 and the like) are those of "OCPP 2.0.1 Part 2"; a connector here is an EVSE there.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, assert_never

from devices.command_rules import check_limit
from devices.errors import MalformedMessage
from devices.messages import LimitCommand
from devices.ocpp import charging_profile as profiles
from devices.ocpp import wire_v201 as w
from devices.ocpp.charging_profile import Ability
from devices.ocpp.heard import (
    Beat,
    Booted,
    Charging,
    ConnectorSaid,
    Heard,
    Measured,
    Measurement,
    Noted,
    Outgoing,
    ReplyFacts,
    TokenAsked,
)
from devices.ocpp.measurements import Sample, is_of_use, measurement, sample
from devices.ocpp.outgoing_schema import checked
from devices.ocpp.payloads import read_as
from devices.ocpp.settings import Charger, ChargerDevice, Purpose, RateUnit
from devices.wire import checked_utc

_PURPOSES: dict[Purpose, str] = {
    "max": "ChargingStationMaxProfile",
    "default": "TxDefaultProfile",
    "transaction": "TxProfile",
}
_KINDS: dict[str, Literal["started", "updated", "ended"]] = {
    "Started": "started",
    "Updated": "updated",
    "Ended": "ended",
}
_EMPTY = {
    "ClearedChargingLimit",
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "NotifyChargingLimit",
    "NotifyCustomerInformation",
    "NotifyDisplayMessages",
    "NotifyEvent",
    "NotifyMonitoringReport",
    "NotifyReport",
    "PublishFirmwareStatusNotification",
    "ReportChargingProfiles",
    "ReservationStatusUpdate",
    "SecurityEventNotification",
}
_STATUS = {
    "DataTransfer": "UnknownVendorId",
    "SignCertificate": "Rejected",
    "NotifyEVChargingNeeds": "Rejected",
    "NotifyEVChargingSchedule": "Rejected",
}
_ERROR_CODES = {
    "wrong_type": "TypeConstraintViolation",
    "missing_field": "OccurrenceConstraintViolation",
    "out_of_range": "PropertyConstraintViolation",
    "unknown_topic": "NotImplemented",
    "malformed": "FormatViolation",
}
_SMART_CHARGING = "SmartChargingCtrlr"
_UNIT, _LEVEL, _AVAILABLE = "RateUnit", "ProfileStackLevel", "Available"


class CodecV201:
    """See `heard.Codec`."""

    subprotocol = "ocpp2.0.1"
    keeps_same_level = True

    def read(self, action: str, payload: bytes, phases: Mapping[int, int]) -> Heard:
        """See `heard.Codec.read`."""
        reader = _READERS.get(action)
        if reader is not None:
            return reader(payload, phases)
        if action in _EMPTY or action in _STATUS:
            return Noted(action)
        raise MalformedMessage("unknown_topic", f"{action[:60]!a} is no call that we answer")

    def reply(self, action: str, heard: Heard, facts: ReplyFacts) -> Mapping[str, Any]:
        """See `heard.Codec.reply`."""
        token = {"status": "Accepted" if facts.token_accepted else "Invalid"}
        now = profiles.wire_time(facts.now)
        match heard:
            case Booted():
                return {"status": "Accepted", "currentTime": now, "interval": facts.heartbeat_s}
            case Beat():
                return {"currentTime": now}
            case TokenAsked():
                return {"idTokenInfo": token}
            case Charging(token=asked):
                return {} if asked is None else {"idTokenInfo": token}
            case ConnectorSaid() | Measured():
                return {}
            case Noted():
                return {"status": _STATUS[action]} if action in _STATUS else {}
            case _:
                assert_never(heard)

    def error_code(self, reason: str) -> str:
        """See `heard.Codec.error_code`."""
        return _ERROR_CODES.get(reason, "GenericError")

    def limit(
        self, command: LimitCommand, device: ChargerDevice, ability: Ability, transaction: str | None
    ) -> Outgoing:
        """SetChargingProfile (K01)."""
        check_limit(command, device.floor_kw)
        purpose = _PURPOSES[ability.purpose(device)]
        number = profiles.profile_id(command.request, of_transaction=transaction is not None)
        profile = {
            "id": number,
            **profiles.profile(command, purpose, ability, transaction),
            "chargingSchedule": [{"id": number, **profiles.schedule(command, device, ability.unit)}],
        }
        payload = {"evseId": device.connector, "chargingProfile": profile}
        return checked("2.0.1", Outgoing("SetChargingProfile", payload))

    def release(self, request: str, *, of_transaction: bool = False) -> Outgoing:
        """ClearChargingProfile (K10) by id."""
        payload = {"chargingProfileId": profiles.profile_id(request, of_transaction=of_transaction)}
        return checked("2.0.1", Outgoing("ClearChargingProfile", payload))

    def clear_level(self, device: ChargerDevice, ability: Ability) -> Outgoing:
        """ClearChargingProfile by EVSE, purpose and level."""
        criteria = {
            "evseId": device.connector,
            "chargingProfilePurpose": _PURPOSES[ability.purpose(device)],
            "stackLevel": ability.stack_level,
        }
        return checked("2.0.1", Outgoing("ClearChargingProfile", {"chargingProfileCriteria": criteria}))

    def read_status(self, payload: bytes) -> tuple[str, str | None]:
        """See `heard.Codec.read_status`."""
        answer = read_as(w.Answer, payload)
        info = answer.status_info
        if info is None:
            return answer.status, None
        return answer.status, ": ".join(word for word in (info.reason_code, info.additional_info) if word)

    def ask_held(self, device: ChargerDevice, unit: RateUnit) -> Outgoing:
        """GetCompositeSchedule (K08) for the next minute."""
        payload = {"evseId": device.connector, "duration": 60, "chargingRateUnit": unit}
        return Outgoing("GetCompositeSchedule", payload)

    def read_held(self, payload: bytes, device: ChargerDevice) -> float | None:
        """See `heard.Codec.read_held`."""
        composite = read_as(w.Composite, payload)
        if composite.status != "Accepted":
            raise MalformedMessage("malformed", f"GetCompositeSchedule is answered {composite.status[:40]!a}")
        if composite.schedule is None:
            return None
        now = [p for p in composite.schedule.charging_schedule_period if p.start_period <= 0]
        if not now:
            return None
        unit = composite.schedule.charging_rate_unit
        return profiles.in_kw(now[-1].limit, unit, device, now[-1].number_phases)

    def ask_ability(self) -> Outgoing:
        """GetVariables (B06) of the smart charging controller."""
        wanted = [
            {"component": {"name": _SMART_CHARGING}, "variable": {"name": name}}
            for name in (_UNIT, _LEVEL, _AVAILABLE)
        ]
        return Outgoing("GetVariables", {"getVariableData": wanted})

    def read_ability(self, payload: bytes, charger: Charger) -> Ability:
        """See `heard.Codec.read_ability`."""
        said = {
            result.variable.name: result.attribute_value
            for result in read_as(w.Variables, payload).get_variable_result
            if result.attribute_status == "Accepted"
        }
        return profiles.ability(
            charger,
            units=said.get(_UNIT),
            levels=said.get(_LEVEL),
            smart_charging=(said.get(_AVAILABLE) or "true").lower() != "false",
        )

    def wishes(self, charger: Charger) -> tuple[Outgoing, ...]:
        """SetVariables (B05): power and energy while it charges (J02)."""
        if charger.meter_interval_s is None:
            return ()
        wanted = {
            "TxUpdatedMeasurands": "Power.Active.Import,Energy.Active.Import.Register",
            "TxUpdatedInterval": str(charger.meter_interval_s),
        }
        data = [
            {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": name}, "attributeValue": value}
            for name, value in wanted.items()
        ]
        return (Outgoing("SetVariables", {"setVariableData": data}),)

    def trigger(self, message: Literal["StatusNotification", "Heartbeat", "MeterValues"]) -> Outgoing:
        """TriggerMessage (F06)."""
        return Outgoing("TriggerMessage", {"requestedMessage": message})


def _booted(payload: bytes, _: Mapping[int, int]) -> Heard:
    station = read_as(w.Boot, payload).charging_station
    return Booted(station.vendor_name, station.model, station.firmware_version)


def _beat(_payload: bytes, _: Mapping[int, int]) -> Heard:
    return Beat()


def _connector_said(payload: bytes, _: Mapping[int, int]) -> Heard:
    status = read_as(w.Status, payload)
    at = checked_utc("timestamp", status.timestamp)
    return ConnectorSaid(status.evse_id, status.connector_status, at)


def _measured(payload: bytes, phases: Mapping[int, int]) -> Heard:
    wire = read_as(w.MeterValues, payload)
    return Measured(wire.evse_id, _values(wire.meter_value, phases.get(wire.evse_id, 3)))


def _token_asked(payload: bytes, _: Mapping[int, int]) -> Heard:
    return TokenAsked(read_as(w.Authorize, payload).id_token.id_token)


def _charging(payload: bytes, phases: Mapping[int, int]) -> Heard:
    event = read_as(w.Event, payload)
    evse = None if event.evse is None else event.evse.id
    return Charging(
        kind=_KINDS[event.event_type],
        connector=evse,
        transaction=event.transaction_info.transaction_id,
        at=checked_utc("timestamp", event.timestamp),
        token=None if event.id_token is None else event.id_token.id_token,
        values=_values(event.meter_value, 3 if evse is None else phases.get(evse, 3)),
        buffered=event.offline,
    )


_READERS: Mapping[str, Callable[[bytes, Mapping[int, int]], Heard]] = {
    "Authorize": _token_asked,
    "BootNotification": _booted,
    "Heartbeat": _beat,
    "MeterValues": _measured,
    "StatusNotification": _connector_said,
    "TransactionEvent": _charging,
}


def _values(wires: tuple[w.MeterValue, ...], phases: int) -> tuple[Measurement, ...]:
    found = (
        measurement(
            checked_utc("timestamp", wire.timestamp),
            [_sample(s) for s in wire.sampled_value if is_of_use(s.measurand)],
            phases,
        )
        for wire in wires
    )
    return tuple(one for one in found if one is not None)


def _sample(sampled: w.Sampled) -> Sample:
    unit = sampled.unit_of_measure or w.UnitOfMeasure()
    return sample(
        sampled.measurand,
        sampled.phase,
        sampled.location,
        value=sampled.value,
        unit=unit.unit,
        multiplier=unit.multiplier,
    )
