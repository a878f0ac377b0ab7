"""One process of the simulated system, which may die or stand still at any of its steps.

A step is one resumption of one of its tasks: every await that truly waits ends one and begins another. Each
task that is made within the process, however deep, is stepped. A process that dies does nothing more: what
its tasks still do while they are unwound (their `finally`) meets ports that refuse (`alive`). One that stands
still, as by SIGSTOP, goes on exactly where it stood; a cancellation that comes meanwhile waits with it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar, copy_context
from typing import Any

_owner: ContextVar["Process | None"] = ContextVar("process", default=None)
_UNWOUND_AT_MOST = 64
"""awaits within the `finally` of one task"""


class Crashed(BaseException):
    """The process has ended: nobody in it may catch this."""


class Process:
    """Owns its tasks."""

    def __init__(self, died: Callable[["Process"], None]) -> None:
        """`died` is called once, by `kill`."""
        self.dead, self.paused = False, False
        self.steps = 0
        self.die_at: int | None = None
        """the step at which it dies"""
        self.pause_at: int | None = None
        self.stood_still: Callable[[], None] = lambda: None
        self._died = died
        self._stepped: dict[_Stepped, None] = {}
        """in the order of their begin, so that a replay unwinds them alike"""
        self._waiting: list[asyncio.Future[None]] = []
        self._context: Context = copy_context()
        self._context.run(_owner.set, self)

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Begin a task of this process."""
        return asyncio.get_running_loop().create_task(work, name=name, context=self._context)

    def alive(self) -> None:
        """Raises Crashed in a process that has died: every port asks before it does anything."""
        if self.dead:
            raise Crashed

    def die_after(self, steps: int) -> None:
        """Let it die when it has gone so many steps more."""
        self.die_at = self.steps + steps

    def pause_after(self, steps: int) -> None:
        """Let it stand still when it has gone so many steps more."""
        self.pause_at = self.steps + steps

    def kill(self) -> None:
        """It ends here and now. Within one of its own steps the caller raises Crashed as well."""
        if self.dead:
            return
        self.dead, self.paused = True, False
        for stepped in tuple(self._stepped):
            self._context.copy().run(stepped.unwind)
        self._stepped.clear()
        self._waiting.clear()
        self._died(self)

    def resume(self) -> None:
        """Go on after a pause."""
        self.paused = False
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)

    def takes_step(self) -> bool:
        """Count a step; whether it may be gone."""
        if self.dead:
            raise Crashed
        if self.paused:
            return False
        self.steps += 1
        if self.steps == self.die_at:
            self.kill()
            raise Crashed
        if self.steps == self.pause_at:
            self.paused = True
            self.stood_still()
            return False
        return True

    def stands(self) -> Any:
        """What a task waits for while the process stands still."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        return next(iter(future.__await__()))

    def holds(self, stepped: "_Stepped") -> None:
        """A task of it begins."""
        self._stepped[stepped] = None

    def lets_go(self, stepped: "_Stepped") -> None:
        """A task of it is over."""
        self._stepped.pop(stepped, None)


class _Stepped(Coroutine[Any, Any, Any]):
    """A task's coroutine, whose every resumption passes its process."""

    __slots__ = ("_at_work", "_inner", "_process", "_thrown")

    def __init__(self, process: Process, inner: Coroutine[Any, Any, Any]) -> None:
        self._process, self._inner = process, inner
        self._at_work = False
        self._thrown: BaseException | None = None
        """what came while the process stood still"""
        process.holds(self)

    def send(self, value: Any) -> Any:
        if not self._process.takes_step():
            return self._process.stands()
        thrown, self._thrown = self._thrown, None
        return self._go(lambda: self._inner.send(value) if thrown is None else self._inner.throw(thrown))

    def throw(self, kind: Any, value: Any = None, traceback: Any = None) -> Any:
        error = kind if isinstance(kind, BaseException) else (value or kind())
        if not self._process.takes_step():
            self._thrown = error
            return self._process.stands()
        return self._go(lambda: self._inner.throw(error))

    def close(self) -> None:
        if not self._process.dead:
            self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        raise TypeError("only a task steps it")

    def unwind(self) -> None:
        """Have the inner coroutine end, with whatever it still does on the way out."""
        if self._at_work:
            return  # it is the one that dies, and raises by itself
        for _ in range(_UNWOUND_AT_MOST):
            try:
                self._inner.throw(Crashed())
            except BaseException:  # noqa: BLE001  it is over, whatever it says
                return

    def _go(self, on: Callable[[], Any]) -> Any:
        self._at_work = True
        try:
            return on()
        except BaseException:
            self._process.lets_go(self)
            raise
        finally:
            self._at_work = False


def step_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Have all tasks of this loop stepped that are made within a process."""

    def made(
        loop: asyncio.AbstractEventLoop, work: Any, *, context: Context | None = None
    ) -> asyncio.Task[Any]:
        process = _owner.get() if context is None else context.get(_owner)
        if process is None:
            return asyncio.Task(work, loop=loop, context=context)
        task = asyncio.Task(_Stepped(process, work), loop=loop, context=context)
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # those of the dead are no news
        return task

    loop.set_task_factory(made)
