"""The bounded queue between the MQTT client and the daemon [1], and the rule for when it is full.

What devices say (status, answer) goes before readings, so a flood of readings never delays an answer. When it
is full the oldest reading makes room, because the newest one is what the next check needs; when there is no
reading to drop, the message that just came is dropped. Every drop is counted.
"""

import asyncio
from collections import deque

import aiomqtt

_URGENT = ("/status", "/answer")


class Inbox(asyncio.Queue[aiomqtt.Message]):
    """What the client fills and the link drains; made anew for each connection."""

    dropped = 0

    def _init(self, maxsize: int) -> None:
        self._urgent: deque[aiomqtt.Message] = deque()
        self._readings: deque[aiomqtt.Message] = deque()

    def _put(self, message: aiomqtt.Message) -> None:
        urgent = message.topic.value.endswith(_URGENT)
        (self._urgent if urgent else self._readings).append(message)

    def _get(self) -> aiomqtt.Message:
        return (self._urgent or self._readings).popleft()

    def qsize(self) -> int:
        """How many messages wait."""
        return len(self._urgent) + len(self._readings)

    def empty(self) -> bool:
        """True when nothing waits."""
        return not self._urgent and not self._readings

    def put_nowait(self, message: aiomqtt.Message) -> None:
        """Take one message, by the rule above; never raises."""
        if self.full():
            self.dropped += 1
            if not self._readings:
                return
            self._readings.popleft()
        super().put_nowait(message)
