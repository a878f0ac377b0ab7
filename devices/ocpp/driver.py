"""The central system (CSMS): one WebSocket server for all chargers of a site, whichever version they speak.

Sockets here; what a connection does is in `link.py`. Each charger has at most one connection: a second one
of the same id that proves who it is takes over, because the first is then most likely half-open. A charger
that is lost is logged once, and once that it is back. Nothing is queued for one that is away: a limit that
goes out minutes late is worse than one that does not.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import structlog
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import NegotiationError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from devices.backoff import Backoff
from devices.command_rules import CommandRules, check_limit
from devices.errors import CommandRejected, Unreachable
from devices.messages import LimitCommand, Refused
from devices.ocpp.admission import Admission, TurnedAway
from devices.ocpp.charger_state import ChargerState
from devices.ocpp.codec_v16 import CodecV16
from devices.ocpp.codec_v201 import CodecV201
from devices.ocpp.doorway import ChargerConnection, Doorway, connection_class
from devices.ocpp.heard import Codec
from devices.ocpp.link import ChargerLink
from devices.ocpp.occupancy import PlugState, plugs
from devices.ocpp.session import Surroundings, Tally
from devices.ocpp.settings import CsmsSettings, check_settings
from devices.ports import Clock, Deliver

CODECS: Mapping[str, Codec] = {codec.subprotocol: codec for codec in (CodecV201(), CodecV16())}
CLOSE_S = 1.0
"""A charger that does not say goodbye in this time is cut off."""
MAX_QUEUED_FRAMES = 16
"""Frames of one charger that wait for us; then its socket is not read."""

log = structlog.get_logger(__name__)
# the library logs every failed handshake with its traceback; we tell our own story, once
_quiet = logging.getLogger(f"{__name__}.websockets")
_quiet.setLevel(logging.CRITICAL)


class CentralSystem:
    """TelemetrySource, CommandChannel and LinkHealth of all chargers of one listener."""

    def __init__(
        self,
        settings: CsmsSettings,
        clock: Clock,
        rng: np.random.Generator,
        wire_clock: Clock | None = None,
    ) -> None:
        """`wire_clock` is for waits on the network, when `clock` does not run at real speed.

        Raises ProfileRejected when the settings contradict themselves.
        """
        check_settings(settings)
        self.tally = Tally()
        self.turned_away: Counter[str] = Counter()
        """connections that were not let in, by reason"""
        self.sent = 0
        """commands that a charger answered"""
        self.connections = 0
        """connections that were let in since the start"""
        self.listening = False
        self.port = settings.port
        """the port in use: the one asked for, or for 0 the free one that was found"""
        self._settings, self._clock, self._rng = settings, clock, rng
        self._wire_clock = wire_clock or clock
        self._backoff = Backoff(rng, settings.first_retry_s, settings.longest_retry_s)
        self._admission = Admission(settings)
        self._doorway = Doorway(settings.max_connections, settings.max_opening)
        self._rules = CommandRules()
        self._states = {c.charge_point: ChargerState(c, settings.power_fresh_s) for c in settings.chargers}
        self._places = {
            (device.feeder, device.device): (charger.charge_point, device)
            for charger in settings.chargers
            for device in charger.devices
        }
        self._links: dict[str, ChargerLink] = {}
        self._sockets: dict[str, ChargerConnection] = {}
        self._told_of_refusal: set[tuple[str | None, str]] = set()
        self._deliver: Deliver | None = None

    @property
    def connected(self) -> bool:
        """True while at least one charger is there; of a single one its `DeviceStatus` tells."""
        return bool(self._links)

    @property
    def received(self) -> int:
        """Frames that came in, good or refused."""
        return self.tally.received

    @property
    def devices(self) -> frozenset[tuple[str, str]]:
        """(feeder, device) of all that are reached here."""
        return frozenset(self._places)

    def plugs(self) -> dict[str, dict[int, PlugState]]:
        """Every connector as it is now, by charge point: for the map of chargers."""
        now = self._clock.now()
        return {name: plugs(state, now) for name, state in self._states.items()}

    # ---- in ------------------------------------------------------------------------------------------------

    async def run(self, deliver: Deliver) -> None:
        """Serve until cancelled. A port that is taken is tried again, with back-off."""
        self._deliver = deliver
        told = False
        while True:
            try:
                await self._serve()
            except OSError as error:
                if not told:
                    told = True
                    where = f"{self._settings.host}:{self._settings.port}"
                    log.warning("cannot listen for chargers", where=where, error=str(error))
            await self._wire_clock.sleep(self._backoff.next_wait_s())

    async def _serve(self) -> None:
        settings = self._settings
        async with serve(
            self._handle,
            settings.host,
            settings.port,
            ssl=settings.tls,
            process_request=self._admit,
            select_subprotocol=_negotiate,
            create_connection=connection_class(self._doorway),
            compression=None,  # a small bomb would unpack beyond every bound, and there is nothing to gain
            server_header=None,
            open_timeout=settings.opening_deadline_s,
            close_timeout=CLOSE_S,
            ping_interval=settings.ping_interval_s,
            ping_timeout=settings.ping_deadline_s,
            max_size=settings.max_message_bytes,
            max_queue=MAX_QUEUED_FRAMES,
            logger=_quiet,
        ) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            self.listening = True
            self._backoff.reset()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self.listening = False

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """The library's hook: None lets in."""
        socket = cast("ChargerConnection", connection)
        address = str((connection.remote_address or ("?",))[0])
        tls = connection.transport.get_extra_info("ssl_object")
        authorizations = request.headers.get_all("Authorization")
        verdict = self._admission.judge(
            request.path,
            authorizations[0] if len(authorizations) == 1 else None,
            None if tls is None else tls.getpeercert(),
            address=address,
            at_s=self._wire_clock.monotonic(),
        )
        if not isinstance(verdict, TurnedAway):
            socket.charge_point = verdict.charge_point
            return None
        self._turn_away(self._admission.charge_point(request.path), address, verdict.reason)
        response = connection.respond(verdict.status, f"{verdict.status.phrase}\n")
        if verdict.status == 401:
            response.headers["WWW-Authenticate"] = 'Basic realm="OCPP", charset="UTF-8"'
        return response

    def _turn_away(self, name: str | None, address: str, reason: str) -> None:
        self.turned_away[reason] += 1
        shown = ascii((name or "")[:64])
        if self._deliver is not None:
            self._deliver(Refused(f"ocpp://{address}", "unauthorised", f"{reason}: {shown}", b""))
        key = (name if name in self._states else None, reason)
        if key not in self._told_of_refusal:
            self._told_of_refusal.add(key)
            log.warning("charger turned away", charger=shown, address=address, reason=reason)

    async def _handle(self, connection: ServerConnection) -> None:
        socket = cast("ChargerConnection", connection)
        socket.opened()
        name = socket.charge_point
        assert name is not None
        assert self._deliver is not None
        around = Surroundings(
            self._settings, self._clock, self._wire_clock, self._deliver, self.tally, self._rules.is_newest
        )
        codec = CODECS[str(connection.subprotocol)]
        prefix = self._rng.bytes(6).hex()
        link = ChargerLink(socket, codec, self._states[name], around, prefix)
        self._take_over(name, link, socket)
        try:
            await link.run()
        except* Exception:
            log.exception("charger link failed", charger=name)
        finally:
            self._leave(name, link)

    def _take_over(self, name: str, link: ChargerLink, socket: ChargerConnection) -> None:
        before = self._sockets.get(name)
        self._links[name], self._sockets[name] = link, socket
        self.connections += 1
        if before is not None:
            before.transport.abort()
        else:
            log.info("charger up", charger=name, version=str(socket.subprotocol))
        link.session.state.online = True
        link.session.tell()

    def _leave(self, name: str, link: ChargerLink) -> None:
        if self._links.get(name) is not link:
            return  # another connection has taken over
        del self._links[name], self._sockets[name]
        link.session.state.online = False
        log.warning("charger lost", charger=name)
        link.session.tell()

    # ---- out -----------------------------------------------------------------------------------------------

    async def send(self, command: LimitCommand) -> None:
        """Carry a command to its charger; see `devices.ports.CommandChannel.send`.

        The charger itself is the next hop, so its Answer is delivered before this returns.
        """
        place = self._places.get((command.feeder, command.device))
        if place is None:
            raise CommandRejected(
                f"device {command.device!r} of feeder {command.feeder!r} is no charger here"
            )
        if command.direction != "consumption":
            # a charging profile bounds what a charger takes, and would be obeyed as that
            raise CommandRejected(f"{command.request}: a charger has no limit on {command.direction}")
        name, device = place
        release = command.end <= self._clock.now()
        if not release:
            check_limit(command, device.floor_kw)
        self._rules.admit(command)
        link = self._links.get(name)
        if link is None:
            raise Unreachable(f"charger {name} is not connected")
        await (link.limits.release(command, device) if release else link.limits.limit(command, device))
        self.sent += 1


def _negotiate(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol:
    """The first version that the charger offers and we speak: it says first what it likes best."""
    for subprotocol in offered:
        if subprotocol in CODECS:
            return subprotocol
    raise NegotiationError(f"expected one of {', '.join(CODECS)} in Sec-WebSocket-Protocol")
