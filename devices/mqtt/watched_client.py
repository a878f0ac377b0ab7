"""An aiomqtt client whose connection begins in time or not at all, and whose end is known at once.

aiomqtt connects and keeps the link alive. It does not look at the end of a connection before the broker's
answer, keeps the socket of an attempt that is given up, and leaves the end of a connection in futures that
perhaps nobody reads. Knows nothing of sessions, topics and messages.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeVar

import aiomqtt
import paho.mqtt.client as paho

from devices.cancellation import go_on_unless_cancelled

LAST_WORD_S = 0.05
"""An answer that came together with the end of the connection is read within this time."""
HUNG_UP = "the broker ended the connection without an answer; with TLS: does it accept our certificate?"
Heard = Callable[[str, paho.MQTTMessage], None]
_T = TypeVar("_T")

# the client logs every pending publish and each reconnect; who connects tells its own story, once
_quiet = logging.getLogger(f"{__name__}.paho")
_quiet.setLevel(logging.CRITICAL)


def _ignored(_topic: str, _message: paho.MQTTMessage) -> None:
    """For who subscribes to nothing."""


class WatchedClient(aiomqtt.Client):
    """Tells of each message at once, on the loop's thread: aiomqtt's queue stays empty."""

    def __init__(
        self, host: str, port: int, *, connect_deadline_s: float, heard: Heard = _ignored, **options: Any
    ) -> None:
        """`heard` never raises; `options` are aiomqtt's."""
        # one message at most waits where none should be: aiomqtt's queue has no bound when it is not told one
        super().__init__(
            host,
            port,
            timeout=connect_deadline_s,
            max_queued_incoming_messages=1,
            logger=_quiet,
            **options,
        )
        self._deadline_s = connect_deadline_s
        # aiomqtt's `_client` is paho's; all that we do with it is paho's public interface
        self._client.connect_timeout = connect_deadline_s
        self._heard = heard
        self._client.on_message = self._came_in
        self._losing: asyncio.Task[None] | None = None
        self._hung_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._client.on_disconnect = self._chained(self._client.on_disconnect)
        self._retrieve_ends()

    async def __aenter__(self) -> Self:
        connecting = asyncio.ensure_future(super().__aenter__())
        try:
            await asyncio.wait(
                (connecting, self._hung_up), timeout=self._deadline_s, return_when=asyncio.FIRST_COMPLETED
            )
            if not connecting.done():
                await asyncio.wait((connecting,), timeout=LAST_WORD_S)
            if not connecting.done():
                late = f"the broker has not let us in within {self._deadline_s} s"
                raise aiomqtt.MqttError(HUNG_UP if self._hung_up.done() else late)
            connecting.result()
            if self._hung_up.done():
                raise aiomqtt.MqttError("the broker let us in and ended the connection at once")
        except BaseException:
            self._give_up(connecting)
            raise
        self._retrieve_ends()
        self._losing = asyncio.create_task(self._be_lost())
        self._losing.add_done_callback(self._was_lost)
        return self

    async def __aexit__(self, *of_an_error: Any) -> None:
        try:
            await super().__aexit__(*of_an_error)
        except (aiomqtt.MqttError, OSError):
            go_on_unless_cancelled()  # a goodbye that fails does not take the cancellation's place
            raise
        finally:
            if self._losing is not None:
                # it ends by itself, and has then taken note of aiomqtt's reason
                await asyncio.wait((self._losing,), timeout=LAST_WORD_S)
                self._losing.cancel()

    def _retrieve_ends(self) -> None:
        """aiomqtt keeps the end of a connection in futures that perhaps nobody waits for any more: at a stop,
        or where the attempt was given up. Unread, asyncio would tell of each on standard error.
        """
        for ended in (self._connected, self._disconnected):
            ended.remove_done_callback(_read)
            ended.add_done_callback(_read)

    def _give_up(self, connecting: asyncio.Future[Self]) -> None:
        # aiomqtt keeps the socket of an attempt that is given up, and a broker that answers late would let a
        # ghost take over our client id. An attempt that is still in its thread ends when it has its socket.
        self._client.on_socket_open = _too_late
        self._client.on_disconnect = None
        connecting.add_done_callback(_read)
        connecting.cancel()
        self._client.disconnect()

    async def until_lost(self) -> None:
        """Returns never; MqttError when the link is lost."""
        assert self._losing is not None
        await asyncio.wait((self._losing,))
        self._losing.result()

    async def unless_lost(self, awaited: Awaitable[_T]) -> _T:
        """What this brings; MqttError as soon as the link is lost."""
        assert self._losing is not None
        waiting = asyncio.ensure_future(awaited)
        try:
            await asyncio.wait((waiting, self._losing), return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                self._losing.result()
            return waiting.result()
        finally:
            waiting.cancel()

    async def _be_lost(self) -> None:
        async for _ in self.messages:
            raise AssertionError("messages go to `heard`")

    def _came_in(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return  # no broker should pass such a topic on
        self._heard(topic, message)

    def _was_lost(self, losing: asyncio.Task[None]) -> None:
        """Nobody waits any longer for what no longer comes."""
        if not losing.cancelled():
            losing.exception()  # whoever waits is told; nobody need wait

    def _chained(self, tell_aiomqtt: Callable[..., None] | None) -> Callable[..., None]:
        """aiomqtt does not look at an end before the broker's answer, and would wait out its deadline; one
        that comes with the answer it would forget.
        """
        assert tell_aiomqtt is not None

        def ended(*arguments: Any) -> None:
            if self._losing is not None:
                tell_aiomqtt(*arguments)
            if not self._hung_up.done():
                self._hung_up.set_result(None)

        return ended


def _read(ended: asyncio.Future[Any]) -> None:
    if not ended.cancelled():
        ended.exception()


def _too_late(_client: paho.Client, _userdata: Any, line: Any) -> None:
    """For an attempt to connect that was given up while it was in its thread."""
    line.close()
    raise OSError("given up")
