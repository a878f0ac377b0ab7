"""Takes reports in [1]: who may say what about which device, how much, and what is delivered of it. No I/O.

A report counts when it is about an event of ours and of the VEN that the event is for. By whom it is, the
VTN says in 3.1.1 (`clientID`); in 3.0.1 there is only the client's own word (`clientName`), so there the
VTN has to see to it that a VEN reports about its own events only. Reports about events of others are passed
over.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import msgspec
import structlog

from devices.errors import MalformedMessage
from devices.messages import DeviceStatus, Reading, Refused
from devices.openadr.channel_settings import ChannelSettings, OpenAdrDevice
from devices.openadr.event_book import DeviceKey, Heard, OwnEvent, clock_off_s, measured_at
from devices.openadr.event_keeper import EventKeeper
from devices.openadr.ports import Body
from devices.openadr.reports_in import AGGREGATED, Report, Said, read_report
from devices.ports import Clock, Deliver
from devices.rate import Bucket

KEPT_BYTES = 1024
MAX_SEEN = 20_000
"""Reports remembered, so that one that is polled again is heard once."""

log = structlog.get_logger(__name__)


class Hearing:
    """Of one VTN."""

    def __init__(
        self, settings: ChannelSettings, keeper: EventKeeper, clock: Clock, wire_clock: Clock
    ) -> None:
        self.received = 0
        """reports about our events, good or refused"""
        self.refused: Counter[str] = Counter()
        self.skipped = 0
        """reports that were found too many at once, and not the newest"""
        self.deliver: Deliver | None = None
        self._settings, self._keeper = settings, keeper
        self._clock, self._wire_clock = clock, wire_clock
        self._tolerance = timedelta(seconds=settings.clock_tolerance_s)
        self._fresh = timedelta(seconds=settings.power_fresh_s)
        keys = [(device.feeder, device.device) for device in settings.devices]
        self._heard: dict[DeviceKey, Heard] = dict.fromkeys(keys, Heard())
        self._buckets = {key: Bucket(settings.reports_per_s, settings.reports_burst) for key in keys}
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()

    def clock_off_s(self, key: DeviceKey) -> float | None:
        """How far off the clock of this device's VEN is known to be."""
        return self._heard[key].clock_off_s

    def hear(self, body: Body, *, found: bool = False) -> None:
        """Take one report in; never raises. One that was `found` in the VTN is no flood: we asked for it."""
        event_id = str(body.get("eventID"))
        own = self._keeper.book.by_id(event_id)
        device = self._keeper.standing.get(event_id) if own is None else own.device
        if self.deliver is None or device is None:
            return  # nobody listens yet (it will be found in the VTN), or it is about somebody else's event
        self._see(body)
        self.received += 1
        try:
            if not found and not self._buckets[device.feeder, device.device].take(
                self._wire_clock.monotonic()
            ):
                raise MalformedMessage(
                    "flood", f"more than {self._settings.reports_per_s:g} reports a second"
                )
            report = read_report(body)
            _check_sender(report, device)
            self._take(report, own, device)
        except MalformedMessage as error:
            self._refuse(error, device, body)

    def hear_found(self, bodies: Iterable[Body]) -> None:
        """Take in what was found in the VTN: each once, in order of time, of very many the newest."""
        news = [body for body in bodies if _mark(body) not in self._seen]
        news.sort(key=lambda body: str(body.get("modificationDateTime")))
        newest = news[-self._settings.reports_burst // 2 :]
        self.skipped += len(news) - len(newest)
        for body in news:
            self._see(body)
        for body in newest:
            self.hear(body, found=True)

    def look_for_silence(self) -> None:
        """Whoever has not reported for long counts as offline, and is told of once."""
        if self.deliver is None:
            return
        silent = timedelta(seconds=self._settings.silent_after_s)
        for (feeder, device), heard in self._heard.items():
            if heard.at is not None and self._clock.now() - heard.at > silent:
                self._heard[feeder, device] = Heard(clock_off_s=heard.clock_off_s)
                log.warning("ven is silent", feeder=feeder, device=device)
                self.deliver(DeviceStatus(feeder, device, at=None, online=False))

    def _see(self, body: Body) -> None:
        self._seen[_mark(body)] = None
        if len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)

    def _take(self, report: Report, own: OwnEvent | None, device: OpenAdrDevice) -> None:
        mine = [said for said in report.said if _is_about(said, device, report)]
        if not mine:
            raise MalformedMessage("malformed", f"nothing about {device.resource or device.ven!a}")
        key, fault = (device.feeder, device.device), None
        if self._heard[key].at is None:
            log.info("ven reports", feeder=device.feeder, device=device.device, ven=device.ven)
        self._heard[key] = replace(self._heard[key], at=self._clock.now())
        for said in mine:
            self._watch_clock(said, report, own, key)
            try:
                self._measure(said, device)
                self._answer(said, report, own)
            except MalformedMessage as error:
                fault = error
        self._tell(key)
        if fault is not None:
            raise fault

    def _watch_clock(self, said: Said, report: Report, own: OwnEvent | None, key: DeviceKey) -> None:
        off_s = clock_off_s(said, report, own, self._clock.now(), self._tolerance)
        before = self._heard[key]
        if off_s is None:
            return
        if off_s and before.clock_off_s is None:
            log.warning("clock of a ven is off", device=key[1], feeder=key[0], off_s=round(off_s))
        if not off_s and before.clock_off_s is not None:
            log.info("clock of a ven is right again", device=key[1], feeder=key[0])
        self._heard[key] = replace(before, clock_off_s=off_s or None)

    def _measure(self, said: Said, device: OpenAdrDevice) -> None:
        if said.p_kw is None:
            return
        at = measured_at(said, self._clock.now(), self._tolerance)
        key = (device.feeder, device.device)
        self._heard[key] = self._heard[key].measured(said.p_kw, at)
        if device.meter is not None and self.deliver is not None:
            self.deliver(Reading(device.feeder, device.meter, at, said.p_kw, energy_kwh=said.energy_kwh))

    def _answer(self, said: Said, report: Report, own: OwnEvent | None) -> None:
        if own is None or (said.state is None and said.setpoint_kw is None):
            return
        about = own.about(said, report)
        if about == "unknown":
            raise MalformedMessage("malformed", f"the event has no interval {said.interval}")
        answer = own.hear(said, self._clock.now()) if about == "newest" else None
        if answer is not None and self.deliver is not None:
            self.deliver(answer)

    def _tell(self, key: DeviceKey) -> None:
        """Deliver a device as it is by its VEN's last word."""
        if self.deliver is None:
            return
        now, heard = self._clock.now(), self._heard[key]
        shown = self._keeper.book.shown(key, now)
        limit_kw, request = shown.get("consumption", (None, None))
        production_limit_kw, production_request = shown.get("production", (None, None))
        self.deliver(
            DeviceStatus(
                *key,
                at=now,
                online=True,
                p_kw=heard.power_kw(now, self._fresh),
                limit_kw=limit_kw,
                request=request,
                production_limit_kw=production_limit_kw,
                production_request=production_request,
            )
        )

    def _refuse(self, error: MalformedMessage, device: OpenAdrDevice, body: Body) -> None:
        self.refused[error.reason] += 1
        if self.deliver is not None:
            self.deliver(Refused(f"openadr://{device.ven}", error.reason, error.detail, _kept(body)))


def _mark(body: Body) -> tuple[str, str]:
    """Of one version of one report."""
    return str(body.get("id")), str(body.get("modificationDateTime"))


def _kept(body: Body) -> bytes:
    try:
        return msgspec.json.encode(body)[:KEPT_BYTES]
    except (OverflowError, TypeError, ValueError, RecursionError):
        return b""  # a number that no JSON of ours can say


def _check_sender(report: Report, device: OpenAdrDevice) -> None:
    if device.client_id is not None and report.client_id is not None:
        known = report.client_id == device.client_id
    else:
        known = report.client_name == device.ven
    if not known:
        who = f"client {report.client_id!a:.60}, by its own word {report.client_name!a:.60}"
        raise MalformedMessage("unauthorised", f"{who}, reports about an event of {device.ven!a}")


def _is_about(said: Said, device: OpenAdrDevice, report: Report) -> bool:
    """Of a VEN that is the device itself: whatever it calls it, unless it tells of several things."""
    if device.resource is not None:
        return said.resource == device.resource
    resources = {each.resource for each in report.said}
    return len(resources) == 1 or said.resource in (AGGREGATED, device.ven)
