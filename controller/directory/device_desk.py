"""Where devices are looked up: by a part of a name, or those that need somebody first. Part of the shell."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from controller.directory.device_health import HEALTHS, RANK, Health
from controller.directory.device_page import device_page, device_row
from controller.directory.directory import Directory, Feeders, UnknownSupply, page_of, place_of
from controller.directory.directory_views import DevicePage, DevicesPage
from controller.directory.health_board import Board, HealthBoard
from controller.directory.supply_index import SupplyIndex
from controller.directory.text_index import Place, Span

HealthSought = Health | Literal["faulty"]
"""faulty: any but good"""


@dataclass(frozen=True, slots=True)
class _Search:
    """What of the devices is sought."""

    text: str
    spans: Sequence[Span]
    ranks: frozenset[int]
    after: Place | None
    limit: int
    owners: bool
    """whether in the number of whose it is as well"""


class DeviceDesk:
    """Of one site."""

    def __init__(self, directory: Directory) -> None:
        self._all = directory
        self._board = HealthBoard(
            directory.controls,
            directory.books,
            directory.state_of,
            directory.clock,
            wire_clock=directory.wire_clock,
            building=directory.building,
            pauses=directory.pauses,
        )

    async def devices(
        self,
        text: str,
        *,
        feeders: Feeders,
        health: HealthSought | None,
        after: str | None,
        limit: int,
        owners: bool,
    ) -> DevicesPage:
        """Devices in whose name or service point the text stands; without one all, those that need somebody
        first. `owners`: whose they are is sought and told as well, and by which request they are limited: an
        event names requests to everybody. Raises WrongCursor, TimeoutError.
        """
        directory, behind = self._all, place_of(after)
        async with directory.deadline():
            index, board = await directory.index(), await self._board.board()
            spans = index.device_spans(feeders)
            sought = _Search(text, spans, _ranks(health), behind, limit + 1, owners)
            found = await directory.searching.do(_found, index, board, sought)
        places, going_on = page_of(found, limit)
        now = directory.clock.now()
        rows = tuple(
            device_row(control, directory.books, directory.wired, device, now)
            for control, device in (index.device(one.line) for one in places)
        )
        if not owners:
            rows = tuple(replace(row, customer=None, request=None, shown_request=None) for row in rows)
        return DevicesPage(rows, going_on, board.counts(spans), board.at)

    async def stop(self) -> None:
        """Give up what is under way, here and in the directory."""
        await self._all.stop()
        await self._board.stop()

    def warm(self) -> None:
        """Begin what the first who asks would have to wait for."""
        self._all.warm()

    async def device(self, device: str, *, feeders: Feeders) -> DevicePage:
        """A device of these feeders and what was asked of it. Raises UnknownSupply."""
        directory = self._all
        await directory.ready()
        for control in directory.controls.values():
            known = control.registry.device.get(device)
            if known is not None and (feeders is None or control.feeder in feeders):
                return device_page(control, directory.books, directory.wired, known, directory.clock.now())
        raise UnknownSupply(f"there is no device {device!r} on the feeders in question")


def _ranks(health: HealthSought | None) -> frozenset[int]:
    if health is None:
        return frozenset(range(len(HEALTHS)))
    if health == "faulty":
        return frozenset(range(len(HEALTHS))) - {RANK["good"]}
    return frozenset({RANK[health]})


def _found(index: SupplyIndex, board: Board, sought: _Search) -> list[Place]:
    """In another thread."""
    return list(islice(_searched(index, board, sought), sought.limit))


def _searched(index: SupplyIndex, board: Board, sought: _Search) -> Iterator[Place]:
    if sought.text:
        lines = index.owned_devices if sought.owners else index.devices
        found: Iterable[Place] = lines.search(sought.text, sought.spans, sought.after)
        yield from (one for one in found if int(board.ranks[one.line]) in sought.ranks)
        return
    behind = (0, -1) if sought.after is None else (sought.after.tier, sought.after.line)
    for line in board.worst_first(sought.spans, sought.ranks, behind):
        yield Place(int(board.ranks[line]), line)
