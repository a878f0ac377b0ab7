"""A store with one whole story in it, as a daemon leaves it behind."""

from pathlib import Path

from controller.entries import ControllerStarted, Entry
from controller.proving.settlement import settle
from controller.settings import Rewards
from controller.stores.sqlite import SqliteStore
from tests.controller.record_builders import (
    EVENT,
    T0,
    after,
    books_of,
    closed,
    moved,
    opened,
    planned,
    samples,
)

R1 = f"{EVENT}-R001"


def write_store(path: Path) -> Path:
    life: tuple[Entry, ...] = (
        ControllerStarted(at=T0, epoch=1, version="0.1.0", feeders=("dorf",)),
        opened(),
        planned(),
        moved(R1, "sent", T0),
        moved(R1, "accepted", T0),
        moved(R1, "active", T0),
        moved(R1, "ended", after(900)),
    )
    record = books_of(*life).requests[R1]
    told = settle(record, beside=(), samples=samples(5.2), position=0, rewards=Rewards(), now=after(930))
    store = SqliteStore(path, durable=False)
    store.take_over("test")
    store.commit([*life, *told, closed()])
    store.close()
    return path


def alter(path: Path, statement: str) -> None:
    """As somebody with the file would, triggers and all."""
    store = SqliteStore(path, durable=False)
    for table in ("journal", "transactions", "postings"):
        for verb in ("update", "delete"):
            store._connection.execute(f"DROP TRIGGER {table}_no_{verb}")
    store._connection.execute(statement)
    store.close()
