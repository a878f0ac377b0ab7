"""[6] Tells the field that the controller lives, and devices of guard mode what to do when it does not. Part
of the shell.

The daemon's cycle feeds it: a heartbeat goes out after a round that came to its end, as soon as half of
`HEARTBEAT_PERIOD_S` is over since the last one, so that with cycles of up to that half none comes later than
the whole. A daemon that hangs, whose rounds fail or whose journal cannot be written sends none, and the
devices see to themselves (`devices/failsafe.py`). No task of its own may stand in for the cycle.

A failsafe is journaled before it goes out. What is not taken is not kept: `failsafes.py` tells it anew. A
heartbeat goes right before it, so that nobody who just joined is armed in what looks like silence.
"""

import asyncio
from collections.abc import Iterable
from functools import partial

import structlog

from controller.channel_faults import fault_word, shortened
from controller.entries import FailsafeArmed
from devices.messages import HEARTBEAT_PERIOD_S, Failsafe, Heartbeat
from devices.ports import Clock, FailsafeChannel, HeartbeatChannel
from devices.signing import sign

CONCURRENT = 32
BEAT_WITHIN_S = 2.0
"""A heartbeat that is not taken by then is left out: the next cycle tries again."""
log = structlog.get_logger()


class Guarding:
    """Owns the tellings that are under way. All calls are on the loop's thread."""

    def __init__(
        self,
        failsafes: FailsafeChannel | None,
        heartbeats: HeartbeatChannel | None,
        clock: Clock,
        secret: bytes,
        deadline_s: float,
    ) -> None:
        """Without a channel nothing is told: devices of guard mode then stay unconfirmed, and unasked."""
        self.beats = 0
        """heartbeats that the next hop took"""
        self._failsafes, self._heartbeats, self._clock = failsafes, heartbeats, clock
        self._secret, self._deadline_s = secret, deadline_s
        self._slots = asyncio.Semaphore(CONCURRENT)
        self._under_way: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._beat_at_s: float | None = None
        self._sequence = 0
        self._told: str | None = None

    async def after_round(self, epoch: int, armed: Iterable[FailsafeArmed]) -> None:
        """The round is over: say that we live, when it is time to, and begin to tell the failsafes."""
        to_tell = tuple(armed)
        await self._beat(epoch, at_once=bool(to_tell))
        for entry in to_tell:
            self._start(entry)

    async def stop(self) -> None:
        """Cancel what is under way and wait for it."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _beat(self, epoch: int, *, at_once: bool) -> None:
        now_s = self._clock.monotonic()
        due = self._beat_at_s is None or now_s - self._beat_at_s >= HEARTBEAT_PERIOD_S / 2
        if self._heartbeats is None or not (due or at_once):
            return
        self._sequence += 1
        try:
            async with self._clock.timeout(BEAT_WITHIN_S):
                await self._heartbeats.beat(Heartbeat(self._clock.now(), epoch, self._sequence))
        except Exception as error:  # noqa: BLE001  whatever it was, the cycle goes on and tries again
            self._tell(fault_word(error), error)
            return
        self._beat_at_s, self._told = now_s, None
        self.beats += 1

    def _tell(self, word: str, error: Exception) -> None:
        if self._told != word:
            log.warning("heartbeat_not_sent", reason=word, text=shortened(error))
        self._told = word

    def _start(self, entry: FailsafeArmed) -> None:
        key = (entry.feeder, entry.device)
        if self._failsafes is None or key in self._under_way:
            return
        task = asyncio.create_task(self._arm(self._failsafes, entry), name=f"arm {entry.device}")
        self._under_way[key] = task
        task.add_done_callback(partial(self._over, key))

    def _over(self, key: tuple[str, str], task: asyncio.Task[None]) -> None:
        if self._under_way.get(key) is task:
            del self._under_way[key]

    async def _arm(self, channel: FailsafeChannel, entry: FailsafeArmed) -> None:
        async with self._slots:
            try:
                async with self._clock.timeout(self._deadline_s):
                    await channel.arm(sign(_message(entry), self._secret))
            except Exception as error:
                word = fault_word(error)
                if word == "fault":
                    log.exception("failsafe_channel_failed", device=entry.device)
                log.warning("failsafe_not_sent", device=entry.device, reason=word, text=shortened(error))


def _message(entry: FailsafeArmed) -> Failsafe:
    return Failsafe(
        feeder=entry.feeder,
        device=entry.device,
        failsafe_kw=entry.failsafe_kw,
        failsafe_s=entry.failsafe_s,
        heartbeat_timeout_s=entry.heartbeat_timeout_s,
        epoch=entry.epoch,
        sequence=entry.sequence,
    )
