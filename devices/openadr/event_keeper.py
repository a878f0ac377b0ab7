"""Keeps our events in a VTN: one of each request, also after a restart and after an answer that was lost [6].

The events of our program are looked through before the first one is made, and again whenever an event may
have been made whose id we never heard. What is found there is ours by its name. Standing requests for
reports are made and renewed here, and what has been over for long is taken away.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from devices.command_rules import CommandRules
from devices.errors import CommandRejected
from devices.messages import LimitCommand
from devices.openadr import enrolment, events_out
from devices.openadr.channel_settings import ChannelSettings, OpenAdrDevice
from devices.openadr.event_book import DeviceKey, EventBook, OwnEvent
from devices.openadr.iso_time import moment
from devices.openadr.ports import Body, BusinessLogic
from devices.ports import Clock

log = structlog.get_logger(__name__)


class EventKeeper:
    """Of one program in one VTN. All methods raise Unreachable or CommandRejected."""

    def __init__(self, settings: ChannelSettings, vtn: BusinessLogic, clock: Clock) -> None:
        self.book = EventBook()
        self.rules = CommandRules()
        self.found_epoch = 0
        """the highest of an event in the VTN: only as good as who may write there"""
        self.standing: dict[str, OpenAdrDevice] = {}
        """device of each standing request for reports, by event id"""
        self.places: dict[DeviceKey, OpenAdrDevice] = {(d.feeder, d.device): d for d in settings.devices}
        self._settings, self._vtn, self._clock = settings, vtn, clock
        self._since: dict[str, datetime] = {}
        """of each standing request for reports, by event id"""
        self._program_id: str | None = None
        self._unsure: set[str] = set()
        """requests that may have an event whose id we do not know"""
        self._preparing = asyncio.Lock()
        self._of_client: dict[str | None, list[OpenAdrDevice]] = {}
        self._of_ven: dict[str | None, list[OpenAdrDevice]] = {}
        for device in settings.devices:
            if device.client_id is not None:
                self._of_client.setdefault(device.client_id, []).append(device)
            self._of_ven.setdefault(device.ven, []).append(device)
        self._changed: dict[OpenAdrDevice, None] = {}
        """devices whose ven or resource has changed since they were enrolled"""
        self._not_enrolled: dict[OpenAdrDevice, str] = {}

    async def program(self) -> str:
        """The id of our program, once all is as it must be."""
        if self._program_id is not None and not self._unsure:
            return self._program_id
        async with self._preparing:
            if self._program_id is None:
                program_id = await enrolment.our_program(self._vtn, self._settings)
                await self._enrol()
                await self._look_through(program_id)
                await self._ask_for_reports(program_id)
                self._program_id = program_id
            elif self._unsure:
                await self._look_through(self._program_id)
            return self._program_id

    async def tidy(self) -> None:
        """Look again what is there, ask anew for reports, and take away what has been over for long."""
        program_id = await self.program()
        async with self._preparing:
            await self._look_through(program_id)
            await self._ask_for_reports(program_id)
            long_over = self._clock.now() - timedelta(seconds=self._settings.keep_ended_s)
            for own in self.book:
                if own.latest_end < long_over:
                    await self._delete(own.event_id)
            await self._enrol()

    def admit(self, command: LimitCommand, *, release: bool) -> None:
        """As `CommandRules.admit`; a release passes an epoch that was only found: it is safe to let go."""
        if not release and command.epoch < self.found_epoch:
            raise CommandRejected(
                f"{command.request}: stale epoch {command.epoch}, the vtn has an event of {self.found_epoch}"
            )
        self.rules.admit(command)

    async def enrol(self) -> None:
        """See that devices whose ven or resource has changed still get their events."""
        async with self._preparing:
            changed, self._changed = self._changed, {}
            await self._enrol(list(changed))

    async def _enrol(self, devices: list[OpenAdrDevice] | None = None) -> None:
        if not self._settings.enrol:
            return
        refused = await enrolment.enrol(self._vtn, self._settings, devices)
        for device, reason in refused.items():
            if self._not_enrolled.get(device) != reason:
                where = {"feeder": device.feeder, "device": device.device}
                log.warning("device is not enrolled", **where, reason=reason)
        for device in self._settings.devices if devices is None else devices:
            self._not_enrolled.pop(device, None)
        self._not_enrolled |= refused

    def ven_changed(self, body: Body) -> bool:
        """A ven or resource has changed: whether `enrol` is due for one of our devices."""
        mine = [*self._of_client.get(body.get("clientID"), ()), *self._of_ven.get(body.get("venName"), ())]
        self._changed |= dict.fromkeys(mine)
        return bool(mine)

    async def limit(self, command: LimitCommand, device: OpenAdrDevice) -> OwnEvent:
        """Bring this version of a request to the VTN."""
        body = events_out.limit_event(command, device, await self.program(), self._settings)
        return await self._write(command, device, body, released=False)

    async def release(self, command: LimitCommand, device: OpenAdrDevice) -> OwnEvent:
        """Bring the end of a request to the VTN."""
        now = self._clock.now()
        body = events_out.release_event(command, device, await self.program(), self._settings, now)
        return await self._write(command, device, body, released=True)

    async def _write(
        self, command: LimitCommand, device: OpenAdrDevice, body: Body, *, released: bool
    ) -> OwnEvent:
        before = self.book.of_request(command)
        if before is None:
            return await self._create(command, device, body, released=released)
        # noted first: when the answer of the VTN is lost, the VEN may see this version all the same
        own = self.book.write(before.event_id, device, command, self._clock.now(), released=released)
        try:
            await self._vtn.replace("event", own.event_id, body)
        except CommandRejected:
            found = await self._vtn.find("event", {"programID": body["programID"]})
            if any(event.get("id") == own.event_id for event in found):
                self.book.put(before)  # what it has is the version before
                raise
            self.book.forget(own)  # somebody has taken it away
            return await self._create(command, device, body, released=released)
        return own

    async def _create(
        self, command: LimitCommand, device: OpenAdrDevice, body: Body, *, released: bool
    ) -> OwnEvent:
        try:
            made = await self._vtn.create("event", body)
        except CommandRejected:  # it has made none; perhaps somebody took our program away
            self._program_id = None
            raise
        except BaseException:  # it may have, also when we were cancelled meanwhile
            self._unsure.add(command.request)
            raise
        return self.book.write(str(made["id"]), device, command, self._clock.now(), released=released)

    async def _look_through(self, program_id: str) -> None:
        """Know again what of ours is in the VTN. Of two events of one request the newer one counts."""
        unsure = set(self._unsure)
        found = await self._vtn.find("event", {"programID": program_id})
        read = [(body, events_out.read_limit(body)) for body in found]
        ours = [(body, c) for body, c in read if c is not None and (c.feeder, c.device) in self.places]
        for body, command in sorted(ours, key=lambda each: (each[1].epoch, each[1].sequence)):
            before = self.book.of_request(command)
            if before is None or before.event_id != body["id"]:
                await self._adopt(body, command, before)
        self._know_standing(found)
        self._unsure -= unsure

    def _know_standing(self, found: list[Body]) -> None:
        self.standing, self._since = {}, {}
        for body in found:
            standing = events_out.read_standing(body)
            place = None if standing is None else self.places.get((standing.feeder, standing.device))
            if standing is not None and place is not None:
                self.standing[str(body["id"])] = place
                self._since[str(body["id"])] = standing.since

    async def _adopt(self, body: Body, command: LimitCommand, before: OwnEvent | None) -> None:
        self.found_epoch = max(self.found_epoch, command.epoch)
        with suppress(CommandRejected):  # what is there has been commanded: nothing older may follow
            self.rules.admit(replace(command, epoch=self.rules.highest_epoch))
        event_id = str(body["id"])
        if before is not None:
            log.warning("two events of one request in the vtn", request=command.request)
            older = command.sequence < before.command.sequence
            await self._delete(event_id if older else before.event_id)
            if older:
                return
        written_at = moment(str(body.get("modificationDateTime"))) or self._clock.now()
        device, released = self.places[command.feeder, command.device], command.end <= written_at
        self.book.write(event_id, device, command, written_at, released=released)

    async def _ask_for_reports(self, program_id: str) -> None:
        """Every device has one standing request for reports, for `standing_for_s` at most."""
        now = self._clock.now()
        oldest = now - timedelta(seconds=self._settings.standing_for_s)
        by_device: dict[OpenAdrDevice, list[str]] = {device: [] for device in self.places.values()}
        for event_id, device in self.standing.items():
            by_device[device].append(event_id)
        for device, held in by_device.items():
            held.sort(key=lambda event_id: self._since[event_id])
            if not held or self._since[held[-1]] <= oldest:
                body = events_out.standing_event(device, program_id, self._settings, now)
                made = str((await self._vtn.create("event", body))["id"])
                self.standing[made], self._since[made] = device, now
                held.append(made)
            for event_id in held[:-1]:
                await self._delete(event_id)

    async def _delete(self, event_id: str) -> None:
        """An event of ours; the reports about it are their VENs', which alone may delete them (3.1.1)."""
        await self._vtn.delete("event", event_id)
        self.gone(event_id)

    def gone(self, event_id: str) -> None:
        """This event is not in the VTN any more."""
        self.standing.pop(event_id, None)
        self._since.pop(event_id, None)
        own = self.book.by_id(event_id)
        if own is not None:
            self.book.forget(own)
