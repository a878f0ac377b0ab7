"""Where runs are made: in this process, in processes of this machine, or on a Dask cluster.

One run is one task: it lasts seconds and handing it over a millisecond, so that larger pieces would only make
the end of a study wait for its last worker. Each worker has one thread for its arithmetic; matrices here are
small. Results come back in the order in which they are finished, and who calls writes them down.
"""

import asyncio
import logging
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for
from typing import Any, Protocol

import structlog

from simulations.errors import NoCluster
from simulations.studies import one_run
from simulations.studies.one_run import Finished
from simulations.studies.plan import Run
from simulations.studies.study import Run as Where

_AHEAD = 2
"""Tasks given to each worker: the one it makes, and the next."""
_SINGLE_THREADED = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Make(Protocol):
    """Makes one run; must be found by its name in another process."""

    def __call__(self, run: Run, version: str, series: bool) -> Finished: ...  # noqa: D102


def finished_runs(
    runs: Sequence[Run], where: Where, version: str, make: Make = one_run.make
) -> Iterator[Finished]:
    """Make the runs, wherever the study says. Raises NoCluster."""
    if not runs:
        return iter(())
    if where.cluster or where.dask:
        return _on_dask(runs, where, version, make)
    count = min(where.workers or os.cpu_count() or 1, len(runs))
    if count == 1:
        return _here(runs, where, version, make)
    return _in_processes(runs, count, where, version, make)


def _here(runs: Sequence[Run], where: Where, version: str, make: Make) -> Iterator[Finished]:
    """One after the other. Where an asyncio loop runs in this thread, as in a notebook, a thread of its own
    is needed: simulated time is a loop as well."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        yield from (make(run, version, where.series) for run in runs)
        return
    with ThreadPoolExecutor(1, thread_name_prefix="study") as thread:
        for run in runs:
            yield thread.submit(make, run, version, where.series).result()


def _in_processes(
    runs: Sequence[Run], count: int, where: Where, version: str, make: Make
) -> Iterator[Finished]:
    context = multiprocessing.get_context("spawn")
    with (
        _environment(_SINGLE_THREADED),
        ProcessPoolExecutor(count, mp_context=context, initializer=_die_with_parent) as pool,
    ):
        try:
            yield from _as_finished(
                runs, _AHEAD * count, lambda run: pool.submit(_quietly, make, run, version, where.series)
            )
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _as_finished(
    runs: Sequence[Run], ahead: int, submit: Callable[[Run], "Future[Finished]"]
) -> Iterator[Finished]:
    """Never more than `ahead` tasks given out: a study of a million runs needs no memory for them."""
    left = iter(runs)
    given: set[Future[Finished]] = set()
    while True:
        for run in left:
            given.add(submit(run))
            if len(given) >= ahead:
                break
        if not given:
            return
        done, given = wait(given, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()


def _quietly(make: Make, run: Run, version: str, series: bool) -> Finished:
    """In a worker: the daemon's log of a thousand simulated evenings is nobody's reading."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    return make(run, version, series)


def _die_with_parent() -> None:
    """In each worker: end at once when the process that gathers the results is gone, even by kill -9."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker has a parent"

    def watch() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """What processes that are started within the block find; what was set before stays as it was."""
    added = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _on_dask(runs: Sequence[Run], where: Where, version: str, make: Make) -> Iterator[Finished]:
    try:
        import distributed  # noqa: PLC0415  an extra
    except ImportError as error:
        raise NoCluster(
            "distributed is not installed; expected `pip install 'gridward[dask]'`, or [run] without dask "
            "and cluster"
        ) from error
    with _client(distributed, where) as client:
        threads = max(1, sum(client.nthreads().values()))
        tasks = distributed.as_completed(loop=client.loop)
        left = iter(runs)
        _give(client, tasks, left, _AHEAD * threads, make, version, where.series)
        for task in tasks:
            yield task.result()
            _give(client, tasks, left, 1, make, version, where.series)


def _give(  # noqa: PLR0917  one call in two places
    client: Any, tasks: Any, left: Iterator[Run], count: int, make: Make, version: str, series: bool
) -> None:
    for _, run in zip(range(count), left, strict=False):  # in this order: no run is taken and dropped
        tasks.add(client.submit(_quietly, make, run, version, series, pure=False))


@contextmanager
def _client(distributed: Any, where: Where) -> Iterator[Any]:
    if where.cluster:
        try:
            client = distributed.Client(where.cluster, timeout="10s", set_as_default=False)
        except (OSError, ValueError) as error:
            raise NoCluster(f"no Dask scheduler answers at {where.cluster}: {error}") from error
        with client:
            yield client
        return
    count = where.workers or os.cpu_count() or 1
    with (
        _environment(_SINGLE_THREADED),
        distributed.LocalCluster(
            n_workers=count, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client
