"""To end when one is cancelled, also where somebody below has swallowed it.

`asyncio.wait_for` before Python 3.12 loses a cancellation that comes together with its result, and a goodbye
that fails takes the cancellation's place. Whoever loops around such calls would go on, and whoever waits for
them to end would wait for ever.
"""

import asyncio


def go_on_unless_cancelled() -> None:
    """asyncio.CancelledError when the task that calls was cancelled."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
