"""OCPP 1.6-J: payloads to what they mean, and back [1] [6]. No I/O, no clock.

Section numbers are those of "Open Charge Point Protocol 1.6 edition 2".
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, assert_never

from devices.command_rules import check_limit
from devices.errors import MalformedMessage
from devices.messages import LimitCommand
from devices.ocpp import charging_profile as profiles
from devices.ocpp import wire_v16 as w
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
from devices.ocpp.measurements import is_of_use, measurement, sample
from devices.ocpp.outgoing_schema import checked
from devices.ocpp.payloads import read_as
from devices.ocpp.settings import Charger, ChargerDevice, Purpose, RateUnit
from devices.wire import checked_utc

_PURPOSES: dict[Purpose, str] = {
    "max": "ChargePointMaxProfile",
    "default": "TxDefaultProfile",
    "transaction": "TxProfile",
}
_EMPTY = {
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "SecurityEventNotification",
    "SignedFirmwareStatusNotification",
}
_STATUS = {"DataTransfer": "UnknownVendorId", "SignCertificate": "Rejected"}
_ERROR_CODES = {
    "wrong_type": "TypeConstraintViolation",
    "missing_field": "OccurenceConstraintViolation",  # spelt like this in 1.6
    "out_of_range": "PropertyConstraintViolation",
    "unknown_topic": "NotImplemented",
    "malformed": "FormationViolation",
}
_UNIT_KEY, _LEVEL_KEY = "ChargingScheduleAllowedChargingRateUnit", "ChargeProfileMaxStackLevel"
_FEATURES_KEY = "SupportedFeatureProfiles"


class CodecV16:
    """See `heard.Codec`."""

    subprotocol = "ocpp1.6"
    keeps_same_level = False

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
                return {"idTagInfo": token}
            case Charging(kind="started"):
                return {"idTagInfo": token, "transactionId": facts.transaction}
            case ConnectorSaid() | Measured() | Charging():
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
        """SetChargingProfile (5.16)."""
        check_limit(command, device.floor_kw)
        purpose = _PURPOSES[ability.purpose(device)]
        number = None if transaction is None else int(transaction)
        profile = {
            "chargingProfileId": profiles.profile_id(command.request, of_transaction=transaction is not None),
            **profiles.profile(command, purpose, ability, number),
            "chargingSchedule": profiles.schedule(command, device, ability.unit),
        }
        payload = {"connectorId": device.connector, "csChargingProfiles": profile}
        return checked("1.6", Outgoing("SetChargingProfile", payload))

    def release(self, request: str, *, of_transaction: bool = False) -> Outgoing:
        """ClearChargingProfile (5.5) by id: there are chargers that find nothing by purpose and level."""
        number = profiles.profile_id(request, of_transaction=of_transaction)
        return checked("1.6", Outgoing("ClearChargingProfile", {"id": number}))

    def clear_level(self, device: ChargerDevice, ability: Ability) -> Outgoing:
        """ClearChargingProfile by connector, purpose and level."""
        payload = {
            "connectorId": device.connector,
            "chargingProfilePurpose": _PURPOSES[ability.purpose(device)],
            "stackLevel": ability.stack_level,
        }
        return checked("1.6", Outgoing("ClearChargingProfile", payload))

    def read_status(self, payload: bytes) -> tuple[str, str | None]:
        """See `heard.Codec.read_status`."""
        return read_as(w.Answer, payload).status, None

    def ask_held(self, device: ChargerDevice, unit: RateUnit) -> Outgoing:
        """GetCompositeSchedule (5.7) for the next minute."""
        payload = {"connectorId": device.connector, "duration": 60, "chargingRateUnit": unit}
        return Outgoing("GetCompositeSchedule", payload)

    def read_held(self, payload: bytes, device: ChargerDevice) -> float | None:
        """See `heard.Codec.read_held`."""
        composite = read_as(w.Composite, payload)
        if composite.status != "Accepted":
            raise MalformedMessage("malformed", f"GetCompositeSchedule is answered {composite.status[:40]!a}")
        if composite.charging_schedule is None:
            return None
        now = [p for p in composite.charging_schedule.charging_schedule_period if p.start_period <= 0]
        if not now:
            return None
        unit = composite.charging_schedule.charging_rate_unit
        return profiles.in_kw(now[-1].limit, unit, device, now[-1].number_phases)

    def ask_ability(self) -> Outgoing:
        """GetConfiguration (5.8) of what stands in section 9.4."""
        return Outgoing("GetConfiguration", {"key": [_UNIT_KEY, _LEVEL_KEY, _FEATURES_KEY]})

    def read_ability(self, payload: bytes, charger: Charger) -> Ability:
        """See `heard.Codec.read_ability`."""
        said = {k.key: k.value for k in read_as(w.Configuration, payload).configuration_key if k.value}
        level, features = said.get(_LEVEL_KEY), said.get(_FEATURES_KEY)
        return profiles.ability(
            charger,
            units=said.get(_UNIT_KEY),
            levels=level,
            smart_charging=features is None or "smartcharging" in features.lower().replace(" ", ""),
        )

    def wishes(self, charger: Charger) -> tuple[Outgoing, ...]:
        """ChangeConfiguration (5.3): power and energy while it charges."""
        if charger.meter_interval_s is None:
            return ()
        wanted = {
            "MeterValuesSampledData": "Power.Active.Import,Energy.Active.Import.Register",
            "MeterValueSampleInterval": str(charger.meter_interval_s),
        }
        return tuple(
            Outgoing("ChangeConfiguration", {"key": key, "value": value}) for key, value in wanted.items()
        )

    def trigger(self, message: Literal["StatusNotification", "Heartbeat", "MeterValues"]) -> Outgoing:
        """TriggerMessage (5.17)."""
        return Outgoing("TriggerMessage", {"requestedMessage": message})


def _booted(payload: bytes, _: Mapping[int, int]) -> Heard:
    boot = read_as(w.Boot, payload)
    return Booted(boot.charge_point_vendor, boot.charge_point_model, boot.firmware_version)


def _beat(_payload: bytes, _: Mapping[int, int]) -> Heard:
    return Beat()


def _connector_said(payload: bytes, _: Mapping[int, int]) -> Heard:
    wire = read_as(w.Status, payload)
    at = None if wire.timestamp is None else checked_utc("timestamp", wire.timestamp)
    error = None if wire.error_code == "NoError" else wire.error_code
    return ConnectorSaid(wire.connector_id, wire.status, at, error)


def _measured(payload: bytes, phases: Mapping[int, int]) -> Heard:
    wire = read_as(w.MeterValues, payload)
    values = _values(wire.meter_value, phases.get(wire.connector_id, 3))
    number = wire.transaction_id
    return Measured(wire.connector_id, values, None if number is None else str(number))


def _token_asked(payload: bytes, _: Mapping[int, int]) -> Heard:
    return TokenAsked(read_as(w.Authorize, payload).id_tag)


def _started(payload: bytes, _: Mapping[int, int]) -> Heard:
    start = read_as(w.Start, payload)
    at = checked_utc("timestamp", start.timestamp)
    return Charging("started", start.connector_id, None, at, start.id_tag)


def _stopped(payload: bytes, _: Mapping[int, int]) -> Heard:
    stop = read_as(w.Stop, payload)
    return Charging("ended", None, str(stop.transaction_id), checked_utc("timestamp", stop.timestamp))


_READERS: Mapping[str, Callable[[bytes, Mapping[int, int]], Heard]] = {
    "Authorize": _token_asked,
    "BootNotification": _booted,
    "Heartbeat": _beat,
    "MeterValues": _measured,
    "StartTransaction": _started,
    "StatusNotification": _connector_said,
    "StopTransaction": _stopped,
}


def _values(wires: tuple[w.MeterValue, ...], phases: int) -> tuple[Measurement, ...]:
    found = (
        measurement(
            checked_utc("timestamp", wire.timestamp),
            [
                sample(s.measurand, s.phase, s.location, value=_number(s), unit=s.unit)
                for s in wire.sampled_value
                if is_of_use(s.measurand) and s.format != "SignedData"
            ],
            phases,
        )
        for wire in wires
    )
    return tuple(one for one in found if one is not None)


def _number(sampled: w.Sampled) -> float:
    """1.6 writes numbers as text."""
    try:
        return float(sampled.value)
    except ValueError:
        raise MalformedMessage("wrong_type", f"{sampled.measurand}: {sampled.value[:40]!a}") from None
