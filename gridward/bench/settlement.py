"""One event settled with many customers: verified, rated, booked and durable on the disk [7, 8].

The daemon's own path (`controller/proving/settling.py`) on a store in a folder of this machine's: readings of
every five seconds are read, every request is verified, rated and written in batches. One by one stands
beside it: a commit for each request, as many as one round has time for.
"""

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np
import pandapower

from controller import settings
from controller.bookkeeping import Bookkeeper
from controller.clock import WallClock
from controller.entries import Entry, EventOpened, RequestMoved, RequestPlanned, RequestState
from controller.feeder_control import FeederControl, build_control
from controller.footing import Footing
from controller.live import Live
from controller.metrics import Metrics
from controller.proving.settling import SETTLED_AT_ONCE, Settling
from controller.rewards.ledger import sum_per_unit
from controller.stores.port import FeederSample
from controller.stores.sqlite import SqliteStore
from customers.registry import Customer, Device, Registry
from grid_model.network import network_of

_P = ParamSpec("_P")
_T = TypeVar("_T")
_BEGIN = datetime(2026, 1, 12, 18, 0, tzinfo=UTC)
_ACTIVE_S, _PERIOD_S = 900, 5
_EVENT = "E-bench-20260112T180000Z"
_WRITTEN_AT_ONCE = 2000


def print_figures(seed: int, quick: bool) -> None:
    """Print the seconds of an event of 10,000 customers, in batches and one by one."""
    print_for(seed, 1000 if quick else 10_000)


def print_for(seed: int, customers: int) -> None:
    """The same for so many customers."""
    print(f"requests of {_ACTIVE_S // 60} min, read every {_PERIOD_S} s; SQLite, durable on the disk")
    print(
        f"{'':<28}{'requests':>9}{'seconds':>9}{'of them CPU':>13}{'us each':>9}{'entries':>9}"
        f"{'credited':>9}{'sum':>5}"
    )
    _print(seed, customers, SETTLED_AT_ONCE)
    _print(seed, customers, 1)


def _print(seed: int, customers: int, at_once: int) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(SqliteStore(Path(folder) / "s")) as store,
    ):
        settled, seconds, cpu_s, entries = asyncio.run(
            _settled(store, customers, at_once, np.random.default_rng(seed))
        )
        balances = store.balances()
    credited = sum(1 for (account, unit) in balances if account.startswith("customer:") and unit == "points")
    name = f"at most {at_once} in a commit" if at_once > 1 else "one by one"
    total = sum(abs(n) for n in sum_per_unit(balances.items()).values())
    each_us = seconds / settled * 1e6
    print(
        f"{name:<28}{settled:>9,}{seconds:>9.2f}{cpu_s:>13.2f}{each_us:>9.0f}{entries:>9,}{credited:>9,}{total:>5}",
        flush=True,
    )


async def _settled(
    store: SqliteStore, customers: int, at_once: int, rng: np.random.Generator
) -> tuple[int, float, float, int]:
    """Requests that were settled, seconds that it took in all and of the processors, and entries it wrote."""
    control, clock = _feeder(customers), _AfterTheEvent()
    keeper = Bookkeeper(store, _thread, Metrics(), Live([control.feeder]))
    await keeper.take_over("bench", "0", [control.feeder], _BEGIN)
    await _lived(keeper, customers, rng)
    footing = Footing(control.site, {control.feeder: control}, keeper, clock, _thread, Metrics())
    settling = Settling(footing, store=store, at_once=at_once)
    before, began, cpu_began = keeper.books.seq, time.perf_counter(), time.process_time()
    await settling.settle()
    while at_once > 1 and keeper.books.unsettled(control.feeder):
        await settling.settle()
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    settled = customers - len(keeper.books.unsettled(control.feeder))
    return settled, seconds, cpu_s, keeper.books.seq - before


class _AfterTheEvent(WallClock):
    """A wall clock on the evening of the event."""

    def now(self) -> datetime:
        """A while after its end."""
        return _BEGIN + timedelta(seconds=_ACTIVE_S + 600)


async def _thread(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    return await asyncio.to_thread(partial(function, *args, **kwargs))


def _feeder(customers: int) -> FeederControl:
    net = pandapower.create_empty_network()
    medium = pandapower.create_bus(net, 20.0)
    pandapower.create_ext_grid(net, medium)
    busbar = pandapower.create_bus(net, 0.4)
    pandapower.create_transformer(net, medium, busbar, std_type="0.63 MVA 20/0.4 kV")
    names = [f"sp{n}" for n in range(customers)]
    pandapower.create_loads(net, [busbar] * customers, 1e-5, name=names)
    with contextlib.redirect_stdout(sys.stderr):
        network = network_of(net, "bench")
    registry = Registry(
        tuple(Customer(f"C{n}", f"sp{n}", f"M{n}") for n in range(customers)),
        tuple(Device(f"EV{n}", f"sp{n}", "ev_charger", 11.0, 4.2) for n in range(customers)),
    )
    feeder = settings.Feeder(id="bench", network="bench", customers=Path("c"), devices=Path("d"))
    site = settings.Site(name="bench", feeder=(feeder,))
    return build_control(site, feeder, network, registry)


async def _lived(keeper: Bookkeeper, customers: int, rng: np.random.Generator) -> None:
    """The event as the daemon would have written it, and what the meters showed."""
    await keeper.write([EventOpened(at=_BEGIN, event=_EVENT, feeder="bench", element="trafo:0",
                                    kind="transformer_overload", value=120.0, limit=100.0)])  # fmt: skip
    for first in range(0, customers, _WRITTEN_AT_ONCE // 5):
        batch = range(first, min(first + _WRITTEN_AT_ONCE // 5, customers))
        await keeper.write([entry for number in batch for entry in _life(number)])
    base_kw = rng.uniform(0.3, 3.0, customers)
    for first in range(-300, _ACTIVE_S, _PERIOD_S * 20):
        rows = range(first, min(first + _PERIOD_S * 20, _ACTIVE_S), _PERIOD_S)
        await keeper.write((), [_sample(second, base_kw, rng) for second in rows])


def _life(number: int) -> Iterator[Entry]:
    request, end = f"{_EVENT}-R{number:05d}", _BEGIN + timedelta(seconds=_ACTIVE_S)
    yield RequestPlanned(at=_BEGIN, request=request, event=_EVENT, feeder="bench", resource="device",
                         target=f"EV{number}", kind="ev_charger", customer=f"C{number}",
                         service_point=f"sp{number}", limit_kw=4.2, p_before_kw=11.0, baseline_kw=13.0,
                         start=_BEGIN, end=end, epoch=1, sequence=1, element="trafo:0",
                         value=120.0)  # fmt: skip
    states: tuple[tuple[RequestState, datetime], ...] = (
        ("sent", _BEGIN), ("accepted", _BEGIN), ("active", _BEGIN), ("ended", end),
    )  # fmt: skip
    for state, at in states:
        yield RequestMoved(at=at, request=request, state=state, reason="bench")


def _sample(second: int, base_kw: np.ndarray, rng: np.random.Generator) -> FeederSample:
    charging_kw = 11.0 if second < 0 else 4.2
    p_kw = base_kw + charging_kw + rng.normal(0.0, 0.2, len(base_kw))
    return FeederSample(
        feeder="bench",
        at=_BEGIN + timedelta(seconds=second),
        p_kw=p_kw.astype(np.float32),
        transformer_loading_percent=100.0,
        max_line_loading_percent=None,
        without_control_percent=None,
        curtailed_kw=0.0,
    )
