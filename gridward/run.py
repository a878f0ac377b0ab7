"""`gridward run SITE.toml`: the daemon with its page, until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import structlog

from controller.api.server import CannotListen, serve
from controller.clock import WallClock
from controller.errors import BooksBroken, ConfigRejected, JournalAhead, RecordBroken, Replaced
from controller.log_ring import LogRing
from controller.settings_file import load_site
from controller.stores.port import StoreUnavailable
from customers.errors import RegistryRejected
from devices.errors import ProfileRejected
from grid_model.errors import NetworkRejected
from gridward.shared_clock import ClockRejected, join_clock
from gridward.stopping import stop_event
from gridward.wiring import Assembly, assemble

WRONG_INPUT = (ConfigRejected, RegistryRejected, NetworkRejected, ProfileRejected, ClockRejected, OSError)
NOT_OURS = (CannotListen, StoreUnavailable, RecordBroken, BooksBroken, JournalAhead, Replaced)
"""What ends a daemon and must be told to its operator in a sentence, not as a trace."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("site", type=Path, metavar="SITE.toml")
    parser.add_argument(
        "--clock", type=Path, metavar="FILE", help="the faster clock that `gridward field` began"
    )
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input ends")
    parser.add_argument("--log", choices=("json", "text"), default="text" if sys.stderr.isatty() else "json")


def run(options: argparse.Namespace) -> int:
    """Run until told to stop. 2 when the site cannot be run as it is."""
    ring = configure_logs(options.log)
    try:
        site = load_site(options.site)
        clock = WallClock() if options.clock is None else join_clock(options.clock)
        assembly = assemble(site, clock, np.random.default_rng(), ring)
    except (*WRONG_INPUT, *NOT_OURS) as fault:
        print(f"gridward run: {fault}", file=sys.stderr)
        return 2
    status = 0
    try:
        asyncio.run(_serve(assembly, with_parent=options.with_parent))
    except* NOT_OURS as faults:
        for told in _leaves(faults):
            print(f"gridward run: {told}", file=sys.stderr)
        status = 2
    return status


def _leaves(group: BaseExceptionGroup[Exception]) -> Iterator[Exception]:
    for inner in group.exceptions:
        if isinstance(inner, BaseExceptionGroup):
            yield from _leaves(inner)
        else:
            yield inner


def configure_logs(style: str) -> LogRing:
    """Structured logs on stderr, JSON for machines or text for a terminal; returns where the latest are."""
    ring = LogRing()
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if style == "json" else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            ring,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    return ring


async def _serve(assembly: Assembly, *, with_parent: bool) -> None:
    site = assembly.daemon.site
    stop = stop_event(with_parent=with_parent)
    try:
        async with asyncio.TaskGroup() as tasks:
            running = (
                tasks.create_task(assembly.daemon.run(), name="daemon"),
                tasks.create_task(serve(assembly.app, site.api.host, site.api.port), name="api"),
            )
            await stop.wait()
            for task in running:
                task.cancel()
    finally:
        assembly.store.close()
