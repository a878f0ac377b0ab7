"""When a long-running command stops: SIGTERM, Ctrl-C, or the end of whoever started it."""

import asyncio
import os
import signal
import sys


def stop_event(*, with_parent: bool = False) -> asyncio.Event:
    """An event that is set once it is time to stop; call it on the running loop.

    `with_parent` means: standard input is a pipe that whoever started us holds open. It ends when they do,
    even when they are killed, so nothing of a demo outlives it.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if with_parent:
        pipe = sys.stdin.fileno()

        def look() -> None:
            if os.read(pipe, 4096) == b"":
                loop.remove_reader(pipe)
                stop.set()

        loop.add_reader(pipe, look)
    return stop
