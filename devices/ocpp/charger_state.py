"""What is known of one charge point: its connectors, its clock, and the limits it took from us. Pure.

Outlives connections: a charger that comes back still holds what it took. It is told of everything that was
heard and shows it as `DeviceStatus` and `Reading`. The rules of what is shown:

* Power is measured, or a connector without a car ("Available") takes 0; anything else is None.
* A change of a connector's state makes its measured power void; so does age.
* A limit is shown as read back from the charger; while it will not say, as it accepted it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from devices.messages import Answer, AnswerKind, DeviceStatus, LimitCommand, Reading
from devices.ocpp.charging_profile import WireLimit, tolerance_kw
from devices.ocpp.heard import Booted, Charging, ConnectorSaid, Heard, Measured, Measurement
from devices.ocpp.settings import Charger, ChargerDevice

MAX_CONNECTORS = 64
"""Connectors of one charge point that are followed; what others say is left out."""
MAX_TRANSACTIONS = 64
"""Numbers of transactions that are remembered, so that a start that is told twice is one."""
_NO_CAR = "Available"


@dataclass(frozen=True, slots=True)
class Connector:
    """One connector as last heard."""

    status: str | None = None
    """in the words of its version of OCPP"""
    since: datetime | None = None
    error: str | None = None
    transaction: str | None = None
    measured: Measurement | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A limit that the charger accepted."""

    command: LimitCommand
    wire: WireLimit
    read_back: bool = False
    """whether it has said what it holds"""
    held_kw: float | None = None
    """what it said then; None: no limit"""

    def is_held(self, device: ChargerDevice) -> bool:
        """It holds this limit, or a tighter one, as far as is known."""
        if not self.read_back:
            return True
        return self.held_kw is not None and self.held_kw <= self.wire.limit_kw + tolerance_kw(device)


class ChargerState:
    """All calls are on the loop's thread; times are given."""

    def __init__(self, charger: Charger, power_fresh_s: float) -> None:
        self.charger = charger
        self.boot: Booted | None = None
        self.connectors: dict[int, Connector] = {}
        self.claims: dict[str, Claim] = {}
        """by device"""
        self.free_kw: dict[str, float | None] = {}
        """by device: what it said that it holds when it held nothing of ours"""
        self.phases = {d.connector: int(d.phases) for d in charger.devices if d.phases != 3}
        self.online = False
        self._fresh = timedelta(seconds=power_fresh_s)
        self._transactions: dict[tuple[int, str, datetime], int] = {}
        self._newest_transaction = 0

    # ---- what is heard -------------------------------------------------------------------------------------

    def learn(self, heard: Heard, now: datetime) -> tuple[Reading, ...]:
        """Take in one thing; the readings among it, for connectors whose meter is a service point's."""
        match heard:
            case Booted():
                self.boot = heard
            case ConnectorSaid():
                self._connector_said(heard.connector, heard.status, heard.error, now)
            case Measured():
                return tuple(self._measured(heard.connector, heard.values, heard.transaction))
            case Charging():
                return tuple(self._charging(heard, now))
            case _:
                pass
        return ()

    def number_of(self, start: Charging, now: datetime) -> int:
        """The number of a transaction that begins (1.6 leaves it to us): the same for a start told twice.

        Grows with the clock, so that a restart of ours gives no number again.
        """
        key = (start.connector or 0, start.token or "", start.at)
        known = self._transactions.get(key)
        if known is not None:
            return known
        self._newest_transaction = max(self._newest_transaction + 1, int(now.timestamp()) & 0x7FFFFFFF)
        self._transactions[key] = self._newest_transaction
        if len(self._transactions) > MAX_TRANSACTIONS:
            del self._transactions[next(iter(self._transactions))]
        return self._newest_transaction

    def transaction_at(self, connector: int) -> str | None:
        """The transaction that runs there, as far as it was told."""
        known = self.connectors.get(connector)
        return None if known is None else known.transaction

    def _connector_said(self, number: int, status: str, error: str | None, now: datetime) -> None:
        known = self._known(number)
        if known is None:
            return
        left = status == _NO_CAR and known.status not in (None, _NO_CAR)
        if status != known.status:
            known = replace(known, status=status, since=now, measured=None)
        if left:  # one that was free all along may be told so while a transaction begins
            known = replace(known, transaction=None)
        self.connectors[number] = replace(known, error=error)

    def _measured(
        self, number: int, values: tuple[Measurement, ...], transaction: str | None = None
    ) -> Iterator[Reading]:
        known = self._known(number)
        if known is None:
            return
        if transaction is not None:
            known = self.connectors[number] = replace(known, transaction=transaction)
        for value in values:
            if known.measured is None or value.at >= known.measured.at:
                known = self.connectors[number] = replace(known, measured=value)
            yield from self._readings(number, value)

    def _charging(self, heard: Charging, now: datetime) -> Iterator[Reading]:
        number = heard.connector if heard.connector is not None else self._place_of(heard.transaction)
        known = None if number is None else self._known(number)
        if number is None or known is None:
            return
        if heard.kind == "ended":
            # what it measured last is of a car that is not charging any more
            yield from self._measured(number, heard.values)
            self.connectors[number] = replace(self.connectors[number], transaction=None, measured=None)
            return
        transaction = heard.transaction or str(self.number_of(heard, now))
        self.connectors[number] = replace(known, transaction=transaction)
        yield from self._measured(number, heard.values)

    def _place_of(self, transaction: str | None) -> int | None:
        places = (n for n, known in self.connectors.items() if known.transaction == transaction)
        return next(places, None) if transaction is not None else None

    def _known(self, number: int) -> Connector | None:
        known = self.connectors.get(number)
        if known is None and len(self.connectors) < MAX_CONNECTORS:
            known = self.connectors[number] = Connector()
        return known

    def _readings(self, number: int, value: Measurement) -> Iterator[Reading]:
        for device in self.charger.devices:
            if device.meter is not None and device.connector == number and value.p_kw is not None:
                yield Reading(
                    feeder=device.feeder,
                    meter=device.meter,
                    at=value.at,
                    p_kw=value.p_kw,
                    v_v=value.v_v,
                    i_a=value.i_a,
                    energy_kwh=value.energy_kwh,
                )

    # ---- limits --------------------------------------------------------------------------------------------

    def accept(self, device: ChargerDevice, command: LimitCommand, wire: WireLimit) -> Answer | None:
        """The charger accepted this limit; the end of another request's, whose place it took."""
        before = self.claims.get(device.device)
        self.claims[device.device] = Claim(command, wire)
        if before is None or before.command.request == command.request:
            return None
        return answer_to(before.command, "ended", "replaced")

    def let_go(self, device: ChargerDevice, request: str) -> Claim | None:
        """The charger does not hold this request's limit any more."""
        claim = self.claims.get(device.device)
        if claim is None or claim.command.request != request:
            return None
        return self.claims.pop(device.device)

    def read_back(self, device: ChargerDevice, held_kw: float | None) -> None:
        """The charger has said what it holds."""
        claim = self.claims.get(device.device)
        if claim is None:
            self.free_kw[device.device] = held_kw
        else:
            self.claims[device.device] = replace(claim, read_back=True, held_kw=held_kw)

    def overstays(self, device: ChargerDevice, claim: Claim, held_kw: float | None) -> bool:
        """Whether what it holds after the end is still our limit, and not what it always has."""
        near = tolerance_kw(device)
        free = self.free_kw.get(device.device)
        always = free is not None and abs(free - claim.wire.limit_kw) <= near
        return held_kw is not None and abs(held_kw - claim.wire.limit_kw) <= near and not always

    def holds_foreign_limit(self, device: ChargerDevice) -> bool:
        """Whether it holds a limit that is not ours, or that we do not remember."""
        held, rated = self.free_kw.get(device.device), device.rated_kw
        return held is not None and rated is not None and held < rated - tolerance_kw(device)

    # ---- what is shown -------------------------------------------------------------------------------------

    def statuses(self, now: datetime) -> tuple[DeviceStatus, ...]:
        """All its devices as they are now; while it is away only that: when it went is not known."""
        return tuple(
            self._status(device, now)
            if self.online
            else DeviceStatus(device.feeder, device.device, at=None, online=False)
            for device in self.charger.devices
        )

    def power_kw(self, connector: int, now: datetime) -> float | None:
        """The present power of a connector, of all together for 0; None when it is not known."""
        known = self.connectors.get(connector)
        measured = None if known is None else known.measured
        if measured is not None and measured.p_kw is not None and measured.at >= now - self._fresh:
            return measured.p_kw
        if connector == 0:
            parts = [self.power_kw(number, now) for number in self.connectors if number > 0]
            given = [part for part in parts if part is not None]
            return sum(given) if parts and len(given) == len(parts) else None
        return 0.0 if known is not None and known.status == _NO_CAR else None

    def _status(self, device: ChargerDevice, now: datetime) -> DeviceStatus:
        limit_kw, request = self._shown(device, now)
        return DeviceStatus(
            feeder=device.feeder,
            device=device.device,
            at=now,
            online=True,
            p_kw=self.power_kw(device.connector, now),
            limit_kw=limit_kw,
            request=request,
        )

    def _shown(self, device: ChargerDevice, now: datetime) -> tuple[float | None, str | None]:
        claim, near = self.claims.get(device.device), tolerance_kw(device)
        if claim is None:
            return self.free_kw.get(device.device) if self.holds_foreign_limit(device) else None, None
        command = claim.command
        if not command.start <= now < command.end or not claim.is_held(device):
            return None, None
        if claim.held_kw is None or abs(claim.held_kw - command.limit_kw) <= near:
            return command.limit_kw, command.request
        return claim.held_kw, command.request


def answer_to(command: LimitCommand, kind: AnswerKind, reason: str | None) -> Answer:
    """A device's answer to this command."""
    return Answer(command.feeder, command.device, command.request, kind, reason)
