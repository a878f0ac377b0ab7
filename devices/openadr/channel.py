"""Carries limits to devices that are reached by OpenADR 3, as events in a VTN, ours or somebody else's [6].

`events_out.py` has what an event says, `event_book.py` what a report means, `event_keeper.py` keeps events
in the VTN, `hearing.py` takes reports in. Rules:

* The next hop is the VTN. That it has the event says nothing of the VEN, whose own report is the Answer.
* A renewal or another limit replaces the event of its request, under the same id. A release shortens it.
* Another request for the same device in the same direction takes the place of the one before: its event is
  written first and the old one ended after, so that there is no gap.
* A VEN whose clock is known to be off gets releases but no limits: it would start and end them by that clock.
* One command of a device at a time.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import numpy as np
import structlog

from devices.backoff import Backoff
from devices.errors import CommandRejected, DeviceError, Unreachable
from devices.messages import Answer, LimitCommand
from devices.openadr import events_out
from devices.openadr.changes import Change
from devices.openadr.channel_settings import ChannelSettings, OpenAdrDevice, check_settings
from devices.openadr.event_book import DeviceKey, OwnEvent
from devices.openadr.event_keeper import EventKeeper
from devices.openadr.hearing import Hearing
from devices.openadr.ports import Body, BusinessLogic
from devices.openadr.watched_vtn import WatchedVtn
from devices.ports import Clock, Deliver

MAX_ASKED_AT_ONCE = 8
"""Questions for reports at one time."""
SILENCE_EVERY_S = 5.0
ENROL_PAUSE_S = 1.0
"""Between two looks at vens that have changed: one that changes all the time must not cost the others."""

log = structlog.get_logger(__name__)


class OpenAdrChannel:
    """TelemetrySource, CommandChannel and LinkHealth of all devices behind one VTN."""

    def __init__(
        self,
        settings: ChannelSettings,
        vtn: BusinessLogic,
        clock: Clock,
        rng: np.random.Generator,
        wire_clock: Clock | None = None,
    ) -> None:
        """`wire_clock` is for waits on the network, when `clock` does not run at real speed.

        Raises ProfileRejected when the settings contradict themselves.
        """
        check_settings(settings)
        self.sent = 0
        """commands that the VTN has taken"""
        self._settings, self._clock, self._wire_clock = settings, clock, wire_clock or clock
        self._vtn = WatchedVtn(vtn)
        self._keeper = EventKeeper(settings, self._vtn, clock)
        self._hearing = Hearing(settings, self._keeper, clock, self._wire_clock)
        self._backoff = Backoff(rng, settings.first_retry_s, settings.longest_retry_s)
        self._one_at_a_time = {key: asyncio.Lock() for key in self._keeper.places}
        self._told_of_refusal = False
        self._ven_changed = asyncio.Event()

    @property
    def connected(self) -> bool:
        """True while the VTN answers; of a single VEN its `DeviceStatus` tells."""
        return self._vtn.answers

    @property
    def received(self) -> int:
        """Reports about our events that came in, good or refused."""
        return self._hearing.received

    @property
    def devices(self) -> frozenset[DeviceKey]:
        """(feeder, device) of all that are reached here."""
        return frozenset(self._keeper.places)

    # ---- in ------------------------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        """Something changed in a VTN of our own: a `devices.openadr.changes.Listener`."""
        if change.kind == "report" and change.operation != "DELETE":
            self._hearing.hear(change.body)
        elif change.kind == "event" and change.operation == "DELETE":
            self._keeper.gone(str(change.body.get("id")))
        elif change.kind in ("ven", "resource") and self._keeper.ven_changed(change.body):
            self._ven_changed.set()

    async def run(self, deliver: Deliver) -> None:
        """Deliver until cancelled. A VTN that does not answer is asked again, with back-off."""
        self._hearing.deliver = deliver
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_events(), name="openadr events")
            tasks.create_task(self._enrol_anew(), name="openadr enrolment")
            tasks.create_task(self._look_for_silence(), name="openadr silence")
            if self._settings.poll_reports_s is not None:
                tasks.create_task(self._poll(self._settings.poll_reports_s), name="openadr reports")

    async def _keep_events(self) -> None:
        """Make ready, hear what was reported while we were away, and keep the VTN tidy from then on."""
        begun = False
        while True:
            try:
                if begun:
                    await self._keeper.tidy()
                else:
                    await self._keeper.program()
                    await self._find_reports()
                    begun = True
            except DeviceError as error:
                self._tell_refusal(error)
                await self._wire_clock.sleep(self._backoff.next_wait_s())
            else:
                self._told_of_refusal = False
                self._backoff.reset()
                await self._clock.sleep(self._settings.tidy_every_s)

    async def _enrol_anew(self) -> None:
        """A VEN that made its ven or resource anew lost what it was granted; not more often than a pause."""
        while True:
            await self._ven_changed.wait()
            self._ven_changed.clear()
            with suppress(DeviceError):  # `_keep_events` does it again
                await self._keeper.enrol()
            await self._wire_clock.sleep(ENROL_PAUSE_S)

    async def _look_for_silence(self) -> None:
        while True:
            await self._clock.sleep(min(SILENCE_EVERY_S, self._settings.silent_after_s / 2))
            self._hearing.look_for_silence()

    async def _poll(self, every_s: float) -> None:
        while True:
            await self._wire_clock.sleep(every_s)
            with suppress(DeviceError):  # told of by the watched VTN, and tried again soon
                await self._keeper.program()
                await self._find_reports()

    async def _find_reports(self) -> None:
        """Hear every report about an event of ours that may still say something new."""
        if self._settings.poll_reports_s is None:
            found = await self._vtn.find("report", {"programID": await self._keeper.program()})
        else:
            found = await self._reports_by_event()
        awaited = self._awaited()
        by_event: dict[str, list[Body]] = {}
        for report in found:
            by_event.setdefault(str(report.get("eventID")), []).append(report)
        for event_id, reports in by_event.items():
            if event_id in awaited:
                self._hearing.hear_found(reports)

    async def _reports_by_event(self) -> list[Body]:
        """Asked for event by event: somebody else's VTN may keep those of a whole program for years."""
        places = asyncio.Semaphore(MAX_ASKED_AT_ONCE)

        async def find(event_id: str) -> list[Body]:
            async with places:
                return await self._vtn.find("report", {"eventID": event_id})

        answers = await asyncio.gather(*map(find, self._awaited()), return_exceptions=True)
        found = [report for answer in answers if isinstance(answer, list) for report in answer]
        faults = [answer for answer in answers if isinstance(answer, BaseException)]
        if faults and not found:
            raise faults[0]
        return found

    def _awaited(self) -> set[str]:
        """Events that somebody may still report about."""
        limits = {own.event_id for own in self._keeper.book if not self._is_done(own)}
        return limits | self._keeper.standing.keys()

    def _is_done(self, own: OwnEvent) -> bool:
        ended = own.answer is not None and own.answer.answer == "ended"
        late = timedelta(seconds=self._settings.silent_after_s)
        return ended or self._clock.now() > own.latest_end + late

    def _tell_refusal(self, error: DeviceError) -> None:
        if isinstance(error, CommandRejected) and not self._told_of_refusal:
            self._told_of_refusal = True
            log.warning("the vtn refuses what we need of it", error=str(error))

    # ---- out -----------------------------------------------------------------------------------------------

    async def send(self, command: LimitCommand) -> None:
        """Hand a command to the VTN; see `devices.ports.CommandChannel.send`."""
        key = (command.feeder, command.device)
        device = self._keeper.places.get(key)
        if device is None:
            raise CommandRejected(f"device {key[1]!r} of feeder {key[0]!r} is not reached by OpenADR")
        release = command.end <= self._clock.now()
        if not release:
            events_out.check_command(command, device.floor_kw)
        await self._ready()
        self._keeper.admit(command, release=release)
        off_s = self._hearing.clock_off_s(key)
        if off_s is not None and not release:
            raise Unreachable(f"the clock of ven {device.ven} is off by {off_s:+.0f} s")
        async with self._one_at_a_time[key]:
            if not self._keeper.rules.is_newest(command):
                raise CommandRejected(f"{command.request}: a later command has gone out meanwhile")
            await (self._release if release else self._limit)(command, device)
        self.sent += 1

    async def _ready(self) -> None:
        try:
            await self._keeper.program()
        except CommandRejected as error:  # not this command: somebody has to look after the VTN
            raise Unreachable(f"the vtn does not let us in: {error}") from error

    async def _limit(self, command: LimitCommand, device: OpenAdrDevice) -> None:
        own = await self._keeper.limit(command, device)
        for other in self._keeper.book.others(command):
            await self._take_place_of(other)
        self._repeat(own)

    async def _release(self, command: LimitCommand, device: OpenAdrDevice) -> None:
        before = self._keeper.book.of_request(command)
        if before is None:
            # somebody took the event away, which the VEN may not know: an event that is over tells it
            self._repeat(await self._keeper.release(command, device))
            return
        let_go = before.answer is not None and before.answer.answer != "accepted"
        # the limit that it holds, over: nothing else may be in the VTN under this request
        held = replace(before.command, end=command.end, epoch=command.epoch, sequence=command.sequence)
        own = await self._keeper.release(held, device)
        if let_go and own.answer is None:
            own.answer = _ended(command, "not held any more")
        self._repeat(own)

    async def _take_place_of(self, other: OwnEvent) -> None:
        """The newest request is the one that holds."""
        now = self._clock.now()
        if other.command.end <= now:
            other.released = True
            return
        told = other.answer is not None and other.answer.answer != "accepted"
        own = await self._keeper.release(replace(other.command, end=now), other.device)
        if not told:
            own.answer = _ended(other.command, "replaced")
            self._repeat(own)

    def _repeat(self, own: OwnEvent) -> None:
        """What is known of this version's fate: it may have been said before, and lost."""
        if own.answer is not None:
            self._deliver(own.answer)

    def _deliver(self, answer: Answer) -> None:
        if self._hearing.deliver is not None:
            self._hearing.deliver(answer)


def _ended(command: LimitCommand, reason: str) -> Answer:
    return Answer(command.feeder, command.device, command.request, "ended", reason)
