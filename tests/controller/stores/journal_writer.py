"""Commits without end and says each number once it is durable: run as a process and killed by the tests."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from controller.entries import ReadingsRefused
from controller.stores.port import FeederSample
from controller.stores.sqlite import SqliteStore

START = datetime(2026, 1, 12, tzinfo=UTC)


def main(path: Path) -> None:
    store = SqliteStore(path)
    store.take_over("writer")
    count = 0
    while True:
        at = START + timedelta(seconds=count)
        batch = [
            ReadingsRefused(at=at, feeder="dorf", reason="stale", count=count, sample=f"{line}")
            for line in range(3)
        ]
        sample = FeederSample("dorf", at, np.full(50, 1.5, np.float32), 80.0, None, None, 0.0)
        numbers = store.commit(batch, [sample])
        print(numbers[-1], flush=True)
        count += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]))
