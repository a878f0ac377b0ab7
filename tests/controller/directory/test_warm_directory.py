"""What takes long is begun once, goes on when whoever asked has left, and ends with the daemon."""

import asyncio
import contextlib
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from controller.directory import directory as shared
from controller.directory import health_board
from controller.directory.device_desk import DeviceDesk
from controller.directory.directory_views import DevicesPage
from controller.directory.health_board import Board
from controller.directory.pauses import Pauses, Stopped
from controller.directory.supply_index import SupplyIndex
from controller.in_turn import InTurn
from tests.controller.directory.directory_world import Directory, directory_in


class Gate:
    """Holds work up in its thread, and counts what was begun."""

    def __init__(self) -> None:
        self.open, self.begun = threading.Event(), 0

    def pass_through(self) -> None:
        self.begun += 1
        assert self.open.wait(30)


@pytest.fixture
async def world(tmp_path: Path) -> Directory:
    world = directory_in(tmp_path)
    await world.tick(1)
    return world


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate()

    def slow(*args: Any) -> SupplyIndex:
        gate.pass_through()
        return SupplyIndex(*args)

    monkeypatch.setattr(shared, "SupplyIndex", slow)
    yield gate
    gate.open.set()


async def looked(desk: DeviceDesk) -> DevicesPage:
    return await desk.devices("", feeders=None, health=None, after=None, limit=5, owners=False)


async def begun(gate: Gate, times: int = 1) -> None:
    while gate.begun < times:
        await asyncio.sleep(0.001)


async def test_an_index_whose_asker_left_is_there_for_the_next(
    world: Directory, held: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "WITHIN_S", 0.02)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await looked(world.daemon.desks.devices)
    held.open.set()
    monkeypatch.setattr(shared, "WITHIN_S", 15.0)
    page = await looked(world.daemon.desks.devices)
    assert (len(page.items), held.begun) == (5, 1)


async def test_searches_that_hang_take_one_thread_however_many_ask(
    world: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    await looked(world.daemon.desks.devices)
    gate = Gate()

    def hanging(board: Board, *args: Any) -> Iterable[int]:
        gate.pass_through()
        return ()

    monkeypatch.setattr(Board, "worst_first", hanging)
    monkeypatch.setattr(shared, "WITHIN_S", 0.02)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await looked(world.daemon.desks.devices)
    assert gate.begun == 1
    gate.open.set()


async def test_too_many_who_wait_are_told_to_ask_again(world: Directory) -> None:
    async with world.as_of() as client:
        assert (await client.get("/api/v1/devices")).status_code == 200
        desk: Any = world.daemon.desks.devices
        desk._all.searching = InTurn(most_waiting=0)
        answer = await client.get("/api/v1/devices")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_an_old_board_is_told_while_a_newer_one_is_made(
    world: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = world.daemon.desks.devices
    first = await looked(desk)
    gate, made = Gate(), health_board.HealthBoard._made

    def slow(board: Any, now: Any) -> Board:
        gate.pass_through()
        return made(board, now)

    monkeypatch.setattr(health_board.HealthBoard, "_made", slow)
    monkeypatch.setattr(health_board, "PATIENCE_S", 0.01)
    await world.tick(3)
    assert [(await looked(desk)).counted_at for _ in range(3)] == [first.counted_at] * 3
    gate.open.set()
    monkeypatch.setattr(health_board, "PATIENCE_S", 5.0)
    assert ((await looked(desk)).counted_at, gate.begun) == (world.clock.now(), 1)


async def test_a_board_that_cannot_be_made_leaves_the_old_one(
    world: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await looked(world.daemon.desks.devices)

    def broken(board: Any, now: Any) -> Board:
        raise ValueError("out of order")

    monkeypatch.setattr(health_board.HealthBoard, "_made", broken)
    await world.tick(3)
    assert (await looked(world.daemon.desks.devices)).counted_at == first.counted_at


async def test_the_daemon_warms_the_index_after_its_first_round_and_gives_it_up_at_its_end(
    world: Directory, held: Gate
) -> None:
    world.start()
    running = asyncio.create_task(world.daemon.run())
    await begun(held)
    assert world.daemon.feeder_view("F1") is not None, "the first round comes first"
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait_for(running, 5)
    assert not [one for one in asyncio.all_tasks() if "index" in one.get_name()]


def test_long_work_pauses_and_ends_when_it_is_told_to() -> None:
    pauses = Pauses()
    assert list(pauses.within(range(5_000))) == list(range(5_000))
    pauses.stop()
    with pytest.raises(Stopped):
        list(pauses.within(range(5_000)))


def test_those_who_need_somebody_come_in_one_order_whatever_is_looked_at_at_once(
    world: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranks = np.array([1, 0, 1, 7, 0, 1, 1], dtype=np.uint8)
    board, spans = Board(world.clock.now(), ranks), [(0, 3), (4, 7)]
    whole = list(board.worst_first(spans, frozenset({0, 1}), (0, -1)))
    assert whole == [1, 4, 0, 2, 5, 6]
    monkeypatch.setattr(health_board, "_WINDOW", 2)
    assert list(board.worst_first(spans, frozenset({0, 1}), (0, -1))) == whole
    assert list(board.worst_first(spans, frozenset({0, 1}), (1, 0))) == [2, 5, 6]
