"""The console's server for `gridward bench console`, in a process of its own: the real app under uvicorn, and
a made feeder that moves each second. Says its port, then with each line that it is sent the seconds of CPU
that it has used.
"""

import asyncio
import sys
import time
from typing import cast

from prometheus_client import CollectorRegistry

from controller.api.app import create_app
from controller.api.server import serve
from controller.clock import WallClock
from controller.views import LiveViews
from gridward.bench.console_feeder import MadeViews

PERIOD_S = 1.0


async def _serve(n_bus: int, seed: int) -> None:
    clock = WallClock()
    views = MadeViews(n_bus, clock, seed)
    app = create_app(cast("LiveViews", views), CollectorRegistry(), None, clock=clock)
    views.step()
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def asked() -> None:
        if sys.stdin.readline():
            print(time.process_time(), flush=True)
        else:
            loop.remove_reader(sys.stdin)
            over.set()

    loop.add_reader(sys.stdin, asked)
    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, lambda port: print(port, flush=True)))
    stepping = asyncio.create_task(_step(views, clock))
    await over.wait()
    for task in (stepping, serving):
        task.cancel()
    await asyncio.gather(serving, stepping, return_exceptions=True)


async def _step(views: MadeViews, clock: WallClock) -> None:
    due = clock.monotonic()
    while True:
        due += PERIOD_S
        await clock.sleep(due - clock.monotonic())
        views.step()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
