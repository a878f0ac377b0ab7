"""Commits without end and says each number once it is durable: run as a process and killed by the tests."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from controller.entries import ReadingsRefused
from controller.settings import Store
from controller.stores.opening import open_store
from controller.stores.port import FeederSample

START = datetime(2026, 1, 12, tzinfo=UTC)


def main(place: str) -> None:
    """`place`: a file, or the URL of a PostgreSQL database of tests, whose server does without fsync."""
    is_url = place.startswith("postgresql:")
    store = open_store(Store(postgres=place, durable=False) if is_url else Store(path=Path(place)))
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
    main(sys.argv[1])
