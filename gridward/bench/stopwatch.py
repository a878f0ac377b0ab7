"""What a piece of work costs the processor: the least of several runs.

The time of this thread, not of the clock on the wall: that others want the machine as well is not counted,
though they still cool the caches.
"""

import time
from collections.abc import Callable


def best_us(work: Callable[[], object], times: int) -> float:
    """Microseconds of the fastest of several runs."""
    durations = []
    for _ in range(times):
        start = time.thread_time()
        work()
        durations.append(time.thread_time() - start)
    return min(durations) * 1e6
