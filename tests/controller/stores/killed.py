"""Runs something in a process of its own that kills itself (SIGKILL) at its N-th step.

A step is a call or a return in the named modules, calls into C (such as a renaming) among them: so every
place between two effects is one.
"""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType, ModuleType


def killed_at(number: int, modules: tuple[ModuleType, ...], act: Callable[[], object]) -> bool:
    """Whether it was killed; False when it was done before that step. It must not raise."""
    files = {module.__file__ for module in modules}
    child = os.fork()
    if child == 0:
        status = 9
        try:
            steps = 0

            def step(frame: FrameType, event: str, argument: object) -> None:
                nonlocal steps
                if frame.f_code.co_filename in files:
                    steps += 1
                    if steps == number:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.setprofile(step)
            act()
            status = 0
        finally:
            sys.setprofile(None)
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    if os.WIFSIGNALED(ended):
        assert os.WTERMSIG(ended) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(ended) == 0, "it raised"
    return False
